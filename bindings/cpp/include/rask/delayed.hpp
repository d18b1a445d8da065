// delayed<T>: a call that was written down, to be computed as often as wanted.
#ifndef RASK_DELAYED_HPP
#define RASK_DELAYED_HPP

#include <rask/client.hpp>
#include <rask/shared.hpp>

namespace rask {

/// Made by rask::delay, an argument of further ones, computed by client.compute. Belongs to no client. What
/// is built on it keeps it. Copies share it, and may be used by several threads at a time.
template <class T> class [[nodiscard]] delayed {
  public:
    using value_type = T;

    delayed() noexcept = default;
    /// Takes over a handle of the C API's.
    explicit delayed(rask_delayed handle) {
        if (!handle.id)
            return;
        auto *made = new (std::nothrow) held(handle);
        if (!made) {
            std::ignore = rask_delayed_release(handle);
            throw std::bad_alloc();
        }
        held_ = detail::shared<held>(made);
    }

    [[nodiscard]] bool valid() const noexcept { return held_.get() != nullptr; }
    /// The handle, borrowed: for the C API.
    [[nodiscard]] rask_delayed handle() const noexcept { return valid() ? held_->handle : rask_delayed{0}; }

    /// Runs what it needs, each part once.
    future<T> compute(client_ref client) const { return client.compute(*this); }

  private:
    struct held : detail::counted_owners {
        rask_delayed handle;
        explicit held(rask_delayed it) noexcept : handle(it) {}
        ~held() override { std::ignore = rask_delayed_release(handle); }
    };
    detail::shared<held> held_;
};

namespace detail {

template <class F, class... A> auto delay(const options *how, F &&f, A &&...a) {
    // Several runs may share it at a time.
    using wanted = submitted<const std::decay_t<F>, passed_t<A>...>;
    using made = delayed<typename wanted::type>;
    if constexpr (!wanted::is_possible) {
        return made();
    } else {
        const rask_submit_options c = how ? to_c(*how) : rask_submit_options{};
        return made(or_throw(write_down<typename wanted::task>(
            [&](rask_task_fn function, const rask_arg *args, std::size_t count) {
                return rask_delayed_call(function, args, count, how ? &c : nullptr);
            },
            std::forward<F>(f), std::forward<A>(a)...)));
    }
}

template <std::size_t N, std::size_t... I>
auto to_tuple(const rask_future (&all)[N], std::index_sequence<I...>) noexcept {
    return std::make_tuple(all[I]...);
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
    return future<T>(detail::or_throw(rask_compute(handle_, what.handle())));
}
template <class T> std::vector<future<T>> client_ref::compute_all(const std::vector<delayed<T>> &what) const {
    std::vector<rask_delayed> handles;
    handles.reserve(what.size());
    for (const auto &one : what)
        handles.push_back(one.handle());
    std::vector<future<T>> all(what.size());
    check(rask_compute_all(handle_, handles.data(), handles.size(), detail::handles(all.data())));
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
