// SPDX-License-Identifier: MIT
// One row per public operator (and per noteworthy variant of one), from which op_test.cpp generates the tests: forward
// on the CPU against the reference, reference against a loop in the row, dtypes, shapes, memory orders, NaN and
// infinities, error texts, first and second gradients, lazy against compiled against unoptimized. tools/check wants a
// row for every function declared in include/ingot/ops.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <ingot/error.h>
#include <ingot/ops.h>
#include <ingot/tensor.h>

namespace ingot::optest {

/// An input: what it looks like and which values it takes. Reals are distinct and evenly spread over (lo, hi), so that
/// maxima have no ties and kinks at 0 are missed; the dtype of reals is the test's choice.
struct Arg {
    enum class Kind { real, integer, boolean };
    Shape shape;
    Kind kind = Kind::real;
    double lo = -2, hi = 2; ///< integers: lo <= v <= hi
    DType dtype = DType::i64;
};
inline Arg real(Shape shape, double lo = -2, double hi = 2) {
    return {std::move(shape), Arg::Kind::real, lo, hi, DType::f32};
}
inline Arg integer(Shape shape, double lo, double hi, DType dtype = DType::i64) {
    return {std::move(shape), Arg::Kind::integer, lo, hi, dtype};
}
inline Arg truths(Shape shape) { return {std::move(shape), Arg::Kind::boolean, 0, 1, DType::boolean}; }

/// The inputs of one run.
struct In {
    std::vector<Tensor> args;
    Device device;
    const Tensor& operator[](size_t i) const { return args[i]; }
};
using Fn = std::function<Tensor(const In&)>;

/// A host array of doubles, for expectations.
struct Array {
    Shape shape;
    std::vector<double> v;
    double operator[](size_t i) const { return v[i]; }
    /// The element at `index`, whose leading axes the array may lack; axes of size 1 stretch.
    double at(const Ints& index) const;
};
using Oracle = std::function<std::vector<double>(const std::vector<Array>&)>;

struct Bad {
    std::function<void()> run;
    std::string text; ///< what what() says, exactly
};

struct OpCase {
    std::string name; ///< of the public function
    std::string variant = {};
    std::vector<Arg> args = {};
    Fn fn = {};
    Oracle oracle = {};
    std::string no_gradient = {}; ///< why there is none; empty: differentiable in all real inputs
    std::string no_second = {};   ///< why there is no second gradient
    bool elementwise = false;     ///< also runs on scalars, empty and odd shapes
    bool integers = false;        ///< also runs with i32, i64 and u8 instead of reals
    bool specials = false;        ///< also runs on NaN, infinities and zeros
    bool halves = true;           ///< also runs in f16 and bf16
    bool modes = true;            ///< lazy = compiled = unoptimized (false: random numbers)
    double factor = 1;            ///< of the tolerance
    std::string factor_reason = {};
    std::vector<Bad> bad = {};

    std::string id() const { return variant.empty() ? name : name + "_" + variant; }
    bool differentiable() const { return no_gradient.empty(); }
};

using Cases = std::vector<OpCase>;
Cases creation_cases();
Cases elementwise_cases();
Cases activation_cases();
Cases reduce_cases();
Cases movement_cases();
Cases indexing_cases();
Cases linear_cases();
Cases composed_cases();
Cases attention_cases();
Cases layer_cases();
Cases loss_cases();
Cases random_cases();
const Cases& all_cases();

// Expectations.
/// Calls f(index) for every element of `shape` in row-major order.
void for_each_index(const Shape& shape, const std::function<void(const Ints&)>& f);
Oracle map1(double (*f)(double));
Oracle map2(double (*f)(double, double)); ///< broadcasts
/// f of the elements along `axes` (empty: all), for each place that is left.
Oracle lines(Ints axes, std::function<double(const std::vector<double>&)> f);

inline Fn unary(Tensor (*f)(const Tensor&)) {
    return [f](const In& in) { return f(in[0]); };
}
inline Fn binary(Tensor (*f)(const Tensor&, const Tensor&)) {
    return [f](const In& in) { return f(in[0], in[1]); };
}

} // namespace ingot::optest
