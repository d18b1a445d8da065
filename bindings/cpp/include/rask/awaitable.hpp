// co_await of a future in coroutines of any type, such as a framework's: they go on on a worker of the
// future's client. A rask::task has ways of its own (coroutine.hpp). From C++20 on.
#ifndef RASK_AWAITABLE_HPP
#define RASK_AWAITABLE_HPP

#include <rask/gather.hpp>

#ifdef __cpp_impl_coroutine
#include <coroutine>

namespace rask {
namespace detail {

/// Resumes a coroutine, once: as a task; or, where there will be none because the client is closed, when that
/// is clear. Somebody else's coroutine must not be left behind, as nobody else would resume it, nor
/// destroyed, as it is not ours.
class resumption {
  public:
    explicit resumption(std::coroutine_handle<> coroutine) noexcept : coroutine_(coroutine) {}
    resumption(const resumption &) = delete;
    ~resumption() {
        try {
            resume();
        } catch (...) { // NOLINT: its promise lets exceptions out, and nobody is there to be told
        }
    }

    static void run(rask_task *task) noexcept {
        try {
            if (auto *here =
                    static_cast<resumption *>(rask_arg_object(task, 0, &object_type<resumption>::value)))
                here->resume();
        } catch (...) {
            fail_with_current(task);
        }
    }

  private:
    void resume() {
        if (coroutine_)
            std::exchange(coroutine_, nullptr).resume();
    }

    std::coroutine_handle<> coroutine_;
};

/// Suspends a coroutine until a future is done: `Future` is a reference to it, or the future, which is given
/// up.
template <class Future> struct any_awaiter {
    Future awaited;

    [[nodiscard]] bool await_ready() const noexcept { return is_over(awaited.handle()); }
    void await_suspend(std::coroutine_handle<> coroutine) const {
        auto *owner = new resumption(coroutine);
        const rask_client client = rask_future_client(awaited.handle());
        future<void> between;
        if constexpr (!std::is_reference_v<Future>)
            between = in_between(client, awaited.handle());
        const rask_arg args[] = {
            arg_of(RASK_OBJECT, reinterpret_cast<uint64_t>(owner), &object_type<resumption>::value),
            rask_after(between.valid() ? between.handle() : awaited.handle())};
        // From here on the coroutine may go on, and be gone, and with it what this is.
        std::ignore = rask_fire_and_forget(rask_submit(client, resumption::run, args, 2));
    }
    decltype(auto) await_resume() {
        if (!await_ready())
            throw error(RASK_E_CLOSED, "the client was closed before the future was done");
        return static_cast<Future &&>(awaited).get();
    }
};

} // namespace detail

template <class T>
detail::any_awaiter<const future<T> &> operator co_await(const future<T> &awaited) noexcept {
    return {awaited};
}
template <class T> detail::any_awaiter<const future<T> &> operator co_await(future<T> &awaited) noexcept {
    return {awaited};
}
template <class T> detail::any_awaiter<future<T>> operator co_await(future<T> &&awaited) noexcept {
    return {std::move(awaited)};
}

} // namespace rask
#endif
#endif
