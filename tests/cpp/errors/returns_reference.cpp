// expect: the callable returns a reference
#include <rask/rask.hpp>

int global = 0;
void wrong(rask::client_ref client) {
    auto one = client.submit([]() -> int & { return global; });
}
