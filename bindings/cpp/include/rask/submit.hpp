// Submit: a callable and its arguments become a task of the engine's.
//
// One function for each type of callable runs its tasks: it reads the arguments in place, calls, and hands
// over the result or the exception. An empty callable, such as a lambda without captures, is no argument at
// all; a small one travels as words; any other as an object.
#ifndef RASK_SUBMIT_HPP
#define RASK_SUBMIT_HPP

#include <rask/exception.hpp>
#include <rask/passing.hpp>

namespace rask::detail {

// ---- what a callable takes and gives ----

/// What a plain argument of type T is passed by: moved only if nothing else will do.
template <class T, bool MoveOnlyAsRvalue>
using passing_of =
    passing<T, MoveOnlyAsRvalue && form_of<T>() == form::object && !std::is_copy_constructible_v<T>>;

template <class... P> struct pack {};

/// Those parameters that a callable gets.
template <class, class...> struct passed;
template <class... Done> struct passed<pack<Done...>> { using type = pack<Done...>; };
template <class... Done, class P, class... Rest> struct passed<pack<Done...>, P, Rest...> {
    using type = typename std::conditional_t<P::passes, passed<pack<Done..., typename P::parameter>, Rest...>,
                                             passed<pack<Done...>, Rest...>>::type;
};

template <class T> struct type { using self = T; };

template <class F, class> struct call;
template <class F, class... Parameters> struct call<F, pack<Parameters...>> {
    static constexpr bool is_possible = std::is_invocable_v<F, Parameters...>;
    /// A data member of what is passed is copied; other references are refused.
    template <class Given>
    using copied = std::conditional_t<std::is_member_object_pointer_v<std::remove_reference_t<F>>,
                                      std::decay_t<Given>, Given>;
    static auto result() {
        if constexpr (is_possible)
            return type<copied<std::invoke_result_t<F, Parameters...>>>();
        else
            return type<void>();
    }
};

/// Says at compile time what is wrong: in the line that names this type, Callable is what is to be run, and
/// Arguments are what it is given.
template <class Callable, class Arguments> struct rask_the_callable_takes_these_arguments;
template <class Callable, class... Arguments>
struct rask_the_callable_takes_these_arguments<Callable, pack<Arguments...>> {
    static_assert(
        std::is_invocable_v<Callable, Arguments...>,
        "rask: this Callable cannot be called with these Arguments, which are what its tasks would give it. "
        "A future<T> arrives as const T &, a std::vector<future<T>> as rask::list<T>, a std::tuple of "
        "futures as one of "
        "references, any other argument as a const reference to a copy of it");
    using type = void;
};

template <class T, class = void> struct result { using type = std::remove_cv_t<T>; };
template <class T> struct result<T, std::enable_if_t<is_future<T>>> {
    using type = decltype(value_of_future(static_cast<const T *>(nullptr)));
};
template <> struct result<const char *> { using type = std::string_view; };
template <> struct result<void> { using type = void; };

template <class T, class = void> inline constexpr bool is_pointer_like = false;
template <class T> inline constexpr bool is_pointer_like<T, std::void_t<decltype(*std::declval<T>())>> = true;

/// std::invoke, without the weight of <functional>.
template <class F, class... A> decltype(auto) invoke(F &f, A &&...args) {
    return f(std::forward<A>(args)...);
}
template <class M, class C, class Self, class... A>
decltype(auto) invoke(M C::*member, Self &&self, A &&...args) {
    auto &&object = [&]() -> decltype(auto) {
        if constexpr (std::is_base_of_v<C, std::decay_t<Self>>)
            return std::forward<Self>(self);
        else if constexpr (is_pointer_like<Self>)
            return *std::forward<Self>(self);
        else
            return self.get(); // std::reference_wrapper
    }();
    if constexpr (std::is_function_v<M>)
        return (std::forward<decltype(object)>(object).*member)(std::forward<A>(args)...);
    else
        return (std::forward<decltype(object)>(object).*member);
}

// ---- the callable itself ----

/// `Changes`: calling it changes it. Then it is one object for all runs of the task; else a small one is
/// copied for each.
template <class F, bool Changes, class = void> struct closure {
    static constexpr std::size_t width = 1;
    template <class To, class From> static void put(To &to, From &&from) {
        to.add(rask_object(new F(std::forward<From>(from)), &object_type<F>::value));
    }
    struct slot {
        F *at;
        explicit slot(rask_task *task) noexcept
            : at(static_cast<F *>(rask_arg_object(task, 0, &object_type<F>::value))) {}
        F &get() const {
            // Decoded objects may be lost; nothing else can be wrong with what we put there.
            if (!at)
                throw already_failed();
            return *at;
        }
    };
};
template <class F> struct closure<F, false, std::enable_if_t<is_words<F>>> {
    static constexpr std::size_t width = words_of<F>;
    template <class To> static void put(To &to, const F &from) noexcept { put_words<F>(to, from); }
    struct slot : from_words<F> {
        explicit slot(rask_task *task) noexcept : from_words<F>(task, 0) {}
    };
};
template <class F, bool Changes>
struct closure<F, Changes, std::enable_if_t<std::is_empty_v<F> && std::is_trivially_copyable_v<F>>> {
    static constexpr std::size_t width = 0;
    template <class To> static void put(To &, const F &) noexcept {}
    struct slot {
        // Nothing is in it: any byte is one.
        alignas(F) unsigned char none[sizeof(F)] = {};
        explicit slot(rask_task *) noexcept {}
        F &get() noexcept { return *std::launder(reinterpret_cast<F *>(none)); }
    };
};

// ---- the task ----

/// A task that calls an F (a const F, where several runs may share it) with what is passed by P.
template <class F, class... P> struct task_of {
    using parameters = typename passed<pack<>, P...>::type;
    static constexpr bool is_possible = call<F &, parameters>::is_possible;
    using called = closure<std::remove_const_t<F>, is_possible && !call<const F &, parameters>::is_possible>;
    static constexpr std::size_t width = (called::width + ... + P::width);
    static constexpr bool has_lists = (P::lists || ...);

    template <class To, class... From> static void put(To &to, From &&...from) {
        (P::put(to, std::forward<From>(from)), ...);
    }

    static void run(rask_task *task) noexcept { run_at(task, std::index_sequence_for<P...>()); }

  private:
    /// Where argument `at` begins.
    static constexpr std::size_t offset(std::size_t at) {
        const std::size_t widths[] = {called::width, P::width...};
        std::size_t sum = 0;
        for (std::size_t i = 0; i <= at; i++)
            sum += widths[i];
        return sum;
    }

    template <std::size_t... I> static void run_at(rask_task *task, std::index_sequence<I...>) noexcept {
        try {
            typename called::slot function(task);
            std::tuple<typename P::slot...> slots{typename P::slot(task, offset(I))...};
            using given = typename decltype(call<F &, parameters>::result())::self;
            auto make = [&]() -> given {
                if constexpr ((P::passes && ...))
                    return invoke(static_cast<F &>(function.get()), std::get<I>(slots).get()...);
                else
                    return std::apply(
                        [&](auto &&...passed) -> given {
                            return invoke(static_cast<F &>(function.get()),
                                          std::forward<decltype(passed)>(passed)...);
                        },
                        std::tuple_cat(only_passed<P>(std::get<I>(slots))...));
            };
            if constexpr (std::is_reference_v<given>)
                static_cast<void>(make); // refused: see result_of
            else if constexpr (!std::is_same_v<typename result<given>::type, std::remove_cv_t<given>>)
                hand_over<given>(task, make);
            else
                answer<std::remove_cv_t<given>>(task, make);
        } catch (...) {
            fail_with_current(task);
        }
    }

    template <class One, class Slot> static auto only_passed(Slot &slot) {
        if constexpr (One::passes)
            return std::tuple<typename One::parameter>(slot.get());
        else
            return std::tuple<>();
    }

    /// Of a future that the callable returns, the task's result is that of the future.
    template <class Given, class Make> static void hand_over(rask_task *task, Make &make) {
        if constexpr (std::is_same_v<Given, const char *>)
            answer<std::string_view>(task, make);
        else
            rask_return_future(task, make().release());
    }
};

/// The task of a callable and arguments as they are given to submit; move-only ones as const references if it
/// takes them so.
template <class F, class... A>
using task_for = std::conditional_t<task_of<F, passing_of<A, false>...>::is_possible,
                                    task_of<F, passing_of<A, false>...>, task_of<F, passing_of<A, true>...>>;

template <class Task, class F> struct result_of {
    using given = typename decltype(call<F &, typename Task::parameters>::result())::self;
    static_assert(!std::is_reference_v<given>,
                  "rask: the callable returns a reference, which would outlive what it refers to: "
                  "return a value, or a pointer");
    using type = typename result<std::remove_reference_t<given>>::type;
};

/// What a submit of this callable with these arguments gives; a readable error if it cannot be called with
/// them.
template <class F, class... A> struct submitted {
    using task = task_for<F, A...>;
    static constexpr bool is_possible = task::is_possible;
    using type = typename std::conditional_t<
        is_possible, result_of<task, F>,
        rask_the_callable_takes_these_arguments<F &, typename task::parameters>>::type;
};

/// Writes the arguments of a task down and makes `call(function, arguments, count)`.
template <class Task, class Call, class F, class... A> auto write_down(Call &&call, F &&f, A &&...a) {
    rask_arg room[Task::width == 0 ? 1 : Task::width];
    arguments<Task::has_lists> args(room);
    Task::called::put(args, std::forward<F>(f));
    Task::put(args, std::forward<A>(a)...);
    return call(&Task::run, Task::width == 0 ? nullptr : room, args.commit());
}

} // namespace rask::detail
#endif
