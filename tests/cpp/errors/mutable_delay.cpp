// expect: this Callable cannot be called with these Arguments
#include <rask/rask.hpp>

void wrong() {
    auto counts = rask::delay([n = 0]() mutable { return ++n; });
}
