// expect: a future's value is constant anyway
#include <rask/rask.hpp>

rask::future<const int> wrong;
