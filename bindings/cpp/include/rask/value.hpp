// Values: what of C++ becomes which value of the engine's, and how it is read again.
//
//   bool, integers, enums      RASK_I64        read as themselves
//   float, double              RASK_F64        read as themselves
//   pointers                   RASK_POINTER    read as themselves, never followed
//   std::string_view           RASK_BYTES      bytes: copied in, read in place
//   const char *               RASK_BYTES      text: likewise; as a result it becomes a std::string_view
//   small trivially copyable   RASK_BYTES      up to 23 bytes, inside the future; read in place
//   rask::list, rask::values   RASK_LIST       read in place, item by item
//   rask::value                any             looked at in place
//   everything else            RASK_OBJECT     once on the heap; read in place as const T &
//
// Strings, and vectors of what is trivially copyable, are objects that are bytes: C reads them in place as
// such.
#ifndef RASK_VALUE_HPP
#define RASK_VALUE_HPP

#include <rask/arguments.hpp>
#include <rask/codec.hpp>
#include <rask/error.hpp>

#include <cstring>
#include <new>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace rask {

template <class T> class future;
template <class T> class list;
template <class... T> struct values;
template <class A, class B> struct two_values;
class value;

/// What stands for a void in a tuple of results.
struct nothing {};

namespace detail {

enum class form { none, integer, real, pointer, text, view, bytes, list, values, any, object };

template <class T> inline constexpr bool is_list = false;
template <class T> inline constexpr bool is_list<list<T>> = true;
template <class T> inline constexpr bool is_values = false;
template <class... T> inline constexpr bool is_values<values<T...>> = true;
template <class A, class B> inline constexpr bool is_values<two_values<A, B>> = true;

/// So many bytes lie in a future itself.
inline constexpr std::size_t max_inline = 23;

template <class T> constexpr form form_of() {
    if constexpr (std::is_void_v<T>)
        return form::none;
    else if constexpr ((std::is_integral_v<T> || std::is_enum_v<T>)&&sizeof(T) <= sizeof(int64_t))
        return form::integer;
    else if constexpr (std::is_same_v<T, float> || std::is_same_v<T, double>)
        return form::real;
    else if constexpr (std::is_same_v<T, const char *>)
        return form::text;
    else if constexpr (std::is_pointer_v<T>)
        return form::pointer;
    else if constexpr (std::is_same_v<T, std::string_view>)
        return form::view;
    else if constexpr (is_list<T>)
        return form::list;
    else if constexpr (is_values<T>)
        return form::values;
    else if constexpr (std::is_same_v<T, value>)
        return form::any;
    else if constexpr (std::is_trivially_copyable_v<T> && sizeof(T) <= max_inline && alignof(T) <= 16)
        return form::bytes;
    else
        return form::object;
}

/// How a value of T is read in place, and what a reader gets who must own it.
template <class T, form = form_of<T>()> struct reading {
    using reference = T;
    using owned = T;
};
template <class T> struct reading<T, form::none> {
    using reference = nothing;
    using owned = nothing;
};
template <class T> struct reading<T, form::bytes> {
    using reference = const T &;
    using owned = T;
};
template <class T> struct reading<T, form::object> : reading<T, form::bytes> {};
template <class T> struct reading<T, form::view> {
    using reference = std::string_view;
    using owned = std::string;
};
template <class T> struct reading<list<T>, form::list> {
    using reference = list<T>;
    using owned = std::vector<typename reading<T>::owned>;
};
template <class... T> struct reading<values<T...>, form::values> {
    using reference = std::tuple<typename reading<T>::reference...>;
    using owned = std::tuple<typename reading<T>::owned...>;
};
template <class A, class B> struct reading<two_values<A, B>, form::values> {
    using reference = std::pair<typename reading<A>::reference, typename reading<B>::reference>;
    using owned = std::pair<typename reading<A>::owned, typename reading<B>::owned>;
};

} // namespace detail

/// What reading a value of T gives: T for what is copied anyway, const T & for all else.
template <class T> using reference_t = typename detail::reading<T>::reference;

