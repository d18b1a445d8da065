// Ranges: what the binding gives is one of the standard's.
#include "check.hpp"

// clang 14 cannot compile this header of gcc's library.
#if defined(__cpp_lib_ranges) && !(defined(__clang__) && __clang_major__ < 16)
#include <ranges>

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
#endif
