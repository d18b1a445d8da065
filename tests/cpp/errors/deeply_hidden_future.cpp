// expect: the futures in this argument would reach the task as handles
#include <rask/rask.hpp>

#include <optional>

void wrong(rask::client_ref client, rask::future<int> one) {
    auto two = client.submit([](const auto &) { return 2; }, std::pair(one, std::optional(one)));
}