namespace detail {

/// A pointer to anything as one to void: also to functions, which the platforms of the library allow.
template <class T> void *untyped(T *pointer) noexcept {
    if constexpr (std::is_function_v<T>)
        return reinterpret_cast<void *>(pointer);
    else
        return const_cast<void *>(static_cast<const volatile void *>(pointer));
}
template <class T> T typed(void *pointer) noexcept {
    if constexpr (std::is_function_v<std::remove_pointer_t<T>>)
        return reinterpret_cast<T>(pointer);
    else
        return static_cast<T>(pointer);
}

/// An integer of another language's that may not be one of T's.
template <class T> T narrowed(int64_t wide) {
    if constexpr (std::is_same_v<T, bool>) {
        return wide != 0;
    } else {
        const T narrow = static_cast<T>(wide);
        if constexpr (sizeof(T) < sizeof(int64_t)) {
            if (static_cast<int64_t>(narrow) != wide)
                throw error(RASK_E_TYPE, "the integer " + std::to_string(wide) + " is out of range");
        }
        return narrow;
    }
}

[[noreturn]] inline void throw_size(std::size_t wanted, std::size_t found) {
    throw error(RASK_E_TYPE, "wanted " + std::to_string(wanted) + " bytes, found " + std::to_string(found));
}

template <class T> reference_t<T> read(const rask_value *from);

inline void expect_list(const rask_value *list, std::size_t size) {
    if (rask_value_count(list) != size)
        throw error(RASK_E_TYPE, "wanted a list of " + std::to_string(size) + " items, found one of " +
                                     std::to_string(rask_value_count(list)));
}
template <class... T, std::size_t... I>
std::tuple<reference_t<T>...> read_each(const rask_value *list, std::index_sequence<I...>) {
    return std::tuple<reference_t<T>...>{read<T>(rask_value_at(list, I))...};
}
template <class... T> std::tuple<reference_t<T>...> read_values(const rask_value *list, values<T...> *) {
    expect_list(list, sizeof...(T));
    return read_each<T...>(list, std::index_sequence_for<T...>());
}
template <class A, class B>
std::pair<reference_t<A>, reference_t<B>> read_values(const rask_value *list, two_values<A, B> *) {
    expect_list(list, 2);
    return {read<A>(rask_value_at(list, 0)), read<B>(rask_value_at(list, 1))};
}

/// Reads a value in place; a value of another kind is an error.
template <class T> reference_t<T> read(const rask_value *from) {
    constexpr form shape = form_of<T>();
    if constexpr (shape == form::none) {
        return {};
    } else if constexpr (shape == form::integer) {
        int64_t wide;
        check(rask_value_i64(from, &wide));
        return narrowed<T>(wide);
    } else if constexpr (shape == form::real) {
        double wide;
        check(rask_value_f64(from, &wide));
        return static_cast<T>(wide);
    } else if constexpr (shape == form::pointer) {
        void *pointer;
        check(rask_value_pointer(from, &pointer));
        return typed<T>(pointer);
    } else if constexpr (shape == form::list || shape == form::any) {
        return T(from);
    } else if constexpr (shape == form::values) {
        return read_values(from, static_cast<T *>(nullptr));
    } else if constexpr (shape == form::object) {
        void *object;
        check(rask_value_object(from, &object_type<T>::value, &object));
        return *static_cast<const T *>(object);
    } else {
        const void *data;
        std::size_t size;
        check(rask_value_bytes(from, &data, &size));
        static_assert(shape != form::text,
                      "rask: bytes need not end with a NUL: read them as a std::string_view");
        if constexpr (shape == form::view) {
            return {static_cast<const char *>(data), size};
        } else {
            if (size != sizeof(T))
                throw_size(sizeof(T), size);
            return *static_cast<const T *>(data);
        }
    }
}

/// A value as an argument that any language reads; what is moved in is taken by the call the argument is for.
template <class T, class U> rask_arg to_arg(U &&from) {
    constexpr form shape = form_of<T>();
    if constexpr (std::is_same_v<T, rask_arg>)
        return from;
    else if constexpr (shape == form::integer)
        return integer_arg(static_cast<int64_t>(from));
    else if constexpr (shape == form::real)
        return real_arg(static_cast<double>(from));
    else if constexpr (shape == form::pointer)
        return rask_pointer(untyped(from));
    else if constexpr (shape == form::text)
        return rask_str(from);
    else if constexpr (shape == form::view)
        return rask_bytes(from.data(), from.size());
    else if constexpr (shape == form::bytes)
        return rask_bytes(&from, sizeof(T));
    else {
        static_assert(shape == form::object,
                      "rask: a view of values is no value: pass on the future it came from");
        return rask_object(new T(std::forward<U>(from)), &object_type<T>::value);
    }
}

/// Makes what `make()` gives the task's result.
template <class T, class Make> void answer(rask_task *task, Make &&make) {
    constexpr form shape = form_of<T>();
    if constexpr (shape == form::none) {
        make();
    } else if constexpr (shape == form::integer) {
        rask_return_i64(task, static_cast<int64_t>(make()));
    } else if constexpr (shape == form::real) {
        rask_return_f64(task, static_cast<double>(make()));
    } else if constexpr (shape == form::pointer) {
        rask_return_pointer(task, untyped(make()));
    } else if constexpr (shape == form::view) {
        const std::string_view bytes = make();
        rask_return_bytes(task, bytes.data(), bytes.size());
    } else if constexpr (shape == form::bytes) {
        const T small = make();
        rask_return_bytes(task, &small, sizeof small);
    } else {
        static_assert(
            shape == form::object,
            "rask: a task returns a view of values, which is gone when the task is: return what it shows");
        // Made in its place: nothing is copied or moved.
        rask_return_object(task, new T(make()), &object_type<T>::value);
    }
}

/// Iterates over anything with size and [].
template <class View> class view_iterator {
  public:
    using iterator_category = std::random_access_iterator_tag;
    using difference_type = std::ptrdiff_t;
    using reference = decltype(std::declval<const View &>()[0]);
    using value_type = std::decay_t<reference>;
    using pointer = void;

    view_iterator() = default;
    view_iterator(const View *view, std::size_t at) : view_(view), at_(static_cast<difference_type>(at)) {}

    reference operator*() const { return (*view_)[static_cast<std::size_t>(at_)]; }
    reference operator[](difference_type by) const { return *(*this + by); }
    view_iterator &operator++() { return *this += 1; }
    view_iterator &operator--() { return *this -= 1; }
    view_iterator operator++(int) { return std::exchange(*this, *this + 1); }
    view_iterator operator--(int) { return std::exchange(*this, *this - 1); }
    view_iterator &operator+=(difference_type by) { return at_ += by, *this; }
    view_iterator &operator-=(difference_type by) { return at_ -= by, *this; }
    friend view_iterator operator+(view_iterator i, difference_type by) { return i += by; }
    friend view_iterator operator+(difference_type by, view_iterator i) { return i += by; }
    friend view_iterator operator-(view_iterator i, difference_type by) { return i -= by; }
    friend difference_type operator-(const view_iterator &a, const view_iterator &b) { return a.at_ - b.at_; }
    friend bool operator==(const view_iterator &a, const view_iterator &b) { return a.at_ == b.at_; }
    friend bool operator!=(const view_iterator &a, const view_iterator &b) { return a.at_ != b.at_; }
    friend bool operator<(const view_iterator &a, const view_iterator &b) { return a.at_ < b.at_; }
    friend bool operator>(const view_iterator &a, const view_iterator &b) { return a.at_ > b.at_; }
    friend bool operator<=(const view_iterator &a, const view_iterator &b) { return a.at_ <= b.at_; }
    friend bool operator>=(const view_iterator &a, const view_iterator &b) { return a.at_ >= b.at_; }

  private:
    const View *view_ = nullptr;
    difference_type at_ = 0;
};

} // namespace detail

