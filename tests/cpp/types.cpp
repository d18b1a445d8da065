// Types: values of every shape come out as they went in, and C reads those that have a meaning there.
#include "check.hpp"

#include <array>
#include <chrono>
#include <complex>
#include <functional>
#include <memory>
#include <optional>
#include <variant>

using namespace std::chrono_literals;

namespace {

enum class small : uint8_t { one = 1, most = 255 };
enum plain { three = 3 };
struct empty {};
struct huge {
    std::array<char, 1 << 20> bytes{};
};
struct alignas(64) line {
    int value;
};
struct not_trivial {
    int value;
    explicit not_trivial(int from) : value(from) {}
    ~not_trivial() {} // NOLINT: so that it is not
};

void as_i64(rask_task *task) { rask_return_i64(task, rask_arg_i64(task, 0)); }
void as_f64(rask_task *task) { rask_return_f64(task, rask_arg_f64(task, 0)); }
void size_of(rask_task *task) {
    std::size_t size;
    if (rask_arg_bytes(task, 0, &size))
        rask_return_i64(task, static_cast<int64_t>(size));
}

} // namespace

TEST_CASE("numbers of every kind are C's numbers") {
    rask::client client(2);
    CHECK(client.call<int>(as_i64, client.submit([] { return small::most; })).get() == 255);
    CHECK(client.call<small>(as_i64, client.submit([] { return small::most; })).get() == small::most);
    CHECK(client.call<plain>(as_i64, client.submit([] { return three; })).get() == three);
    CHECK(client.call<bool>(as_i64, client.submit([] { return true; })).get());
    CHECK(client.call<char>(as_i64, client.submit([] { return 'c'; })).get() == 'c');
    CHECK(client.call<char32_t>(as_i64, client.submit([] { return U'\u2603'; })).get() == U'\u2603');
    CHECK(client.call<int16_t>(as_i64, client.submit([] { return int16_t{-7}; })).get() == -7);
    CHECK(client.call<float>(as_f64, client.submit([] { return 1.5f; })).get() == 1.5f);
    CHECK(client.call<double>(as_f64, client.submit([] { return 7; })).get() == 7);
    // And back: what does not fit is an error.
    CHECK(status_of([&] { client.call<small>(as_i64, 256).get(); }) == RASK_E_TYPE);
    CHECK(status_of([&] { client.call<int8_t>(as_i64, -129).get(); }) == RASK_E_TYPE);
    CHECK(client.call<int8_t>(as_i64, -128).get() == -128);
}

TEST_CASE("what is small and flat is C's bytes") {
    rask::client client(2);
    auto number = client.submit([] { return std::complex<float>(1, 2); });
    CHECK(client.call<int>(size_of, number).get() == 8);
    CHECK(number.then([](std::complex<float> c) { return c.imag(); }).get() == 2);
    CHECK(client.submit([] { return std::complex<double>(1, 2); }).get().imag() == 2);
    CHECK(client.submit([] { return 5ms; }).get() == 5ms);
    CHECK(client.submit([](std::chrono::seconds s) { return s; }, 3s).get() == 3s);
    const auto now = std::chrono::system_clock::now();
    CHECK((client.submit([now] { return now; }).get() == now));
    CHECK(client.submit([] { return std::optional<int>(4); }).get() == 4);
    CHECK(client.submit([] { return std::array<int, 2>{1, 2}; }).get()[1] == 2);
    static_cast<void>(client.submit([] { return empty(); }).get());
    CHECK(client.submit([](empty) { return 1; }, empty()).get() == 1);
    CHECK(client.submit([](const empty &) { return 2; }, client.submit([] { return empty(); })).get() == 2);
    CHECK(client.submit([] { return static_cast<long double>(1.5); }).get() == 1.5);
}

