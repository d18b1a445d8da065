// Errors: exceptions arrive as themselves, whatever else goes wrong as rask::error.
#include "check.hpp"

#include <memory>
#include <new>

namespace {

struct not_standard {
    int number;
};

struct base {
    int number = 1;
    base() = default;
    base(const base &) = default;
    virtual ~base() = default;
};
struct left : virtual base, std::exception {};
struct right : virtual base {};
struct diamond : left, right {
    [[nodiscard]] const char *what() const noexcept override { return "diamond"; }
};

void fail_in_c(rask_task *task) { rask_fail(task, 42, "from C"); }

} // namespace

TEST_CASE("an exception passes through many levels, as the very same object") {
    rask::client client(2);
    auto root = client.submit([]() -> int { throw trouble(7); });
    auto first = root.then([](int x) { return x + 1; });
    auto second = client.submit([](int x, int y) { return x + y; }, first, 1);
    auto third = client.submit([](rask::list<int> all) { return all.size(); }, std::vector{second, second});
    auto fourth = third.then([](std::size_t n) { return static_cast<double>(n); });
    const std::exception *seen = nullptr;
    auto look = [&seen](auto &future) {
        try {
            future.get();
            FAIL("no exception");
        } catch (const trouble &e) {
            CHECK(e.number == 7);
            if (seen)
                CHECK(seen == &e);
            seen = &e;
        }
    };
    look(root);
    look(first);
    look(second);
    look(third);
    look(fourth);
    look(fourth);
    CHECK(fourth.state() == rask::state::error);
    CHECK(fourth.exception());
}

TEST_CASE("of any type") {
    rask::client client(2);
    CHECK_THROWS_AS(client.submit([] { throw 3; }).get(), int);
    CHECK_THROWS_AS(client.submit([] { throw not_standard{4}; }).get(), not_standard);
    CHECK_THROWS_AS(client.submit([] { throw std::bad_alloc(); }).get(), std::bad_alloc);
    CHECK_THROWS_AS(client.submit([] { throw std::make_unique<int>(1); }).then([] {}).get(),
                    std::unique_ptr<int>);
    CHECK_THROWS_WITH(client.submit([] { throw trouble(2); }).get(), "trouble 2");
}

TEST_CASE("as many waiters as there are get it") {
    rask::client client(2);
    gate open;
    auto failing = client.submit([&open]() -> int {
        open.pass();
        throw trouble(5);
    });
    std::atomic<int> caught{0};
    std::vector<std::thread> waiters;
    for (int i = 0; i < 8; i++)
        waiters.emplace_back([&caught, copy = failing] {
            try {
                copy.get();
            } catch (const trouble &e) {
                caught += e.number;
            }
        });
    open.open();
    for (auto &waiter : waiters)
        waiter.join();
    CHECK(caught == 40);
}

TEST_CASE("it lives as long as a future that has it") {
    counted::alive = 0;
    struct carries {
        counted payload;
    };
    {
        rask::client client(2);
        rask::future<int> last;
        {
            auto root = client.submit([]() -> int { throw carries{counted(1)}; });
            last = root.then([](int x) { return x; });
            last.wait();
        }
        CHECK(counted::alive == 1);
        CHECK_THROWS_AS(last.get(), carries);
        last = {};
        CHECK(eventually(
            [] { return counted::alive == 0; })); // a worker may be on its way out of the failed task
    }
}

TEST_CASE("a C task's failure is a rask::error that says where") {
    rask::client client(2);
    auto failing = client.with().name("culprit").call<int>(fail_in_c);
    auto dependent = failing.then([](int x) { return x; });
    try {
        dependent.get();
        FAIL("no exception");
    } catch (const rask::error &e) {
        CHECK(e.status() == rask::status::task);
        CHECK(e.code() == 42);
        CHECK(std::string(e.message()) == "from C");
        CHECK(std::string(e.origin()) == failing.key());
        CHECK(std::string(e.what()) == std::string(failing.key()) + ": from C");
        CHECK(e.attempts() == 1);
        CHECK(std::string(e.name()) == "RASK_E_TASK");
        const rask::error copy = e;
        CHECK(std::string(copy.origin()) == e.origin());
    }
}

TEST_CASE("a rask::error that a task meets goes on as itself") {
    rask::client client(2);
    auto failing = client.call<int>(fail_in_c);
    auto meets = client.submit([failing] { return failing.get(); });
    try {
        meets.get();
        FAIL("no exception");
    } catch (const rask::error &e) {
        CHECK(e.code() == 42);
        CHECK(std::string(e.origin()) == failing.key());
    }
}

TEST_CASE("cancelled") {
    rask::client client(1);
    gate open;
    auto running = client.submit([&open] { open.pass(); });
    auto queued = client.submit([] { return 1; });
    auto dependent = queued.then([](int x) { return x; });
    CHECK(queued.cancel("not wanted"));
    CHECK(status_of([&] { queued.get(); }) == RASK_E_CANCELLED);
    CHECK(status_of([&] { dependent.get(); }) == RASK_E_CANCELLED);
    CHECK(dependent.state() == rask::state::cancelled);
    open.open();
    running.get();
    CHECK(!running.cancel());
}

