// Coroutines: `rask::task<T> f(rask::client_ref client, ...)` runs on the workers and is a future of its
// result. From C++20 on.
//
// Each stretch between two co_awaits is a task of the engine's, submitted with the awaited future as
// something to come after, whatever becomes of it; the stretch before returns that task's future. So a
// coroutine that waits takes no thread and no worker, and whoever has its future has the end of the chain. A
// coroutine that will not go on, because it was cancelled or its client closed, is destroyed.
#ifndef RASK_COROUTINE_HPP
#define RASK_COROUTINE_HPP

#include <rask/kept.hpp>

#ifdef __cpp_impl_coroutine
#include <coroutine>
#include <new>

namespace rask {

/// A coroutine that is a future. It begins at once, on a worker of the client among its arguments; without
/// one, of the client of a future among them, or else of the task that calls it.
template <class T = void> class [[nodiscard]] task;

namespace detail {

/// What the engine's task knows while a stretch of the coroutine runs.
struct stretch {
    rask_task *task;
    rask_future awaited{0};
    bool is_over = false;
};

/// Waits for a future, which is read in place.
template <class T> struct future_awaiter {
    const future<T> &awaited;
    stretch *const &now;

    bool await_ready() const noexcept { return is_over(awaited.handle()); }
    void await_suspend(std::coroutine_handle<>) const noexcept { now->awaited = awaited.handle(); }
    decltype(auto) await_resume() const { return awaited.get(); }
};

/// Waits for a future that is given up, whose value is moved out.
template <class T> struct last_awaiter {
    future<T> awaited;
    stretch *const &now;
    future<void> done{};

    bool await_ready() const noexcept { return is_over(awaited.handle()); }
    void await_suspend(std::coroutine_handle<>) noexcept {
        // Only objects are moved out.
        if constexpr (form_of<T>() == form::object)
            done = in_between(rask_task_client(now->task), awaited.handle());
        now->awaited = done.valid() ? done.handle() : awaited.handle();
    }
    decltype(auto) await_resume() { return std::move(awaited).get(); }
};

/// Owns a coroutine that waits for its next stretch.
template <class Promise> struct suspended {
    std::coroutine_handle<Promise> coroutine;
    explicit suspended(std::coroutine_handle<Promise> it) noexcept : coroutine(it) {}
    suspended(const suspended &) = delete;
    ~suspended() {
        if (coroutine)
            coroutine.destroy();
    }
};

/// Submits the next stretch of a suspended coroutine, which is taken on every path.
template <class Promise>
rask_future submit_stretch(rask_client client, std::coroutine_handle<Promise> coroutine,
                           const rask_future *after) noexcept {
    auto *owner = new (std::nothrow) suspended<Promise>(coroutine);
    if (!owner) {
        coroutine.destroy();
        return {0};
    }
    const rask_arg args[] = {rask_object(owner, &object_type<suspended<Promise>>::value),
                             after ? rask_after(*after) : rask_none()};
    return rask_submit(client, Promise::run, args, 2);
}

template <class Derived> struct promise_base {
    rask_client client;
    stretch *now = nullptr;
    shared<counted_owners> kept = kept_here ? *kept_here : shared<counted_owners>();

    template <class... A> explicit promise_base(const A &...args) : client{0} {
        (look_for_client(args), ...);
        (look_for_future(args), ...);
        if (!client.id)
            client = rask_task_client(rask_task_current());
        if (!client.id)
            throw error(RASK_E_INVALID, "a coroutine needs a client: give it one as an argument");
    }

    auto initial_suspend() noexcept {
        struct start {
            void await_suspend(std::coroutine_handle<Derived> coroutine) const noexcept {
                // The coroutine may be over before submit returns; what it returns to is not.
                auto *result = coroutine.promise().result;
                *result = std::remove_pointer_t<decltype(result)>(
                    submit_stretch(coroutine.promise().client, coroutine, nullptr));
            }
            bool await_ready() const noexcept { return false; }
            void await_resume() const noexcept {}
        };
        return start();
    }
    auto final_suspend() noexcept {
        struct end {
            void await_suspend(std::coroutine_handle<Derived> coroutine) const noexcept {
                coroutine.promise().now->is_over = true;
            }
            bool await_ready() const noexcept { return false; }
            void await_resume() const noexcept {}
        };
        return end();
    }
    void unhandled_exception() noexcept { fail_with_current(now->task); }

    template <class U> future_awaiter<U> await_transform(const future<U> &awaited) noexcept {
        return {awaited, now};
    }
    template <class U> future_awaiter<U> await_transform(future<U> &awaited) noexcept {
        return {awaited, now};
    }
    template <class U> last_awaiter<U> await_transform(future<U> &&awaited) noexcept {
        return {std::move(awaited), now};
    }

    /// Runs a stretch.
    static void run(rask_task *task) noexcept {
        auto *owner = static_cast<suspended<Derived> *>(
            rask_arg_object(task, 0, &object_type<suspended<Derived>>::value));
        if (!owner)
            return;
        const auto coroutine = std::exchange(owner->coroutine, nullptr);
        if (!coroutine)
            return rask_fail(task, 0, "a coroutine cannot be run again: call its function again");
        stretch now{task};
        coroutine.promise().now = &now;
        coroutine.resume();
        if (now.is_over)
            return coroutine.destroy();
        // Suspended: from here on it is the next stretch's.
        const rask_future next = submit_stretch(rask_task_client(task), coroutine, &now.awaited);
        if (next.id)
            rask_return_future(task, next);
        else
            rask_fail(task, 0, rask_last_error());
    }

  private:
    template <class A> void look_for_client(const A &arg) noexcept {
        if constexpr (std::is_base_of_v<client_ref, A>) {
            if (!client.id)
                client = arg.handle();
        }
    }
    template <class A> void look_for_future(const A &arg) noexcept {
        if constexpr (is_future<A>) {
            if (!client.id)
                client = rask_future_client(arg.handle());
        }
    }
};

template <class T> struct promise : promise_base<promise<T>> {
    using promise_base<promise>::promise_base;
    rask::task<T> *result = nullptr;
    rask::task<T> get_return_object() noexcept { return rask::task<T>(*this); }
    template <class U = T> void return_value(U &&value) {
        answer<T>(this->now->task, [&]() -> T { return std::forward<U>(value); });
    }
};
template <> struct promise<void> : promise_base<promise<void>> {
    using promise_base<promise>::promise_base;
    rask::task<void> *result = nullptr;
    rask::task<void> get_return_object() noexcept;
    void return_void() const noexcept {}
};

} // namespace detail

template <class T> class [[nodiscard]] task : public future<T> {
  public:
    using promise_type = detail::promise<T>;
    using future<T>::future;
    task() noexcept = default;

  private:
    friend promise_type;
    /// The promise fills it in when the coroutine is ready to begin; it stands where the caller has it from
    /// the start.
    explicit task(promise_type &promise) noexcept { promise.result = this; }
};

inline task<void> detail::promise<void>::get_return_object() noexcept { return task<void>(*this); }

} // namespace rask
#endif
#endif
