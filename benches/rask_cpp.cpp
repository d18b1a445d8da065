// Rask, as a C++ program uses it: the same graphs as rask.c, by futures of int64_t.
#include "contestant.h"

#include <rask/rask.hpp>

#include <optional>
#include <vector>

const char contestant_name[] = "rask_cpp";

static std::optional<rask::client> client;

const char *contestant_describe() { return "the C++ binding; counted as rask is"; }
void contestant_start(unsigned workers) { client.emplace(workers); }
void contestant_stop() { client.reset(); }

using number = rask::future<int64_t>;

static constexpr auto inc = [](int64_t x) { return x + 1; };
// Wraps around, which a wavefront does on purpose.
static constexpr auto add = [](int64_t x, int64_t y) {
    return static_cast<int64_t>(static_cast<uint64_t>(x) + static_cast<uint64_t>(y));
};

int64_t run_independent(size_t tasks) {
    std::vector<number> futures(tasks);
    for (size_t i = 0; i < tasks; i++)
        futures[i] = client->submit(inc, static_cast<int64_t>(i));
    rask::wait(futures);
    int64_t sum = 0;
    for (const auto &future : futures)
        sum += future.get();
    rask::release_all(std::move(futures));
    return sum;
}

int64_t run_chain(size_t tasks) {
    std::vector<number> futures(tasks);
    futures[0] = client->submit(inc, int64_t{0});
    for (size_t i = 1; i < tasks; i++)
        futures[i] = client->submit(inc, futures[i - 1]);
    const int64_t last = futures.back().get();
    rask::release_all(std::move(futures));
    return last;
}

int64_t run_tree(size_t leaves) {
    std::vector<number> futures(2 * leaves - 1);
    for (size_t i = 0; i < leaves; i++)
        futures[i] = client->submit(inc, static_cast<int64_t>(i));
    for (size_t i = leaves; i < futures.size(); i++) {
        const number *children = &futures[2 * (i - leaves)];
        futures[i] = client->submit(add, children[0], children[1]);
    }
    const int64_t sum = futures.back().get();
    rask::release_all(std::move(futures));
    return sum;
}

static int64_t fib(int64_t n);
static constexpr auto fib_task = [](int64_t n) { return fib(n); };
static int64_t fib(int64_t n) {
    if (n < 2)
        return n;
    const auto here = rask::this_task::client();
    const auto x = here.submit(fib_task, n - 1);
    const auto y = here.submit(fib_task, n - 2);
    return x.get() + y.get();
}

int64_t run_fork_join(size_t n) { return client->submit(fib_task, static_cast<int64_t>(n)).get(); }

int64_t run_wavefront(size_t side) {
    constexpr auto one = [] { return int64_t{1}; };
    constexpr auto same = [](int64_t x) { return x; };
    std::vector<number> cells(side * side);
    for (size_t y = 0; y < side; y++)
        for (size_t x = 0; x < side; x++) {
            number *cell = &cells[y * side + x];
            if (x > 0 && y > 0)
                *cell = client->submit(add, cell[-1], cell[-static_cast<ptrdiff_t>(side)]);
            else if (x > 0)
                *cell = client->submit(same, cell[-1]);
            else if (y > 0)
                *cell = client->submit(same, cell[-static_cast<ptrdiff_t>(side)]);
            else
                *cell = client->submit(one);
        }
    const int64_t paths = cells.back().get();
    rask::release_all(std::move(cells));
    return paths;
}

int64_t run_fan(size_t rounds) {
    constexpr auto sum = [](rask::list<int64_t> all) {
        int64_t total = 0;
        for (const int64_t one : all)
            total += one;
        return total;
    };
    int64_t total = 0;
    for (size_t round = 0; round < rounds; round++) {
        const auto first = client->submit(inc, static_cast<int64_t>(round));
        std::vector<number> many(FAN_WIDTH);
        for (size_t i = 0; i < FAN_WIDTH; i++)
            many[i] = client->submit(add, first, static_cast<int64_t>(i));
        const auto last = client->submit(sum, many);
        total += last.get();
        rask::release_all(std::move(many));
    }
    return total;
}
