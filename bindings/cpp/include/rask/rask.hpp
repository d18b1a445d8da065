// Rask: Dask's futures for C++.
//
//     rask::client client;                                        // a worker per core
//     auto inc = [](int x) { return x + 1; };
//     rask::future<int> x = client.submit(inc, 1);                // returns at once
//     rask::future<int> y = client.submit(inc, 2);
//     rask::future<int> z = client.submit(std::plus<>(), x, y);   // x, y not done yet
//     std::cout << z.get() << '\n';                               // 5, or what a task has thrown
//
// What holds unless a function says otherwise:
// - What cannot be done throws rask::error, whose status is the one that rask.h tells for the C function.
// - Any thread may call it. As in the standard library, one object is for one thread at a time, but for its
//   const members, which are for any number of them.
// - It does not block. What waits says so; inside a task a wait leaves its worker to other tasks.
// - Text and values that are passed are copied or moved; what `handle()` returns is borrowed, what
// `release()`
//   returns is the caller's.
//
// A header for each subject; docs/cpp.md tells the whole story. Needs C++17; coroutines and stop tokens from
// C++20 on.
#ifndef RASK_HPP
#define RASK_HPP

#include <rask/as_completed.hpp>
#include <rask/awaitable.hpp>
#include <rask/client.hpp>
#include <rask/coroutine.hpp>
#include <rask/delayed.hpp>
#include <rask/error.hpp>
#include <rask/future.hpp>
#include <rask/gather.hpp>
#include <rask/lane.hpp>
#include <rask/this_task.hpp>

#endif
