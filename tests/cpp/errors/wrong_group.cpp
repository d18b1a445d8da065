// expect: this Callable cannot be called with these Arguments
#include <rask/rask.hpp>

#include <string>

void wrong(rask::client_ref client, std::vector<std::vector<rask::future<std::string>>> texts) {
    auto sum = client.submit([](rask::list<rask::list<int>> all) { return all.size(); }, texts);
}
