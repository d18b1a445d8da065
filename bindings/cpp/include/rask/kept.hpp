// What a coroutine that was submitted reads: its callable and its arguments. The task that calls it is over
// when it first waits, and they have to be there until the coroutine is. From C++20 on.
#ifndef RASK_KEPT_HPP
#define RASK_KEPT_HPP

#include <rask/gather.hpp>
#include <rask/shared.hpp>

#ifdef __cpp_impl_coroutine
#include <optional>

namespace rask::detail {

/// What the coroutines that begin on this thread keep.
inline thread_local const shared<counted_owners> *kept_here = nullptr;

class keeping_here {
  public:
    explicit keeping_here(const shared<counted_owners> &kept) noexcept
        : before_(std::exchange(kept_here, &kept)) {}
    keeping_here(const keeping_here &) = delete;
    ~keeping_here() { kept_here = before_; }

  private:
    const shared<counted_owners> *before_;
};

/// An argument: edges are the futures the call waits for, show is called when they are done, shown are what
/// the callable is called with.
template <class T, class = void> struct kept {
    T value;
    template <class U> kept(client_ref, U &&from) : value(std::forward<U>(from)) {}
    std::tuple<> edges() const { return {}; }
    void show() noexcept {}
    std::tuple<T &&> shown() noexcept { return std::tuple<T &&>(std::move(value)); }
};

/// Text is copied, as by any submit.
template <class T>
struct kept<T, std::enable_if_t<form_of<T>() == form::text || form_of<T>() == form::view>> {
    std::string text;
    T seen{};
    kept(client_ref, T from) : text(from) {}
    std::tuple<> edges() const { return {}; }
    void show() noexcept {
        if constexpr (form_of<T>() == form::text)
            seen = text.c_str();
        else
            seen = text;
    }
    std::tuple<T &&> shown() noexcept { return std::tuple<T &&>(std::move(seen)); }
};

template <> struct kept<client> : kept<client_ref> { using kept<client_ref>::kept; };

/// The value of a future is read in place: who has the future has the value.
template <class F> struct kept<F, std::enable_if_t<is_future<F>>> {
    using T = decltype(value_of_future(static_cast<const F *>(nullptr)));
    using reference = reference_t<T>;
    static constexpr bool is_reference = std::is_reference_v<reference>;

    future<T> from;
    std::optional<std::conditional_t<is_reference, std::add_pointer_t<reference>, reference>> seen;

    kept(client_ref, future<T> it) : from(std::move(it)) {}
    std::tuple<const future<T> &> edges() const { return std::tie(from); }
    void show() {
        if constexpr (is_reference)
            seen = &from.get();
        else if constexpr (!std::is_void_v<T>)
            seen.emplace(from.get());
    }
    auto shown() noexcept {
        if constexpr (std::is_void_v<T>)
            return std::tuple<>();
        else if constexpr (is_reference)
            return std::tuple<reference>(**seen);
        else
            return std::tuple<const reference &>(*seen);
    }
};

/// Several futures: a future of their values together.
template <class T> struct together {
    using shown = shown_t<T>;
    using type = std::conditional_t<passing<T>::passes, shown, void>;
};
template <class T>
struct kept<T, std::enable_if_t<is_group<T> && !is_future<T>>> : kept<future<typename together<T>::type>> {
    using values = typename together<T>::type;
    template <class U>
    kept(client_ref client, U &&futures)
        : kept<future<values>>(client, client.call<values>(same, std::forward<U>(futures))) {}
};

/// A call of a coroutine. It begins again if the task that calls it is run again.
template <class F, class... A> class kept_call : public counted_owners {
  public:
    using called = task_for<F, A...>;
    using given = std::decay_t<typename decltype(call<F &, typename called::parameters>::result())::self>;

    template <class G, class... From>
    explicit kept_call([[maybe_unused]] client_ref client, G &&function, From &&...from)
        : function_(std::forward<G>(function)), arguments_(kept<A>(client, std::forward<From>(from))...) {}

    auto edges() const {
        return std::apply([](const auto &...one) { return std::tuple_cat(one.edges()...); }, arguments_);
    }
    given operator()() {
        std::apply([](auto &...one) { (one.show(), ...); }, arguments_);
        const auto shown =
            std::apply([](auto &...one) { return std::tuple_cat(one.shown()...); }, arguments_);
        return pass(shown, static_cast<typename called::parameters *>(nullptr));
    }

  private:
    template <class Shown, class... P> given pass(const Shown &shown, pack<P...> *) {
        return std::apply([&](auto &&...one) -> given { return invoke(function_, static_cast<P>(one)...); },
                          shown);
    }

    F function_;
    std::tuple<kept<A>...> arguments_;
};

template <class Call> struct begin_coroutine {
    shared<Call> call;
    /// With the values of what it has waited for, which it reads for itself.
    template <class... Ignored> typename Call::given operator()(const Ignored &...) {
        const shared<counted_owners> kept = call;
        const keeping_here until_it_has_begun(kept);
        return (*call)();
    }
};

template <class F, class... A>
future<typename submitted<std::decay_t<F>, passed_t<A>...>::type>
submit_coroutine(rask_client client, const options *how, F &&f, A &&...a) {
    using call = kept_call<std::decay_t<F>, passed_t<A>...>;
    const shared<call> made(new call(client_ref(client), std::forward<F>(f), std::forward<A>(a)...));
    return std::apply(
        [&](const auto &...edges) { return submit_task(client, how, begin_coroutine<call>{made}, edges...); },
        made->edges());
}

} // namespace rask::detail
#endif
#endif
