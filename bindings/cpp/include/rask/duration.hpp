// Spans of time, which waits and delays are given: any std::chrono::duration, without the weight of <chrono>.
#ifndef RASK_DURATION_HPP
#define RASK_DURATION_HPP

#include <rask.h>

#include <cstdint>
#include <type_traits>

namespace rask {

/// A span of time: what every std::chrono::duration becomes. <chrono> itself, which takes as long to compile
/// as all of these headers, is included by who has one.
struct duration {
    int64_t nanoseconds = 0;

    constexpr duration() noexcept = default;
    /// What nanoseconds cannot hold becomes the most they can.
    template <class Chrono, class Period = typename Chrono::period> constexpr duration(const Chrono &from) {
        constexpr double each = static_cast<double>(Period::num) * 1e9 / Period::den;
        const double about = static_cast<double>(from.count()) * Period::num * 1e9 / Period::den;
        if (about >= 9e18) {
            nanoseconds = INT64_MAX;
        } else if (!(about > -9e18)) {
            nanoseconds = INT64_MIN;
        } else {
            constexpr bool is_whole = 1000000000 % Period::den == 0 && each < 9e18;
            if constexpr (is_whole && std::is_integral_v<decltype(from.count())>)
                nanoseconds = static_cast<int64_t>(from.count()) * static_cast<int64_t>(each);
            else
                nanoseconds = static_cast<int64_t>(about);
            // A span that is smaller than any is not none.
            if (nanoseconds == 0 && about > 0)
                nanoseconds = 1;
        }
    }
};

namespace detail {

/// What is left of the time from one moment to a later one.
inline duration between(duration now, duration then) noexcept {
    duration left;
    if (then.nanoseconds == INT64_MAX ||
        __builtin_sub_overflow(then.nanoseconds, now.nanoseconds, &left.nanoseconds))
        left.nanoseconds = then.nanoseconds > now.nanoseconds ? INT64_MAX : 0;
    return left;
}

/// A span as a timeout: what is below zero has passed, what nanoseconds cannot hold never will.
inline int64_t timeout(duration from) noexcept {
    static_assert(RASK_FOREVER < 0);
    if (from.nanoseconds == INT64_MAX)
        return RASK_FOREVER;
    return from.nanoseconds > 0 ? from.nanoseconds : 0;
}

} // namespace detail
} // namespace rask
#endif
