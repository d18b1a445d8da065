// expect: this Callable cannot be called with these Arguments
#include <rask/rask.hpp>

#include <string>

void wrong(rask::client_ref client) {
    auto text = client.submit([] { return std::string("text"); });
    auto number = client.submit([](int x) { return x; }, text);
}
