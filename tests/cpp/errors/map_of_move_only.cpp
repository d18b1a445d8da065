// expect: each task of a map has a copy of the callable
#include <rask/rask.hpp>

struct move_only {
    move_only(move_only &&) = default;
    int operator()(int x) const { return x; }
    int base[10];
};

void wrong(rask::client_ref client, move_only f) { auto all = client.map(std::move(f), std::vector{1, 2}); }
