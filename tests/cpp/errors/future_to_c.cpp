// expect: the futures in this argument would reach the task as handles
#include <rask/rask.hpp>

#include <variant>

void wrong(rask::client_ref client, std::variant<int, rask::future<int>> one, rask_task_fn function) {
    auto two = client.call<int>(function, one);
}
