// SPDX-License-Identifier: MIT
// compile(f): f is traced once per signature (shapes, dtypes, devices and requires_grad of its arguments, and the guards that
// ran inside: train/eval mode, which gradients exist); each later call is one submission without tracing. Inside f
// tensors cannot be read; cells (parameters, optimizer state, running statistics) are written by the submission; other
// tensors that f captures are bound as they were when traced. Not thread safe: one thread calls a compiled step at a time.
#pragma once

#include <functional>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <ingot/report.h>
#include <ingot/tensor.h>

namespace ingot {

namespace runtime {
class CompiledStep;
}

/// The part of a compiled function that does not depend on its type.
class Compiled {
public:
    using Function = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;
    explicit Compiled(Function f);
    ~Compiled();
    Compiled(Compiled&&) noexcept;
    Compiled& operator=(Compiled&&) noexcept;

    /// Runs f for these arguments: traces it if no variant fits. Errors: what f throws (then nothing has changed), Error for
    /// what compilation refuses.
    std::vector<Tensor> call(const std::vector<Tensor>& arguments);
    /// How many variants exist, and the report of the one that ran last.
    int64_t variants() const;
    Report report() const;

private:
    std::unique_ptr<runtime::CompiledStep> step_;
};

namespace detail {
inline void append(std::vector<Tensor>& out, const Tensor& t) { out.push_back(t); }
inline void append(std::vector<Tensor>& out, const std::vector<Tensor>& ts) {
    out.insert(out.end(), ts.begin(), ts.end());
}
template <class A, class B> void append(std::vector<Tensor>& out, const std::pair<A, B>& p); // tuples may hold pairs
template <class... T> void append(std::vector<Tensor>& out, const std::tuple<T...>& ts) {
    std::apply([&](const auto&... t) { (append(out, t), ...); }, ts);
}
template <class A, class B> void append(std::vector<Tensor>& out, const std::pair<A, B>& p) {
    append(out, p.first);
    append(out, p.second);
}
/// Rebuilds a result of type R from the flat list.
template <class R> struct Rebuild {
    static_assert(std::is_same_v<R, Tensor>,
                  "compile: results are Tensor, std::vector<Tensor>, std::tuple, std::pair or void");
    static R from(const std::vector<Tensor>& v, size_t& at) { return v[at++]; }
};
template <> struct Rebuild<std::vector<Tensor>> {
    static std::vector<Tensor> from(const std::vector<Tensor>& v, size_t& at) {
        std::vector<Tensor> rest(v.begin() + static_cast<std::ptrdiff_t>(at), v.end());
        at = v.size();
        return rest;
    }
};
/// Whether a type takes as many tensors as there are: a vector, or what ends with one.
template <class R> struct TakesRest : std::false_type {};
template <> struct TakesRest<std::vector<Tensor>> : std::true_type {};
template <class A, class B> struct TakesRest<std::pair<A, B>> : TakesRest<B> {};
template <class T> struct TakesRest<std::tuple<T>> : TakesRest<T> {};
template <class A, class B, class... T> struct TakesRest<std::tuple<A, B, T...>> : TakesRest<std::tuple<B, T...>> {};
/// Whether something stands behind a vector, which would find nothing left.
template <class R> struct VectorBeforeEnd : std::false_type {};
template <class A, class B, class... T>
struct VectorBeforeEnd<std::tuple<A, B, T...>>
    : std::bool_constant<TakesRest<A>::value || VectorBeforeEnd<std::tuple<B, T...>>::value> {};

template <class... T> struct Rebuild<std::tuple<T...>> {
    static_assert(!VectorBeforeEnd<std::tuple<T...>>::value,
                  "compile: a std::vector must be the last of several results");
    static std::tuple<T...> from(const std::vector<Tensor>& v, size_t& at) {
        return std::tuple<T...>{Rebuild<T>::from(v, at)...};
    }
};
template <class A, class B> struct Rebuild<std::pair<A, B>> {
    static_assert(!TakesRest<A>::value, "compile: a std::vector must be the last of several results");
    static std::pair<A, B> from(const std::vector<Tensor>& v, size_t& at) {
        A a = Rebuild<A>::from(v, at);
        return {std::move(a), Rebuild<B>::from(v, at)};
    }
};
} // namespace detail

/// The callable that compile() returns.
template <class F> class CompiledFunction {
public:
    explicit CompiledFunction(F f) : f_(std::make_shared<F>(std::move(f))) {}

    template <class... Args> auto operator()(const Args&... args) {
        static_assert((std::is_same_v<Args, Tensor> && ...), "compile: arguments are tensors");
        using R = std::invoke_result_t<F&, const Args&...>;
        if (!core_) {
            // The first call fixes the number of arguments; later ones must agree with it.
            core_ = std::make_unique<Compiled>([f = f_](const std::vector<Tensor>& flat) {
                std::vector<Tensor> out;
                invoke<R>(*f, flat, out, std::make_index_sequence<sizeof...(Args)>{});
                return out;
            });
        }
        std::vector<Tensor> flat = core_->call({args...});
        if constexpr (!std::is_void_v<R>) {
            size_t at = 0;
            return detail::Rebuild<R>::from(flat, at);
        }
    }
    int64_t variants() const { return core_ ? core_->variants() : 0; }
    /// The executable that ran last.
    struct ExecutableView {
        Report value;
        Report report() const { return value; }
    };
    ExecutableView executable() const { return {core_ ? core_->report() : Report{}}; }

private:
    template <class R, size_t... I>
    static void invoke(F& f, const std::vector<Tensor>& flat, std::vector<Tensor>& out, std::index_sequence<I...>) {
        if constexpr (std::is_void_v<R>) {
            f(flat[I]...);
        } else {
            detail::append(out, f(flat[I]...));
        }
    }
    std::shared_ptr<F> f_;
    std::unique_ptr<Compiled> core_;
};

template <class F> CompiledFunction<F> compile(F f) { return CompiledFunction<F>(std::move(f)); }

/// For modules: a word of state that a traced function depends on (train or eval mode, its list of children). Outside a trace it
/// does nothing. `state` is called again before each later call; another result means another variant.
void compile_guard(std::function<uint64_t()> state);
/// True while this thread traces a function for compile().
bool compiling();

} // namespace ingot
