// Submit: callables and arguments of every kind, and what they become.
#include "check.hpp"

#include <array>
#include <functional>
#include <memory>

namespace {

int twice(int x) { return 2 * x; }

struct account {
    int balance = 0;
    int add(int amount) const { return balance + amount; }
    std::string name = "none";
};

struct move_only_function {
    std::unique_ptr<int> by;
    int operator()(int x) const { return x + *by; }
};

enum class colour : unsigned char { red, green };

struct point {
    double x, y;
};
struct padded {
    char a;
    int64_t b;
};
struct triple {
    int64_t a, b, c, d;
};

} // namespace

TEST_CASE("callables of every kind") {
    rask::client client(2);
    int one = 1;
    const double wide[] = {1, 2, 3, 4, 5};
    CHECK(client.submit([](int x) { return x + 1; }, 1).get() == 2);
    CHECK(client.submit([one](int x) { return x + one; }, 1).get() == 2);
    CHECK(client.submit([wide](int x) { return x + static_cast<int>(wide[4]); }, 1).get() == 6);
    CHECK(client.submit([&](int x) { return x + one; }, 1).get() == 2);
    CHECK(client.submit(twice, 4).get() == 8);
    CHECK(client.submit(&twice, 4).get() == 8);
    CHECK(client.submit(std::integral_constant<decltype(&twice), &twice>(), 4).get() == 8);
    CHECK(client.submit(std::function<int(int)>(twice), 4).get() == 8);
    CHECK(client.submit(move_only_function{std::make_unique<int>(3)}, 4).get() == 7);
    CHECK(client.submit([p = std::make_unique<int>(5)] { return *p; }).get() == 5);
    CHECK(client.submit([n = 0]() mutable { return ++n; }).get() == 1);
    CHECK(client.submit(std::plus<>(), 1, 2.5).get() == 3.5);
}

TEST_CASE("members are called on objects, pointers and references") {
    rask::client client(2);
    account mine{100, "mine"};
    CHECK(client.submit(&account::add, mine, 5).get() == 105);
    CHECK(client.submit(&account::add, &mine, 6).get() == 106);
    CHECK(client.submit(&account::add, std::ref(mine), 7).get() == 107);
    CHECK(client.submit(&account::add, std::make_shared<account>(mine), 8).get() == 108);
    CHECK(client.submit(&account::balance, mine).get() == 100);
    const auto future = client.submit([] { return account{7, "theirs"}; });
    CHECK(client.submit(&account::add, future, 1).get() == 8);
    CHECK(future.then(&account::name).get() == "theirs");
}

TEST_CASE("plain arguments of every kind") {
    rask::client client(2);
    auto same = [](auto x) { return x; };
    CHECK(client.submit(same, true).get() == true);
    CHECK(client.submit(same, 'x').get() == 'x');
    CHECK(client.submit(same, int8_t{-3}).get() == -3);
    CHECK(client.submit(same, UINT64_MAX).get() == UINT64_MAX);
    CHECK(client.submit(same, INT64_MIN).get() == INT64_MIN);
    CHECK(client.submit(same, 2.5f).get() == 2.5f);
    CHECK(client.submit(same, -0.0).get() == 0.0);
    CHECK(client.submit(same, colour::green).get() == colour::green);
    CHECK(client.submit(same, point{1, 2}).get().y == 2);
    CHECK(client.submit(same, padded{'a', 2}).get().b == 2);
    CHECK(client.submit(same, triple{1, 2, 3, 4}).get().d == 4);
    CHECK(client.submit(same, std::string("text")).get() == "text");
    CHECK(client.submit(same, std::string_view("view")).get() == "view");
    CHECK(client.submit(same, "literal").get() == "literal");
    CHECK(client.submit(same, std::vector<double>{1, 2}).get()[1] == 2);
    CHECK(client.submit(same, std::vector<bool>{true, false}).get().size() == 2);
    CHECK(client.submit(same, std::array<int, 3>{1, 2, 3}).get()[2] == 3);
    CHECK(client.submit(same, std::pair<int, std::string>(1, "a")).get().second == "a");
    CHECK(*client.submit(same, std::make_shared<int>(4)).get() == 4);
    int here = 3;
    CHECK(client.submit(same, &here).get() == &here);
    CHECK(client.submit([](int &x) { return ++x; }, std::ref(here)).get() == 4);
    CHECK((client.submit(same, &twice).get() == &twice));
    CHECK(client.submit([](std::string x) { return x + "!"; }, "converts").get() == "converts!");
    CHECK(client.submit([](double x) { return x / 2; }, 3).get() == 1.5);
    CHECK(client
              .submit([](int a, double b, int c, double d, int e, double f,
                         int g) { return a + b + c + d + e + f + g; },
                      1, 2., 3, 4., 5, 6., 7)
              .get() == 28);
}

