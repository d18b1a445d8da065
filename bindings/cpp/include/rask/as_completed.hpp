// as_completed: futures in the order in which they are done, as a range.
#ifndef RASK_AS_COMPLETED_HPP
#define RASK_AS_COMPLETED_HPP

#include <rask/gather.hpp>

namespace rask {

/// `for (const rask::future<T> &done : rask::as_completed(futures)) ...`: finished, failed and cancelled
/// ones. It holds handles of its own.
template <class T> class as_completed {
  public:
    explicit as_completed(std::vector<future<T>> futures) : futures_(std::move(futures)) {
        handle_ = rask_as_completed_open(detail::handles(futures_.data()), futures_.size());
        if (!handle_.id)
            detail::throw_last();
    }
    as_completed(as_completed &&other) noexcept
        : futures_(std::move(other.futures_)), added_(std::move(other.added_)),
          handle_(std::exchange(other.handle_, rask_as_completed{0})) {}
    as_completed &operator=(as_completed &&) = delete;
    ~as_completed() {
        if (handle_.id)
            std::ignore = rask_as_completed_close(handle_);
    }

    /// Adds more, also while it is iterated over; from one thread at a time.
    void add(future<T> more) {
        const rask_future handle = more.handle();
        added_.push_back(std::move(more));
        const rask_status status = rask_as_completed_add(handle_, &handle, 1);
        if (status != RASK_OK)
            added_.pop_back();
        check(status);
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
    template <class Rep, class Period>
    [[nodiscard]] future<T> next_for(const std::chrono::duration<Rep, Period> &limit) {
        return another(deliver(detail::timeout(limit)));
    }

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
    static future<T> another(rask_future delivered) {
        if (!delivered.id)
            return {};
        future<T> ours(delivered);
        future<T> copy = ours;
        ours.release();
        return copy;
    }

    std::vector<future<T>> futures_, added_;
    rask_as_completed handle_{0};
};
template <class T, class A> as_completed(std::vector<future<T>, A>) -> as_completed<T>;

} // namespace rask
#endif
