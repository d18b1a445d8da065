// Coroutines of others: futures are awaited in them too.
#include "check.hpp"

#ifdef __cpp_impl_coroutine

#include <coroutine>
#include <memory>

namespace {

/// A coroutine that begins at once, and that nobody waits for.
struct detached {
    struct promise_type {
        static detached get_return_object() noexcept { return {}; }
        static std::suspend_never initial_suspend() noexcept { return {}; }
        static std::suspend_never final_suspend() noexcept { return {}; }
        static void return_void() noexcept {}
        static void unhandled_exception() noexcept { std::terminate(); }
    };
};

/// One that lets exceptions out, and that somebody owns.
struct owned {
    struct promise_type {
        owned get_return_object() noexcept { return owned{handle::from_promise(*this)}; }
        static std::suspend_never initial_suspend() noexcept { return {}; }
        static std::suspend_always final_suspend() noexcept { return {}; }
        static void return_void() noexcept {}
        [[noreturn]] static void unhandled_exception() { throw; }
    };
    using handle = std::coroutine_handle<promise_type>;
    handle coroutine;
};

detached adds(rask::client_ref client, rask::future<int> number, std::atomic<int> &sum) {
    const int first = co_await number;
    CHECK(rask::this_task::handle() != nullptr);
    auto made = co_await client.submit([] { return std::make_unique<int>(5); });
    sum = first + *made;
}

detached catches(rask::client_ref client, std::atomic<int> &number) {
    try {
        co_await client.submit([]() -> int { throw trouble(9); });
    } catch (const trouble &e) {
        number = e.number;
    }
}

detached loops(rask::future<int> number, int times, std::atomic<int> &sum) {
    int total = 0;
    for (int i = 0; i < times; i++)
        total += co_await number.then([i](int x) { return x + i % 2; });
    sum = total;
}

detached notes_the_end(rask::future<void> never, counted, std::atomic<int> &status) {
    try {
        co_await never;
        status = RASK_OK;
    } catch (const rask::error &e) {
        status = e.status();
    }
}

owned throws_out(rask::future<int> after) {
    co_await after;
    throw trouble(1);
}

} // namespace

TEST_CASE("it goes on on a worker") {
    rask::client client(2);
    gate open;
    std::atomic<int> sum{0}, number{0}, total{0};
    adds(client, client.submit([&open] { return open.pass(), 2; }), sum);
    CHECK(sum == 0);
    open.open();
    catches(client, number);
    const int times = scaled(10000, 100);
    loops(client.submit([] { return 1; }), times, total);
    client.wait();
    CHECK(eventually([&] { return sum == 7 && number == 9 && total == times * 3 / 2; }));
}

TEST_CASE("what is no future is told at once") {
    std::atomic<int> status{1};
    notes_the_end({}, counted(), status);
    CHECK(status == RASK_E_HANDLE);
}

TEST_CASE("it goes on, too, when the client is closed") {
    counted::alive = 0;
    std::atomic<int> pending{1}, running{1};
    {
        rask::client client(1);
        gate open;
        auto first = client.submit([&open] { open.pass(); });
        auto second = first.then([] {});
        CHECK(eventually([&] { return first.state() == rask::state::running; }));
        notes_the_end(second, counted(), pending);
        notes_the_end(first, counted(), running);
        second = {};
        std::thread later([&] {
            eventually([&] { return pending <= 0; });
            open.open();
        });
        client.close();
        later.join();
    }
    CHECK(pending == RASK_E_CANCELLED);
    CHECK((running == RASK_E_CLOSED || running == RASK_OK));
    CHECK(counted::alive == 0);
}

TEST_CASE("what it throws out of itself stays in the engine") {
    rask::client client(1);
    gate open;
    auto first = client.submit([&open] { return open.pass(), 1; });
    auto throwing = throws_out(first);
    open.open();
    client.wait();
    CHECK(client.stats().n_error == 1);
    CHECK(throwing.coroutine.done());
    throwing.coroutine.destroy();
}
#endif