TEST_CASE("what was text in a buffer is copied by submit") {
    rask::client client(1);
    gate open;
    client.submit([&] { open.pass(); }).fire_and_forget();
    char buffer[] = "first";
    const char *text = buffer;
    auto copied = client.submit([](std::string_view a, const char *b) { return std::string(a) + b; },
                                std::string_view(buffer), text);
    buffer[0] = 'w';
    open.open();
    CHECK(copied.get() == "firstfirst");
}

TEST_CASE("move-only arguments are moved into the one run, or read in place") {
    rask::client client(2);
    CHECK(client.submit([](std::unique_ptr<int> p) { return *p; }, std::make_unique<int>(1)).get() == 1);
    CHECK(client.submit([](std::unique_ptr<int> &&p) { return *p; }, std::make_unique<int>(2)).get() == 2);
    CHECK(client.submit([](const std::unique_ptr<int> &p) { return *p; }, std::make_unique<int>(3)).get() ==
          3);

    std::atomic<int> runs{0};
    auto again = client.submit(
        rask::options{0, 1},
        [&runs](std::unique_ptr<int> p) {
            if (++runs == 1)
                throw trouble(1);
            return *p;
        },
        std::make_unique<int>(4));
    CHECK(status_of([&] { again.get(); }) == RASK_E_STATE);
    CHECK(runs == 1);
}

TEST_CASE("futures arrive as values, many at a time as lists and tuples") {
    rask::client client(2);
    auto two = client.submit(twice, 1);
    auto half = client.submit([] { return 0.5; });
    auto text = client.submit([] { return std::string("text"); });
    CHECK(client
              .submit(
                  [](int a, double b, const std::string &c) { return static_cast<double>(c.size()) + a + b; },
                  two, half, text)
              .get() == 6.5);

    std::vector<rask::future<int>> many;
    for (int i = 0; i < 100; i++)
        many.push_back(client.submit(twice, i));
    auto sum = [](rask::list<int> all) {
        int total = 0;
        for (int one : all)
            total += one;
        return total;
    };
    CHECK(client.submit(sum, many).get() == 9900);
    CHECK(client.submit([](const std::vector<int> &all) { return all.at(99); }, many).get() == 198);
    CHECK(client.submit(sum, std::array{two, two}).get() == 4);
    CHECK(client.submit(sum, std::vector<rask::future<int>>()).get() == 0);
    CHECK(client.submit(sum, std::move(many)).get() == 9900);

    std::vector<rask::future<std::string>> texts{text, text};
    CHECK(client.submit([](rask::list<std::string> all) { return &all[0] == &all[1]; }, texts).get());

    CHECK(client
              .submit([](std::tuple<int, const std::string &> both) { return std::get<1>(both).size(); },
                      std::tuple{two, text})
              .get() == 4);
}

TEST_CASE("a value is read in place, by every dependent") {
    rask::client client(2);
    auto text = client.submit([] { return std::string(1000, 'x'); });
    const std::string *where = &text.get();
    CHECK(client.submit([](const std::string &s) { return &s; }, text).get() == where);
    auto copy = text;
    CHECK(&copy.get() == where);
}

TEST_CASE("a future that was moved in is handed over") {
    rask::client client(2);
    auto text = client.submit([] { return std::string("abc"); });
    CHECK(client.submit([](const std::string &s) { return s.size(); }, std::move(text)).get() == 3);
    CHECK(!text.valid());
}

TEST_CASE("void futures are waited for and pass nothing") {
    rask::client client(2);
    std::atomic<int> done{0};
    auto first = client.submit([&done] { done = 1; });
    static_assert(std::is_same_v<decltype(first), rask::future<void>>);
    CHECK(client.submit([&done](int x) { return x + done; }, first, 5).get() == 6);
    std::vector<rask::future<void>> many{first, first};
    CHECK(client.submit([&done] { return done.load(); }, many).get() == 1);
    first.get();
}

