// future<T>: the promised value of a task. Copy it and both are held; move it and it has moved; let it go and
// it is released.
#ifndef RASK_FUTURE_HPP
#define RASK_FUTURE_HPP

#include <rask/options.hpp>
#include <rask/submit.hpp>

#include <exception>

namespace rask {

class client_ref;

/// Where a future is.
enum class state : rask_state {
    pending = RASK_PENDING,
    running = RASK_RUNNING,
    finished = RASK_FINISHED,
    error = RASK_ERROR,
    cancelled = RASK_CANCELLED,
    lost = RASK_LOST,
};

/// How a wait with a limit ended.
enum class future_status { ready, timeout };

namespace detail {
/// How a wait ended that returned this status; throws where it could not be done.
inline future_status ended(rask_status status) {
    if (status == RASK_E_TIMEOUT)
        return future_status::timeout;
    return check(status), future_status::ready;
}
} // namespace detail

/// The promised value of a task: of type T, nothing where that is void, rask::value where it can be anything.
/// A handle, 8 bytes. Const members may be called by several threads at a time.
template <class T> class [[nodiscard]] future {
    static_assert(!std::is_reference_v<T>,
                  "rask: a future of a reference would outlive what it refers to: use a pointer");
    static_assert(!std::is_const_v<T> && !std::is_volatile_v<T>,
                  "rask: a future's value is constant anyway: leave const away");
    static_assert(!std::is_same_v<T, const char *>,
                  "rask: text of the engine's may hold NULs: use std::string_view");

  public:
    using value_type = T;

    /// Empty: valid() is false.
    future() noexcept = default;
    /// Takes over a handle of the C API's, of a value that can be read as a T.
    explicit future(rask_future handle) noexcept : handle_(handle) {}
    future(const future &other)
        : handle_(other.valid() ? detail::or_throw(rask_clone(other.handle_)) : rask_future{0}) {}
    future(future &&other) noexcept : handle_(other.release()) {}
    future &operator=(const future &other) { return *this = future(other); }
    /// What was held is released now, not when `other` goes.
    future &operator=(future &&other) noexcept {
        future taken(std::move(other));
        std::swap(handle_, taken.handle_);
        return *this;
    }
    /// If nobody else wants the result, a task that has not started never will; see fire_and_forget.
    ~future() {
        if (valid())
            std::ignore = rask_release(handle_);
    }

    [[nodiscard]] bool valid() const noexcept { return handle_.id != 0; }
    /// The handle, borrowed: for the C API.
    [[nodiscard]] rask_future handle() const noexcept { return handle_; }
    /// The handle, the caller's from now on.
    rask_future release() noexcept { return std::exchange(handle_, rask_future{0}); }

    // ---- the result ----

    /// Waits, and returns the value: by reference, valid as long as this future, or a number or pointer as
    /// itself. Throws what the task threw, or the task it depends on that failed; or rask::error, such as
    /// cancelled, or deadlock in a task that it waits for. For any number of callers.
    decltype(auto) get() const & {
        if constexpr (std::is_void_v<T>) {
            result();
        } else if constexpr (detail::form_of<T>() == detail::form::integer) {
            int64_t wide;
            ask(rask_result_i64(handle_, &wide));
            return detail::narrowed<T>(wide);
        } else if constexpr (detail::form_of<T>() == detail::form::real) {
            double wide;
            ask(rask_result_f64(handle_, &wide));
            return static_cast<T>(wide);
        } else {
            return detail::read<T>(result());
        }
    }

    /// As above, and gives the future up: the value is moved out if nobody else holds it or needs it, else
    /// copied. What cannot be copied is then rask::error (state), and the future as before.
    auto get() && {
        if constexpr (std::is_void_v<T>) {
            result();
            *this = future();
        } else {
            static_assert(detail::form_of<T>() != detail::form::any,
                          "rask: keep the future while you look at its value");
            if constexpr (detail::form_of<T>() == detail::form::object && std::is_move_constructible_v<T>) {
                result();
                void *object;
                if (rask_future_take_object(&handle_, &detail::object_type<T>::value, &object) == RASK_OK) {
                    struct owner {
                        T *object;
                        ~owner() { detail::object_type<T>::destroy(object); }
                    } taken{static_cast<T *>(object)};
                    return T(std::move(*taken.object));
                }
                if constexpr (std::is_copy_constructible_v<T>) {
                    T copy(detail::read<T>(result()));
                    future gone(release());
                    return copy;
                } else {
                    throw error(
                        RASK_E_STATE,
                        "the value cannot be copied, and not moved out while others hold it or need it");
                }
            } else {
                typename detail::reading<T>::owned copy(detail::read<T>(result()));
                future gone(release());
                return copy;
            }
        }
    }

    // ---- waiting ----

    /// Waits until it is done, whatever became of it: for how it ended, see state() and exception().
    void wait() const { check(rask_wait(&handle_, 1, RASK_ALL_COMPLETED, RASK_FOREVER, nullptr)); }
    /// As wait, and no longer than that; 0 and less only look.
    future_status wait_for(duration limit) const {
        return detail::ended(rask_wait(&handle_, 1, RASK_ALL_COMPLETED, detail::timeout(limit), nullptr));
    }
    /// As wait, until a std::chrono::time_point of any clock.
    template <class TimePoint> future_status wait_until(const TimePoint &limit) const {
        return wait_for(
            detail::between(TimePoint::clock::now().time_since_epoch(), limit.time_since_epoch()));
    }

    // ---- how it is ----

    [[nodiscard]] rask::state state() const {
        const rask_state now = rask_future_state(handle_);
        check(now);
        return static_cast<rask::state>(now);
    }
    /// Whether it is finished, failed or cancelled.
    [[nodiscard]] bool done() const { return state() >= rask::state::finished; }
    /// Why it has no value; null while it is not done, and if it has one.
    [[nodiscard]] std::exception_ptr exception() const { return detail::failure_of(handle_); }
    /// Its name in its client. Valid as long as this future.
    [[nodiscard]] std::string_view key() const {
        const char *key = rask_future_key(handle_);
        return key ? key : (detail::throw_last(), key);
    }
    /// One line for people: key, state, and what it holds or why not.
    [[nodiscard]] std::string describe() const {
        std::string line;
        // Until it fits: the future may go on between two calls.
        for (std::size_t size;
             (size = rask_future_describe(handle_, line.data(), line.size() + 1)) != line.size();)
            line.resize(size);
        return line;
    }
    /// How many bytes its value holds; waits for it.
    [[nodiscard]] std::size_t nbytes() const { return rask_value_nbytes(result()); }
    /// Where it runs.
    [[nodiscard]] client_ref client() const;

    /// Whether both are of one task; ordered and hashed by key.
    friend bool operator==(const future &a, const future &b) noexcept { return a.compare(b) == 0; }
    friend bool operator!=(const future &a, const future &b) noexcept { return a.compare(b) != 0; }
    friend bool operator<(const future &a, const future &b) noexcept { return a.compare(b) < 0; }

    // ---- what becomes of it ----

    /// Submits f with this future's value, to the same client: a future of what f returns.
    template <class F> auto then(F &&f) const &;
    template <class F> auto then(F &&f) &&;
    template <class F> auto then(const options &how, F &&f) const &;

    /// Cancels it, for all who hold it, and its dependents. false: it is done. What runs is told
    /// (this_task::cancelled), and not waited for.
    bool cancel(const char *reason = nullptr) const {
        const rask_status status = rask_cancel(handle_, reason);
        return status != RASK_E_STATE && (check(status), true);
    }
    /// Runs it again, and what it depends on that has failed. Throws rask::error (state) unless it has failed
    /// or was cancelled.
    void retry() const { check(rask_retry(handle_)); }
    /// Gives it up, and lets it run all the same; its result is dropped.
    void fire_and_forget() && { check(rask_fire_and_forget(release())); }

    /// Calls f(const future &), or f(), once, when it is done, however it ends: on the library's one thread
    /// for that, which f therefore had better not keep. What f throws is dropped: nobody is there to be told.
    template <class F> void on_done(F &&f) const {
        using callback = std::decay_t<F>;
        static_assert(std::is_invocable_v<callback &, const future &> || std::is_invocable_v<callback &>,
                      "rask: a callback is called with a const future<T> &, or with nothing");
        auto *context = new callback(std::forward<F>(f));
        const rask_status status = rask_on_done(handle_, call_back<callback>, context);
        if (status != RASK_OK) {
            detail::object_type<callback>::destroy(context);
            check(status);
        }
    }

  private:
    friend std::hash<future>;
    rask_future handle_{0};

    /// Empty for a future without one.
    [[nodiscard]] std::string_view key_or_none() const noexcept {
        const char *key = valid() ? rask_future_key(handle_) : nullptr;
        return key ? key : std::string_view();
    }
    [[nodiscard]] int compare(const future &other) const noexcept {
        if (handle_.id == other.handle_.id)
            return 0;
        const uint64_t mine = rask_future_client(handle_).id, others = rask_future_client(other.handle_).id;
        if (mine != others)
            return mine < others ? -1 : 1;
        return key_or_none().compare(other.key_or_none());
    }

    void ask(rask_status status) const {
        if (status != RASK_OK)
            detail::throw_failure(handle_, status);
    }

    const rask_value *result() const {
        const rask_value *value;
        ask(rask_result(handle_, RASK_FOREVER, &value));
        return value;
    }

    template <class F> static void call_back(rask_future handle, rask_state, void *context) noexcept {
        auto *f = static_cast<F *>(context);
        future borrowed(handle);
        try {
            if constexpr (std::is_invocable_v<F &, const future &>)
                (*f)(static_cast<const future &>(borrowed));
            else
                (*f)();
        } catch (...) { // NOLINT: see on_done
        }
        borrowed.release();
        detail::object_type<F>::destroy(f);
    }
};

} // namespace rask

template <class T> struct std::hash<rask::future<T>> {
    std::size_t operator()(const rask::future<T> &future) const noexcept {
        return std::hash<std::string_view>()(future.key_or_none());
    }
};
#endif
