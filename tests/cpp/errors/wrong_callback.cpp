// expect: a callback is called with a const future<T> &, or with nothing
#include <rask/rask.hpp>

void wrong(rask::future<int> future) {
    future.on_done([](int) {});
}
