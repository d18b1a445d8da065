// Groups: futures that are an argument together, in whatever arrangement, and arrive as values in the same
// one.
#include "check.hpp"

#include <array>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <set>

namespace {

struct numbers {
    rask::client client{2};
    rask::future<int> one = client.submit([] { return 1; });
    rask::future<int> two = client.submit([] { return 2; });
    rask::future<std::string> text = client.submit([] { return std::string("text"); });
    rask::future<void> nothing = client.submit([] {});
};

int sum_of(rask::list<int> all) {
    int total = 0;
    for (const int one : all)
        total += one;
    return total;
}

} // namespace

TEST_CASE_FIXTURE(numbers, "ranges of every kind are lists") {
    CHECK(client.submit(sum_of, std::vector{one, two}).get() == 3);
    CHECK(client.submit(sum_of, std::deque{one, two}).get() == 3);
    CHECK(client.submit(sum_of, std::list{one, two, two}).get() == 5);
    CHECK(client.submit(sum_of, std::set{one, two, two}).get() == 3);
    const rask::future<int> array[] = {one, two, two};
    CHECK(client.submit(sum_of, array).get() == 5);
    rask::future<int> mutable_array[] = {one, two};
    CHECK(client.submit(sum_of, mutable_array).get() == 3);
    CHECK(client.submit(sum_of, std::list<rask::future<int>>()).get() == 0);
}

TEST_CASE_FIXTURE(numbers, "lists in lists") {
    const std::vector<std::vector<rask::future<int>>> rows{{one, two}, {}, {two}};
    auto deep = [](rask::list<rask::list<int>> all) {
        int total = 0;
        for (auto row : all)
            total += sum_of(row);
        return total * 10 + static_cast<int>(all.size());
    };
    CHECK(client.submit(deep, rows).get() == 53);
    auto copied = [](const std::vector<std::vector<int>> &all) { return all.at(0).at(1) + all.at(2).at(0); };
    CHECK(client.submit(copied, rows).get() == 4);
    auto arrays = std::vector{std::array{one, two}, std::array{two, two}};
    CHECK(client.submit(deep, arrays).get() == 72);
    CHECK(client.submit(deep, std::move(arrays)).get() == 72);
}

TEST_CASE_FIXTURE(numbers, "pairs, tuples and maps, with plain values among them") {
    auto sized = [](std::pair<int, const std::string &> p) {
        return static_cast<std::size_t>(p.first) + p.second.size();
    };
    CHECK(client.submit(sized, std::pair(one, text)).get() == 5);
    CHECK(client.submit(sized, std::pair(2, text)).get() == 6);
    CHECK(client.submit(sized, std::pair(one, std::string("plain"))).get() == 6);
    auto copied = [](const std::pair<int, std::string> &p) { return p.second; };
    CHECK(client.submit(copied, std::pair(one, text)).get() == "text");

    const std::map<std::string, rask::future<int>> named{{"a", one}, {"b", two}};
    auto joined = [](const auto &all) {
        std::string line;
        for (const auto &[name, number] : all)
            line += name + std::to_string(number);
        return line;
    };
    CHECK(client.submit(joined, named).get() == "a1b2");
    CHECK(client.submit(joined, std::vector{std::pair(std::string("c"), two)}).get() == "c2");

    auto last =
        [](std::tuple<int, std::string_view, std::tuple<const std::string &, int>, rask::list<int>> t) {
            return std::string(std::get<1>(t)) + std::get<0>(std::get<2>(t)) +
                   std::to_string(sum_of(std::get<3>(t)));
        };
    CHECK(client.submit(last, std::tuple(one, "literal ", std::tuple(text, 2.5), std::vector{one, two}))
              .get() == "literal text3");
}

