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

rask::task<int> sums_ready(rask::client_ref, std::vector<rask::future<int>> all) {
    int sum = 0;
    for (const auto &one : all)
        sum += co_await one;
    co_return sum;
}

rask::task<int> sums_groups(rask::client_ref client) {
    auto numbers = client.map([](int x) { return x; }, std::vector{1, 2, 3});
    int sum = 0;
    for (const int one : co_await rask::when_all(numbers))
        sum += one;
    const auto both = rask::when_all(numbers[0], numbers[1]);
    const auto &[first, second] = co_await both;
    co_return sum * 100 + first * 10 + second;
}

rask::task<int> deep(rask::client_ref client, int depth) {
    if (depth == 0)
        throw trouble(77);
    const int below = co_await deep(client, depth - 1);
    co_return below + 1;
}

rask::task<int> outlives_a_cancel(rask::client_ref, rask::future<int> cancelled) {
    try {
        co_return co_await cancelled;
    } catch (const rask::error &e) {
        co_return e.status();
    }
}

struct alignas(64) wide {
    int value;
};
rask::task<wide> aligned(rask::client_ref client) {
    auto made = co_await client.submit([] { return wide{4}; });
    co_return made;
}
struct throws_on_copy {
    throws_on_copy() = default;
    throws_on_copy(const throws_on_copy &) { throw trouble(11); }
};
rask::task<throws_on_copy> gives_what_throws(rask::client_ref) {
    const throws_on_copy poor;
    co_return poor;
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

TEST_CASE("it awaits very many, done or not") {
    rask::client client(2);
    const int n = scaled(100000, 200);
    std::vector<rask::future<int>> all(static_cast<std::size_t>(n), client.submit([] { return 1; }));
    CHECK(sums_ready(client, all).get() == n);
    all = client.map([](int x) { return x & 1; },
                     [n] {
                         std::vector<int> numbers(static_cast<std::size_t>(n));
                         for (int i = 0; i < n; i++)
                             numbers[static_cast<std::size_t>(i)] = i;
                         return numbers;
                     }());
    CHECK(sums_ready(client, std::move(all)).get() == n / 2);
}

TEST_CASE("it awaits groups, and other coroutines") {
    rask::client client(2);
    CHECK(sums_groups(client).get() == 612);
    CHECK_THROWS_WITH(deep(client, 30).get(), "trouble 77");
    auto task = aligned(client);
    rask::task<wide> moved = std::move(task);
    const auto copy = moved;
    CHECK(copy.get().value == 4);
    CHECK(reinterpret_cast<std::uintptr_t>(&copy.get()) % 64 == 0);
    CHECK_THROWS_WITH(gives_what_throws(client).get(), "trouble 11");
}

TEST_CASE("it goes on when what it awaits is cancelled") {
    rask::client client(2);
    gate open;
    auto first = client.submit([&open] { return open.pass(), 1; });
    auto second = first.then([](int x) { return x; });
    auto waits = outlives_a_cancel(client, second);
    second.cancel();
    CHECK(waits.get() == RASK_E_CANCELLED);
}

TEST_CASE("groups are arguments of a submitted coroutine") {
    rask::client client(2);
    auto one = client.submit([] { return 1; });
    auto text = client.submit([] { return std::string("text"); });
    auto sum = client.submit(
        [](const std::pair<int, const std::string &> &both, const rask::list<rask::list<int>> &rows,
           std::string_view view) -> rask::task<std::size_t> {
            co_await rask::this_task::client().submit([] {});
            co_return both.second.size() + rows.size() + static_cast<std::size_t>(rows[0][1]) + view.size();
        },
        std::pair(one, text), std::vector<std::vector<rask::future<int>>>{{one, one}, {}}, "view");
    CHECK(sum.get() == 4 + 2 + 1 + 4);
}
#endif
