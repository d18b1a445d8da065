// shared: one object with several owners, which is destroyed with the last of them. What std::shared_ptr is,
// without the weight of <memory>.
#ifndef RASK_SHARED_HPP
#define RASK_SHARED_HPP

#include <cstddef>
#include <utility>

namespace rask::detail {

/// Counts the owners of what is derived from it.
class counted_owners {
  public:
    counted_owners() = default;
    counted_owners(const counted_owners &) = delete;
    virtual ~counted_owners() = default;

    void own() noexcept { __atomic_fetch_add(&n_owners_, 1, __ATOMIC_RELAXED); }
    void disown() noexcept {
        // Whoever destroys it has seen what the others did with it.
        if (__atomic_fetch_sub(&n_owners_, 1, __ATOMIC_ACQ_REL) == 1)
            delete this;
    }

  private:
    std::size_t n_owners_ = 1;
};

/// An owner of a T, which is derived from counted_owners; or of nothing.
template <class T> class shared {
  public:
    shared() noexcept = default;
    /// Takes over the first ownership of what `new` has made.
    explicit shared(T *made) noexcept : at_(made) {}
    shared(const shared &other) noexcept : at_(other.at_) {
        if (at_)
            at_->own();
    }
    shared(shared &&other) noexcept : at_(std::exchange(other.at_, nullptr)) {}
    template <class U> shared(const shared<U> &other) noexcept : at_(other.get()) {
        if (at_)
            at_->own();
    }
    shared &operator=(shared other) noexcept {
        std::swap(at_, other.at_);
        return *this;
    }
    ~shared() {
        if (at_)
            at_->disown();
    }

    [[nodiscard]] T *get() const noexcept { return at_; }
    T *operator->() const noexcept { return at_; }
    T &operator*() const noexcept { return *at_; }

  private:
    T *at_ = nullptr;
};

} // namespace rask::detail
#endif
