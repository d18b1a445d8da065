// client: where work runs. client_ref names one that somebody else closes, and has all the verbs; client owns
// one.
#ifndef RASK_CLIENT_HPP
#define RASK_CLIENT_HPP

#include <rask/future.hpp>
#include <rask/options.hpp>
#include <rask/stop.hpp>

#include <vector>

namespace rask {

class with_options;

/// Figures of a client: n_workers, n_running, n_pending, ...
using client_stats = rask_client_stats;

namespace detail {

template <class F> using enable_callable = std::enable_if_t<!std::is_same_v<std::decay_t<F>, options>, int>;

/// How an argument travels to a function of the C API's: as what other languages read.
template <class T, class = void> struct for_c {
    static constexpr bool lists = false;
    using checked = typename checked_plain<T>::type;
    template <class To, class From> static void put(To &to, From &&from) {
        to.add(to_arg<checked>(std::forward<From>(from)));
    }
};
template <class T> struct for_c<T, std::enable_if_t<is_group<T>>> : passing<T> {};

/// Whether the callable is a coroutine, or returns one.
template <class T, class = void> inline constexpr bool is_coroutine = false;
template <class T>
inline constexpr bool is_coroutine<T, std::void_t<typename T::promise_type>> = is_future<T>;
template <class F, class... A> constexpr bool begins_coroutine() {
    using called = task_for<F, A...>;
    if constexpr (called::is_possible)
        return is_coroutine<
            std::decay_t<typename decltype(call<F &, typename called::parameters>::result())::self>>;
    else
        return false;
}

/// See coroutine.hpp, which defines it.
template <class F, class... A>
future<typename submitted<std::decay_t<F>, passed_t<A>...>::type>
submit_coroutine(rask_client client, const options *how, F &&f, A &&...a);

template <class F, class... A> auto submit_stoppable(rask_client client, const options *how, F &&f, A &&...a);

/// Submits what is written down as the C API has it.
inline rask_future submit_to_c(rask_client client, const options *how, rask_task_fn function,
                               const rask_arg *args, std::size_t count) noexcept {
    if (!how)
        return rask_submit(client, function, args, count);
    const rask_submit_options c = to_c(*how);
    return rask_submit_with(client, function, args, count, &c);
}

/// Submits a call as a task.
template <class F, class... A> auto submit_task(rask_client client, const options *how, F &&f, A &&...a) {
    using wanted = submitted<std::decay_t<F>, passed_t<A>...>;
    using made = future<typename wanted::type>;
    if constexpr (!wanted::is_possible) {
        return made();
    } else {
        return made(or_throw(write_down<typename wanted::task>(
            [&](rask_task_fn function, const rask_arg *args, std::size_t count) {
                return submit_to_c(client, how, function, args, count);
            },
            std::forward<F>(f), std::forward<A>(a)...)));
    }
}

/// Submits a call.
template <class F, class... A> auto submit(rask_client client, const options *how, F &&f, A &&...a) {
    static_assert((!holds_delayeds<passed_t<A>> && ...),
                  "rask: a delayed is an argument of rask::delay: compute it first");
    if constexpr (takes_token<std::decay_t<F>, passed_t<A>...>)
        return submit_stoppable(client, how, std::forward<F>(f), std::forward<A>(a)...);
    else if constexpr (begins_coroutine<std::decay_t<F>, passed_t<A>...>())
        return submit_coroutine(client, how, std::forward<F>(f), std::forward<A>(a)...);
    else
        return submit_task(client, how, std::forward<F>(f), std::forward<A>(a)...);
}

/// Whether rask_map can submit an F for each T: one argument, and nothing beside it.
template <class F, class T> constexpr bool is_one_call() {
    using task = task_for<F, T>;
    if constexpr (!task::is_possible)
        return false;
    else
        return task::width == 1 && !task::has_lists && task::called::width == 0 && !begins_coroutine<F, T>();
}

} // namespace detail

/// A client, by a name that closes nothing. Cheap to copy; valid until its owner closes the client. All its
/// members may be called by several threads at a time, and inside tasks.
class client_ref {
  public:
    explicit client_ref(rask_client handle) noexcept : handle_(handle) {}
    [[nodiscard]] rask_client handle() const noexcept { return handle_; }

