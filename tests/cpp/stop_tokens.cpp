// Stop tokens: a task that is told, a future that is cancelled by one.
#include "check.hpp"

#include <memory>
#include <stop_token>

#ifdef __cpp_lib_jthread

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

TEST_CASE("tokens beside every kind of argument") {
    rask::client client(2);
    auto one = client.submit([] { return 1; });
    auto many = [](std::stop_token token, rask::list<int> list, const std::string &text) {
        return token.stop_possible() && list.size() == 2 && text == "x";
    };
    CHECK(client.submit(many, std::vector{one, one}, "x").get());
    CHECK(one.then([](std::stop_token, int x) { return x + 1; }).get() == 2);
    CHECK(client.map([](std::stop_token, int x) { return x + 1; }, std::vector{1, 2})[1].get() == 3);
    CHECK(client.submit([](std::stop_token, std::unique_ptr<int> p) { return *p; }, std::make_unique<int>(3))
              .get() == 3);
    CHECK_THROWS_AS(client.submit([](std::stop_token) { throw trouble(1); }).get(), trouble);
}

TEST_CASE("a stop that was requested before cancels at once") {
    rask::client client(1);
    std::stop_source source;
    source.request_stop();
    gate open;
    auto busy = client.submit([&open] { open.pass(); });
    auto queued = client.submit([] { return 1; });
    auto guard = rask::cancel_on(source.get_token(), queued);
    CHECK(queued.state() == rask::state::cancelled);
}

#endif
