// Ranges: what the binding gives is one of the standard's.
#include "check.hpp"

// clang 14 cannot compile this header of gcc's library.
#if defined(__cpp_lib_ranges) && !(defined(__clang__) && __clang_major__ < 16)
#include <algorithm>
#include <chrono>
#include <ranges>
#include <span>

static_assert(std::ranges::random_access_range<rask::list<int>>);
static_assert(std::ranges::random_access_range<rask::gathered<std::string>>);
static_assert(std::ranges::sized_range<rask::gathered<std::string>>);
static_assert(std::ranges::input_range<rask::as_completed<int>>);

TEST_CASE("views in, views out") {
    rask::client client(2);
    auto squares = client.map([](int x) { return x * x; }, std::views::iota(1, 5));
    int sum = 0;
    for (int odd : rask::gather(squares) | std::views::filter([](int x) { return x % 2 == 1; }))
        sum += odd;
    CHECK(sum == 10);
    rask::as_completed completed(squares);
    for (const auto &done : completed | std::views::take(2))
        CHECK(done.done());
    auto doubled = client.submit(
        [](rask::list<int> all) {
            int total = 0;
            for (int one : all | std::views::reverse | std::views::transform([](int x) { return 2 * x; }))
                total += one;
            return total;
        },
        squares);
    CHECK(doubled.get() == 60);
}

TEST_CASE("spans of futures") {
    rask::client client(2);
    auto all = client.map([](int x) { return std::to_string(x); },
                          std::views::iota(0, 5) | std::views::transform([](int x) { return x * x; }));
    const std::span<rask::future<std::string>> some(all.data() + 1, 3);
    rask::wait(some);
    CHECK(rask::gather(some).size() == 3);
    CHECK(client.submit([](rask::list<std::string> texts) { return texts[2]; }, some).get() == "9");
    const auto values = rask::gather(std::move(all));
    CHECK(std::ranges::find(values, "16") != values.end());
}

TEST_CASE("options by name") {
    using namespace std::chrono_literals;
    rask::client client({.workers = 2, .name = "named"});
    auto third = [n = 0]() mutable { return ++n < 3 ? throw trouble(n) : n; };
    auto made = client.submit({.priority = 1, .retries = 3, .retry_delay = 1us, .name = "third"}, third);
    CHECK(made.get() == 3);
    CHECK(made.key().starts_with("third-"));
    CHECK(client.with().retries(2).retry_delay(1us).priority(3).submit(third).get() == 3);
}
#endif