    // ---- submit ----

    /// Runs f(args...) on a worker as soon as the futures among the arguments are finished. A future<T>
    /// arrives as const T &, a std::vector<future<T>> as a rask::list<T>, a std::tuple of futures as a tuple
    /// of references; any other argument is copied or moved in, and arrives as const reference, or, if it
    /// cannot be copied and f wants it so, as an rvalue. What f throws becomes the future's error. If f
    /// returns a future, the result is that one's. Does not block, but where the client is over its memory
    /// limit. Throws rask::error (closed) once the client is; what else is wrong is the future's error.
    template <class F, class... A, detail::enable_callable<F> = 0> auto submit(F &&f, A &&...args) const {
        return detail::submit(handle_, nullptr, std::forward<F>(f), std::forward<A>(args)...);
    }
    template <class F, class... A> auto submit(const options &how, F &&f, A &&...args) const {
        return detail::submit(handle_, &how, std::forward<F>(f), std::forward<A>(args)...);
    }

    /// Options one by one: `client.with().retries(3).submit(f, x)`.
    [[nodiscard]] with_options with(options how = {}) const;

    /// Submits f(item) for each item, which may be futures: a std::vector of futures in their order. Items of
    /// a range that is given up are moved. With an f without state one call, one wake-up.
    template <class F, class Range, detail::enable_callable<F> = 0> auto map(F &&f, Range &&items) const {
        return map_each(nullptr, std::forward<F>(f), std::forward<Range>(items));
    }
    template <class F, class Range> auto map(const options &how, F &&f, Range &&items) const {
        return map_each(&how, std::forward<F>(f), std::forward<Range>(items));
    }
    /// Submits f(a, b, ...) for the items of several ranges side by side, as far as the shortest goes.
    template <class F, class A, class B, class... More, detail::enable_callable<F> = 0>
    auto map(F &&f, A &&a, B &&b, More &&...more) const {
        return map_side_by_side(nullptr, f, std::forward<A>(a), std::forward<B>(b),
                                std::forward<More>(more)...);
    }
    template <class F, class A, class B, class... More>
    auto map(const options &how, F &&f, A &&a, B &&b, More &&...more) const {
        return map_side_by_side(&how, f, std::forward<A>(a), std::forward<B>(b), std::forward<More>(more)...);
    }

    /// Submits a function of the C API's, whose result can be read as a T. Values and futures reach it as
    /// value.hpp has them for other languages, a rask_arg as it is.
    template <class T, class... A> future<T> call(rask_task_fn function, A &&...args) const {
        return call_with<T>(nullptr, function, std::forward<A>(args)...);
    }
    template <class T, class... A>
    future<T> call(const options &how, rask_task_fn function, A &&...args) const {
        return call_with<T>(&how, function, std::forward<A>(args)...);
    }

    /// Makes a value a finished future, to be an argument of many tasks.
    template <class T> auto scatter(T &&from) const {
        using kept = std::decay_t<T>;
        static_assert(!detail::is_group<detail::passed_t<T>> && !detail::hides_futures<kept>(),
                      "rask: scatter makes a value a future, and this is or has one already");
        using made = typename detail::result<kept>::type;
        const rask_arg arg = detail::to_arg<kept>(std::forward<T>(from));
        return future<made>(detail::or_throw(rask_scatter(handle_, arg)));
    }

    /// Runs what a rask::delayed needs, each part once; of several, what they have in common once.
    template <class T> future<T> compute(const delayed<T> &what) const;
    template <class T> std::vector<future<T>> compute_all(const std::vector<delayed<T>> &what) const;
    template <class... T> std::tuple<future<T>...> compute_all(const delayed<T> &...what) const;

