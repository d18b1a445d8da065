// Lifetimes: each value is destroyed once and no later than it must be; alignment; copies and moves that
// throw.
#include "check.hpp"

#include <memory>

namespace {

struct alignas(128) wide {
    int value;
    explicit wide(int from) : value(from) {}
    wide(const wide &other) : value(other.value) {}
    [[nodiscard]] bool is_aligned() const { return reinterpret_cast<std::uintptr_t>(this) % 128 == 0; }
};
struct alignas(64) wide_flat {
    int value;
};

struct throws_on_copy {
    counted count;
    throws_on_copy() = default;
    throws_on_copy(const throws_on_copy &) : count() { throw trouble(11); }
    throws_on_copy(throws_on_copy &&) = default;
};
struct throws_on_move {
    counted count;
    bool armed = true;
    throws_on_move() = default;
    throws_on_move(const throws_on_move &) = default;
    throws_on_move(throws_on_move &&other) : count(other.count), armed(other.armed) {
        if (armed)
            throw trouble(12);
    }
};
struct throws_when_destroyed {
    counted count;
    bool armed = true;
    throws_when_destroyed() = default;
    throws_when_destroyed(const throws_when_destroyed &) = default;
    throws_when_destroyed(throws_when_destroyed &&other) noexcept
        : count(other.count), armed(std::exchange(other.armed, false)) {}
    ~throws_when_destroyed() noexcept(false) {
        if (armed)
            throw trouble(13);
    }
};
struct immovable {
    counted count;
    explicit immovable(int value) : count(value) {}
    immovable(immovable &&) = delete;
};

/// Works after main has returned, too.
struct works_at_exit {
    ~works_at_exit() {
        rask::client client(1);
        if (client.submit([] { return std::string("late"); }).get() != "late")
            std::abort();
    }
} at_exit;

} // namespace

TEST_CASE("values are destroyed with their last holder") {
    counted::alive = 0;
    rask::client client(2);
    auto made = client.submit([] { return counted(1); });
    auto copy = made;
    CHECK(made.get().value == 1);
    CHECK(counted::alive == 1);
    made = {};
    CHECK(counted::alive == 1);
    copy = {};
    CHECK(counted::alive == 0);
}

TEST_CASE("arguments and callables are destroyed with the task") {
    counted::alive = 0;
    rask::client client(2);
    auto sum = client.submit(
        [captured = counted(1)](const counted &a, counted b) { return captured.value + a.value + b.value; },
        counted(2), counted(3));
    CHECK(sum.get() == 6);
    client.wait();
    CHECK(eventually([] { return counted::alive == 0; }));

    gate open;
    client.submit([&open] { open.pass(); }).fire_and_forget();
    client.submit([&open] { open.pass(); }).fire_and_forget();
    auto never = client.submit([captured = counted(1)](const counted &) {}, counted(2));
    CHECK(counted::alive == 2);
    never = {};
    open.open();
    client.close();
    CHECK(counted::alive == 0);
}

TEST_CASE("what cannot be submitted is destroyed all the same") {
    counted::alive = 0;
    rask::client client(1);
    auto old = client.submit([] { return 1; });
    client.close();
    CHECK_THROWS_AS(std::ignore = client.submit([captured = counted(1)](const counted &) {}, counted(2)),
                    rask::error);
    CHECK_THROWS_AS(std::ignore = client.scatter(counted(3)), rask::error);
    CHECK_THROWS_AS(std::ignore = client.map([](const counted &) {}, std::vector<counted>(3)), rask::error);
    CHECK(counted::alive == 0);
}

TEST_CASE("an argument that cannot be copied leaves nothing behind") {
    counted::alive = 0;
    rask::client client(1);
    const throws_on_copy poor;
    CHECK_THROWS_AS(std::ignore =
                        client.submit([](const counted &, const throws_on_copy &) {}, counted(1), poor),
                    trouble);
    CHECK_THROWS_AS(std::ignore = client.scatter(poor), trouble);
    CHECK(counted::alive == 1);
}

