// delayed<T>: a call that was written down, to be computed as often as wanted.
#ifndef RASK_DELAYED_HPP
#define RASK_DELAYED_HPP

#include <rask/client.hpp>

namespace rask {

/// Made by rask::delay, an argument of further ones, computed by client.compute. Belongs to no client. What
/// is built on it keeps it.
template <class T> class [[nodiscard]] delayed {
  public:
    using value_type = T;

    delayed() noexcept = default;
    /// Takes over a handle of the C API's.
    explicit delayed(rask_delayed handle) noexcept : handle_(handle) {}
    delayed(delayed &&other) noexcept : handle_(std::exchange(other.handle_, rask_delayed{0})) {}
    delayed &operator=(delayed &&other) noexcept {
        delayed taken(std::move(other));
        std::swap(handle_, taken.handle_);
        return *this;
    }
    ~delayed() {
        if (valid())
            std::ignore = rask_delayed_release(handle_);
    }

    [[nodiscard]] bool valid() const noexcept { return handle_.id != 0; }
    [[nodiscard]] rask_delayed handle() const noexcept { return handle_; }

    /// Runs what it needs, each part once.
    future<T> compute(client_ref client) const { return client.compute(*this); }

  private:
    rask_delayed handle_{0};
};

namespace detail {

template <class T> struct passing<delayed<T>> : passing<future<T>> {
    template <class To> static void put(To &to, const delayed<T> &from) noexcept {
        to.add(rask_lazy(from.handle()));
    }
};

template <class T>
struct passing<T, false, std::enable_if_t<is_range_of_delayeds<T>>>
    : passing<std::vector<future<typename T::value_type::value_type>>> {
    static constexpr bool lists = true;
    template <class To> static void put(To &to, const T &from) {
        std::vector<rask_arg> all;
        for (const auto &one : from)
            all.push_back(rask_lazy(one.handle()));
        to.add(to.keep(std::move(all)));
    }
};

template <class F, class... A> auto delay(const options *how, F &&f, A &&...a) {
    // Several runs may share it at a time.
    using wanted = submitted<const std::decay_t<F>, std::decay_t<A>...>;
    using made = delayed<typename wanted::type>;
    if constexpr (!wanted::is_possible) {
        return made();
    } else {
        const rask_submit_options c = how ? to_c(*how) : rask_submit_options{};
        const rask_delayed handle = write_down<typename wanted::task>(
            [&](rask_task_fn function, const rask_arg *args, std::size_t count) {
                return rask_delayed_call(function, args, count, how ? &c : nullptr);
            },
            std::forward<F>(f), std::forward<A>(a)...);
        if (!handle.id)
            throw_last();
        return made(handle);
    }
}

template <std::size_t N, std::size_t... I>
auto to_tuple(const rask_future (&all)[N], std::index_sequence<I...>) noexcept {
    return std::make_tuple(all[I]...);
}

template <class T> const rask_delayed *handles(const delayed<T> *all) noexcept {
    static_assert(sizeof(delayed<T>) == sizeof(rask_delayed) && std::is_standard_layout_v<delayed<T>>);
    return reinterpret_cast<const rask_delayed *>(all);
}

} // namespace detail

/// Writes f(args...) down: nothing runs. Arguments are as for submit, and further delayeds. f may be called
/// by several threads at a time.
template <class F, class... A, detail::enable_callable<F> = 0> auto delay(F &&f, A &&...args) {
    return detail::delay(nullptr, std::forward<F>(f), std::forward<A>(args)...);
}
template <class F, class... A> auto delay(const options &how, F &&f, A &&...args) {
    return detail::delay(&how, std::forward<F>(f), std::forward<A>(args)...);
}

template <class T> future<T> client_ref::compute(const delayed<T> &what) const {
    return adopt<T>(rask_compute(handle_, what.handle()));
}
template <class T> std::vector<future<T>> client_ref::compute_all(const std::vector<delayed<T>> &what) const {
    std::vector<future<T>> all(what.size());
    auto *out = const_cast<rask_future *>(detail::handles(all.data()));
    check(rask_compute_all(handle_, detail::handles(what.data()), what.size(), out));
    return all;
}
template <class... T> std::tuple<future<T>...> client_ref::compute_all(const delayed<T> &...what) const {
    const rask_delayed all[] = {what.handle()...};
    rask_future out[sizeof...(T)];
    check(rask_compute_all(handle_, all, sizeof...(T), out));
    return std::apply([](auto... handle) { return std::tuple<future<T>...>(future<T>(handle)...); },
                      detail::to_tuple(out, std::index_sequence_for<T...>()));
}

} // namespace rask
#endif
