// What every C++ test shares.
#ifndef RASK_TESTS_CHECK_HPP
#define RASK_TESTS_CHECK_HPP

#include <doctest/doctest.h>
#include <rask/rask.hpp>

#include <atomic>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>

/// A size, or a smaller one under valgrind.
inline int scaled(int size, int small) {
    const char *scale = std::getenv("RASK_TEST_SCALE");
    return scale && std::string(scale) == "small" ? small : size;
}

/// Waits for what another thread does soon.
template <class Condition> bool eventually(Condition condition) {
    for (int i = 0; i < 100000; i++) {
        if (condition())
            return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
}

/// Holds tasks until it is opened.
class gate {
  public:
    void pass() const {
        while (!open_.load())
            std::this_thread::yield();
    }
    void open() { open_ = true; }
    ~gate() { open(); }

  private:
    std::atomic<bool> open_{false};
};

/// An exception of the program's own.
struct trouble : std::runtime_error {
    explicit trouble(int what) : std::runtime_error("trouble " + std::to_string(what)), number(what) {}
    int number;
};

/// Counts how many of it there are.
struct counted {
    static inline std::atomic<int> alive{0};
    int value = 0;
    explicit counted(int from = 0) : value(from) { alive++; }
    counted(const counted &other) : value(other.value) { alive++; }
    counted(counted &&other) noexcept : value(std::exchange(other.value, -1)) { alive++; }
    counted &operator=(const counted &) = default;
    ~counted() { alive--; }
};

/// The status of the rask::error that a call throws; RASK_OK if it throws none.
template <class Call> rask_status status_of(Call &&call) {
    try {
        call();
    } catch (const rask::error &e) {
        return e.status();
    }
    return RASK_OK;
}

#endif
