// Stop tokens: a callable that takes a std::stop_token first is told by it that its task was cancelled; and a
// token of the program's can cancel a future. From C++20 on.
#ifndef RASK_STOP_HPP
#define RASK_STOP_HPP

#include <rask/future.hpp>

#if __cplusplus >= 202002L && __has_include(<stop_token>)
#include <stop_token>
#endif
#ifdef __cpp_lib_jthread

namespace rask {
namespace detail {

/// Calls an F with the token of a source that is stopped when the task's future is done, which is before the
/// task only if it was cancelled.
template <class F> struct stoppable {
    F function;
    std::stop_source source;

    template <class... A>
    requires std::is_invocable_v<F &, std::stop_token, A...>
    decltype(auto) operator()(A &&...args) {
        return detail::invoke(function, source.get_token(), std::forward<A>(args)...);
    }
};

template <class F, class... A> constexpr bool needs_token() {
    // One after the other: a generic callable that can do without may not even compile with a token.
    if constexpr (task_for<F, A...>::is_possible)
        return false;
    else
        return task_for<stoppable<F>, A...>::is_possible;
}

/// Whether only a token makes the call complete.
template <class F, class... A> inline constexpr bool takes_token = needs_token<F, A...>();

} // namespace detail

/// Cancels the future when a stop is requested, as long as what this returns is kept.
template <class T> [[nodiscard]] auto cancel_on(std::stop_token token, future<T> future) {
    auto cancel = [future = std::move(future)]() noexcept {
        std::ignore = rask_cancel(future.handle(), "stop requested");
    };
    return std::stop_callback<decltype(cancel)>(std::move(token), std::move(cancel));
}

} // namespace rask
#endif
#endif
