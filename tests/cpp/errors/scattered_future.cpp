// expect: scatter makes a value a future
#include <rask/rask.hpp>

void wrong(rask::client_ref client, rask::future<int> one) { auto two = client.scatter(one); }
