// expect: this Callable cannot be called with these Arguments
#include <rask/rask.hpp>

#include <string>

void wrong(rask::client_ref client, rask::future<std::string> text) {
    auto changed = text.then([](std::string &shared) { shared.clear(); });
}
