// oneTBB's task_group. The task_group of this oneTBB cannot order tasks, so its users build that themselves:
// here a deferred task with a counter of what it still waits for and a list of who waits for it. The first
// dependent made ready is returned from the task and runs next on the same thread, which is oneTBB's fastest
// way.
#define TBB_PREVIEW_TASK_GROUP_EXTENSIONS 1

#include "contestant.h"

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_group.h>
#include <oneapi/tbb/version.h>

#include <atomic>
#include <memory>
#include <numeric>
#include <optional>
#include <vector>

const char contestant_name[] = "tbb";

static std::optional<tbb::global_control> limit;

const char *contestant_describe() {
    return TBB_VERSION_STRING
        "; max_allowed_parallelism, the submitting thread, which works while it waits, among them";
}

void contestant_start(unsigned workers) {
    limit.emplace(tbb::global_control::max_allowed_parallelism, workers);
}
void contestant_stop() { limit.reset(); }

namespace {

class future {
  public:
    std::int64_t value = 0;

    // Runs body() into value once all of inputs have their values.
    template <class Body>
    void submit(tbb::task_group &group, future *const *inputs, std::size_t count, Body body) {
        task = group.defer([this, &group, body] {
            value = body();
            return complete(group);
        });
        if (count > few)
            more.reset(new edge[count]);
        edge *edges = count > few ? more.get() : inline_edges;
        missing.store(count + 1, std::memory_order_relaxed);
        std::size_t met = 1;
        for (std::size_t i = 0; i < count; i++) {
            edges[i].dependent = this;
            met += !inputs[i]->add_dependent(edges[i]);
        }
        if (missing.fetch_sub(met, std::memory_order_acq_rel) == met)
            group.run(std::move(task));
    }

  private:
    struct edge {
        future *dependent;
        edge *next;
    };
    static constexpr std::size_t few = 2;
    static inline edge closed;

    std::atomic<edge *> dependents = nullptr;
    std::atomic<std::size_t> missing = 0;
    tbb::task_handle task;
    edge inline_edges[few];
    std::unique_ptr<edge[]> more;

    // False when the value is there already.
    bool add_dependent(edge &link) {
        edge *head = dependents.load(std::memory_order_acquire);
        do {
            if (head == &closed)
                return false;
            link.next = head;
        } while (!dependents.compare_exchange_weak(head, &link, std::memory_order_acq_rel,
                                                   std::memory_order_acquire));
        return true;
    }

    tbb::task_handle complete(tbb::task_group &group) {
        tbb::task_handle first;
        edge *link = dependents.exchange(&closed, std::memory_order_acq_rel);
        while (link) {
            future *dependent = link->dependent;
            link = link->next;
            if (dependent->missing.fetch_sub(1, std::memory_order_acq_rel) != 1)
                continue;
            if (first)
                group.run(std::move(dependent->task));
            else
                first = std::move(dependent->task);
        }
        return first;
    }
};

// An array of this size in one piece is what a user who knows the graph allocates.
using futures = std::unique_ptr<future[]>;
futures make_futures(std::size_t count) { return futures(new future[count]); }

} // namespace

int64_t run_independent(size_t tasks) {
    std::vector<std::int64_t> results(tasks);
    tbb::task_group group;
    for (std::size_t i = 0; i < tasks; i++)
        group.run([&results, i] { results[i] = static_cast<std::int64_t>(i) + 1; });
    group.wait();
    return std::accumulate(results.begin(), results.end(), std::int64_t{0});
}

int64_t run_chain(size_t tasks) {
    auto all = make_futures(tasks);
    tbb::task_group group;
    all[0].submit(group, nullptr, 0, [] { return 1; });
    for (std::size_t i = 1; i < tasks; i++) {
        future *before = &all[i - 1];
        all[i].submit(group, &before, 1, [before] { return before->value + 1; });
    }
    group.wait();
    return all[tasks - 1].value;
}

int64_t run_tree(size_t leaves) {
    std::size_t tasks = 2 * leaves - 1;
    auto all = make_futures(tasks);
    tbb::task_group group;
    for (std::size_t i = 0; i < leaves; i++)
        all[i].submit(group, nullptr, 0, [i] { return static_cast<std::int64_t>(i) + 1; });
    for (std::size_t i = leaves; i < tasks; i++) {
        future *children[] = {&all[2 * (i - leaves)], &all[2 * (i - leaves) + 1]};
        all[i].submit(group, children, 2, [x = children[0], y = children[1]] { return x->value + y->value; });
    }
    group.wait();
    return all[tasks - 1].value;
}

static std::int64_t fib(std::int64_t n) {
    if (n < 2)
        return n;
    std::int64_t x, y;
    tbb::task_group group;
    group.run([&x, n] { x = fib(n - 1); });
    group.run([&y, n] { y = fib(n - 2); });
    group.wait();
    return x + y;
}

int64_t run_fork_join(size_t n) {
    std::int64_t value = 0;
    tbb::task_group group;
    group.run([&value, n] { value = fib(static_cast<std::int64_t>(n)); });
    group.wait();
    return value;
}

int64_t run_wavefront(size_t side) {
    auto cells = make_futures(side * side);
    tbb::task_group group;
    for (std::size_t y = 0; y < side; y++)
        for (std::size_t x = 0; x < side; x++) {
            future *cell = &cells[y * side + x];
            future *neighbours[2];
            std::size_t count = 0;
            if (x > 0)
                neighbours[count++] = cell - 1;
            if (y > 0)
                neighbours[count++] = cell - side;
            if (count == 2)
                cell->submit(group, neighbours, 2, [left = neighbours[0], up = neighbours[1]] {
                    return static_cast<std::int64_t>(static_cast<std::uint64_t>(left->value) +
                                                     static_cast<std::uint64_t>(up->value));
                });
            else if (count == 1)
                cell->submit(group, neighbours, 1, [only = neighbours[0]] { return only->value; });
            else
                cell->submit(group, nullptr, 0, [] { return 1; });
        }
    group.wait();
    return cells[side * side - 1].value;
}

int64_t run_fan(size_t rounds) {
    std::int64_t total = 0;
    for (std::size_t round = 0; round < rounds; round++) {
        future first, last;
        auto many = make_futures(FAN_WIDTH);
        std::vector<future *> inputs(FAN_WIDTH);
        tbb::task_group group;
        first.submit(group, nullptr, 0, [round] { return static_cast<std::int64_t>(round) + 1; });
        for (std::size_t i = 0; i < FAN_WIDTH; i++) {
            future *input = &first;
            many[i].submit(group, &input, 1,
                           [input, i] { return input->value + static_cast<std::int64_t>(i); });
            inputs[i] = &many[i];
        }
        last.submit(group, inputs.data(), FAN_WIDTH, [all = many.get()] {
            std::int64_t sum = 0;
            for (std::size_t i = 0; i < FAN_WIDTH; i++)
                sum += all[i].value;
            return sum;
        });
        group.wait();
        total += last.value;
    }
    return total;
}
