// expect: keep the future while you look at its value
#include <rask/rask.hpp>

rask_kind wrong(rask::future<rask::value> any) { return std::move(any).get().kind(); }