    // ---- all of it ----

    /// Waits until nothing is pending or running, whoever holds it. In a task of its own: rask::error
    /// (deadlock).
    void wait() const { check(rask_client_wait(handle_, RASK_FOREVER)); }
    /// As wait, and no longer than that.
    future_status wait_for(duration limit) const {
        return detail::ended(rask_client_wait(handle_, detail::timeout(limit)));
    }

    /// Figures of this moment.
    [[nodiscard]] client_stats stats() const {
        client_stats now = RASK_CLIENT_STATS_INIT;
        check(rask_client_get_stats(handle_, &now));
        return now;
    }
    /// Records what tasks do, in a file for Perfetto, until trace_stop or close, which write it.
    void trace_start(const std::string &path) const { check(rask_trace_start(handle_, path.c_str())); }
    void trace_stop() const { check(rask_trace_stop(handle_)); }
    /// Writes what is not done and what it waits for, as JSON; to stderr without a path.
    void dump(const std::string &path = {}) const { check(rask_client_dump(handle_, detail::or_null(path))); }

    friend bool operator==(client_ref a, client_ref b) noexcept { return a.handle_.id == b.handle_.id; }
    friend bool operator!=(client_ref a, client_ref b) noexcept { return !(a == b); }

  protected:
    client_ref() noexcept = default;
    rask_client handle_{0};

  private:
    friend class with_options;

    template <class T, class... A>
    future<T> call_with(const options *how, rask_task_fn function, A &&...args) const {
        rask_arg room[sizeof...(A) + 1];
        detail::arguments<(detail::for_c<detail::passed_t<A>>::lists || ... || false)> all(room);
        (detail::for_c<detail::passed_t<A>>::put(all, std::forward<A>(args)), ...);
        const rask_arg *begin = sizeof...(A) == 0 ? nullptr : room;
        return future<T>(detail::or_throw(detail::submit_to_c(handle_, how, function, begin, all.commit())));
    }

    template <class F, class Range> auto map_each(const options *how, F &&f, Range &&items) const {
        using callable = std::decay_t<F>;
        using item = detail::passed_t<decltype(*std::begin(items))>;
        std::vector<decltype(detail::submit(handle_, how, f,
                                            detail::forward_item<Range>(*std::begin(items))))>
            all;
        if constexpr (detail::is_one_call<callable, item>()) {
            using task = detail::task_for<callable, item>;
            detail::row row;
            for (auto &&one : items)
                task::put(row, detail::forward_item<Range>(one));
            all.resize(row.size());
            const rask_submit_options c = how ? detail::to_c(*how) : rask_submit_options{};
            const auto args = row.commit();
            check(rask_map(handle_, &task::run, args.data(), args.size(), how ? &c : nullptr,
                           detail::handles(all.data())));
        } else {
            static_assert(std::is_copy_constructible_v<callable>,
                          "rask: each task of a map has a copy of the callable");
            for (auto &&one : items)
                all.push_back(detail::submit(handle_, how, f, detail::forward_item<Range>(one)));
        }
        return all;
    }

    template <class F, class... Ranges>
    auto map_side_by_side(const options *how, F &f, Ranges &&...ranges) const {
        std::vector<decltype(detail::submit(handle_, how, f,
                                            detail::forward_item<Ranges>(*std::begin(ranges))...))>
            all;
        const auto each = [&](auto &&...at) {
            for (; ((at != std::end(ranges)) && ...); (static_cast<void>(++at), ...))
                all.push_back(detail::submit(handle_, how, f, detail::forward_item<Ranges>(*at)...));
        };
        each(std::begin(ranges)...);
        return all;
    }
};

/// A client with options that are the same for several submits, or chained.
class with_options {
  public:
    with_options(client_ref client, options how) : client_(client), how_(std::move(how)) {}

