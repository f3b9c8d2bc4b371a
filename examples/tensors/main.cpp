// SPDX-License-Identifier: MIT
// Tensors: making them, computing with them, reading them. Names and rules are PyTorch's; what differs is when things run:
// operations only record, and what is read is computed, with everything that is pending, in one submission.
#include <cmath>
#include <cstdio>
#include <ingot/ingot.h>

using namespace ingot;

namespace {

void print(const char* what, const Tensor& t) {
    std::printf("%-28s %-12s", what, t.shape().str().c_str());
    for (const double v : t.to_vector<double>()) std::printf(" %g", v);
    std::printf("\n");
}

} // namespace

int main() {
    // Making them: from data, filled, counted, drawn. Options are designated initializers.
    Tensor a = Tensor::from(std::vector<float>{1, 2, 3, 4, 5, 6}, {2, 3});
    Tensor b = full({3}, 10.0);
    Tensor c = arange(6, {.dtype = f64});
    std::printf("a is a %s, c is a %s\n", a.str().c_str(), c.str().c_str()); // says what it is; computes nothing

    // Shapes are broadcast as in NumPy: [2, 3] with [3], [2, 1] with [3].
    print("a + b", a + b);
    print("[2, 1] * 100 + [3]", reshape(arange(2), {2, 1}) * 100 + arange(3));

    // Parts of tensors, and tensors of parts.
    print("select(a, 1, 2)", select(a, 1, 2));
    print("slice(a, 1, 1, 3)", slice(a, 1, 1, 3));
    print("transpose(a, 0, 1)", transpose(a, 0, 1));
    print("concat({b, b})", concat({b, b}));
    print("index_select(a, 1, {2, 0})", index_select(a, 1, Tensor::from(std::vector<int64_t>{2, 0}, {2})));

    // Reductions over all axes or over some of them, and products of matrices, also batched.
    print("mean(a, {0})", mean(a, {0}));
    print("argmax(a, {1})", argmax(a, {1}));
    print("matmul(a, a^T)", matmul(a, transpose(a, 0, 1)));
    print("softmax(a)", softmax(a));
    print("where(a > 3, a, 0)", where(a > 3, a, 0));

    // Types promote as PyTorch's do; a plain number does not change a float tensor's type.
    std::printf("f32 + f64 is %s, f16 * 2.5 is %s\n", name((b + zeros({3}, {.dtype = f64})).dtype()),
                name((b.to(f16) * 2.5).dtype()));

    // Mistakes are found where they are written, when the operation is recorded.
    try {
        matmul(a, b + zeros({2, 2, 1}));
        return 1;
    } catch (const ShapeError& error) { std::printf("error: %s\n", error.what()); }

    // Many small operations, one submission: the whole formula becomes one pass over memory.
    manual_seed(0);
    Tensor x = rand({1000, 1000});
    Tensor inside = square(x) + square(transpose(x, 0, 1)) < 1.0;
    const int64_t before = eval_stats().submissions;
    const double pi = 4 * mean(inside.to(f32)).item();
    std::printf("pi is about %.3f, computed in %lld submission\n", pi,
                static_cast<long long>(eval_stats().submissions - before));
    return std::abs(pi - 3.14159) < 0.01 && sum(a).item() == 21 ? 0 : 1;
}
