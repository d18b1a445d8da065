// Objects: the rask_type of a C++ type, and the trait that lets its objects leave memory and be compared.
#ifndef RASK_CODEC_HPP
#define RASK_CODEC_HPP

#include <rask/error.hpp>

#include <cstddef>
#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace rask {

/// Where a codec writes: as often as it likes, one after the other. For the time of the call.
class writer {
  public:
    explicit writer(rask_bytes_out *out) noexcept : out_(out) {}
    void write(const void *data, std::size_t size) { check(rask_bytes_write(out_, data, size)); }
    void write(std::string_view bytes) { write(bytes.data(), bytes.size()); }

  private:
    rask_bytes_out *out_;
};

/// How objects of T are written and made again. Specialise it for types of your own:
///
///     template <> struct rask::codec<my::matrix> {
///         static void encode(const my::matrix &from, rask::writer &to);
///         static my::matrix decode(std::string_view bytes);
///         static std::size_t nbytes(const my::matrix &); // what it holds beside its sizeof
///     };
///
/// nbytes may be left out. Such objects may go to disk where a client has a memory limit, and pure tasks
/// compare them by what encode writes. Trivially copyable types, strings, and vectors of trivially copyable
/// items need none.
template <class T, class = void> struct codec {};

namespace detail {

/// Bytes that are no part of the value must not make equal values differ.
template <class T> void clear_padding(T &object) {
#if defined(__has_builtin)
#if __has_builtin(__builtin_clear_padding)
    __builtin_clear_padding(&object);
#endif
#endif
    static_cast<void>(object);
}

template <class T> inline constexpr bool is_flat_vector = false;
template <class T, class A>
inline constexpr bool is_flat_vector<std::vector<T, A>> =
    std::is_trivially_copyable_v<T> && !std::is_same_v<T, bool>;
template <class T> inline constexpr bool is_string = std::is_same_v<T, std::string>;

template <class T, class = void> inline constexpr bool has_codec = false;
template <class T>
inline constexpr bool
    has_codec<T, std::void_t<decltype(codec<T>::encode(std::declval<const T &>(), std::declval<writer &>())),
                             decltype(T(codec<T>::decode(std::string_view())))>> = true;

template <class T, class = void> inline constexpr bool has_nbytes = false;
template <class T>
inline constexpr bool has_nbytes<T, std::void_t<decltype(codec<T>::nbytes(std::declval<const T &>()))>> =
    true;

/// Where the items of a vector or a string are, and how many bytes.
template <class T> std::string_view flat(const T &items) noexcept {
    return {reinterpret_cast<const char *>(items.data()), items.size() * sizeof(typename T::value_type)};
}

} // namespace detail

template <class T>
struct codec<T, std::enable_if_t<std::is_trivially_copyable_v<T> && !std::is_pointer_v<T>>> {
    static void encode(const T &from, writer &to) {
        if constexpr (std::is_copy_constructible_v<T>) {
            T copy(from);
            detail::clear_padding(copy);
            to.write(&copy, sizeof copy);
        } else {
            to.write(&from, sizeof from);
        }
    }
    static T decode(std::string_view bytes) {
        if (bytes.size() != sizeof(T))
            throw error(RASK_E_LOST, "not the bytes of such an object");
        alignas(T) unsigned char copy[sizeof(T)];
        std::memcpy(copy, bytes.data(), sizeof copy);
        return std::move(*std::launder(reinterpret_cast<T *>(copy)));
    }
};

template <class T> struct codec<T, std::enable_if_t<detail::is_string<T> || detail::is_flat_vector<T>>> {
    static void encode(const T &from, writer &to) { to.write(detail::flat(from)); }
    static T decode(std::string_view bytes) {
        T items(bytes.size() / sizeof(typename T::value_type), typename T::value_type());
        if (!bytes.empty())
            std::memcpy(items.data(), bytes.data(), items.size() * sizeof(typename T::value_type));
        return items;
    }
};

namespace detail {

/// A type's name as the compiler writes it, NUL-terminated and there for ever.
template <std::size_t N> struct static_text {
    char text[N + 1] = {};
};
template <class T> constexpr std::string_view pretty_name() {
    // "... [with T = int; ...]" or "... [T = int]"
    std::string_view name = __PRETTY_FUNCTION__;
    name.remove_prefix(name.find("T = ") + 4);
    return name.substr(0, name.find_first_of(";]"));
}
template <class T> constexpr auto static_name() {
    constexpr std::string_view name = pretty_name<T>();
    static_text<name.size()> copy;
    for (std::size_t i = 0; i < name.size(); i++)
        copy.text[i] = name[i];
    return copy;
}

/// Says that a codec has failed with the exception that is being handled.
inline rask_status fail_codec() noexcept {
    try {
        throw;
    } catch (const error &e) {
        return rask_codec_fail(e.status(), e.what());
    } catch (const std::bad_alloc &e) {
        return rask_codec_fail(RASK_E_NOMEM, e.what());
    } catch (const std::exception &e) {
        return rask_codec_fail(RASK_E_INVALID, e.what());
    } catch (...) {
        return rask_codec_fail(RASK_E_INVALID, name_of_current());
    }
}

/// The rask_type of T. Its address is what tells types apart, so there has to be one of it in the process:
/// visible to the dynamic linker, which then merges those of several shared objects.
template <class T> struct __attribute__((visibility("default"))) object_type {
    static inline constexpr auto name = static_name<T>();

    static void destroy(void *object) noexcept {
        if constexpr (std::is_nothrow_destructible_v<T>) {
            delete static_cast<T *>(object);
        } else {
            try {
                delete static_cast<T *>(object);
            } catch (...) { // NOLINT: whoever could be told has let go of it
            }
        }
    }

    static std::size_t nbytes(const void *object) noexcept {
        if constexpr (is_string<T> || is_flat_vector<T>)
            return sizeof(T) + flat(*static_cast<const T *>(object)).size();
        else if constexpr (has_nbytes<T>) {
            try {
                return sizeof(T) + codec<T>::nbytes(*static_cast<const T *>(object));
            } catch (...) { // nobody can be told, and it is only accounting
                return sizeof(T);
            }
        } else
            return static_cast<void>(object), sizeof(T);
    }

    static rask_status encode(const void *object, rask_bytes_out *out) noexcept {
        try {
            writer to(out);
            codec<T>::encode(*static_cast<const T *>(object), to);
            return RASK_OK;
        } catch (...) {
            return fail_codec();
        }
    }

    static void *decode(const void *data, std::size_t size) noexcept {
        try {
            return new T(codec<T>::decode({static_cast<const char *>(data), size}));
        } catch (...) {
            fail_codec();
            return nullptr;
        }
    }

    static const void *bytes(const void *object, std::size_t *size) noexcept {
        const std::string_view all = flat(*static_cast<const T *>(object));
        *size = all.size();
        return all.data();
    }

    static constexpr rask_type make() {
        rask_type type{sizeof(rask_type), name.text, destroy, nbytes, nullptr, nullptr, nullptr, 0};
        if constexpr (has_codec<T>) {
            type.encode = encode;
            type.decode = decode;
        }
        if constexpr (is_string<T> || is_flat_vector<T>)
            type.bytes = bytes;
        if constexpr (is_string<T>)
            type.flags = RASK_TYPE_TEXT;
        return type;
    }
    static inline constexpr rask_type value = make();
};

} // namespace detail
} // namespace rask
#endif
