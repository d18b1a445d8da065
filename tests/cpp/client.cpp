// The client as a whole, and what a task may ask about itself.
#include "check.hpp"

#include <cstdio>
#include <fstream>
#include <memory>

#include <unistd.h>

TEST_CASE("options reach the engine") {
    rask::client_options how;
    how.workers = 3;
    how.name = "three";
    how.resources = "GPU=1";
    how.stack_size = 1 << 20;
    how.max_spares = 8;
    rask::client client(how);
    CHECK(client.stats().n_workers == 3);
    rask::client standard;
    CHECK(standard.stats().n_workers >= 1);
    how.resources = "GPU=";
    CHECK(status_of([&] { rask::client wrong(how); }) == RASK_E_INVALID);
    CHECK(std::string(rask::version()) == rask_version_string());
}

TEST_CASE("figures, traces and dumps") {
    rask::client client(2);
    const std::string base = "rask_cpp_client_test." + std::to_string(getpid());
    client.trace_start(base + ".trace");
    gate open;
    auto running = client.submit([&open] { open.pass(); });
    auto waiting = running.then([] { return 1; });
    client.dump(base + ".dump");
    open.open();
    CHECK(waiting.get() == 1);
    client.wait();
    client.trace_stop();
    for (const char *suffix : {".trace", ".dump"}) {
        CHECK(std::ifstream(base + suffix).peek() != std::ifstream::traits_type::eof());
        std::remove((base + suffix).c_str());
    }
    CHECK(client.stats().n_finished >= 2);
    CHECK(status_of([&] { client.trace_stop(); }) == RASK_E_STATE);
    CHECK(status_of([&] { client.dump("/nowhere/at/all"); }) == RASK_E_INVALID);
}

TEST_CASE("a task asks about itself") {
    rask::client client(2);
    auto asks = client.with().name("asks").submit([&client] {
        CHECK(rask::this_task::attempt() == 1);
        CHECK(!rask::this_task::cancelled());
        CHECK(rask::this_task::client() == client);
        CHECK(rask::this_task::handle() != nullptr);
        auto child = rask::this_task::client().submit([](int x) { return x + 1; }, 1);
        CHECK(child.get() == 2);
        return std::string(rask::this_task::key());
    });
    CHECK(asks.get() == asks.key());
    CHECK(!rask::this_task::cancelled());
    CHECK(rask::this_task::attempt() == 0);
    CHECK(rask::this_task::key().empty());
    CHECK(rask::this_task::handle() == nullptr);
}

TEST_CASE("a running task learns that it was cancelled") {
    rask::client client(1);
    std::atomic<bool> begun{false}, ended{false};
    auto running = client.submit([&] {
        begun = true;
        while (!rask::this_task::cancelled())
            std::this_thread::yield();
        ended = true;
    });
    CHECK(eventually([&] { return begun.load(); }));
    running.cancel();
    CHECK(eventually([&] { return ended.load(); }));
    client.wait();
}

TEST_CASE("fork and join") {
    struct fib {
        static int64_t of(int64_t n) {
            if (n < 2)
                return n;
            const auto here = rask::this_task::client();
            auto a = here.submit(of, n - 1);
            auto b = here.submit(of, n - 2);
            return a.get() + b.get();
        }
    };
    rask::client client(2);
    CHECK(client.submit(fib::of, int64_t{15}).get() == 610);
}

TEST_CASE("keys, descriptions and what a value holds") {
    rask::client client(1);
    auto text = client.with().key("text").submit([] { return std::string(100, 'x'); });
    CHECK(text.nbytes() >= 100);
    CHECK(text.key() == "text");
    CHECK(text.describe().find("text: finished, object std::") == 0);
    CHECK(text.state() == rask::state::finished);
    auto same = client.with().key("text").submit([] { return std::string("another function"); });
    CHECK(status_of([&] { same.get(); }) == RASK_E_EXISTS);
}

TEST_CASE("a description is whole, also of a future that goes on meanwhile") {
    rask::client client(1);
    bool is_whole = true;
    for (int i = 0; i < scaled(5000, 50); i++) {
        const auto text = client.submit([] { return std::string(100, 'x'); });
        bool is_done;
        do {
            is_done = text.done();
            is_whole = is_whole && text.describe().find('\0') == std::string::npos;
        } while (!is_done);
    }
    CHECK(is_whole);
}

TEST_CASE("what is given up runs all the same") {
    std::atomic<int> runs{0};
    rask::client client(1);
    gate open;
    client.submit([&open] { open.pass(); }).fire_and_forget();
    client.submit([&runs] { runs++; }).fire_and_forget();
    auto dropped = client.submit([&runs] { runs += 100; });
    dropped = {};
    open.open();
    client.wait();
    CHECK(runs == 1);
}

TEST_CASE("a client that is closed in a task is not") {
    rask::client client(1);
    CHECK(client.submit([&client] { return status_of([&client] { client.close(); }); }).get() ==
          RASK_E_STATE);
    client.close();
    client.close();
}
