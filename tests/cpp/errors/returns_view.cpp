// expect: a task returns a view of values
#include <rask/rask.hpp>

void wrong(rask::client_ref client, std::vector<rask::future<int>> all) {
    auto list = client.submit([](rask::list<int> values) { return values; }, all);
}