/// The values of several futures, in place: what a task gets for a std::vector<future<T>>. Copy it into a
/// std::vector<T> by conversion.
template <class T> class list {
  public:
    using value_type = T;
    using iterator = detail::view_iterator<list>;
    using const_iterator = iterator;

    list() = default;
    explicit list(const rask_value *from) : from_(from), size_(rask_value_count(from)) {
        if (rask_value_kind(from) != RASK_LIST)
            throw error(RASK_E_TYPE, "the value is no list");
    }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    reference_t<T> operator[](std::size_t index) const {
        return detail::read<T>(rask_value_at(from_, index));
    }
    [[nodiscard]] iterator begin() const noexcept { return {this, 0}; }
    [[nodiscard]] iterator end() const noexcept { return {this, size_}; }
    operator std::vector<typename detail::reading<T>::owned>() const { return {begin(), end()}; }

  private:
    const rask_value *from_ = nullptr;
    std::size_t size_ = 0;
};

/// The values of futures of several types, together: read as a std::tuple of references.
template <class... T> struct values {};
/// Those of two futures, which were passed as a pair: read as a std::pair of references.
template <class A, class B> struct two_values {};

/// A value of any kind, in place: what C or another language made.
class value {
  public:
    explicit value(const rask_value *from = nullptr) noexcept : from_(from) {}

    /// RASK_I64, RASK_BYTES, ...
    [[nodiscard]] rask_kind kind() const noexcept { return rask_value_kind(from_); }
    /// How many bytes it holds.
    [[nodiscard]] std::size_t nbytes() const noexcept { return rask_value_nbytes(from_); }
    /// Reads it as a T; rask::error if it is none.
    template <class T> [[nodiscard]] reference_t<T> as() const { return detail::read<T>(from_); }
    [[nodiscard]] const rask_value *handle() const noexcept { return from_; }

  private:
    const rask_value *from_;
};

} // namespace rask
#endif