TEST_CASE("get of an rvalue moves out what nobody else holds") {
    counted::alive = 0;
    rask::client client(2);
    auto only = client.submit([] { return std::make_unique<counted>(5); });
    auto moved = std::move(only).get();
    CHECK(moved->value == 5);
    CHECK(!only.valid());

    auto shared = client.submit([] { return std::make_unique<counted>(6); });
    auto other = shared;
    CHECK(status_of([&] { std::move(shared).get(); }) == RASK_E_STATE);
    CHECK(shared.valid());
    CHECK((*shared.get()).value == 6);
    other = {};
    CHECK(std::move(shared).get()->value == 6);

    auto cloned = client.submit([] { return std::make_unique<counted>(7); });
    auto clone = cloned;
    cloned = {};
    CHECK(std::move(clone).get()->value == 7);
    moved.reset();
    CHECK(counted::alive == 0);
}

TEST_CASE("get of an rvalue copies what others hold, or what is small") {
    rask::client client(2);
    auto text = client.submit([] { return std::string(100, 'x'); });
    auto other = text;
    CHECK(std::move(text).get() == other.get());
    CHECK(!text.valid());
    CHECK(client.submit([] { return std::string("temporary"); }).get() == "temporary");
    auto number = client.submit([] { return 3; });
    CHECK(std::move(number).get() == 3);
    CHECK(!number.valid());
    std::string view = client.submit([] { return std::string_view("view"); }).get();
    CHECK(view == "view");

    // Needed by a task that has not run: not to be moved out from under it.
    gate open;
    auto needed = client.submit([] { return std::make_unique<int>(1); });
    auto reader = client.submit([&open](const std::unique_ptr<int> &p) { return open.pass(), *p; }, needed);
    needed.wait();
    CHECK(status_of([&] { std::move(needed).get(); }) == RASK_E_STATE);
    open.open();
    CHECK(reader.get() == 1);
}

TEST_CASE("over-aligned values") {
    rask::client client(2);
    auto made = client.submit([] { return wide(3); });
    CHECK(made.get().is_aligned());
    CHECK(client.submit([](const wide &w) { return w.is_aligned() ? w.value : -1; }, made).get() == 3);
    CHECK(client.submit([w = wide(4)] { return w.is_aligned() ? w.value : -1; }).get() == 4);
    CHECK(client.submit([](const wide &w) { return w.is_aligned() ? w.value : -1; }, wide(5)).get() == 5);
    auto flat = client.submit([] { return wide_flat{6}; });
    CHECK(reinterpret_cast<std::uintptr_t>(&flat.get()) % 64 == 0);
    CHECK(std::move(made).get().value == 3);
}

TEST_CASE("a result that cannot be moved is made in its place") {
    counted::alive = 0;
    rask::client client(2);
    {
        auto made = client.submit([] { return immovable(4); });
        CHECK(made.get().count.value == 4);
        CHECK(client.submit([](const immovable &i) { return i.count.value; }, made).get() == 4);
    }
    client.wait();
    CHECK(eventually([] { return counted::alive == 0; }));
}

TEST_CASE("copies and moves that throw end in the future's error") {
    counted::alive = 0;
    rask::client client(2);
    {
        auto poor = client.submit([] { return throws_on_copy(); });
        auto copying = client.submit([](throws_on_copy by_value) { return by_value.count.value; }, poor);
        CHECK_THROWS_WITH(copying.get(), "trouble 11");
        auto other = poor;
        CHECK_THROWS_WITH(std::move(other).get(), "trouble 11");
        CHECK(poor.get().count.value == 0);

        auto moving = client.submit([] {
            throws_on_move local;
            return std::make_pair(1, std::move(local));
        });
        CHECK_THROWS_WITH(moving.get(), "trouble 12");

        auto made = client.submit([] { return throws_on_move(); });
        made.wait();
        CHECK_THROWS_WITH(std::move(made).get(), "trouble 12");
    }
    client.close();
    CHECK(counted::alive == 0);
}

TEST_CASE("futures outlive their client") {
    counted::alive = 0;
    {
        rask::future<counted> kept;
        rask::future<int> failed;
        rask::future<int> never;
        gate open;
        {
            rask::client client(1);
            kept = client.submit([] { return counted(9); });
            failed = client.submit([]() -> int { throw trouble(4); });
            client.wait();
            auto running = client.submit([&open] { return open.pass(), 1; });
            never = running.then([](int x) { return x; });
            CHECK(eventually([&] { return running.state() == rask::state::running; }));
            std::thread later([&open] {
                std::this_thread::sleep_for(std::chrono::milliseconds(20));
                open.open();
            });
            client.close();
            later.join();
            CHECK(running.get() == 1);
        }
        CHECK(kept.get().value == 9);
        CHECK_THROWS_AS(failed.get(), trouble);
        CHECK(never.done());
        CHECK(status_of([&] { (void)kept.then([](const counted &) {}); }) == RASK_E_CLOSED);
    }
    CHECK(counted::alive == 0);
}