    with_options priority(int32_t value) && { return how_.priority = value, std::move(*this); }
    with_options retries(uint32_t value) && { return how_.retries = value, std::move(*this); }
    with_options retry_delay(duration value) && { return how_.retry_delay = value, std::move(*this); }
    with_options key(std::string value) && { return how_.key = std::move(value), std::move(*this); }
    with_options name(std::string value) && { return how_.name = std::move(value), std::move(*this); }
    with_options resources(std::string value) && {
        return how_.resources = std::move(value), std::move(*this);
    }
    with_options pure(bool value = true) && { return how_.pure = value, std::move(*this); }
    with_options impure(bool value = true) && { return how_.impure = value, std::move(*this); }
    with_options lane(rask_lane value) && { return how_.lane = value, std::move(*this); }

    template <class F, class... A> auto submit(F &&f, A &&...args) const {
        return client_.submit(how_, std::forward<F>(f), std::forward<A>(args)...);
    }
    template <class F, class... Ranges> auto map(F &&f, Ranges &&...items) const {
        return client_.map(how_, std::forward<F>(f), std::forward<Ranges>(items)...);
    }
    template <class T, class... A> future<T> call(rask_task_fn function, A &&...args) const {
        return client_.call<T>(how_, function, std::forward<A>(args)...);
    }

  private:
    client_ref client_;
    options how_;
};

inline with_options client_ref::with(options how) const { return {*this, std::move(how)}; }

/// An embedded engine with its worker threads, closed at the end of its scope: what has not started is
/// cancelled then, what runs is waited for. Futures may outlive it, and keep their values. In a task or a
/// callback no client can be closed: one that is destroyed there stays open.
class client : public client_ref {
  public:
    /// A worker per processor.
    client() : client(client_options()) {}
    explicit client(const client_options &how) {
        const rask_client_options c = detail::to_c(how);
        handle_ = detail::or_throw(rask_client_open(&c));
    }
    /// So many workers; 0: one per processor.
    explicit client(uint32_t workers) : client(client_options{workers}) {}
    /// Takes over a handle of the C API's.
    [[nodiscard]] static client adopt(rask_client handle) noexcept { return client(client_ref(handle)); }
    client(client &&other) noexcept : client_ref(std::exchange(other.handle_, rask_client{0})) {}
    /// What was owned is closed now, not when `other` goes.
    client &operator=(client &&other) noexcept {
        client taken(std::move(other));
        std::swap(handle_, taken.handle_);
        return *this;
    }
    ~client() {
        if (handle_.id)
            std::ignore = rask_client_close(handle_);
    }

    /// As the destructor, and says what is wrong: rask::error (state) in a task, (lost) where a trace could
    /// not be written. Calls after it are rask::error (closed).
    void close() { check(rask_client_close(handle_)); }

  private:
    explicit client(client_ref adopted) noexcept : client_ref(adopted) {}
};

namespace detail {
/// A client is passed by name: tasks submit to it, and never close it.
template <> struct passing<client> : passing<client_ref> {
    template <class To, class U> static void put(To &to, U &&from) noexcept {
        static_assert(std::is_lvalue_reference_v<U>,
                      "rask: a client is closed by its owner: pass it by name");
        put_words<client_ref>(to, from);
    }
};
} // namespace detail

template <class T> client_ref future<T>::client() const {
    return client_ref(detail::or_throw(rask_future_client(handle_)));
}
template <class T> template <class F> auto future<T>::then(F &&f) const & {
    return client().submit(std::forward<F>(f), *this);
}
template <class T> template <class F> auto future<T>::then(F &&f) && {
    return client().submit(std::forward<F>(f), std::move(*this));
}
template <class T> template <class F> auto future<T>::then(const options &how, F &&f) const & {
    return client().submit(how, std::forward<F>(f), *this);
}

/// How many handles are alive in this process: 0 at the end of a tidy program.
[[nodiscard]] inline uint64_t live_handles() noexcept { return rask_live_handles(); }
/// The version of the library that was loaded: "0.1.0".
[[nodiscard]] inline const char *version() noexcept { return rask_version_string(); }

} // namespace rask
#endif
