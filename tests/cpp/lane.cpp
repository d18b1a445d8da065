// Lanes: tasks that a thread of the program runs, and nobody else.
#include "check.hpp"

TEST_CASE("a thread runs the tasks of its lane") {
    rask::client client(2);
    rask::lane mine(client, "mine");
    const auto here = std::this_thread::get_id();
    const auto where = [](int) { return std::this_thread::get_id() != std::thread::id() ? 1 : 0; };
    auto elsewhere = client.submit(where, 1);
    auto at_home =
        client.with()
            .lane(mine.handle())
            .submit([here](int x) { return std::this_thread::get_id() == here ? x + 1 : -1; }, elsewhere);
    auto after = client.submit([](int x) { return x * 10; }, at_home);
    CHECK(mine.fd() >= 0);
    std::size_t n_run = 0;
    while (n_run == 0)
        n_run += mine.run_for(std::chrono::seconds(10));
    CHECK(n_run == 1);
    CHECK(after.get() == 20);
    CHECK(mine.run() == 0);
}

TEST_CASE("exceptions leave a lane as they leave a worker") {
    rask::client client(1);
    rask::lane mine(client);
    auto fails = client.with().lane(mine.handle()).submit([]() -> int { throw std::out_of_range("far"); });
    CHECK(mine.run_for(std::chrono::seconds(10)) == 1);
    CHECK_THROWS_AS(fails.get(), std::out_of_range);
}

TEST_CASE("a thread serves until the lane is closed") {
    rask::client client(1);
    rask::lane served(client);
    std::thread server([&] { served.serve(); });
    rask::options how;
    how.lane = served.handle();
    std::vector<rask::future<int>> all;
    for (int i = 0; i < 1000; i++)
        all.push_back(client.submit(how, [i] { return i; }));
    int sum = 0;
    for (auto &one : all)
        sum += one.get();
    CHECK(sum == 999 * 500);
    served.close();
    server.join();
    CHECK_THROWS_AS(served.run(), rask::error);
    auto late = client.submit(how, [] { return 1; });
    CHECK_THROWS_AS(late.get(), rask::error);
}
