// Handles of futures: empty, moved from, compared, hashed; and waits by clocks of every kind.
#include "check.hpp"

#include <chrono>
#include <cmath>
#include <memory>
#include <unordered_map>

using namespace std::chrono_literals;

TEST_CASE("an empty future says so, whatever it is asked") {
    rask::client client(1);
    auto future = client.submit([] { return std::make_unique<int>(5); });
    CHECK(*std::move(future).get() == 5);
    CHECK(!future.valid()); // NOLINT: what is left of it
    CHECK(status_of([&] { (void)std::move(future).get(); }) == RASK_E_HANDLE);
    CHECK(status_of([&] { (void)future.get(); }) == RASK_E_HANDLE);
    CHECK(status_of([&] { future.cancel(); }) == RASK_E_HANDLE);
    CHECK(status_of([&] { future.retry(); }) == RASK_E_HANDLE);
    CHECK(status_of([&] { future.on_done([] {}); }) == RASK_E_HANDLE);
    CHECK(status_of([&] { (void)future.wait_for(1ms); }) == RASK_E_HANDLE);
    CHECK(status_of([&] { (void)future.done(); }) == RASK_E_HANDLE);
    CHECK(status_of([&] { (void)future.nbytes(); }) == RASK_E_HANDLE);
    CHECK(status_of([&] { (void)future.client(); }) == RASK_E_HANDLE);
    CHECK(status_of([&] { std::move(future).fire_and_forget(); }) == RASK_E_HANDLE);
    const auto copy = future;
    CHECK(!copy.valid());
    CHECK(copy == future);

    std::vector<rask::future<int>> some(2, client.submit([] { return 1; }));
    CHECK(some[0] == some[1]);
    some.resize(3);
    CHECK(status_of([&] { rask::wait(some); }) == RASK_E_HANDLE);
    CHECK(status_of([&] { (void)rask::gather(some); }) == RASK_E_HANDLE);
    CHECK(status_of([&] { (void)rask::when_any(rask::future<int>()).get(); }) == RASK_E_HANDLE);
    rask::as_completed<int> none({});
    CHECK(status_of([&] { none.add({}); }) == RASK_E_HANDLE);
    CHECK(!none.next().valid());
}

TEST_CASE("futures are keys of hash tables") {
    rask::client client(2);
    std::unordered_map<rask::future<int>, int> numbers;
    for (int i = 0; i < 100; i++)
        numbers[client.submit([i] { return i; })] = i;
    numbers[rask::future<int>()] = -1;
    CHECK(numbers.size() == 101);
    for (const auto &[future, number] : numbers)
        CHECK((future.valid() ? future.get() : -1) == number);
}

TEST_CASE("waits end when they should, by any clock and unit") {
    rask::client client(2);
    gate open;
    auto future = client.submit([&open] { return open.pass(), 1; });
    using days = std::chrono::duration<int64_t, std::ratio<86400>>;
    using far = std::chrono::time_point<std::chrono::system_clock, days>;
    constexpr auto timeout = rask::future_status::timeout;
    CHECK(future.wait_for(0s) == timeout);
    CHECK(future.wait_for(-1h) == timeout);
    CHECK(future.wait_for(days::min()) == timeout);
    CHECK(future.wait_for(std::chrono::duration<double>(1e-12)) == timeout);
    CHECK(future.wait_for(std::chrono::duration<float, std::milli>(0.5f)) == timeout);
    CHECK(future.wait_for(std::chrono::duration<double>(std::nan(""))) == timeout);
    CHECK(future.wait_for(100us) == timeout);
    CHECK(future.wait_until(std::chrono::system_clock::now()) == timeout);
    CHECK(future.wait_until(std::chrono::system_clock::now() + 1ms) == timeout);
    CHECK(future.wait_until(std::chrono::steady_clock::now() + 1ms) == timeout);
    CHECK(future.wait_until(std::chrono::steady_clock::time_point::min()) == timeout);
    CHECK(future.wait_until(far::min()) == timeout);
    CHECK(client.wait_for(1ms) == timeout);
    CHECK(rask::wait_for(std::vector{future, future}, 1ms) == timeout);
    open.open();
    constexpr auto ready = rask::future_status::ready;
    CHECK(future.wait_until(far::max()) == ready);
    CHECK(future.wait_until(std::chrono::steady_clock::time_point::max()) == ready);
    CHECK(future.wait_for(days::max()) == ready);
    CHECK(future.wait_for(std::chrono::duration<double>::max()) == ready);
    CHECK(client.wait_for(1h) == ready);
}

TEST_CASE("spans of time become nanoseconds, exactly where they can") {
    CHECK(rask::duration(5ns).nanoseconds == 5);
    CHECK(rask::duration(-5us).nanoseconds == -5000);
    CHECK(rask::duration(std::chrono::nanoseconds(INT64_C(1234567890123456789))).nanoseconds ==
          INT64_C(1234567890123456789));
    CHECK(rask::duration(std::chrono::hours::max()).nanoseconds == INT64_MAX);
    CHECK(rask::duration(std::chrono::hours::min()).nanoseconds == INT64_MIN);
    CHECK(rask::duration(std::chrono::duration<int, std::ratio<1, 3>>(3)).nanoseconds == 1000000000);
    CHECK(rask::duration(std::chrono::duration<int, std::pico>(1)).nanoseconds == 1);
    CHECK(rask::duration(std::chrono::duration<int, std::pico>(0)).nanoseconds == 0);
}