TEST_CASE("copies, moves and swaps of handles") {
    rask::client client(1);
    auto a = client.submit([] { return 1; });
    auto b = client.submit([] { return 2; });
    std::swap(a, b);
    CHECK(a.get() == 2);
    a = b;
    CHECK(a.get() == 1);
    const auto &same = a;
    a = same;
    CHECK(a.get() == 1);
    auto *self = &a;
    a = std::move(*self);
    CHECK(a.get() == 1);
    rask::future<int> adopted(a.release());
    CHECK(!a.valid());
    CHECK(adopted.get() == 1);
    rask::client moved = std::move(client);
    CHECK(moved.submit([] { return 3; }).get() == 3);
}

TEST_CASE("assignment releases what was held") {
    counted::alive = 0;
    rask::client client(1);
    auto a = client.submit([] { return counted(1); });
    auto b = client.submit([] { return counted(2); });
    rask::wait(std::vector{a, b});
    CHECK(counted::alive == 2);
    a = std::move(b);
    CHECK(!b.valid());
    CHECK(counted::alive == 1);
    auto &same = a;
    a = std::move(same);
    CHECK(a.get().value == 2);
    a = {};
    CHECK(counted::alive == 0);

    auto lazy = rask::delay([](const counted &c) { return c.value; }, counted(3));
    auto other = rask::delay([](const counted &c) { return c.value; }, counted(4));
    CHECK(counted::alive == 2);
    lazy = std::move(other);
    CHECK(counted::alive == 1);
    CHECK(client.compute(lazy).get() == 4);

    rask::client second(1);
    const rask::client_ref first = client;
    client = std::move(second);
    CHECK(status_of([&] { (void)first.submit([] {}); }) == RASK_E_CLOSED);
    auto &itself = client;
    client = std::move(itself);
    CHECK(client.submit([] { return 5; }).get() == 5);
}

TEST_CASE("destructors that throw end nothing but their object") {
    counted::alive = 0;
    rask::client client(1);
    CHECK_THROWS_WITH(client.submit([] { throws_when_destroyed local; }).get(), "trouble 13");
    CHECK(client.submit([](const throws_when_destroyed &) { return 1; }, throws_when_destroyed()).get() == 1);
    CHECK(client.submit([held = throws_when_destroyed()] { return 2; }).get() == 2);
    client.submit([] { return throws_when_destroyed(); }).wait();
    std::atomic<int> calls{0};
    client.submit([] {}).on_done([held = throws_when_destroyed(), &calls] { calls++; });
    CHECK(eventually([&] { return calls == 1 && counted::alive == 0; }));
}

TEST_CASE("chains of many dependents") {
    rask::client client(2);
    const int length = scaled(100000, 1000);
    auto end = client.submit([] { return 0; });
    std::vector<rask::future<int>> all;
    for (int i = 0; i < length; i++)
        all.push_back(end = end.then([](int x) { return x + 1; }));
    CHECK(end.get() == length);

    gate open;
    auto thrown = client.submit([&open]() -> std::string {
        open.pass();
        throw trouble(14);
    });
    for (int i = 0; i < length; i++)
        thrown = std::move(thrown).then([](const std::string &s) { return s; });
    open.open();
    CHECK_THROWS_AS(thrown.get(), trouble);
}

TEST_CASE("many futures made and dropped by many threads") {
    counted::alive = 0;
    {
        rask::client client(2);
        std::vector<std::thread> threads;
        const int rounds = scaled(2000, 50);
        for (int t = 0; t < 4; t++)
            threads.emplace_back([&client, rounds] {
                for (int i = 0; i < rounds; i++) {
                    auto made = client.submit([i] { return counted(i); });
                    auto next =
                        made.then([](const counted &c) { return std::make_unique<counted>(c.value + 1); });
                    if (i % 3 == 0) {
                        if (std::move(next).get()->value != i + 1)
                            std::abort();
                    } else if (i % 3 == 1) {
                        next.cancel();
                    }
                }
            });
        for (auto &thread : threads)
            thread.join();
    }
    CHECK(counted::alive == 0);
}
