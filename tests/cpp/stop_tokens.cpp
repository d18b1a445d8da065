// Stop tokens: a task that is told, a future that is cancelled by one.
#include "check.hpp"

#ifdef __cpp_lib_jthread

#include <stop_token>

TEST_CASE("a callable that takes a token is told of the cancel") {
    rask::client client(1);
    std::atomic<bool> begun{false}, stopped{false};
    auto running = client.submit(
        [&](std::stop_token token, int x) {
            begun = true;
            while (!token.stop_requested())
                std::this_thread::yield();
            stopped = true;
            return x;
        },
        5);
    static_assert(std::is_same_v<decltype(running), rask::future<int>>);
    CHECK(eventually([&] { return begun.load(); }));
    running.cancel();
    CHECK(eventually([&] { return stopped.load(); }));
    CHECK(client.submit([](std::stop_token token) { return token.stop_requested(); }).get() == false);
}

TEST_CASE("a token cancels a future, while one wants it to") {
    rask::client client(1);
    gate open;
    auto running = client.submit([&open] { open.pass(); });
    auto queued = client.submit([] { return 1; });
    auto kept = client.submit([] { return 2; });
    std::stop_source source;
    { auto guard = rask::cancel_on(source.get_token(), kept); }
    auto guard = rask::cancel_on(source.get_token(), queued);
    source.request_stop();
    CHECK(status_of([&] { queued.get(); }) == RASK_E_CANCELLED);
    open.open();
    CHECK(kept.get() == 2);
}

#endif
