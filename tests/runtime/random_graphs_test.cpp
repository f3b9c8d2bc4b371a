// SPDX-License-Identifier: MIT
// Random graphs of public operators and their gradients: the CPU agrees with the reference, compiled steps and steps without the
// optional passes agree with plain ones. A graph follows from its seed alone. Other seeds than the suite's:
//     INGOT_FUZZ_SEEDS=1000-3000 test_runtime --gtest_filter='RandomGraphs.*'
#include "runtime/rules_testing.h"

#include <csignal>
#include <cstdio>
#include <random>

using namespace ingot;
using namespace ingot::rulestest;

namespace {

constexpr int64_t kMostElements = 20000;

class Choices {
public:
    explicit Choices(uint64_t seed) : random_(seed) {}
    int64_t between(int64_t low, int64_t high) {
        return low + static_cast<int64_t>(random_() % static_cast<uint64_t>(high - low + 1));
    }
    bool coin() { return between(0, 1) == 1; }
    /// Multiples of 1/1000 in [-2, 2]: equal values happen.
    Tensor numbers(const Shape& shape, DType dtype, Device device, bool requires_grad = false) {
        std::vector<double> v(static_cast<size_t>(shape.numel()));
        for (double& x : v) x = static_cast<double>(between(-2000, 2000)) / 1000;
        return Tensor::from(v, shape, {.dtype = dtype, .device = device, .requires_grad = requires_grad});
    }
    Tensor indices(const Shape& shape, int64_t bound, Device device) {
        std::vector<int64_t> v(static_cast<size_t>(shape.numel()));
        for (int64_t& x : v) x = between(0, bound - 1);
        return Tensor::from(v, shape, {.device = device});
    }

private:
    std::mt19937_64 random_;
};

/// What an operator is applied to: two tensors that exist already, and choices.
struct Call {
    const Tensor &a, &b;
    Choices& c;
    int64_t axis() const { return c.between(0, a.rank() - 1); }
    bool same_shapes() const { return a.shape() == b.shape(); }
};

bool is_image(const Tensor& t) { return t.rank() == 4 && t.size(2) > 1 && t.size(3) > 1; }

Tensor random_matmul(const Call& x) {
    return matmul(x.a, transpose(x.a, -1, -2)) * (1.0 / static_cast<double>(x.a.size(-1)));
}
Tensor random_slice(const Call& x) {
    const int64_t axis = x.axis(), start = x.c.between(0, x.a.size(axis) - 1);
    return slice(x.a, axis, start, x.c.between(start + 1, x.a.size(axis)), x.c.between(1, 3));
}
Tensor random_pad(const Call& x) {
    Ints amounts;
    for (int64_t i = 2 * x.c.between(1, x.a.rank()); i > 0; --i) amounts.push_back(x.c.between(0, 2));
    return pad(x.a, amounts, 0.5 * static_cast<double>(x.c.between(0, 2)));
}
Tensor random_permute(const Call& x) {
    Axes order;
    for (int64_t i = 0; i < x.a.rank(); ++i) order.push_back(i);
    for (int64_t i = x.a.rank() - 1; i > 0; --i)
        std::swap(order[static_cast<size_t>(i)], order[static_cast<size_t>(x.c.between(0, i))]);
    return permute(x.a, order);
}
Tensor random_expand(const Call& x) {
    Shape shape = x.a.shape();
    for (size_t i = 0; i < shape.rank(); ++i) {
        if (shape[i] == 1) shape[i] = x.c.between(1, 4);
    }
    return expand(x.a, shape);
}
Tensor random_gather(const Call& x) {
    const int64_t axis = x.axis();
    return take_along_dim(x.a, x.c.indices(x.a.shape(), x.a.size(axis), x.a.device()), axis);
}
Tensor random_scatter(const Call& x) {
    const int64_t axis = x.axis();
    return scatter_add(x.a, axis, x.c.indices(x.a.shape(), x.a.size(axis), x.a.device()), x.a * 0.5);
}
Tensor random_select(const Call& x) {
    const int64_t axis = x.axis();
    return index_select(x.a, axis, x.c.indices({x.c.between(1, 4)}, x.a.size(axis), x.a.device()));
}
Tensor random_conv(const Call& x) {
    const int64_t in = x.a.size(1);
    const Tensor w = x.c.numbers({x.c.between(1, 9), in, 2, 2}, x.a.dtype(), x.a.device());
    const Conv2dOptions options{.stride = x.c.between(1, 2), .padding = x.c.between(0, 1)};
    return conv2d(x.a, w, {}, options) * (1.0 / static_cast<double>(in));
}
Tensor random_pool(const Call& x) {
    const Pool2dOptions options{.stride = x.c.between(1, 2), .padding = x.c.between(0, 1)};
    return x.c.coin() ? max_pool2d(x.a, 2, options) : avg_pool2d(x.a, 2, options);
}
Tensor random_split(const Call& x) {
    const int64_t axis = x.axis();
    const std::vector<Tensor> parts = split(x.a, x.c.between(1, x.a.size(axis)), axis);
    return parts[parts.size() / 2];
}

struct Kind {
    bool (*fits)(const Call&);
    Tensor (*apply)(const Call&);
};

bool always(const Call&) { return true; }
bool has_axes(const Call& x) { return x.a.rank() > 0; }
bool has_two(const Call& x) { return x.a.rank() > 1; }
bool has_a_batch(const Call& x) { return has_two(x) && x.a.numel() > x.a.size(1); }
bool may_grow(const Call& x) { return x.a.rank() < 5; }
bool fits_together(const Call& x) { return x.same_shapes() || x.b.rank() == 0; }
bool has_images(const Call& x) { return is_image(x.a); }

// Operators that are rarely next to each other in real models, with arguments that keep the numbers small.
const Kind kKinds[] = {
    {always, [](const Call& x) { return tanh(x.a); }},
    {always, [](const Call& x) { return relu(x.a); }},
    {always, [](const Call& x) { return sigmoid(x.a) * x.a; }},
    {always, [](const Call& x) { return x.a * 0.5 + 1.0; }},
    {always, [](const Call& x) { return exp(tanh(x.a)) - x.a * x.a; }},
    {always, [](const Call& x) { return sqrt(x.a * x.a + 1.0); }},
    {always, [](const Call& x) { return clamp(x.a, -1, 1); }},
    {always, [](const Call& x) { return where(x.a > 0.10005, x.a, tanh(x.a) * 0.3); }},
    {always, [](const Call& x) { return x.a.to(f16).to(x.a.dtype()); }},
    {fits_together, [](const Call& x) { return x.a + x.b; }},
    {fits_together, [](const Call& x) { return x.a * tanh(x.b); }},
    {fits_together, [](const Call& x) { return x.a / (x.b * x.b + 1.0); }},
    {fits_together, [](const Call& x) { return maximum(x.a, x.b * 0.5); }},
    {has_axes, [](const Call& x) { return sum(x.a, x.axis(), x.c.coin()) * 0.1; }},
    {has_axes, [](const Call& x) { return mean(x.a, x.axis(), x.c.coin()); }},
    {has_axes, [](const Call& x) { return max(x.a, x.axis(), x.c.coin()); }},
    {has_axes, [](const Call& x) { return var(x.a, x.axis(), 0, x.c.coin()); }},
    {has_axes, [](const Call& x) { return prod(tanh(x.a), x.axis(), x.c.coin()); }},
    {has_axes, [](const Call& x) { return logsumexp(x.a, x.axis(), x.c.coin()); }},
    {has_axes, [](const Call& x) { return x.a + argmax(x.a, x.axis(), true).to(x.a.dtype()) * 0.1; }},
    {has_axes, [](const Call& x) { return minimum(x.a, max(x.a, x.axis(), true) * 0.5); }},
    {has_axes, [](const Call& x) { return softmax(x.a, x.axis()); }},
    {has_axes, [](const Call& x) { return log_softmax(x.a, x.axis()); }},
    {has_axes, [](const Call& x) { return layer_norm(x.a, {x.a.size(-1)}); }},
    {has_a_batch, [](const Call& x) { return batch_norm_train(x.a, {}, {}, 0.01).y; }},
    {has_axes, [](const Call& x) { return transpose(x.a, x.axis(), x.axis()); }},
    {has_axes, random_permute},
    {has_axes, random_slice},
    {has_axes, random_pad},
    {has_axes, random_expand},
    {has_axes, random_split},
    {has_axes,
     [](const Call& x) {
         return concat({x.a, tanh(x.a), x.a * 2.0}, x.axis());
     }},
    {may_grow,
     [](const Call& x) {
         return stack({x.a, x.a + 1.0}, x.c.between(0, x.a.rank()));
     }},
    {may_grow, [](const Call& x) { return unsqueeze(x.a, x.c.between(0, x.a.rank())); }},
    {has_axes, [](const Call& x) { return flip(x.a, x.axis()); }},
    {has_two, [](const Call& x) { return flatten(x.a, x.a.rank() - 2, -1); }},
    {has_axes,
     [](const Call& x) {
         return reshape(x.a, {x.a.numel(), 1});
     }},
    {has_axes, random_select},
    {has_axes, random_gather},
    {has_axes, random_scatter},
    {has_two, random_matmul},
    {has_images, random_conv},
    {has_images, random_pool},
};

/// A way to run the same graph.
struct Style {
    Device device = Device::cpu();
    DType dtype = f64;
    bool compiled = false;
};

/// Two steps on the same cells: values from the graph, the cells' gradients, then an update.
std::vector<std::vector<double>> run(uint64_t seed, const Style& style) {
    Choices choices(seed);
    std::vector<Tensor> cells;
    for (int64_t i = choices.between(1, 3); i > 0; --i) {
        Shape shape;
        for (int64_t axis = choices.coin() ? 4 : choices.between(1, 3); axis > 0; --axis)
            shape.push_back(choices.between(1, axis == 3 ? 17 : 7));
        cells.push_back(Tensor::parameter(choices.numbers(shape, style.dtype, style.device)));
    }
    std::vector<Tensor> kept;
    const auto step = [&] {
        Choices c = choices; // the same graph in every step
        std::vector<Tensor> pool = cells;
        const bool reads_early = c.coin() && !style.compiled, keeps = c.coin() && !style.compiled;
        for (int64_t i = c.between(3, 14); i > 0; --i) {
            const auto any = [&] {
                return pool[static_cast<size_t>(c.between(0, static_cast<int64_t>(pool.size()) - 1))];
            };
            const Tensor a = any(), b = any();
            const Call call{a, b, c};
            const Kind& kind = kKinds[c.between(0, std::size(kKinds) - 1)];
            if (!kind.fits(call)) continue;
            const Tensor y = kind.apply(call);
            if (y.numel() > 0 && y.numel() <= kMostElements && y.rank() <= 6) pool.push_back(y);
        }
        const Tensor &last = pool.back(), &middle = pool[pool.size() / 2];
        if (reads_early) middle.eval();
        if (keeps) kept = pool; // what is held must be stored, though nobody reads it
        std::vector<Tensor> results{last * 1.0, middle * 1.0};
        for (const Tensor& cell : cells) cell.zero_grad();
        (sum(last * 0.7131) + sum(middle * middle)).backward();
        const NoGrad guard;
        for (const Tensor& cell : cells) {
            if (!cell.grad().defined()) continue;
            results.push_back(cell.grad() * 1.0);
            cell.assign(cell - clamp(cell.grad(), -1, 1) * 0.1037); // odd numbers: no cell becomes 0 but for rounding
        }
        return results;
    };
    auto compiled = compile(step);
    std::vector<std::vector<double>> values;
    for (int i = 0; i < 2; ++i) {
        for (const Tensor& t : style.compiled ? compiled() : step()) values.push_back(t.to_vector<double>());
    }
    return values;
}

using Values = std::vector<std::vector<double>>;

/// Elements differ by at most `tolerance` of the largest finite one of their tensor.
testing::AssertionResult agree(const Values& got, const Values& want, double tolerance) {
    if (got.size() != want.size()) return testing::AssertionFailure() << "other gradients exist";
    for (size_t t = 0; t < got.size(); ++t) {
        if (got[t].size() != want[t].size())
            return testing::AssertionFailure() << "result " << t << " has another size";
        double scale = 1e-3;
        for (const double x : want[t]) {
            if (std::isfinite(x)) scale = std::max(scale, std::fabs(x));
        }
        for (size_t i = 0; i < got[t].size(); ++i) {
            const double a = got[t][i], b = want[t][i];
            if (a == b || (std::isnan(a) && std::isnan(b)) || std::fabs(a - b) <= tolerance * scale) continue;
            return testing::AssertionFailure() << "result " << t << " of " << got.size() << ", element " << i << " of "
                                               << got[t].size() << ": " << a << " and " << b << ", scale " << scale;
        }
    }
    return testing::AssertionSuccess();
}

volatile std::sig_atomic_t running = 0; ///< the seed, for whoever finds an abort

class RandomGraphs : public testing::Test {
protected:
    /// check(seed) for the suite's seeds or those that INGOT_FUZZ_SEEDS=from-to asks for (`to` included).
    template <class F> static void for_each_seed(const F& check) {
        int from = 0, to = kSanitized ? 5 : 100;
        if (const char* asked = std::getenv("INGOT_FUZZ_SEEDS")) {
            ASSERT_EQ(std::sscanf(asked, "%d-%d", &from, &to), 2) << "INGOT_FUZZ_SEEDS=from-to";
        }
        const auto before = std::signal(SIGABRT, [](int) { std::fprintf(stderr, "seed %d\n", int{running}); });
        for (int seed = from; seed <= to; ++seed) {
            running = seed;
            SCOPED_TRACE(seed);
            try {
                check(static_cast<uint64_t>(seed));
            } catch (const Error& e) { ADD_FAILURE() << e.what(); }
        }
        std::signal(SIGABRT, before);
    }
    /// Even seeds in f64, where only errors differ; odd ones in f32, whose kernels are others.
    static Style plain(uint64_t seed) { return {.dtype = seed % 2 == 0 ? f64 : f32}; }
    static double tolerance(uint64_t seed) { return seed % 2 == 0 ? 1e-6 : 5e-3; }
};

TEST_F(RandomGraphs, TheCpuIsTheReference) {
    for_each_seed(
        [](uint64_t seed) { EXPECT_TRUE(agree(run(seed, {}), run(seed, {.device = Device::reference()}), 1e-6)); });
}

TEST_F(RandomGraphs, CompiledIsPlain) {
    for_each_seed([](uint64_t seed) {
        Style compiled = plain(seed);
        compiled.compiled = true;
        EXPECT_TRUE(agree(run(seed, compiled), run(seed, plain(seed)), tolerance(seed)));
    });
}

TEST_F(RandomGraphs, WithoutPassesIsPlain) {
    for_each_seed([](uint64_t seed) {
        const Values want = run(seed, plain(seed));
        const WithPasses none("none");
        EXPECT_TRUE(agree(run(seed, plain(seed)), want, tolerance(seed)));
    });
}

} // namespace
