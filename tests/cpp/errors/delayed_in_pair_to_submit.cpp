// expect: a delayed is an argument of rask::delay
#include <rask/rask.hpp>

void wrong(rask::client_ref client) {
    auto later = rask::delay([] { return 1; });
    auto now = client.submit([](std::pair<int, int> both) { return both.first; }, std::pair(later, 2));
}
