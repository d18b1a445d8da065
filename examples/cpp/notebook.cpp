// Dask's futures notebook, from end to end: chains, many tasks, a tree of sums, work that grows while it
// runs, tasks that fail now and then, and a gather that skips what failed.
#include <rask/rask.hpp>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <functional>
#include <numeric>
#include <stdexcept>
#include <vector>

static int inc(int x) { return x + 1; }
static int twice(int x) { return 2 * x; }

// x = client.submit(inc, 1); y = client.submit(double, x); z = client.submit(add, x, y); z.result()
static void chain_dependencies(rask::client &client) {
    auto x = client.submit(inc, 1);
    auto y = client.submit(twice, x); // x need not be done for that
    auto z = client.submit(std::plus<>(), x, y);
    std::printf("inc(1) + 2 * inc(1) = %d\n", z.get());
}

// zs = client.map(inc, range(256)), summed pair by pair. No layer waits for the one below.
static void many_tasks_and_a_tree(rask::client &client) {
    std::vector<int> numbers(256);
    std::iota(numbers.begin(), numbers.end(), 0);
    auto layer = client.map(inc, numbers);
    while (layer.size() > 1) {
        for (std::size_t i = 0; i < layer.size();
             i += 2) // the inputs are handed over: nobody else needs them
            layer[i / 2] = client.submit(std::plus<>(), std::move(layer[i]), std::move(layer[i + 1]));
        layer.resize(layer.size() / 2);
    }
    std::printf("1 + 2 + ... + %zu = %d\n", numbers.size(), layer[0].get());
}

// The area under sqrt from a to b by Simpson's rule, and whether that is good enough.
struct slice {
    double a, b, area;
    bool is_good;
};

static double simpson(double a, double b) {
    return (b - a) / 6 * (std::sqrt(a) + 4 * std::sqrt((a + b) / 2) + std::sqrt(b));
}

static slice integrate(double a, double b) {
    const double middle = (a + b) / 2;
    const double area = simpson(a, middle) + simpson(middle, b);
    return {a, b, area, std::fabs(area - simpson(a, b)) < 1e-9};
}

// for future in as_completed(futures): what turns out to be too coarse is cut in two, and goes back in.
static void grow_while_it_runs(rask::client &client) {
    rask::as_completed<slice> slices({client.submit(integrate, 0.0, 1.0)});
    double area = 0;
    int n_slices = 0;
    for (const auto &done : slices) {
        const slice &s = done.get();
        if (s.is_good) {
            area += s.area;
            n_slices++;
        } else {
            slices.add(client.submit(integrate, s.a, (s.a + s.b) / 2));
            slices.add(client.submit(integrate, (s.a + s.b) / 2, s.b));
        }
    }
    std::printf("the area under sqrt from 0 to 1 is %.6f, by %d slices\n", area, n_slices);
}

struct no_such_page : std::runtime_error {
    explicit no_such_page(int page) : std::runtime_error("there is no page " + std::to_string(page)) {}
};

// A server that is down for the first attempts, and a page that it does not have.
static int fetch(int page) {
    if (page == 7)
        throw no_such_page(page);
    if (static_cast<int>(rask::this_task::attempt()) <= page % 3)
        throw std::runtime_error("try again");
    return page * page;
}

// futures = client.map(fetch, range(10), retries=2); client.gather(futures, errors="skip")
static void flaky_tasks_and_a_gather_that_skips(rask::client &client) {
    std::vector<int> pages(10);
    std::iota(pages.begin(), pages.end(), 0);
    auto futures = client.with().retries(2).retry_delay(std::chrono::milliseconds(1)).map(fetch, pages);
    const auto fetched = rask::gather(futures, rask::errors::skip);
    for (const auto &future : futures) {
        if (future.state() == rask::state::error) {
            try {
                future.get();
            } catch (const no_such_page &e) { // the very exception
                std::printf("%s\n", e.what());
            }
        }
    }
    std::printf("%zu of %zu pages, adding up to %d\n", fetched.size(), pages.size(),
                std::accumulate(fetched.begin(), fetched.end(), 0));
}

int main() {
    rask::client client; // a worker per core
    chain_dependencies(client);
    many_tasks_and_a_tree(client);
    grow_while_it_runs(client);
    flaky_tasks_and_a_gather_that_skips(client);
}
