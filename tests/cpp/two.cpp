// Two translation units of one program: the same types are the same, nothing is defined twice.
#include "check.hpp"

#include <memory>

struct shared_type {
    std::string text;
};
rask::future<shared_type> made_elsewhere(rask::client_ref client);
rask::future<int> thrown_elsewhere(rask::client_ref client);

TEST_CASE("values and exceptions pass between translation units") {
    rask::client client(2);
    auto made = made_elsewhere(client);
    CHECK(client.submit([](const shared_type &s) { return s.text; }, made).get() == "elsewhere");
    CHECK_THROWS_AS(thrown_elsewhere(client).get(), trouble);
    CHECK(std::move(made).get().text == "elsewhere");
}
