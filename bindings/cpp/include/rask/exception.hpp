// Exceptions: how one that a task throws travels with the task's error, as itself, to whoever asks for a
// result that depends on it.
#ifndef RASK_EXCEPTION_HPP
#define RASK_EXCEPTION_HPP

#include <rask/codec.hpp>
#include <rask/error.hpp>

#include <exception>
#include <new>
#include <string>

namespace rask::detail {

/// Fails the task with the exception that is being handled.
inline void fail_with_current(rask_task *task) noexcept {
    int32_t code = 0;
    auto fail = [&](const char *message) {
        if (auto *thrown = new (std::nothrow) std::exception_ptr(std::current_exception()))
            rask_fail_with(task, code, message, thrown, &object_type<std::exception_ptr>::value);
        else
            rask_fail(task, code, message);
    };
    try {
        throw;
    } catch (const already_failed &) {
    } catch (const error &e) {
        code = e.code();
        fail(e.what());
    } catch (const std::exception &e) {
        fail(e.what());
    } catch (...) {
        fail(name_of_current());
    }
}

/// The exception that a future's error carries, if it is one of C++.
inline std::exception_ptr exception_of(rask_future future) {
    void *carried = nullptr;
    if (rask_future_error_object(future, &object_type<std::exception_ptr>::value, &carried) == RASK_OK)
        return *static_cast<const std::exception_ptr *>(carried);
    return nullptr;
}

/// Why the future has no value, as an exception; null if it has one, or is not done.
inline std::exception_ptr failure_of(rask_future future) {
    if (auto thrown = exception_of(future))
        return thrown;
    rask_error why = RASK_ERROR_INIT;
    if (rask_future_error(future, &why) != RASK_OK || why.status == RASK_OK)
        return nullptr;
    return std::make_exception_ptr(error(why.status, why.message, why.code, why.origin, why.attempts));
}

/// Throws why a call that wanted the future's value failed with this status.
[[noreturn]] inline void throw_failure(rask_future future, rask_status status) {
    const std::string words = rask_last_error();
    if (status != RASK_E_TIMEOUT) {
        if (auto failure = failure_of(future))
            std::rethrow_exception(failure);
    }
    throw error(status, words);
}

} // namespace rask::detail
#endif
