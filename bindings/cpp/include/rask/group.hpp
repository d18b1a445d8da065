// Groups: futures that are an argument together, in a vector or another range, a tuple, a pair, or any of
// these in one another. The task gets their values in the same arrangement.
#ifndef RASK_GROUP_HPP
#define RASK_GROUP_HPP

#include <rask/arguments.hpp>
#include <rask/value.hpp>

namespace rask {

template <class T> class delayed;

namespace detail {

/// The type of a future's value, also of what is derived from one.
template <class T> T value_of_future(const future<T> *);
template <class T, class = void> inline constexpr bool is_future = false;
template <class T>
inline constexpr bool is_future<T, std::void_t<decltype(value_of_future(static_cast<const T *>(nullptr)))>> =
    true;
template <class T> inline constexpr bool is_delayed = false;
template <class T> inline constexpr bool is_delayed<delayed<T>> = true;

/// Futures that lie in a row.
template <class T, class = void> inline constexpr bool is_range_of_futures = false;
template <class T>
inline constexpr bool is_range_of_futures<
    T, std::void_t<decltype(std::declval<const T &>().data(), std::declval<const T &>().size(),
                            typename T::value_type())>> = is_future<typename T::value_type>;
template <class T, std::size_t N> inline constexpr bool is_range_of_futures<T[N], void> = is_future<T>;

/// The handles of futures that lie in a row, as they are.
template <class T> const rask_future *handles(const future<T> *futures) noexcept {
    static_assert(sizeof(future<T>) == sizeof(rask_future) && std::is_standard_layout_v<future<T>>);
    return reinterpret_cast<const rask_future *>(futures);
}
/// Likewise of empty ones, for a call that fills them in.
template <class T> rask_future *handles(future<T> *futures) noexcept {
    return const_cast<rask_future *>(handles(static_cast<const future<T> *>(futures)));
}

// ---- what is a group ----

/// What a range consists of, if it is one whose items lie somewhere.
template <class T, class = void> struct range_item { using type = void; };
template <class T>
struct range_item<
    T, std::void_t<
           decltype(std::end(std::declval<const T &>())),
           std::enable_if_t<std::is_lvalue_reference_v<decltype(*std::begin(std::declval<const T &>()))>>>> {
    using type = std::decay_t<decltype(*std::begin(std::declval<const T &>()))>;
};
template <class T, class = void> struct value_type_of { using type = void; };
template <class T> struct value_type_of<T, std::void_t<typename T::value_type>> {
    using type = std::decay_t<typename T::value_type>;
};

struct futures_only {
    template <class T> static constexpr bool includes = is_future<T>;
};
struct delayeds_only {
    template <class T> static constexpr bool includes = is_delayed<T>;
};

/// So deep in one another.
inline constexpr int max_depth = 6;

template <class Which, class T, int Depth> struct holding;
/// Whether T is one of those, or arranges some for the task.
template <class Which, class T, int Depth = max_depth> constexpr bool holds() {
    if constexpr (!std::is_class_v<T> && !std::is_array_v<T>)
        return false;
    else if constexpr (Which::template includes<T>)
        return true;
    else
        return holding<Which, T, Depth>::value;
}
/// Ranges; of themselves, too, as paths are, hence the limit.
template <class Which, class T, int Depth> struct holding {
    static constexpr bool value = holds<Which, typename range_item<T>::type, Depth - 1>();
};
template <class Which, class T> struct holding<Which, T, 0> { static constexpr bool value = false; };
template <class Which, class... T, int Depth> struct holding<Which, std::tuple<T...>, Depth> {
    static constexpr bool value = (holds<Which, std::decay_t<T>, Depth - 1>() || ...);
};
template <class Which, class A, class B, int Depth> struct holding<Which, std::pair<A, B>, Depth> {
    static constexpr bool value =
        holds<Which, std::decay_t<A>, Depth - 1>() || holds<Which, std::decay_t<B>, Depth - 1>();
};

template <class T> inline constexpr bool holds_delayeds = holds<delayeds_only, T>();
/// Whether T is a future or a group, or a delayed or a group of those.
template <class T> inline constexpr bool is_group = holds<futures_only, T>() || holds_delayeds<T>;

template <class T, class = void> inline constexpr bool is_variant = false;
template <template <class...> class V, class... T>
inline constexpr bool
    is_variant<V<T...>, std::void_t<decltype(std::declval<V<T...>>().valueless_by_exception())>> =
        (is_group<std::decay_t<T>> || ...);

/// Whether a plain value has futures in it that the task would get as handles: optional ones, queues of them.
template <class T> constexpr bool hides_futures() {
    if constexpr (!std::is_class_v<T> || is_group<T>)
        return false;
    else
        return is_group<typename value_type_of<T>::type> || is_variant<T>;
}

/// Says so at compile time.
template <class T> struct checked_plain {
    static_assert(
        !hides_futures<T>(),
        "rask: the futures in this argument would reach the task as handles, not as values: pass them as "
        "arguments of their own, or in a vector, array, map, tuple or pair");
    using type = T;
};

// ---- what the task gets for one ----

template <class T, class = void> struct shown : checked_plain<T> {};
template <> struct shown<const char *> { using type = std::string_view; };
template <> struct shown<char *> { using type = std::string_view; };
template <class T> struct shown<T, std::enable_if_t<is_future<T>>> {
    using type = decltype(value_of_future(static_cast<const T *>(nullptr)));
};
template <class T> struct shown<delayed<T>> { using type = T; };
template <class T>
struct shown<T, std::enable_if_t<is_group<T> && !std::is_void_v<typename range_item<T>::type>>> {
    using type = list<typename shown<typename range_item<T>::type>::type>;
};
template <class... T> struct shown<std::tuple<T...>, std::enable_if_t<is_group<std::tuple<T...>>>> {
    using type = values<typename shown<std::decay_t<T>>::type...>;
};
template <class A, class B> struct shown<std::pair<A, B>, std::enable_if_t<is_group<std::pair<A, B>>>> {
    using type = two_values<typename shown<std::decay_t<A>>::type, typename shown<std::decay_t<B>>::type>;
};
/// What a group is as a value of the engine's.
template <class T> using shown_t = typename shown<T>::type;

// ---- how it is written down ----

/// An item of a range: of one that is given up, it may be moved.
template <class Range, class T> decltype(auto) forward_item(T &&item) noexcept {
    if constexpr (std::is_lvalue_reference_v<Range>)
        return static_cast<std::remove_reference_t<T> &>(item);
    else
        return static_cast<std::remove_reference_t<T> &&>(item);
}

/// Whether only the group itself needs no room of its own.
template <class T> inline constexpr bool is_one_arg = is_future<T> || is_delayed<T> || is_range_of_futures<T>;

/// A group, or what is in one, as an argument.
template <class T, class To, class From> rask_arg group_arg(To &to, From &&from) {
    if constexpr (is_delayed<T>) {
        return rask_lazy(from.handle());
    } else if constexpr (is_future<T>) {
        if constexpr (std::is_lvalue_reference_v<From> || std::is_const_v<std::remove_reference_t<From>>)
            return future_arg(from.handle());
        else
            return taken_arg(from.release());
    } else if constexpr (is_range_of_futures<T>) {
        return rask_list_of(handles(std::data(from)), std::size(from));
    } else if constexpr (!is_group<T>) {
        return to_arg<T>(std::forward<From>(from));
    } else {
        row items;
        const auto add = [&](auto &&one) {
            items.add(group_arg<std::decay_t<decltype(one)>>(to, std::forward<decltype(one)>(one)));
        };
        if constexpr (std::is_void_v<typename range_item<T>::type>) {
            std::apply([&](auto &&...one) { (add(std::forward<decltype(one)>(one)), ...); },
                       std::forward<From>(from));
        } else {
            for (auto &&one : from)
                add(forward_item<From>(one));
        }
        return to.keep(std::move(items));
    }
}

/// As what an argument is passed: itself, without const or reference; arrays as pointers, but for those of
/// futures.
template <class A>
using passed_t = std::conditional_t<std::is_array_v<std::remove_reference_t<A>> &&
                                        is_group<std::remove_cv_t<std::remove_reference_t<A>>>,
                                    std::remove_cv_t<std::remove_reference_t<A>>, std::decay_t<A>>;

} // namespace detail
} // namespace rask
#endif
