// Lazy graphs.
#include "check.hpp"

#include <memory>

TEST_CASE("nothing runs before it is computed, common parts once") {
    std::atomic<int> runs{0};
    auto source = rask::delay([&runs] { return ++runs; });
    auto left = rask::delay([](int x) { return x + 1; }, source);
    auto right = rask::delay([](int x) { return x * 10; }, source);
    auto sum = rask::delay(std::plus<>(), left, right);
    CHECK(runs == 0);
    rask::client client(2);
    CHECK(client.compute(sum).get() == 12);
    CHECK(runs == 1);
    CHECK(sum.compute(client).get() == 23);
    const auto [a, b] = client.compute_all(left, right);
    CHECK(a.get() == 4);
    CHECK(b.get() == 30);
}

TEST_CASE("with values, futures, lists and options") {
    rask::client client(2);
    auto now = client.submit([] { return std::string("now"); });
    auto both = rask::delay([](const std::string &a, const std::string &b) { return a + b; }, now,
                            std::string("later"));
    CHECK(client.compute(both).get() == "nowlater");
    CHECK(client.compute(both).get() == "nowlater");

    std::vector<rask::delayed<int>> parts;
    for (int i = 0; i < 10; i++)
        parts.push_back(rask::delay([](int x) { return x; }, i));
    auto total = rask::delay(
        [](rask::list<int> all) {
            int sum = 0;
            for (int one : all)
                sum += one;
            return sum;
        },
        parts);
    CHECK(client.compute(total).get() == 45);
    CHECK(client.compute_all(parts)[9].get() == 9);
    rask::options how;
    how.name = "named";
    CHECK(client.compute(rask::delay(how, [] { return 1; })).key().substr(0, 5) == "named");
    CHECK(client.compute_all(std::vector<rask::delayed<int>>()).empty());
}

TEST_CASE("a long chain runs as one task") {
    rask::client client(2);
    auto chain = rask::delay([] { return 0; });
    const int steps = scaled(10000, 100);
    for (int i = 0; i < steps; i++)
        chain = rask::delay([](int x) { return x + 1; }, chain);
    CHECK(client.compute(chain).get() == steps);
}

TEST_CASE("errors travel as themselves") {
    rask::client client(2);
    auto failing = rask::delay([]() -> int { throw trouble(6); });
    auto last = rask::delay([](int x) { return x; }, rask::delay([](int x) { return x; }, failing));
    CHECK_THROWS_WITH(client.compute(last).get(), "trouble 6");
    CHECK(status_of([&] { (void)client.compute(rask::delayed<int>()).get(); }) == RASK_E_HANDLE);
}

TEST_CASE("what is written down is kept, and no longer") {
    counted::alive = 0;
    {
        rask::client client(2);
        rask::future<int> last;
        {
            auto written =
                rask::delay([c = counted(3)](const counted &d) { return c.value + d.value; }, counted(4));
            last = client.compute(written);
            CHECK(last.get() == 7);
            CHECK(client.compute(written).get() == 7);
        }
        client.wait();
    }
    CHECK(counted::alive == 0);
}
