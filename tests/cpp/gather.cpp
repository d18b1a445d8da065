// Several futures: waited for, gathered, put together, as they are done.
#include "check.hpp"

#include <set>
#include <unordered_map>

#include <array>
#include <memory>
#include <poll.h>
#include <set>

namespace {
int square(int x) { return x * x; }
} // namespace

TEST_CASE("wait, with conditions and limits") {
    rask::client client(2);
    gate open;
    auto slow = client.submit([&open] { open.pass(); });
    auto quick = client.submit([] {});
    const std::vector both{slow, quick};
    rask::wait(both, rask::until::first_completed);
    CHECK(quick.done());
    CHECK(!slow.done());
    using std::chrono::milliseconds;
    CHECK(rask::wait_for(both, milliseconds(1)) == rask::future_status::timeout);
    CHECK(slow.wait_for(milliseconds(0)) == rask::future_status::timeout);
    CHECK(slow.wait_for(milliseconds(-5)) == rask::future_status::timeout);
    CHECK(slow.wait_until(std::chrono::steady_clock::now()) == rask::future_status::timeout);
    CHECK(quick.wait_for(std::chrono::hours::max()) == rask::future_status::ready);
    CHECK(client.wait_for(milliseconds(1)) == rask::future_status::timeout);
    open.open();
    rask::wait(both);
    CHECK(slow.wait_for(std::chrono::duration<double>(1e300)) == rask::future_status::ready);
    CHECK(client.wait_for(std::chrono::seconds(60)) == rask::future_status::ready);
    auto failing = client.submit([] { throw trouble(1); });
    rask::wait(std::array{failing, slow}, rask::until::first_error);
    CHECK(failing.done());
}

TEST_CASE("gather reads in place, or into a vector") {
    rask::client client(2);
    const auto squares = client.map(square, std::vector{1, 2, 3});
    auto in_place = rask::gather(squares);
    CHECK(in_place.size() == 3);
    CHECK(in_place[2] == 9);
    int sum = 0;
    for (int one : in_place)
        sum += one;
    CHECK(sum == 14);
    std::vector<int> copied = rask::gather(squares);
    CHECK(copied == std::vector{1, 4, 9});

    auto owned = rask::gather(client.map([](int x) { return std::make_unique<int>(x); }, copied));
    CHECK(*owned[1] == 4);
    std::vector<rask::future<void>> nothing{client.submit([] {})};
    rask::gather(nothing);
    CHECK(rask::gather(std::vector<rask::future<int>>()).empty());
}

TEST_CASE("gather throws the first error, or leaves errors out") {
    rask::client client(2);
    auto odd = client.map([](int x) { return x % 2 ? x : throw trouble(x); }, std::vector{1, 2, 3, 4});
    try {
        rask::gather(odd);
        FAIL("no exception");
    } catch (const trouble &e) {
        CHECK(e.number == 2);
    }
    std::vector<int> rest = rask::gather(odd, rask::errors::skip);
    CHECK(rest == std::vector{1, 3});
}

TEST_CASE("when_all, of several types and of many") {
    rask::client client(2);
    auto number = client.submit(square, 3);
    auto text = client.submit([] { return std::string("text"); });
    auto nothing = client.submit([] {});
    auto all = rask::when_all(number, text, nothing);
    const auto [n, t, none] = all.get();
    CHECK(n == 9);
    CHECK(&t == &text.get());
    static_assert(std::is_same_v<std::decay_t<decltype(none)>, rask::nothing>);
    CHECK(rask::when_all(number, text)
              .then([](std::tuple<int, const std::string &> both) { return std::get<1>(both).size(); })
              .get() == 4);

    auto many = rask::when_all(client.map(square, std::vector{1, 2, 3}));
    CHECK(many.get()[2] == 9);
    CHECK(many.then([](rask::list<int> all_of_them) { return all_of_them.size(); }).get() == 3);
    std::vector<int> copied = std::move(many).get();
    CHECK(copied.size() == 3);
    rask::when_all(std::vector{nothing, nothing}).get();

    auto failing = rask::when_all(number, client.submit([]() -> int { throw trouble(3); }));
    CHECK_THROWS_AS(failing.get(), trouble);
}

