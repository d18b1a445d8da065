// expect: this Callable cannot be called with these Arguments
#include <rask/rask.hpp>

void wrong(rask::client_ref client) {
    auto one = client.submit([](int, int) {}, 1);
}