TEST_CASE_FIXTURE(numbers, "futures of nothing are waited for") {
    CHECK(client.submit([](const auto &p) { return p.second; }, std::pair(nothing, two)).get() == 2);
    CHECK(client.submit([] { return 7; }, std::list{nothing, nothing}).get() == 7);
    const std::vector<std::vector<rask::future<void>>> rows(3, {nothing});
    CHECK(client.submit([](const auto &all) { return all.size(); }, rows).get() == 3);
}

TEST_CASE_FIXTURE(numbers, "what is in a group is moved, read in place and destroyed as elsewhere") {
    counted::alive = 0;
    {
        std::vector<std::pair<counted, rask::future<int>>> held;
        held.emplace_back(counted(4), two);
        auto total = [](const auto &all) { return all[0].first.value + all[0].second; };
        CHECK(client.submit(total, held).get() == 6);
        CHECK(client.submit(total, std::move(held)).get() == 6);
        CHECK(held[0].first.value == -1); // NOLINT: it was moved from
        CHECK(!held[0].second.valid());
        CHECK(client.submit([](const auto &p) { return *p.first; }, std::pair(std::make_unique<int>(8), one))
                  .get() == 8);
    }
    client.wait();
    CHECK(eventually([] { return counted::alive == 0; }));
    const std::string *where = &text.get();
    CHECK(client.submit([where](const auto &p) { return where == &p.second; }, std::pair(1, text)).get());
}

namespace {
struct throws_on_copy {
    throws_on_copy() = default;
    throws_on_copy(const throws_on_copy &) { throw trouble(31); }
};
} // namespace

TEST_CASE_FIXTURE(numbers, "a group that cannot be written down leaves nothing behind") {
    counted::alive = 0;
    const throws_on_copy poor;
    auto both = [](const auto &, const auto &) {};
    CHECK_THROWS_AS(std::ignore = client.submit(both, std::pair(counted(2), one), poor), trouble);
    struct held {
        counted count;
        throws_on_copy poor;
    };
    std::list<std::tuple<counted, std::pair<rask::future<int>, held>>> last;
    last.emplace_back();
    CHECK_THROWS_AS(std::ignore = client.submit(both, last, 1), trouble);
    last.clear();
    CHECK(counted::alive == 0);
}

TEST_CASE_FIXTURE(numbers, "errors come out of groups") {
    auto bad = client.submit([]() -> int { throw trouble(3); });
    auto count = [](const auto &) { return 1; };
    CHECK_THROWS_AS(client.submit(count, std::pair(1, bad)).get(), trouble);
    CHECK_THROWS_AS(client.submit(count, std::vector<std::vector<rask::future<int>>>{{one, bad}}).get(),
                    trouble);
    CHECK(status_of([&] {
              client.submit(count, std::list{one, rask::future<int>()}).get();
          }) == RASK_E_HANDLE);
}

TEST_CASE_FIXTURE(numbers, "handles pass where they are meant to") {
    auto get = [](const auto &future) { return future->get(); };
    CHECK(client.submit(get, std::make_shared<rask::future<int>>(two)).get() == 2);
    CHECK(client.submit(get, &two).get() == 2);
    CHECK(client.submit([](const rask::future<int> &r) { return r.get(); }, std::cref(two)).get() == 2);
}

TEST_CASE_FIXTURE(numbers, "delayeds in groups") {
    auto lazy = rask::delay([](int x) { return x + 1; }, 1);
    auto copy = lazy;
    auto sum = [](const std::pair<int, int> &p) { return p.first + p.second; };
    CHECK(client.compute(rask::delay(sum, std::pair(lazy, copy))).get() == 4);
    CHECK(client.compute(rask::delay(sum, std::pair(lazy, one))).get() == 3);
    CHECK(client.compute(rask::delay(sum_of, std::vector{lazy, copy})).get() == 4);
    const std::map<int, rask::delayed<int>> kept{{5, lazy}};
    CHECK(kept.at(5).compute(client).get() == 2);
    CHECK(client.compute(rask::delay([](const auto &all) { return all[0].first * all[0].second; }, kept))
              .get() == 10);
}
