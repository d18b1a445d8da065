// Passing: how each argument of a submit travels into its task.
//
// What is small and trivially copyable lies in the task's node as words; anything else is an object on the
// heap, once. A future is passed as itself, and read in place when it is done.
#ifndef RASK_PASSING_HPP
#define RASK_PASSING_HPP

#include <rask/group.hpp>

namespace rask {

namespace detail {

/// A plain argument that can only be moved out, by the one run that gets it.
template <class T> struct once {
    explicit once(T &&from) : held(std::move(from)) {}
    T held;
    bool is_taken = false;
};

// ---- how an argument of each type travels ----
//
// width: how many arguments of the engine's it is; lists: whether they need room beside. put: adds them.
// Inside the task, slot(task, index) reads them, and get() is what the callable is called with; `passes` is
// false for what is only waited for.

/// So many words of a plain value are passed as such.
inline constexpr std::size_t max_words = 3;

template <class T>
inline constexpr bool is_words =
    std::is_trivially_copyable_v<T> && !std::is_empty_v<T> && sizeof(T) <= max_words * sizeof(int64_t) &&
    alignof(T) <= alignof(std::max_align_t) && form_of<T>() != form::text && form_of<T>() != form::view &&
    !is_group<T>;

template <class T>
inline constexpr std::size_t words_of = (sizeof(T) + sizeof(int64_t) - 1) / sizeof(int64_t);

template <class T, class To> void put_words(To &to, const T &from) noexcept {
    int64_t words[words_of<T>] = {};
    if constexpr (!std::has_unique_object_representations_v<T> && std::is_copy_constructible_v<T>) {
        T copy(from);
        clear_padding(copy);
        std::memcpy(words, &copy, sizeof copy);
    } else {
        std::memcpy(words, &from, sizeof from);
    }
    for (const int64_t word : words)
        to.add(integer_arg(word));
}

/// What words are read back into: by a copy of bytes, since words are no T.
template <class T> struct from_words {
    alignas(T) unsigned char bytes[sizeof(T)];
    from_words(rask_task *task, std::size_t index) noexcept {
        int64_t words[words_of<T>];
        for (std::size_t i = 0; i < words_of<T>; i++)
            words[i] = rask_arg_i64(task, index + i);
        std::memcpy(bytes, words, sizeof bytes);
    }
    T &get() noexcept { return *std::launder(reinterpret_cast<T *>(bytes)); }
};

/// An argument of the engine's of a C++ type; what is wrong with it has failed the task.
template <class T> class read_arg {
  public:
    static constexpr form shape = form_of<T>();

    read_arg(rask_task *task, std::size_t index) : value_(fetch(task, index)) {}

    decltype(auto) get() const noexcept {
        if constexpr (shape == form::object || shape == form::bytes)
            return static_cast<const T &>(*value_);
        else
            return (value_);
    }
    /// The object itself, for who owns it.
    T *object() const noexcept { return value_; }

  private:
    using held = std::conditional_t<shape == form::object, T *,
                                    std::conditional_t<shape == form::bytes, const T *, reference_t<T>>>;

    static held fetch(rask_task *task, std::size_t index) {
        if constexpr (shape == form::integer) {
            const int64_t wide = rask_arg_i64(task, index);
            if (wide == 0)
                expect(task, index, RASK_I64, RASK_I64);
            return narrowed<T>(wide);
        } else if constexpr (shape == form::real) {
            const double wide = rask_arg_f64(task, index);
            if (wide == 0)
                expect(task, index, RASK_F64, RASK_I64);
            return static_cast<T>(wide);
        } else if constexpr (shape == form::object) {
            return there(static_cast<T *>(rask_arg_object(task, index, &object_type<T>::value)));
        } else if constexpr (shape == form::text) {
            return there(rask_arg_str(task, index));
        } else if constexpr (shape == form::bytes) {
            std::size_t size;
            const auto *small = there(static_cast<const T *>(rask_arg_bytes(task, index, &size)));
            if (size != sizeof(T))
                throw_size(sizeof(T), size);
            return small;
        } else {
            return read<T>(there(rask_arg_value(task, index)));
        }
    }

    /// The engine has said already why it is not.
    template <class P> static P *there(P *read) {
        if (!read)
            throw already_failed();
        return read;
    }

    /// 0 is also what is read where there is no number.
    static void expect(rask_task *task, std::size_t index, rask_kind kind, rask_kind or_kind) {
        const rask_kind found = rask_value_kind(rask_arg_value(task, index));
        if (found != kind && found != or_kind)
            throw already_failed();
    }

    held value_;
};

struct plain {
    static constexpr std::size_t width = 1;
    static constexpr bool lists = false;
    static constexpr bool passes = true;
};

/// A plain value of type T; `Moved`: by its only owner, who may be called with it as an rvalue.
template <class T, bool Moved = false, class = void> struct passing : plain {
    using checked = typename checked_plain<T>::type;
    using parameter = const reference_t<checked> &;
    template <class To, class U> static void put(To &to, U &&from) {
        to.add(to_arg<T>(std::forward<U>(from)));
    }
    using slot = read_arg<T>;
};

/// A small trivially copyable value, as words.
template <class T>
struct passing<T, false, std::enable_if_t<is_words<T> && form_of<T>() == form::bytes>> : plain {
    static constexpr std::size_t width = words_of<T>;
    using parameter = const T &;
    template <class To, class U> static void put(To &to, U &&from) noexcept { put_words<T>(to, from); }
    struct slot : from_words<T> {
        using from_words<T>::from_words;
        const T &get() noexcept { return from_words<T>::get(); }
    };
};

/// A number, as itself: C reads it too, and pure tasks tell 1 from 1.0.
template <class T>
struct passing<T, false, std::enable_if_t<form_of<T>() == form::real || form_of<T>() == form::integer>>
    : plain {
    using parameter = const T &;
    template <class To, class U> static void put(To &to, U &&from) noexcept {
        to.add(to_arg<T>(static_cast<T>(from)));
    }
    struct slot {
        T value;
        slot(rask_task *task, std::size_t index) noexcept
            : value([&] {
                  if constexpr (form_of<T>() == form::real)
                      return static_cast<T>(rask_arg_f64(task, index));
                  else
                      return static_cast<T>(rask_arg_i64(task, index));
              }()) {}
        const T &get() const noexcept { return value; }
    };
};

template <class T> struct passing<T, true> : plain {
    using parameter = T &&;
    template <class To, class U> static void put(To &to, U &&from) {
        to.add(to_arg<once<T>>(std::forward<U>(from)));
    }
    struct slot : read_arg<once<T>> {
        using read_arg<once<T>>::read_arg;
        T &&get() const {
            once<T> &only = *this->object();
            if (std::exchange(only.is_taken, true))
                throw error(RASK_E_STATE, "an argument was moved into an earlier run of the task: "
                                          "take it by const reference to run the task again");
            return std::move(only.held);
        }
    };
};

/// Read by nobody: what is only waited for.
struct waited {
    waited(rask_task *, std::size_t) noexcept {}
};

/// A future, or several: their values. Of what has none, nothing.
template <class T> struct passing<T, false, std::enable_if_t<is_group<T>>> : plain {
    using value = shown_t<T>;
    static constexpr bool lists = !is_one_arg<T>;
    static constexpr bool passes = !std::is_void_v<value> && !std::is_same_v<value, list<void>>;
    using parameter = const reference_t<value> &;
    template <class To, class U> static void put(To &to, U &&from) noexcept(!lists) {
        to.add(group_arg<T>(to, std::forward<U>(from)));
    }
    using slot = std::conditional_t<passes, read_arg<std::conditional_t<passes, value, int>>, waited>;
};

} // namespace detail
} // namespace rask
#endif
