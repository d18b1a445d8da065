// The smallest C++ program that shows the binding was found and works.
#include <rask/rask.hpp>

#include <cstdio>
#include <functional>

int main() {
    {
        rask::client client(2);
        auto x = client.submit([](int n) { return n + 1; }, 1);
        auto y = client.submit([](int n) { return n + 1; }, 2);
        std::printf("%d\n", client.submit(std::plus<>(), x, y).get());
    }
    return rask::live_handles() == 0 ? 0 : 1;
}
