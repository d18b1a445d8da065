// this_task: what a task's function may ask about the task that runs it.
#ifndef RASK_THIS_TASK_HPP
#define RASK_THIS_TASK_HPP

#include <rask/client.hpp>

namespace rask::this_task {

/// The task whose function runs on this thread, for the C API; null outside of tasks.
[[nodiscard]] inline rask_task *handle() noexcept { return rask_task_current(); }

/// Whether nobody wants the result any more: the function had better return. false outside of tasks.
[[nodiscard]] inline bool cancelled() noexcept { return rask_cancelled(handle()); }

/// 1 for the first run; 0 outside of tasks.
[[nodiscard]] inline uint32_t attempt() noexcept { return rask_task_attempt(handle()); }

/// The task's key, valid until its function returns; empty outside of tasks.
[[nodiscard]] inline std::string_view key() noexcept {
    const char *key = rask_task_key(handle());
    return key ? key : std::string_view();
}

/// The client the task runs in, to submit more to. rask::error outside of tasks.
[[nodiscard]] inline client_ref client() { return client_ref(detail::or_throw(rask_task_client(handle()))); }

} // namespace rask::this_task
#endif