TEST_CASE("a task may return another's future") {
    rask::client client(2);
    auto nested = client.submit([&client] { return client.submit(twice, 21); });
    static_assert(std::is_same_v<decltype(nested), rask::future<int>>);
    CHECK(nested.get() == 42);
    auto failing = client.submit([&client] { return client.submit([]() -> int { throw trouble(3); }); });
    CHECK_THROWS_AS(failing.get(), trouble);
}

TEST_CASE("then, one after the other") {
    rask::client client(2);
    CHECK(client.submit(twice, 1).then(twice).then([](int x) { return std::to_string(x); }).get() == "4");
    auto one = client.submit(twice, 1);
    CHECK(one.then({1, 2}, twice).get() == 4);
    CHECK(client.submit([] {}).then([] { return 3; }).get() == 3);
}

TEST_CASE("map, of values, futures and with state") {
    rask::client client(2);
    const std::vector<int> numbers{1, 2, 3};
    auto doubled = client.map([](int x) { return 2 * x; }, numbers);
    CHECK(doubled.size() == 3);
    CHECK(doubled[2].get() == 6);
    CHECK(client.map(twice, doubled)[2].get() == 12);
    int by = 10;
    CHECK(client.map([by](int x) { return x * by; }, numbers)[0].get() == 10);
    const std::string words[] = {"a", "bb"};
    CHECK(client.map([](const std::string &s) { return s.size(); }, words)[1].get() == 2);
    CHECK(client.map([](int x) { return x; }, std::vector<int>()).empty());
    CHECK(client
              .map(
                  {0, 0, {}, {}, "named"}, [](int x) { return x; }, numbers)[0]
              .key()
              .substr(0, 6) == "named-");
    std::vector<std::unique_ptr<int>> owned;
    owned.push_back(std::make_unique<int>(7));
    CHECK(client.map([](const std::unique_ptr<int> &p) { return *p; }, std::move(owned))[0].get() == 7);
}

TEST_CASE("options, as a struct and chained") {
    rask::client client(rask::client_options{2, "names", {}, "GPU=1"});
    rask::options how;
    how.key = "given";
    how.priority = 3;
    how.retry_delay = std::chrono::milliseconds(1);
    how.retries = 2;
    how.resources = "GPU=1";
    std::atomic<int> runs{0};
    auto flaky = client.submit(how, [&] { return ++runs < 3 ? throw trouble(runs) : runs.load(); });
    CHECK(flaky.get() == 3);
    CHECK(flaky.key() == "given");
    auto chained = client.with().name("chained").priority(-1).retries(1).submit(twice, 2);
    CHECK(chained.get() == 4);
    CHECK(chained.key().substr(0, 8) == "chained-");
    how.resources = "GPU=2";
    how.key = "";
    CHECK(status_of([&] { client.submit(how, twice, 1).get(); }) == RASK_E_INVALID);
}

TEST_CASE("scatter, for many tasks") {
    rask::client client(2);
    auto text = client.scatter(std::string("shared"));
    static_assert(std::is_same_v<decltype(text), rask::future<std::string>>);
    CHECK(text.state() == rask::state::finished);
    CHECK(client.submit([](const std::string &s) { return s.size(); }, text).get() == 6);
    CHECK(client.scatter(3).get() == 3);
    CHECK(client.scatter("literal").get() == "literal");
    CHECK(*client.scatter(std::make_unique<int>(4)).get() == 4);
}

TEST_CASE("map over several ranges, as far as the shortest goes") {
    rask::client client(2);
    const std::vector<int> numbers{1, 2, 3};
    auto sums = client.map([](int a, double b, int c) { return a + b + c; }, client.map(twice, numbers),
                           std::vector{0.5, 1.5}, numbers);
    static_assert(std::is_same_v<decltype(sums), std::vector<rask::future<double>>>);
    REQUIRE(sums.size() == 2);
    CHECK(sums[1].get() == 7.5);
    auto products = client.with().priority(1).map(
        [by = std::string("xx")](int a, int b) { return a * b * static_cast<int>(by.size()); }, numbers,
        numbers);
    CHECK(products[2].get() == 18);
}

TEST_CASE("generic callables, and clients as arguments") {
    rask::client client(2);
    auto one = client.submit([] { return 1; });
    CHECK(client.submit([](auto &&...all) { return (all + ...); }, one, 2, 3L).get() == 6);
    auto nested = client.submit(
        [](rask::client_ref here, int x) { return here.submit([](int y) { return y + 1; }, x); }, client,
        one);
    CHECK(nested.get() == 2);
}
