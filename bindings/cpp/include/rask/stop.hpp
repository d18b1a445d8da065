// Stop tokens: a callable that takes a std::stop_token first is told by it that its task was cancelled; and a
// token of the program's can cancel a future. From C++20 on, for who includes <stop_token>.
#ifndef RASK_STOP_HPP
#define RASK_STOP_HPP

#include <rask/future.hpp>

#if __cplusplus >= 202002L && __has_include(<stop_token>)
#define RASK_STOP_TOKENS_
#ifdef __GLIBCXX__
// <stop_token> takes as long to compile as all of these headers, and most programs have none: they only need
// its names.
// clang-format off
namespace std _GLIBCXX_VISIBILITY(default) {
_GLIBCXX_BEGIN_NAMESPACE_VERSION
class stop_token;
class stop_source;
template <typename> class stop_callback;
_GLIBCXX_END_NAMESPACE_VERSION
} // namespace std
// clang-format on
#else
#include <stop_token>
#endif
#endif

namespace rask {
namespace detail {

#ifdef RASK_STOP_TOKENS_

/// Calls an F with the token of a source that is stopped when the task's future is done, which is before the
/// task only if it was cancelled.
template <class F, class Source> struct stoppable {
    F function;
    Source source;

    template <class... A>
    requires std::is_invocable_v<F &, decltype(std::declval<Source &>().get_token()), A...>
    decltype(auto) operator()(A &&...args) {
        return detail::invoke(function, source.get_token(), std::forward<A>(args)...);
    }
};

/// Whether T is defined, where the question is about F.
template <class T, class F, class = void> inline constexpr bool is_defined_for = false;
template <class T, class F>
inline constexpr bool is_defined_for<T, F, std::void_t<decltype(sizeof(T))>> = true;

template <class F, class... A> constexpr bool needs_token() {
    // One after the other: a generic callable that can do without may not even compile with a token.
    if constexpr (task_for<F, A...>::is_possible)
        return false;
    else if constexpr (is_defined_for<std::stop_source, F>)
        return task_for<stoppable<F, std::stop_source>, A...>::is_possible;
    else
        return false;
}

/// Whether only a token makes the call complete.
template <class F, class... A> inline constexpr bool takes_token = needs_token<F, A...>();
template <class F, class Source, class... A>
inline constexpr bool takes_token<stoppable<F, Source>, A...> = false;

template <class F, class... A> auto submit(rask_client client, const options *how, F &&f, A &&...a);

template <class F, class... A>
auto submit_stoppable(rask_client client, const options *how, F &&f, A &&...a) {
    using called = stoppable<std::decay_t<F>, std::stop_source>;
    auto source = decltype(called::source)();
    auto told = detail::submit(client, how, called{std::forward<F>(f), source}, std::forward<A>(a)...);
    told.on_done([source]() mutable { source.request_stop(); });
    return told;
}

#else

template <class F, class... A> inline constexpr bool takes_token = false;

#endif

} // namespace detail

#ifdef RASK_STOP_TOKENS_
/// Cancels the future when a stop is requested by the std::stop_token, as long as what this returns is kept.
template <class Token, class T> [[nodiscard]] auto cancel_on(Token token, future<T> future) {
    static_assert(std::is_same_v<Token, std::stop_token>, "rask: cancel_on takes a std::stop_token");
    auto cancel = [future = std::move(future)]() noexcept {
        std::ignore = rask_cancel(future.handle(), "stop requested");
    };
    return std::stop_callback<decltype(cancel)>(std::move(token), std::move(cancel));
}
#endif

} // namespace rask

#undef RASK_STOP_TOKENS_
#endif
