// Coroutines: futures that await futures on the workers.
#include "check.hpp"

#ifdef __cpp_impl_coroutine

#include <functional>
#include <memory>

namespace {

rask::task<int> add_up(rask::client_ref client, int n) {
    int sum = 0;
    for (int i = 0; i < n; i++)
        sum += co_await client.submit([](int x) { return x; }, i);
    co_return sum;
}

rask::task<std::string> joined(rask::client_ref client, rask::future<std::string> first) {
    auto second = client.submit([] { return std::string("second"); });
    const std::string &in_place = co_await first;
    co_return in_place + co_await second;
}

rask::task<int> catches(rask::client_ref client) {
    try {
        co_await client.submit([]() -> int { throw trouble(9); });
    } catch (const trouble &e) {
        co_return e.number;
    }
    co_return 0;
}

rask::task<> throws(rask::client_ref, rask::future<int> after) {
    co_await after;
    const int number = co_await after;
    throw trouble(number);
}

rask::task<std::unique_ptr<int>> move_only(rask::client_ref client) {
    auto made = co_await client.submit([] { return std::make_unique<int>(3); });
    ++*made;
    co_return made;
}

rask::task<int> without_a_client(rask::future<int> number) { co_return co_await number + 1; }
rask::task<int> with_nothing() { co_return 5; }

rask::task<int> sum_of_tree(rask::client_ref client, int depth) {
    if (depth == 0)
        co_return 1;
    auto left = sum_of_tree(client, depth - 1);
    auto right = sum_of_tree(client, depth - 1);
    co_return co_await left + co_await right;
}

rask::task<> holds(rask::client_ref, counted, rask::future<void> never) {
    counted local(1);
    co_await never;
}

struct service {
    rask::client_ref client;
    int base;
    rask::task<int> ask(rask::client_ref, int x) {
        co_return base + co_await client.submit(std::plus<>(), x, 1);
    }
};

} // namespace

TEST_CASE("a coroutine is a future") {
    rask::client client(2);
    CHECK(add_up(client, 10).get() == 45);
    rask::future<int> future = add_up(client, 4);
    CHECK(client.submit([](int x) { return x + 1; }, future).get() == 7);
    CHECK(client.submit([](int x) { return x + 1; }, add_up(client, 3)).get() == 4);
    CHECK(rask::gather(std::vector{add_up(client, 2), add_up(client, 3)})[1] == 3);
    CHECK(client.submit([&client] { return add_up(client, 5); }).get() == 10);
    CHECK(add_up(client, 0).get() == 0);
    CHECK(service{client, 100}.ask(client, 1).get() == 102);
}

TEST_CASE("it awaits in place, and what it is given lives in it") {
    rask::client client(2);
    CHECK(joined(client, client.submit([] { return std::string("first "); })).get() == "first second");
    CHECK(*move_only(client).get() == 4);
}

TEST_CASE("exceptions go in and out") {
    rask::client client(2);
    CHECK(catches(client).get() == 9);
    auto failing = throws(client, client.submit([] { return 4; }));
    CHECK_THROWS_WITH(failing.get(), "trouble 4");
    CHECK_THROWS_WITH(throws(client, client.submit([]() -> int { throw trouble(8); })).then([] {}).get(),
                      "trouble 8");
    CHECK(status_of([&] {
              failing.retry();
              failing.get();
          }) == RASK_E_TASK);
}

TEST_CASE("it finds its client") {
    rask::client client(2);
    CHECK(without_a_client(client.submit([] { return 1; })).get() == 2);
    CHECK(client.submit([] { return with_nothing(); }).get() == 5);
    CHECK(status_of([] { (void)with_nothing(); }) == RASK_E_INVALID);
}

TEST_CASE("many at a time take no threads") {
    rask::client client(rask::client_options{.workers = 1, .max_spares = 1});
    gate open;
    auto first = client.submit([&open]() -> int {
        open.pass();
        return 1;
    });
    std::vector<rask::task<int>> all;
    const int many = scaled(1000, 50);
    for (int i = 0; i < many; i++)
        all.push_back(without_a_client(first));
    open.open();
    int sum = 0;
    for (const auto &one : all)
        sum += one.get();
    CHECK(sum == 2 * many);
    CHECK(sum_of_tree(client, 8).get() == 256);
}

TEST_CASE("one that goes on for long") {
    rask::client client(2);
    const int n = scaled(20000, 200);
    CHECK(add_up(client, n).get() == n * (n - 1) / 2);
}

TEST_CASE("one that will not go on is destroyed") {
    counted::alive = 0;
    rask::client client(2);
    gate open;
    auto never = client.submit([&open] { open.pass(); });
    auto cancelled = holds(client, counted(1), never);
    CHECK(eventually([] { return counted::alive == 2; }));
    cancelled.cancel();
    cancelled = {};
    CHECK(eventually([] { return counted::alive == 0; }));

    auto dropped = holds(client, counted(1), never);
    CHECK(eventually([] { return counted::alive == 2; }));
    dropped = {};
    CHECK(eventually([] { return counted::alive == 0; }));

    auto closed = holds(client, counted(1), never.then([] {}));
    CHECK(eventually([] { return counted::alive == 2; }));
    never.cancel();
    open.open();
    client.close();
    CHECK(closed.done());
    closed = {};
    CHECK(counted::alive == 0);
    auto late = holds(client, counted(1), {});
    CHECK(!late.valid());
    CHECK(counted::alive == 0);
}

TEST_CASE("a submitted coroutine keeps its callable and its arguments") {
    rask::client client(2);
    auto pause = [] {
        return rask::this_task::client().submit(
            [] { std::this_thread::sleep_for(std::chrono::milliseconds(2)); });
    };
    const std::string word(40, 'w');
    auto numbers = client.map([](int x) { return x; }, std::vector{1, 2, 3});
    auto pair = std::tuple(client.submit([] { return 4; }), client.submit([word] { return word; }));
    auto text = client.submit([word] { return word; });
    auto length = client.submit(
        [pause, word](const std::string &plain, const std::string &future, const rask::list<int> &list,
                      const std::tuple<int, const std::string &> &both, const char *const &literal,
                      const double &number) -> rask::task<std::size_t> {
            co_await pause();
            std::size_t sum = word.size() + plain.size() + future.size() + std::get<1>(both).size();
            for (const int one : list)
                sum += static_cast<std::size_t>(one);
            co_return sum + std::string(literal).size() + static_cast<std::size_t>(number);
        },
        word, std::move(text), numbers, pair, std::string(5, 'l').c_str(), 2.5);
    numbers.clear();
    pair = {};
    CHECK(length.get() == 4 * 40 + 6 + 5 + 2);

    auto moved =
        client.submit([pause](std::unique_ptr<int> p) -> rask::task<int> { co_return co_await pause(), *p; },
                      std::make_unique<int>(7));
    CHECK(moved.get() == 7);
    auto each = client.map(
        [pause](const std::string &s) -> rask::task<std::size_t> { co_return co_await pause(), s.size(); },
        std::vector{word, word + word});
    CHECK(each[1].get() == 80);
    auto after =
        client.submit([word] { return word; }).then([pause](const std::string &s) -> rask::task<char> {
            co_await pause();
            co_return s.back();
        });
    CHECK(after.get() == 'w');
    auto failed = client.submit([]() -> int { throw trouble(21); });
    CHECK_THROWS_AS(client.submit([](int x) -> rask::task<int> { co_return x; }, failed).get(), trouble);
}
#endif
