// Options: how a client is opened, and how a task is submitted.
#ifndef RASK_OPTIONS_HPP
#define RASK_OPTIONS_HPP

#include <rask/duration.hpp>
#include <rask/error.hpp>

#include <cstdint>
#include <string>

namespace rask {

/// How a task is submitted: `client.submit({.priority = 1, .retries = 3}, f, x)`. C++17 sets the fields one
/// by one, or chains: `client.with().priority(1).retries(3).submit(f, x)`.
struct options {
    /// Of what is ready, the higher runs first.
    int32_t priority = 0;
    /// How often the task is run again after failures of its own, and how long that waits.
    uint32_t retries = 0;
    duration retry_delay{};
    /// The future's key: one that is held already is the same future. Empty: one of its own.
    std::string key{};
    /// Begins the key, and names the task in traces and progress bars.
    std::string name{};
    /// What the task holds while it runs: "GPU=1,license=2".
    std::string resources{};
    /// It does nothing but compute its result from its arguments: equal ones are run once.
    bool pure = false;
    /// It is run for every submit, also where the client is pure.
    bool impure = false;
    /// A rask::lane's handle: whose threads run it. Null: the client's workers do.
    rask_lane lane{0};
};

/// How a client is opened: `rask::client client({.workers = 4})`.
struct client_options {
    /// Worker threads; 0: one per processor this process may use.
    uint32_t workers = 0;
    /// Names the worker threads.
    std::string name{};
    /// A cluster's; empty: embedded.
    std::string address{};
    /// What tasks can hold while they run: "GPU=2,license=1".
    std::string resources{};
    /// Bytes that values may hold in memory, 0: no limit; and where they go that have no room.
    uint64_t memory_limit = 0;
    std::string spill_directory{};
    /// A submit that finds no room is an error (rask::status::no_memory) instead of waiting.
    bool fails_over_limit = false;
    /// Submits are pure unless they say otherwise.
    bool pure = false;
    /// Bytes of stack per worker; 0: the platform's default.
    std::size_t stack_size = 0;
    /// Threads that may be suspended in waits inside tasks; 0: 1024.
    uint32_t max_spares = 0;
};

namespace detail {

inline const char *or_null(const std::string &text) noexcept { return text.empty() ? nullptr : text.c_str(); }

inline rask_submit_options to_c(const options &from) noexcept {
    rask_submit_options to = RASK_SUBMIT_OPTIONS_INIT;
    to.key = or_null(from.key);
    to.name = or_null(from.name);
    to.priority = from.priority;
    to.retries = from.retries;
    to.retry_delay_ns = from.retry_delay.nanoseconds;
    to.resources = or_null(from.resources);
    to.lane = from.lane;
    to.flags = (from.pure ? RASK_PURE : 0u) | (from.impure ? RASK_IMPURE : 0u);
    return to;
}

inline rask_client_options to_c(const client_options &from) noexcept {
    rask_client_options to = RASK_CLIENT_OPTIONS_INIT;
    to.name = or_null(from.name);
    to.address = or_null(from.address);
    to.n_workers = from.workers;
    to.flags = (from.pure ? RASK_CLIENT_PURE : 0u) | (from.fails_over_limit ? RASK_CLIENT_NOMEM : 0u);
    to.memory_limit = from.memory_limit;
    to.resources = or_null(from.resources);
    to.stack_size = from.stack_size;
    to.max_spares = from.max_spares;
    to.spill_directory = or_null(from.spill_directory);
    return to;
}

} // namespace detail
} // namespace rask
#endif
