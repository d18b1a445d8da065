// Errors: what the library reports as rask::error, and exceptions on their way from a task to whoever asks
// for its result.
#ifndef RASK_ERROR_HPP
#define RASK_ERROR_HPP

#include <rask.h>

#include <cxxabi.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <typeinfo>

namespace rask {

/// The statuses of rask.h under the names that C++ gives them: `e.status() == rask::status::timeout`.
namespace status {
inline constexpr rask_status end = RASK_END;
inline constexpr rask_status ok = RASK_OK;
inline constexpr rask_status invalid = RASK_E_INVALID;
inline constexpr rask_status handle = RASK_E_HANDLE;
inline constexpr rask_status type = RASK_E_TYPE;
inline constexpr rask_status timeout = RASK_E_TIMEOUT;
inline constexpr rask_status cancelled = RASK_E_CANCELLED;
inline constexpr rask_status task = RASK_E_TASK;
inline constexpr rask_status closed = RASK_E_CLOSED;
inline constexpr rask_status state = RASK_E_STATE;
inline constexpr rask_status exists = RASK_E_EXISTS;
inline constexpr rask_status deadlock = RASK_E_DEADLOCK;
inline constexpr rask_status forked = RASK_E_FORKED;
inline constexpr rask_status no_memory = RASK_E_NOMEM;
inline constexpr rask_status unsupported = RASK_E_UNSUPPORTED;
inline constexpr rask_status lost = RASK_E_LOST;
inline constexpr rask_status connect = RASK_E_CONNECT;
inline constexpr rask_status panic = RASK_E_PANIC;
} // namespace status

/// A failure that is no exception of a task's: a call that could not be done, a future that was cancelled, a
/// C task that failed.
class error : public std::runtime_error {
  public:
    /// Thrown by a task, its code and its words go with the task's error, as those of rask_fail do.
    error(rask_status status, const std::string &message, int32_t code = 0, const std::string &origin = {},
          uint32_t attempts = 0)
        : std::runtime_error(origin.empty() || message.find(origin) != std::string::npos
                                 ? message
                                 : origin + ": " + message),
          message_(message), origin_(origin), status_(status), code_(code), attempts_(attempts) {}

    /// RASK_E_TIMEOUT, RASK_E_CANCELLED, RASK_E_TASK, ...
    [[nodiscard]] rask_status status() const noexcept { return status_; }
    /// "RASK_E_TIMEOUT", ...
    [[nodiscard]] std::string_view name() const noexcept { return rask_status_name(status_); }
    /// The C task's own, from rask_fail; else 0.
    [[nodiscard]] int32_t code() const noexcept { return code_; }
    /// What went wrong, in words. what() says where, too.
    [[nodiscard]] std::string_view message() const noexcept { return message_.what(); }
    /// The key of the task it began in; empty if it did not begin in a task.
    [[nodiscard]] std::string_view origin() const noexcept { return origin_.what(); }
    /// How often that task was run.
    [[nodiscard]] uint32_t attempts() const noexcept { return attempts_; }

  private:
    // Copying an exception must not throw, which a std::runtime_error promises for its text and a std::string
    // does not.
    std::runtime_error message_, origin_;
    rask_status status_;
    int32_t code_;
    uint32_t attempts_;
};

/// Throws this thread's last failure unless `status` is a success.
inline void check(rask_status status) {
    if (status < RASK_OK)
        throw error(status, rask_last_error());
}

namespace detail {

/// Throws this thread's last failure, for a call that returned nothing.
[[noreturn]] inline void throw_last() { throw error(rask_last_status(), rask_last_error()); }

/// The handle that a call has made; of one that has made none, this thread's last failure is thrown.
template <class Handle> Handle or_throw(Handle handle) {
    if (!handle.id)
        throw_last();
    return handle;
}

/// What to call the exception that is being handled, if it has no words of its own.
inline const char *name_of_current() noexcept {
    const std::type_info *type = abi::__cxa_current_exception_type();
    return type ? type->name() : "an exception that is not C++'s";
}

/// The task has failed already: nothing is left to be said.
struct already_failed {};

} // namespace detail
} // namespace rask
#endif
