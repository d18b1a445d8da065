// as_completed: futures in the order in which they are done, as a range.
#ifndef RASK_AS_COMPLETED_HPP
#define RASK_AS_COMPLETED_HPP

#include <rask/gather.hpp>

namespace rask {

/// `for (const rask::future<T> &done : rask::as_completed(futures)) ...`: finished, failed and cancelled
/// ones. It holds a future until it has delivered it.
template <class T> class as_completed {
  public:
    explicit as_completed(std::vector<future<T>> futures) {
        held_.reserve(futures.size());
        const auto *handles = std::as_const(futures).data();
        handle_ = detail::or_throw(rask_as_completed_open(detail::handles(handles), futures.size()));
        for (auto &one : futures)
            held_.push_back(one.release());
    }
    as_completed(as_completed &&other) noexcept
        : held_(std::move(other.held_)), handle_(std::exchange(other.handle_, rask_as_completed{0})) {}
    as_completed &operator=(as_completed &&other) noexcept {
        as_completed taken(std::move(other));
        std::swap(held_, taken.held_);
        std::swap(handle_, taken.handle_);
        return *this;
    }
    ~as_completed() {
        if (handle_.id)
            std::ignore = rask_as_completed_close(handle_);
        // Those that were delivered are stale, and releasing them does nothing.
        std::ignore = rask_release_all(held_.data(), held_.size());
    }

    /// Adds one, also while others wait for the next; by one thread at a time.
    void add(future<T> more) {
        const rask_future handle = more.handle();
        // First, as nothing may throw once the iteration has it.
        if (held_.size() == held_.capacity())
            held_.reserve(2 * held_.size() + 1);
        check(rask_as_completed_add(handle_, &handle, 1));
        held_.push_back(more.release());
    }
    /// How many have not been delivered yet.
    [[nodiscard]] std::size_t count() const noexcept { return rask_as_completed_count(handle_); }
    /// Readable while one waits to be delivered: for poll and event loops.
    [[nodiscard]] int fd() const {
        const int fd = rask_as_completed_fd(handle_);
        return fd >= 0 ? fd : (detail::throw_last(), fd);
    }

    /// Waits for the next: an empty future when all have been delivered. For several threads at a time each
    /// another one.
    [[nodiscard]] future<T> next() { return another(deliver(RASK_FOREVER)); }
    /// As next, or an empty one when the time is up: count() tells which.
    [[nodiscard]] future<T> next_for(duration limit) { return another(deliver(detail::timeout(limit))); }

    struct sentinel {};
    class iterator {
      public:
        using iterator_category = std::input_iterator_tag;
        using value_type = future<T>;
        using difference_type = std::ptrdiff_t;
        using reference = const future<T> &;
        using pointer = const future<T> *;

        iterator() = default;
        explicit iterator(as_completed *from) : from_(from), at_(from->next()) {}
        reference operator*() const noexcept { return at_; }
        pointer operator->() const noexcept { return &at_; }
        iterator &operator++() { return at_ = from_->next(), *this; }
        void operator++(int) { ++*this; }
        friend bool operator==(const iterator &a, sentinel) noexcept { return !a.at_.valid(); }
        friend bool operator!=(const iterator &a, sentinel) noexcept { return a.at_.valid(); }
        friend bool operator==(sentinel, const iterator &a) noexcept { return !a.at_.valid(); }
        friend bool operator!=(sentinel, const iterator &a) noexcept { return a.at_.valid(); }

      private:
        as_completed *from_ = nullptr;
        future<T> at_;
    };
    [[nodiscard]] iterator begin() { return iterator(this); }
    [[nodiscard]] sentinel end() const noexcept { return {}; }

  private:
    rask_future deliver(int64_t timeout_ns) {
        rask_future done;
        const rask_status status = rask_as_completed_next(handle_, timeout_ns, &done);
        if (status != RASK_E_TIMEOUT)
            check(status);
        return done;
    }
    /// A handle for who it is delivered to, in place of ours.
    static future<T> another(rask_future delivered) {
        if (!delivered.id)
            return {};
        future<T> ours(delivered);
        try {
            return future<T>(std::as_const(ours));
        } catch (...) {
            ours.release(); // released with the others
            throw;
        }
    }

    std::vector<rask_future> held_;
    rask_as_completed handle_{0};
};
template <class T, class A> as_completed(std::vector<future<T>, A>) -> as_completed<T>;

} // namespace rask
#endif