TEST_CASE("retries and retry") {
    rask::client client(2);
    std::atomic<int> runs{0};
    std::atomic<bool> works{false};
    auto flaky = client.submit({0, 2}, [&] {
        runs++;
        return works ? 1 : throw trouble(rask::this_task::attempt() > 2 ? 3 : 1);
    });
    auto dependent = flaky.then([](int x) { return x + 1; });
    CHECK_THROWS_WITH(dependent.get(), "trouble 3");
    CHECK(runs == 3);
    works = true;
    dependent.retry();
    CHECK(dependent.get() == 2);
    CHECK(status_of([&] { dependent.retry(); }) == RASK_E_STATE);
}

TEST_CASE("what is wrong with a call") {
    rask::client client(1);
    rask::future<int> none;
    CHECK(!none.valid());
    CHECK(status_of([&] { none.get(); }) == RASK_E_HANDLE);
    CHECK(status_of([&] { none.wait(); }) == RASK_E_HANDLE);
    CHECK(status_of([&] { (void)none.state(); }) == RASK_E_HANDLE);
    CHECK(status_of([&] { (void)none.key(); }) == RASK_E_HANDLE);
    CHECK(status_of([&] { (void)none.then([](int x) { return x; }); }) == RASK_E_HANDLE);
    CHECK(status_of([&] { client.submit([](int x) { return x; }, none).get(); }) == RASK_E_HANDLE);
    CHECK(status_of([&] { (void)rask::when_all(std::vector<rask::future<int>>()); }) == RASK_E_INVALID);
    CHECK(status_of([&] { (void)rask::this_task::client(); }) == RASK_E_INVALID);
    CHECK(none.exception() == nullptr);
    client.close();
    CHECK(status_of([&] { (void)client.submit([] {}); }) == RASK_E_CLOSED);
    CHECK(status_of([&] {
              (void)client.submit([p = std::make_unique<int>(1)](const std::string &) { return *p; },
                                  std::string("x"));
          }) == RASK_E_CLOSED);
    CHECK(status_of([] {
              rask::client far([] {
                  rask::client_options how;
                  how.address = "tcp://nowhere:8786";
                  return how;
              }());
          }) == RASK_E_UNSUPPORTED);
}

TEST_CASE("a task that waits for itself is told") {
    rask::client client(1);
    rask::future<int> self;
    gate open;
    self = client.submit([&] {
        open.pass();
        return self.get();
    });
    open.open();
    CHECK(status_of([&] { self.get(); }) == RASK_E_DEADLOCK);
}

TEST_CASE("what a callback throws is dropped, and each is called once") {
    rask::client client(2);
    std::atomic<int> called{0};
    auto future = client.submit([] { return 3; });
    future.on_done([&called](const rask::future<int> &done) {
        called += done.get();
        throw trouble(1);
    });
    future.wait();
    future.on_done([&called] { called += 10; });
    future.on_done([&called, owned = std::make_unique<int>(100)] { called += *owned; });
    client.close();
    CHECK(called == 113);
}

TEST_CASE("exceptions are caught by each of their bases") {
    rask::client client(2);
    auto root = client.submit([]() -> int { throw diamond(); });
    auto last =
        root.then([](int x) { return x; }).then([](int x) { return x; }).then([](int x) { return x; });
    CHECK_THROWS_AS(last.get(), base);
    CHECK_THROWS_AS(last.get(), right);
    CHECK_THROWS_WITH(last.get(), "diamond");

    auto waits = client.submit([&] { return last.get(); });
    CHECK_THROWS_AS(waits.get(), diamond);
    auto nested = client.submit([&]() -> int {
        try {
            return last.get();
        } catch (...) {
            std::throw_with_nested(trouble(8));
        }
    });
    try {
        nested.get();
        FAIL("no exception");
    } catch (const trouble &e) {
        CHECK_THROWS_AS(std::rethrow_if_nested(e), diamond);
    }
}

TEST_CASE("of several, some fail") {
    rask::client client(2);
    auto all = client.map([](int x) { return x == 2 ? throw trouble(x) : x; }, std::vector{1, 2, 3});
    CHECK_THROWS_AS(rask::gather(all), trouble);
    CHECK(rask::gather(all, rask::errors::skip).size() == 2);
    auto next = client.map([](int x) { return x; }, all);
    CHECK_THROWS_AS(next[1].get(), trouble);
    CHECK(next[2].get() == 3);
    CHECK_THROWS_AS(rask::when_all(all[0], all[1]).get(), trouble);
    CHECK_THROWS_AS(rask::when_all(all).get(), trouble);
    all[1].wait();
    gate open;
    auto later = client.submit([&open] { return open.pass(), 1; });
    CHECK(rask::when_any(later, all[1]).get() == 1);
    auto mine = client.submit([] { throw rask::error(RASK_E_UNSUPPORTED, "mine", 7); });
    try {
        mine.then([] {}).get();
        FAIL("no exception");
    } catch (const rask::error &e) {
        CHECK(e.status() == rask::status::unsupported);
        CHECK(e.code() == 7);
        CHECK(e.message() == "mine");
    }
}
