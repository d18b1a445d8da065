// lane: tasks that threads of the program run, and workers leave alone.
#ifndef RASK_LANE_HPP
#define RASK_LANE_HPP

#include <rask/client.hpp>

namespace rask {

/// What only certain threads may do: a GUI's main thread, the owner of an OpenGL context. Tasks are submitted
/// to it by their options, `client.submit({.lane = ui.handle()}, f, x)`, and run by whoever calls run(),
/// which may be several threads at a time.
class lane {
  public:
    /// `name` is for messages and dumps.
    explicit lane(client_ref client, const std::string &name = {})
        : handle_(detail::or_throw(rask_lane_open(client.handle(), detail::or_null(name)))) {}
    lane(lane &&other) noexcept : handle_(std::exchange(other.handle_, rask_lane{0})) {}
    lane &operator=(lane &&) = delete;
    /// Cancels what has not begun; what runs is not waited for.
    ~lane() {
        if (handle_.id)
            std::ignore = rask_lane_close(handle_);
    }

    /// Runs what is ready and waits for more, until the lane or its client is closed: what a thread of its
    /// own does.
    void serve() {
        rask_status status;
        while ((status = rask_lane_run(handle_, SIZE_MAX, RASK_FOREVER, nullptr)) == RASK_OK) {
        }
        check(status);
    }
    /// Ends serve() and run() in other threads, and cancels what has not begun.
    void close() { check(rask_lane_close(handle_)); }

    /// For options, and for the C API.
    [[nodiscard]] rask_lane handle() const noexcept { return handle_; }
    /// Readable while a task is ready: for poll and event loops.
    [[nodiscard]] int fd() const {
        const int fd = rask_lane_fd(handle_);
        return fd >= 0 ? fd : (detail::throw_last(), fd);
    }

    /// Runs what is ready, at most so many, and does not wait: how many ran. Throws rask::error (closed) when
    /// the lane or its client is closed.
    std::size_t run(std::size_t most = SIZE_MAX) { return run_within(most, 0); }
    /// As run, and waits so long for the first.
    std::size_t run_for(duration limit, std::size_t most = SIZE_MAX) {
        return run_within(most, detail::timeout(limit));
    }

  private:
    std::size_t run_within(std::size_t most, int64_t timeout_ns) {
        std::size_t n_run = 0;
        const rask_status status = rask_lane_run(handle_, most, timeout_ns, &n_run);
        if (status == RASK_END)
            throw error(RASK_E_CLOSED, "the lane is closed");
        if (status != RASK_E_TIMEOUT)
            check(status);
        return n_run;
    }

    rask_lane handle_{0};
};

} // namespace rask
#endif
