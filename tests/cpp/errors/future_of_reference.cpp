// expect: a future of a reference would outlive what it refers to
#include <rask/rask.hpp>

rask::future<int &> wrong;
