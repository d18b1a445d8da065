// Codecs: what may leave memory, and what pure tasks and keys compare.
#include "check.hpp"

#include <filesystem>
#include <memory>
#include <typeinfo>

namespace {

struct matrix {
    int rows = 0;
    std::vector<double> cells;
};
struct opaque {
    int value;
    std::string text;
};
struct refuses {
    std::string text;
};
struct perishable {
    std::string text;
};
struct speechless {
    std::string text;
};
struct padded {
    char a;
    int64_t b;
    char c[40];
};

} // namespace

template <> struct rask::codec<matrix> {
    static void encode(const matrix &from, rask::writer &to) {
        to.write(&from.rows, sizeof from.rows);
        to.write(from.cells.data(), from.cells.size() * sizeof(double));
    }
    static matrix decode(std::string_view bytes) {
        matrix made;
        std::memcpy(&made.rows, bytes.data(), sizeof made.rows);
        bytes.remove_prefix(sizeof made.rows);
        made.cells.resize(bytes.size() / sizeof(double));
        std::memcpy(made.cells.data(), bytes.data(), bytes.size());
        return made;
    }
    static std::size_t nbytes(const matrix &from) { return from.cells.size() * sizeof(double); }
};
template <> struct rask::codec<refuses> {
    static void encode(const refuses &, rask::writer &) { throw trouble(1); }
    static refuses decode(std::string_view) { throw trouble(2); }
};
template <> struct rask::codec<perishable> {
    static void encode(const perishable &from, rask::writer &to) { to.write(from.text); }
    static perishable decode(std::string_view) { throw trouble(3); }
    static std::size_t nbytes(const perishable &from) { return from.text.size(); }
};
template <> struct rask::codec<speechless> {
    static void encode(const speechless &from, rask::writer &) { throw from.text.size(); }
    static speechless decode(std::string_view) { return {}; }
    static std::size_t nbytes(const speechless &) { throw trouble(4); }
};

TEST_CASE("pure tasks are run once for equal arguments") {
    rask::client client(rask::client_options{2});
    std::atomic<int> runs{0};
    auto run = [&](auto &&...args) {
        return client.with().pure().submit([&runs](const auto &...) { return ++runs; }, args...);
    };
    auto a = run(1, 2.5, std::string("text"), std::vector<double>{1, 2});
    auto b = run(1, 2.5, std::string("text"), std::vector<double>{1, 2});
    CHECK(a.get() == b.get());
    CHECK(runs == 1);
    CHECK(run(1, 2.5, std::string("other"), std::vector<double>{1, 2}).get() == 2);
    CHECK(run(matrix{2, {1, 2}}).get() == 3);
    auto kept = run(matrix{2, {1, 2}});
    auto equal = run(matrix{2, {1, 2}});
    CHECK(kept.get() == equal.get());

    padded first, second;
    std::memset(&first, 0x55, sizeof first);
    std::memset(&second, 0xaa, sizeof second);
    first.a = second.a = 'a';
    first.b = second.b = 1;
    std::memset(first.c, 0, sizeof first.c);
    std::memset(second.c, 0, sizeof second.c);
    auto one = run(first);
    CHECK(one.get() == run(second).get());

    auto other = run(opaque{1, "cannot be compared"});
    CHECK(other.get() != run(opaque{1, "cannot be compared"}).get());
}

/// The words of the future's error.
template <class T> std::string said_of(const rask::future<T> &future) {
    try {
        future.get();
    } catch (const rask::error &e) {
        return std::string(e.message());
    }
    return {};
}

TEST_CASE("what a codec throws is in the future's error, in its own words") {
    rask::client client(2);
    auto failing = client.with().pure().submit([](const refuses &) {}, refuses{"x"});
    CHECK(status_of([&] { failing.get(); }) == RASK_E_INVALID);
    CHECK(said_of(failing).find("refuses: trouble 1") != std::string::npos);
    auto dependent = failing.then([] { return 1; });
    CHECK(said_of(dependent).find("trouble 1") != std::string::npos);
    // Not an exception of the standard's: its type.
    auto speechless_one = client.with().pure().submit([](const speechless &) {}, speechless{"x"});
    CHECK(said_of(speechless_one).find(typeid(std::size_t).name()) != std::string::npos);
}

TEST_CASE("what a decode throws is in the error of whoever reads") {
    rask::client_options how;
    how.workers = 1;
    how.memory_limit = 1 << 16;
    rask::client client(how);
    std::vector<rask::future<perishable>> all;
    for (int i = 0; i < 10; i++)
        all.push_back(client.submit([] { return perishable{std::string(20000, 'x')}; }));
    client.wait();
    int lost = 0;
    for (const auto &one : all) {
        auto size = one.then([](const perishable &p) { return p.text.size(); });
        size.wait();
        if (size.state() == rask::state::finished)
            continue;
        lost++;
        CHECK(said_of(size).find("its decode failed: trouble 3") != std::string::npos);
        CHECK(status_of([&] { one.get(); }) == RASK_E_LOST);
    }
    CHECK(lost >= 1);
}

TEST_CASE("values leave memory and come back") {
    rask::client_options how;
    how.workers = 2;
    how.memory_limit = 1 << 20;
    how.spill_directory = std::filesystem::temp_directory_path().string();
    rask::client client(how);
    std::vector<rask::future<matrix>> matrices;
    std::vector<rask::future<std::string>> texts;
    for (int i = 0; i < 20; i++) {
        matrices.push_back(client.submit([](int n) { return matrix{n, std::vector<double>(20000, n)}; }, i));
        texts.push_back(
            client.submit([](int n) { return std::string(100000, static_cast<char>('a' + n)); }, i));
    }
    auto sum = client.submit(
        [](rask::list<matrix> all) {
            double total = 0;
            for (const matrix &one : all)
                total += one.cells.at(19999);
            return total;
        },
        matrices);
    CHECK(sum.get() == 190);
    for (std::size_t i = 0; i < texts.size(); i++)
        CHECK(texts[i].get()[99999] == static_cast<char>('a' + i));
    CHECK(client.stats().nbytes < (40u << 20));
    // Cannot be moved out, being perhaps on disk, but copied.
    CHECK(std::move(matrices[3]).get().rows == 3);
}
