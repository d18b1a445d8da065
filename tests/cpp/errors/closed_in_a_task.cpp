// expect: a client is closed by its owner
#include <rask/rask.hpp>

void wrong(rask::client client, rask::client_ref other) {
    auto one = other.submit([](rask::client_ref) { return 1; }, std::move(client));
}
