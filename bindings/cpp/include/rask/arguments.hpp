// Arguments: what a call of the C API's is given, as it is written down; and given up again if writing the
// rest throws.
#ifndef RASK_ARGUMENTS_HPP
#define RASK_ARGUMENTS_HPP

#include <rask/error.hpp>

#include <cstddef>
#include <cstring>
#include <tuple>
#include <utility>
#include <vector>

namespace rask::detail {

// ---- what most arguments are ----
//
// In place: a call of the library for each would cost as much as the rest of a submit here.

inline rask_arg arg_of(int32_t kind, uint64_t payload, const void *aux = nullptr) noexcept {
    return {kind, 0, payload, 0, aux};
}
inline rask_arg integer_arg(int64_t number) noexcept {
    return arg_of(RASK_I64, static_cast<uint64_t>(number));
}
inline rask_arg real_arg(double number) noexcept {
    uint64_t bits;
    static_assert(sizeof bits == sizeof number);
    std::memcpy(&bits, &number, sizeof bits);
    return arg_of(RASK_F64, bits);
}
/// The future's value; the handle is borrowed.
inline rask_arg future_arg(rask_future future) noexcept { return arg_of(RASK_ARG_FUTURE, future.id); }
/// Likewise, and the handle is handed over.
inline rask_arg taken_arg(rask_future future) noexcept { return arg_of(RASK_ARG_TAKE, future.id); }

/// Gives up what arguments hand over: without a client a submit does nothing but take it.
inline void give_up(const rask_arg *args, std::size_t count) noexcept {
    if (count > 0)
        std::ignore = rask_submit(rask_client{0}, nullptr, args, count);
}

/// Arguments in a row, as many as there are.
class row {
  public:
    row() = default;
    row(row &&) noexcept = default; // a vector that was moved is empty
    ~row() { give_up(args_.data(), args_.size()); }

    /// What it hands over is given up also if there is no room for it.
    void add(rask_arg arg) {
        try {
            args_.push_back(arg);
        } catch (...) {
            give_up(&arg, 1);
            throw;
        }
    }
    [[nodiscard]] std::size_t size() const noexcept { return args_.size(); }
    /// For the call, which takes them on every path.
    std::vector<rask_arg> commit() noexcept { return std::move(args_); }

  private:
    std::vector<rask_arg> args_;
};

/// What lists among the arguments consist of, until the call has read them: only where there are some.
template <bool> class rows {};
template <> class rows<true> {
  public:
    rask_arg keep(row &&items) {
        std::vector<rask_arg> &kept = kept_.emplace_back();
        kept = items.commit();
        return rask_list(kept.data(), kept.size());
    }

  private:
    std::vector<std::vector<rask_arg>> kept_;
};

/// Arguments on their way into a call, in room that lies apart: so the compiler sees that nobody else changes
/// what is in here, and it costs nothing. If making one throws, the others are given up.
template <bool HasLists = false> class arguments : public rows<HasLists> {
  public:
    explicit arguments(rask_arg *room) noexcept : args_(room) {}
    arguments(const arguments &) = delete;
    ~arguments() { give_up(args_, count_); }

    void add(rask_arg arg) noexcept { args_[count_++] = arg; }
    /// For the call, which takes them on every path: their number.
    std::size_t commit() noexcept { return std::exchange(count_, 0); }

  private:
    rask_arg *args_;
    std::size_t count_ = 0;
};

} // namespace rask::detail
#endif
