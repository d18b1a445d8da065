// The other translation unit of two.cpp.
#include "check.hpp"

struct shared_type {
    std::string text;
};
rask::future<shared_type> made_elsewhere(rask::client_ref client);
rask::future<int> thrown_elsewhere(rask::client_ref client);

rask::future<shared_type> made_elsewhere(rask::client_ref client) {
    return client.submit([] { return shared_type{"elsewhere"}; });
}
rask::future<int> thrown_elsewhere(rask::client_ref client) {
    return client.submit([]() -> int { throw trouble(1); });
}
