// C, C++ and raw objects in one graph.
#include "check.hpp"

#include <cstring>

namespace {

// ---- tasks of C's ----

void add(rask_task *task) { rask_return_i64(task, rask_arg_i64(task, 0) + rask_arg_i64(task, 1)); }
void half(rask_task *task) { rask_return_f64(task, rask_arg_f64(task, 0) / 2); }
void length(rask_task *task) {
    std::size_t size;
    if (rask_arg_bytes(task, 0, &size))
        rask_return_i64(task, static_cast<int64_t>(size));
}
void text_length(rask_task *task) {
    if (const char *text = rask_arg_str(task, 0))
        rask_return_i64(task, static_cast<int64_t>(std::strlen(text)));
}
void where(rask_task *task) {
    rask_return_pointer(task, const_cast<void *>(rask_arg_bytes(task, 0, nullptr)));
}
void hello(rask_task *task) { rask_return_str(task, "hello from C"); }
void big(rask_task *task) { rask_return_i64(task, int64_t{1} << 40); }
void zero_of_bytes(rask_task *task) { rask_return_str(task, ""); }
void pass(rask_task *task) { rask_return_arg(task, 0); }
void count(rask_task *task) {
    rask_return_i64(task, static_cast<int64_t>(rask_value_count(rask_arg_value(task, 0))));
}

struct raw {
    int number;
};
const rask_type raw_type = [] {
    rask_type type{};
    type.struct_size = sizeof(rask_type);
    type.name = "raw";
    type.destroy = [](void *object) { delete static_cast<raw *>(object); };
    return type;
}();
void make_raw(rask_task *task) { rask_return_object(task, new raw{8}, &raw_type); }

struct vec3 {
    float x, y, z;
};
struct vec4 {
    float x, y, z, w;
};

} // namespace

TEST_CASE("C tasks read what C++ made, and the reverse") {
    rask::client client(2);
    auto four = client.submit([](int x) { return x; }, 4);
    CHECK(client.call<int64_t>(add, four, 5).get() == 9);
    CHECK(client.call<int>(add, client.call<int>(add, 1, 2), four).then([](int x) { return x * 2; }).get() ==
          14);
    CHECK(client.call<double>(half, client.submit([] { return 5.0; })).get() == 2.5);
    CHECK(client.call<double>(half, four).get() == 2);
    CHECK(client.call<int>(count, std::vector{four, four}).get() == 2);
    CHECK(client.call<int>(count, std::tuple{four, client.call<double>(half, 1)}).get() == 2);
    CHECK(client.with().name("half").call<double>(half, 3.0).get() == 1.5);
    CHECK(client.call<int>(add, rask_i64(3), rask_i64(4)).get() == 7);
}

TEST_CASE("strings and flat vectors are bytes to C, in place") {
    rask::client client(2);
    auto text = client.submit([] { return std::string(1000, 'x'); });
    CHECK(client.call<int>(length, text).get() == 1000);
    CHECK(client.call<int>(text_length, text).get() == 1000);
    CHECK(client.call<const void *>(where, text).get() == text.get().data());
    auto numbers = client.submit([] { return std::vector<double>{1, 2, 3}; });
    CHECK(client.call<int>(length, numbers).get() == 24);
    CHECK(client.call<const void *>(where, numbers).get() == numbers.get().data());
    CHECK(status_of([&] { client.call<int>(text_length, numbers).get(); }) == RASK_E_TYPE);
    CHECK(client.call<int>(length, std::string("argument")).get() == 8);
    CHECK(client.call<int>(text_length, "literal").get() == 7);
    CHECK(client.call<int>(length, client.submit([] { return vec3{1, 2, 3}; })).get() == 12);
    CHECK(client.submit([](std::string_view view) { return view.size(); }, text).get() == 1000);
}

TEST_CASE("bytes of C's are string views to C++, in place") {
    rask::client client(2);
    auto text = client.call<std::string_view>(hello);
    CHECK(text.get() == "hello from C");
    CHECK(text.then([](std::string_view view) { return view.size(); }).get() == 12);
    CHECK(text.then([](std::string_view view) { return std::string(view); }).get() == "hello from C");
    CHECK(client.submit([](std::string_view view) { return static_cast<const void *>(view.data()); }, text)
              .get() == client.call<const void *>(where, text).get());
    std::string owned = client.call<std::string_view>(hello).get();
    CHECK(owned == "hello from C");
    // A C++ string, looked at as bytes.
    auto made = client.submit([] { return std::string("made"); });
    auto passed = client.call<std::string_view>(pass, made);
    CHECK(passed.get().data() == made.get().data());
}

TEST_CASE("what is no such value is an error with words") {
    rask::client client(2);
    CHECK(status_of([&] { client.call<std::string>(hello).get(); }) == RASK_E_TYPE);
    CHECK(status_of([&] { client.call<int>(hello).get(); }) == RASK_E_TYPE);
    CHECK(status_of([&] { client.call<int>(hello).then([](int) {}).get(); }) == RASK_E_TYPE);
    CHECK(status_of([&] { client.call<int>(zero_of_bytes).then([](int) {}).get(); }) == RASK_E_TYPE);
    CHECK(status_of([&] { client.call<double>(zero_of_bytes).then([](double) {}).get(); }) == RASK_E_TYPE);
    CHECK(status_of([&] { client.call<int *>(hello).then([](int *) {}).get(); }) == RASK_E_TYPE);
    CHECK(status_of([&] { client.call<std::string>(hello).then([](const std::string &) {}).get(); }) ==
          RASK_E_TYPE);
    CHECK(status_of([&] { client.call<vec4>(hello).then([](const vec4 &) {}).get(); }) == RASK_E_TYPE);
    CHECK(status_of([&] { client.call<vec4>(hello).get(); }) == RASK_E_TYPE);
    CHECK(status_of([&] { client.call<int>(big).get(); }) == RASK_E_TYPE);
    CHECK(client.call<int64_t>(big).get() == int64_t{1} << 40);
    CHECK(status_of([&] { client.call<rask::list<int>>(hello).get(); }) == RASK_E_TYPE);
}

TEST_CASE("raw objects, and values of any kind") {
    rask::client client(2);
    rask::future<rask::value> any = client.call<rask::value>(make_raw);
    CHECK(any.get().kind() == RASK_OBJECT);
    auto number = any.then([](rask::value value) {
        void *object;
        rask::check(rask_value_object(value.handle(), &raw_type, &object));
        return static_cast<raw *>(object)->number;
    });
    CHECK(number.get() == 8);
    auto four = client.submit([] { return 4; });
    rask::future<rask::value> looked(rask_clone(four.handle()));
    CHECK(looked.get().as<int>() == 4);
    CHECK(looked.get().nbytes() == 8);
    CHECK(status_of([&] { (void)looked.get().as<std::string>(); }) == RASK_E_TYPE);
}

TEST_CASE("handles go to C and come back") {
    rask::client client(2);
    auto four = client.submit([] { return 4; });
    const rask_arg args[] = {rask_of(four.handle()), rask_i64(1)};
    rask::future<int> five(rask_submit(client.handle(), add, args, 2));
    CHECK(five.get() == 5);
    rask_future given = five.release();
    int64_t number;
    CHECK(rask_result_i64(given, &number) == RASK_OK);
    CHECK(number == 5);
    CHECK(rask_release(given) == RASK_OK);
    rask::client adopted = rask::client::adopt(rask_client_open(nullptr));
    CHECK(adopted.submit([] { return 1; }).get() == 1);
    CHECK(four.client() == client);
    CHECK(four.client() != adopted);
}