TEST_CASE("all else is an object") {
    rask::client client(2);
    CHECK(std::get<1>(client.submit([] { return std::variant<int, std::string>("v"); }).get()) == "v");
    CHECK(client.submit([] { return std::make_tuple(1, std::string("x")); }).get() ==
          std::make_tuple(1, std::string("x")));
    CHECK(client.submit([] { return std::vector<std::vector<std::string>>{{"a"}}; }).get()[0][0] == "a");
    CHECK(client.submit([] { return std::function<int()>([] { return 3; }); }).get()() == 3);
    CHECK(client.submit([] { return std::wstring(L"wide"); }).get() == L"wide");
    CHECK(client.submit([]() -> const std::string { return "constant"; }).get() == "constant"); // NOLINT
    CHECK(client.submit([] { return huge(); }).get().bytes[1 << 19] == 0);
    CHECK(client.submit([](const huge &h) { return h.bytes[5]; }, huge()).get() == 0);
    CHECK(client.submit([](const not_trivial &n) { return n.value; }, not_trivial(6)).get() == 6);
    const std::vector<line> lines(3, line{2});
    auto aligned = [](const std::vector<line> &all) {
        return reinterpret_cast<std::uintptr_t>(&all[1]) % 64 == 0 ? all[2].value : -1;
    };
    CHECK(client.submit(aligned, lines).get() == 2);
}

TEST_CASE("text of every kind is text") {
    rask::client client(2);
    char buffer[] = "array";
    CHECK(client.submit([](std::string s) { return s; }, buffer).get() == "array");
    CHECK(client.submit([] { return static_cast<const char *>("returned"); }).get() == "returned");
    auto size = [](std::string_view view) { return view.size(); };
    // By the time it runs these are gone.
    CHECK(client.submit(size, std::string(100, 'x')).get() == 100);
    CHECK(client.submit(size, std::string_view(std::string(100, 'x'))).get() == 100);
    CHECK(client.submit(size, std::string(100, 'x').c_str()).get() == 100);
    CHECK(client.submit([](std::string &&s) { return s.size(); }, "converted").get() == 9);
    CHECK(client.submit(size, std::string_view("a\0b", 3)).get() == 3);
}

namespace {

struct shape {
    int side = 2;
    shape() = default;
    shape(const shape &) = default;
    virtual ~shape() = default;
    [[nodiscard]] virtual int area() const { return side; }
    [[nodiscard]] int times(int x) const noexcept { return side * x; }
    int grow() { return ++side; }
};
struct square : shape {
    [[nodiscard]] int area() const override { return side * side; }
};
struct overloaded {
    int operator()(int) const { return 1; }
    int operator()(const std::string &) const { return 2; }
};
int without_exceptions(int x) noexcept { return x; }

} // namespace

TEST_CASE("members are called as std::invoke would") {
    rask::client client(2);
    square mine;
    CHECK(client.submit(&shape::area, mine).get() == 4);
    CHECK(client.submit(&shape::area, static_cast<shape *>(&mine)).get() == 4);
    CHECK(client.submit(&shape::area, std::unique_ptr<shape>(new square)).get() == 4);
    CHECK(client.submit(&shape::area, client.submit([] { return std::make_unique<square>(); })).get() == 4);
    CHECK(client.submit(&shape::area, client.submit([] { return square(); })).get() == 4);
    CHECK(client.submit(&shape::times, mine, client.submit([] { return 5; })).get() == 10);
    CHECK(client.submit(&shape::side, std::cref(mine)).get() == 2);
    CHECK(client.submit(&shape::grow, &mine).get() == 3);
    CHECK(client.submit(&shape::grow, std::ref(mine)).get() == 4);
    CHECK(client.submit(std::mem_fn(&shape::times), mine, 2).get() == 8);
    CHECK(client.submit(std::bind(&shape::times, mine, std::placeholders::_1), 3).get() == 12);
}

TEST_CASE("overloads, and functions that do not throw") {
    rask::client client(2);
    CHECK(client.submit(overloaded(), 1).get() == 1);
    CHECK(client.submit(overloaded(), std::string("x")).get() == 2);
    CHECK(client.submit(overloaded(), client.submit([] { return std::string("x"); })).get() == 2);
    CHECK(client.submit(without_exceptions, 3).get() == 3);
    int (*const pointer)(int) noexcept = without_exceptions;
    CHECK(client.submit(pointer, 4).get() == 4);
    int array[] = {1, 2, 3};
    CHECK(client.submit([](const int *p) { return p[2]; }, array).get() == 3);
}

TEST_CASE("a callable that changes is the same one in each run") {
    rask::client client(1);
    rask::options how;
    how.retries = 3;
    auto third = [n = 0]() mutable { return ++n < 3 ? throw trouble(n) : n; };
    CHECK(client.submit(how, third).get() == 3);
    CHECK(client.submit(how, third).get() == 3);
    auto large = [n = 0, text = std::string("x")]() mutable { return ++n < 3 ? throw trouble(n) : n; };
    CHECK(client.submit(how, large).get() == 3);
}