TEST_CASE("when_any, whatever becomes of it") {
    rask::client client(2);
    gate open;
    auto first = client.submit([] { return 1; });
    auto failing = client.submit([]() -> int { throw trouble(1); });
    failing.wait();
    CHECK(rask::when_any(failing, client.submit([&open] { open.pass(); })).get() == 0);
    auto text = client.submit([&open]() {
        open.pass();
        return std::string("text");
    });
    auto never = client.submit([&open] { open.pass(); }).then([&client] { return client.submit([] {}); });
    auto any = rask::when_any(never, text);
    open.open();
    CHECK(any.get() < 2);
    const auto index = rask::when_any(std::vector{first, first});
    CHECK(index.get() == 0);
}

TEST_CASE("as completed, a range to which more may be added") {
    rask::client client(2);
    std::multiset<int> seen;
    for (const auto &done : rask::as_completed(client.map(square, std::vector{1, 2, 3})))
        seen.insert(done.get());
    CHECK(seen == std::multiset<int>{1, 4, 9});

    // Work that grows while it is done.
    rask::as_completed<int> growing({client.submit(square, 2)});
    int rounds = 0;
    for (const auto &done : growing) {
        if (++rounds < 5)
            growing.add(done.then([](int x) { return x + 1; }));
        else
            CHECK(done.get() == 8);
    }
    CHECK(rounds == 5);
    CHECK(growing.count() == 0);
    CHECK(!growing.next().valid());
}

TEST_CASE("as completed with limits and descriptors, errors too") {
    rask::client client(2);
    gate open;
    rask::as_completed<int> iter({client.submit([&open]() -> int {
        open.pass();
        throw trouble(1);
    })});
    CHECK(!iter.next_for(std::chrono::milliseconds(1)).valid());
    CHECK(iter.count() == 1);
    pollfd wanted{iter.fd(), POLLIN, 0};
    CHECK(poll(&wanted, 1, 0) == 0);
    open.open();
    CHECK(poll(&wanted, 1, 60000) == 1);
    auto failed = iter.next();
    CHECK_THROWS_AS(failed.get(), trouble);
    auto moved = std::move(iter);
    CHECK(!moved.next_for(std::chrono::seconds(1)).valid());
}

TEST_CASE("progress does not disturb") {
    rask::client client(2);
    auto all = client.map(square, std::vector{1, 2, 3});
    rask::progress_start(all, "squares");
    rask::progress(all);
    CHECK(all[2].get() == 9);
    rask::release_all(std::move(all));
}

TEST_CASE("futures are keys") {
    rask::client client(2);
    auto a = client.submit(square, 1), b = client.submit(square, 2);
    const auto copy = a;
    CHECK(copy == a);
    CHECK(a != b);
    CHECK((a < b) != (b < a));
    CHECK(rask::future<int>() == rask::future<int>());
    CHECK(rask::future<int>() != a);
    std::set<rask::future<int>> ordered{a, b, copy};
    CHECK(ordered.size() == 2);
    std::unordered_map<rask::future<int>, std::string> names{{a, "a"}, {b, "b"}};
    CHECK(names.at(copy) == "a");
    for (const auto &done : rask::as_completed(std::vector{a, b}))
        CHECK(names.count(done) == 1);
}

TEST_CASE("as completed while more are added") {
    rask::client client(2);
    std::vector<rask::future<int>> first;
    for (int i = 0; i < 10; i++)
        first.push_back(client.submit(square, i));
    rask::as_completed done(first);
    int n = 0;
    for (const auto &one : done) {
        CHECK(one.done());
        if (n++ < 50)
            done.add(client.submit(square, n));
    }
    CHECK(n == 60);
    CHECK(done.count() == 0);
    done.add(first[2]);
    CHECK(done.next().get() == 4);
    rask::as_completed twice(std::vector{first[3], first[3]});
    int sum = 0;
    for (const auto &one : twice)
        sum += one.get();
    CHECK(sum == 18);
}
