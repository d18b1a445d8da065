// Several futures: waited for, gathered, put together.
#ifndef RASK_GATHER_HPP
#define RASK_GATHER_HPP

#include <rask/client.hpp>

namespace rask {

/// What a wait for several futures ends with.
enum class until : int32_t {
    all_completed = RASK_ALL_COMPLETED,
    first_completed = RASK_FIRST_COMPLETED,
    first_error = RASK_FIRST_ERROR,
};

/// What becomes of errors when values are gathered: the first is thrown, or those without a value are left
/// out.
enum class errors { raise, skip };

namespace detail {
template <class Futures>
using enable_range = std::enable_if_t<is_range_of_futures<std::decay_t<Futures>>, int>;
template <class Futures> using item_of = typename std::decay_t<Futures>::value_type::value_type;
} // namespace detail

/// Waits for futures, whatever becomes of them. In a task that they wait for: rask::error (deadlock).
template <class Futures, detail::enable_range<Futures> = 0>
void wait(const Futures &futures, until condition = until::all_completed) {
    check(rask_wait(detail::handles(futures.data()), futures.size(), static_cast<int32_t>(condition),
                    RASK_FOREVER, nullptr));
}
/// As wait, and no longer than that.
template <class Futures, detail::enable_range<Futures> = 0>
future_status wait_for(const Futures &futures, duration limit, until condition = until::all_completed) {
    return detail::ended(rask_wait(detail::handles(futures.data()), futures.size(),
                                   static_cast<int32_t>(condition), detail::timeout(limit), nullptr));
}

/// The values of futures, in place: a range of references, valid as long as the futures. Copy it into a
/// std::vector<T> by conversion.
template <class T> class gathered {
  public:
    using value_type = T;
    using iterator = detail::view_iterator<gathered>;
    using const_iterator = iterator;

    gathered(std::vector<const rask_value *> values, std::vector<future<T>> kept)
        : values_(std::move(values)), kept_(std::move(kept)) {}

    [[nodiscard]] std::size_t size() const noexcept { return values_.size(); }
    [[nodiscard]] bool empty() const noexcept { return values_.empty(); }
    reference_t<T> operator[](std::size_t index) const { return detail::read<T>(values_[index]); }
    [[nodiscard]] iterator begin() const noexcept { return {this, 0}; }
    [[nodiscard]] iterator end() const noexcept { return {this, size()}; }
    operator std::vector<typename detail::reading<T>::owned>() const & { return {begin(), end()}; }

  private:
    std::vector<const rask_value *> values_;
    std::vector<future<T>> kept_;
};

/// Waits for all and gives their values, or throws as get() of the first without one does. Of futures that
/// are moved in, it keeps hold.
template <class Futures, detail::enable_range<Futures> = 0>
auto gather(Futures &&futures, errors what = errors::raise) {
    using item = detail::item_of<Futures>;
    const std::size_t size = futures.size();
    const rask_future *handles = detail::handles(futures.data());
    std::vector<const rask_value *> values(size);
    std::vector<rask_status> statuses(size);
    check(rask_gather(handles, size, RASK_FOREVER, values.data(), statuses.data()));
    std::size_t kept = 0;
    for (std::size_t i = 0; i < size; i++) {
        if (statuses[i] == RASK_OK)
            values[kept++] = values[i];
        else if (what == errors::raise)
            detail::throw_failure(handles[i], statuses[i]);
    }
    values.resize(kept);
    if constexpr (!std::is_void_v<item>) {
        std::vector<future<item>> held;
        if constexpr (!std::is_lvalue_reference_v<Futures>)
            held.assign(std::make_move_iterator(futures.begin()), std::make_move_iterator(futures.end()));
        return gathered<item>(std::move(values), std::move(held));
    }
}

namespace detail {

/// A task of one argument, which is its result.
inline void same(rask_task *task) noexcept { rask_return_arg(task, 0); }
/// A task that is only there to be waited for.
inline void nothing_but_done(rask_task *) noexcept {}

/// Whether a coroutine need not wait for it. What is no future is not waited for: get says why.
inline bool is_over(rask_future awaited) noexcept {
    const rask_state state = rask_future_state(awaited);
    return state < 0 || state >= RASK_FINISHED;
}
/// A future that is done when that one is. What comes after it does not hold that one, as it would if it came
/// after that one itself: what others hold cannot be moved out.
inline future<void> in_between(rask_client client, rask_future awaited) noexcept {
    const rask_arg after = rask_after(awaited);
    return future<void>(rask_submit(client, nothing_but_done, &after, 1));
}

} // namespace detail

/// A future of all values together: get() is a std::tuple of references, a dependent task gets it likewise.
/// It fails when one of them does.
template <class... T> future<values<T...>> when_all(const future<T> &...futures) {
    static_assert(sizeof...(T) > 0);
    const client_ref client = std::get<0>(std::tie(futures...)).client();
    return client.call<values<T...>>(detail::same, std::tuple<future<T>...>(futures...));
}

/// The same of many: a future of a rask::list<T>. For futures of nothing a future of nothing.
template <class Futures, detail::enable_range<Futures> = 0> auto when_all(const Futures &futures) {
    using item = detail::item_of<Futures>;
    if (futures.size() == 0)
        throw error(RASK_E_INVALID, "when_all of no futures: there is no client to run it");
    const client_ref client = futures.data()->client();
    if constexpr (std::is_void_v<item>)
        return client.call<void>(detail::nothing_but_done, futures);
    else
        return client.call<list<item>>(detail::same, futures);
}

/// A future of the index of the first that is done, whatever became of it. It takes no worker meanwhile, but
/// a thread, as any wait inside a task does.
template <class Futures, detail::enable_range<Futures> = 0> future<std::size_t> when_any(Futures &&futures) {
    if (futures.size() == 0)
        throw error(RASK_E_INVALID, "when_any of no futures never is");
    using item = detail::item_of<Futures>;
    const client_ref client = futures.data()->client();
    for (std::size_t i = 0; i < futures.size(); i++) {
        if (futures.data()[i].done())
            return client.scatter(i);
    }
    std::vector<future<item>> kept(futures.begin(), futures.end());
    return client.submit([kept = std::move(kept)]() -> std::size_t {
        wait(kept, until::first_completed);
        std::size_t index = 0;
        while (!kept[index].done())
            index++;
        return index;
    });
}
template <class T, class... U>
future<std::size_t> when_any(const future<T> &first, const future<U> &...rest) {
    // Which values they have does not matter to who waits.
    std::vector<future<nothing>> all;
    auto add = [&](rask_future handle) { all.emplace_back(detail::or_throw(rask_clone(handle))); };
    add(first.handle());
    (add(rest.handle()), ...);
    return when_any(all);
}

/// Lets go of many futures at once, which is quicker than one by one; goes on past an empty one.
template <class T> void release_all(std::vector<future<T>> &&futures) {
    std::vector<future<T>> all = std::move(futures);
    const rask_status status = rask_release_all(detail::handles(all.data()), all.size());
    for (auto &one : all)
        one.release();
    check(status);
}

/// Draws progress on stderr until all are done, and waits for that; progress_start does so while the caller
/// goes on.
template <class Futures, detail::enable_range<Futures> = 0>
void progress(const Futures &futures, const std::string &label = {}) {
    check(rask_progress(detail::handles(futures.data()), futures.size(), detail::or_null(label)));
}
template <class Futures, detail::enable_range<Futures> = 0>
void progress_start(const Futures &futures, const std::string &label = {}) {
    check(rask_progress_start(detail::handles(futures.data()), futures.size(), detail::or_null(label)));
}

} // namespace rask
#endif
