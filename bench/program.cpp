// SPDX-License-Identifier: MIT
// Fused programs on the CPU: the kinds that networks are made of, at sizes from a step's overhead to main memory. Each
// result is checked to be finite. INGOT_NUM_THREADS sets the threads.
#include <benchmark/benchmark.h>
#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <random>
#include <vector>

#include "../tests/program/builder.h"
#include "backend/cpu/program_executor.h"

namespace {

using namespace ingot;
using namespace ingot::program;

// Buffers of f32, random in [0.1, 1), 64-byte aligned; i64 where asked.
class Bench {
public:
    int32_t floats(int64_t n) {
        std::mt19937 rng(static_cast<uint32_t>(buffers_.size()));
        float* p = static_cast<float*>(allocate(static_cast<size_t>(n) * 4));
        for (int64_t i = 0; i < n; ++i) p[i] = 0.1f + 0.9f * static_cast<float>(rng() >> 8) * 0x1p-24f;
        return static_cast<int32_t>(buffers_.size()) - 1;
    }
    ~Bench() {
        for (void* p : buffers_) std::free(p);
    }
    void run(benchmark::State& state, const ProgramPtr& program, double bytes, double elements) {
        const cpu::ProgramExecutor executor(program);
        void* space = allocate(std::max<size_t>(executor.workspace_bytes(), 64));
        ErrorWord error;
        executor.run(buffers_.data(), space, &error);
        for (auto _ : state) executor.run(buffers_.data(), space, &error);
        const float last =
            *static_cast<const float*>(buffers_[static_cast<size_t>(program->num_inputs + program->num_outputs) - 1]);
        if (!std::isfinite(last)) state.SkipWithError("the result is not finite");
        const double n = static_cast<double>(state.iterations());
        state.counters["GB/s"] = benchmark::Counter(bytes * n * 1e-9, benchmark::Counter::kIsRate);
        state.counters["Gelem/s"] = benchmark::Counter(elements * n * 1e-9, benchmark::Counter::kIsRate);
    }

private:
    static constexpr size_t kLarge = size_t{2} << 20;
    void* allocate(size_t bytes) {
        // As the library's own allocator does: large pages for large blocks.
        const size_t align = bytes >= kLarge ? kLarge : 64;
        void* p = std::aligned_alloc(align, (bytes + align - 1) / align * align);
#ifdef MADV_HUGEPAGE
        if (bytes >= kLarge) madvise(p, bytes, MADV_HUGEPAGE);
#endif
        buffers_.push_back(p);
        return p;
    }
    std::vector<void*> buffers_;
};

double d(int64_t v) { return static_cast<double>(v); }

void chain(benchmark::State& state) {
    const int64_t n = state.range(0);
    Bench bench;
    for (int i = 0; i < 5; ++i) bench.floats(n);
    Builder b({}, {}, {n});
    const ValueId x = b.load(0, f32, {1}), y = b.load(1, f32, {1}), z = b.load(2, f32, {1}), w = b.load(3, f32, {1});
    const ValueId s = b.apply(Scalar::sigmoid, b.apply(Scalar::add, b.apply(Scalar::mul, x, y), z));
    b.store(4, f32, {1}, b.apply(Scalar::mul, s, b.apply(Scalar::tanh, w)));
    bench.run(state, b.build(4, 1), 20 * d(n), d(n));
}
BENCHMARK(chain)->Arg(640)->Arg(4096)->Arg(1 << 20)->Arg(1 << 24)->UseRealTime();

void one_function(benchmark::State& state, Scalar f) {
    const int64_t n = 4096;
    Bench bench;
    for (int i = 0; i < 3; ++i) bench.floats(n);
    Builder b({}, {}, {n});
    const ValueId x = b.load(0, f32, {1});
    b.store(2, f32, {1}, info(f).arity == 2 ? b.apply(f, x, b.load(1, f32, {1})) : b.apply(f, x));
    bench.run(state, b.build(2, 1), 8 * d(n), d(n));
}
BENCHMARK_CAPTURE(one_function, add, Scalar::add)->UseRealTime();
BENCHMARK_CAPTURE(one_function, relu, Scalar::relu)->UseRealTime();
BENCHMARK_CAPTURE(one_function, div, Scalar::div)->UseRealTime();
BENCHMARK_CAPTURE(one_function, sqrt, Scalar::sqrt)->UseRealTime();
BENCHMARK_CAPTURE(one_function, exp, Scalar::exp)->UseRealTime();
BENCHMARK_CAPTURE(one_function, log, Scalar::log)->UseRealTime();
BENCHMARK_CAPTURE(one_function, tanh, Scalar::tanh)->UseRealTime();
BENCHMARK_CAPTURE(one_function, sigmoid, Scalar::sigmoid)->UseRealTime();
BENCHMARK_CAPTURE(one_function, erf, Scalar::erf)->UseRealTime();
BENCHMARK_CAPTURE(one_function, sin, Scalar::sin)->UseRealTime();
BENCHMARK_CAPTURE(one_function, pow, Scalar::pow)->UseRealTime();

void small_map(benchmark::State& state) { // bias and ReLU on 64 x 10
    Bench bench;
    bench.floats(640);
    bench.floats(10);
    bench.floats(640);
    Builder b({64}, {}, {10});
    const ValueId x = b.load(0, f32, {10, 1}), c = b.load(1, f32, {0, 1});
    b.store(2, f32, {10, 1}, b.apply(Scalar::relu, b.apply(Scalar::add, x, c)));
    bench.run(state, b.build(2, 1), 5120, 640);
}
BENCHMARK(small_map)->UseRealTime();

void bias_relu(benchmark::State& state) { // channels-last
    const int64_t c = state.range(0), n = (1 << 20) / c;
    Bench bench;
    bench.floats(n * c);
    bench.floats(c);
    bench.floats(n * c);
    Builder b({n}, {}, {c});
    const ValueId x = b.load(0, f32, {c, 1}), t = b.load(1, f32, {0, 1});
    b.store(2, f32, {c, 1}, b.apply(Scalar::relu, b.apply(Scalar::add, x, t)));
    bench.run(state, b.build(2, 1), 8 * d(n * c), d(n * c));
}
BENCHMARK(bias_relu)->Arg(6)->Arg(16)->Arg(64)->Arg(600)->UseRealTime();

void batch_norm_statistics(benchmark::State& state) { // channels-last
    const int64_t c = state.range(0), n = (1 << 20) / c;
    Bench bench;
    bench.floats(n * c);
    bench.floats(c);
    bench.floats(c);
    Builder b({}, {n}, {c});
    ValueId m2;
    const ValueId mean = b.reduce(Monoid::Welford, Level::Point, 0, Level::Column, b.load(0, f32, {c, 1}), &m2);
    b.at(Level::Column).store(1, f32, {0, 1}, mean);
    b.store(2, f32, {0, 1}, m2);
    bench.run(state, b.build(1, 2), 4 * d(n * c), d(n * c));
}
BENCHMARK(batch_norm_statistics)->Arg(6)->Arg(16)->Arg(64)->Arg(512)->UseRealTime();

void column_sum(benchmark::State& state) { // a bias gradient
    const int64_t c = state.range(0), n = (1 << 20) / c;
    Bench bench;
    bench.floats(n * c);
    bench.floats(c);
    Builder b({}, {n}, {c});
    const ValueId s = b.reduce(Monoid::Sum, Level::Point, 0, Level::Column, b.load(0, f32, {c, 1}));
    b.at(Level::Column).store(1, f32, {0, 1}, s);
    bench.run(state, b.build(1, 1), 4 * d(n * c), d(n * c));
}
BENCHMARK(column_sum)->Arg(6)->Arg(16)->Arg(64)->Arg(1024)->UseRealTime();

void max_pool(benchmark::State& state) { // 2 x 2, channels-last
    const int64_t c = state.range(0), o = 14, n = (1 << 18) / (o * o * c);
    Bench bench;
    bench.floats(n * 4 * o * o * c);
    bench.floats(n * o * o * c);
    Builder b({n, o, o}, {2, 2}, {c});
    const int64_t w = 2 * o;
    const ValueId m = b.reduce(Monoid::Max, Level::Point, 0, Level::Column,
                               b.load(0, f32, {w * w * c, 2 * w * c, 2 * c, w * c, c, 1}));
    b.at(Level::Column).store(1, f32, {o * o * c, o * c, c, 0, 0, 1}, m);
    bench.run(state, b.build(1, 1), 20 * d(n * o * o * c), d(4 * n * o * o * c));
}
BENCHMARK(max_pool)->Arg(6)->Arg(16)->Arg(64)->UseRealTime();

void sum(benchmark::State& state) {
    const int64_t n = state.range(0);
    Bench bench;
    bench.floats(n);
    bench.floats(1);
    Builder b({}, {}, {n});
    const ValueId s = b.reduce(Monoid::Sum, Level::Point, 0, Level::Final, b.load(0, f32, {1}));
    b.at(Level::Final).store(1, f32, {}, s);
    bench.run(state, b.build(1, 1), 4 * d(n), d(n));
}
BENCHMARK(sum)->Arg(1 << 20)->Arg(1 << 24)->UseRealTime();

void softmax(benchmark::State& state) {
    const int64_t rows = state.range(0), n = state.range(1);
    Bench bench;
    bench.floats(rows * n);
    bench.floats(rows * n);
    Builder b({rows}, {}, {n});
    const ValueId x = b.load(0, f32, {n, 1});
    const ValueId m = b.reduce(Monoid::Max, Level::Point, 0, Level::Row, x);
    b.at(Level::Point, 1);
    const ValueId e = b.apply(Scalar::exp, b.apply(Scalar::sub, x, m));
    const ValueId s = b.reduce(Monoid::Sum, Level::Point, 1, Level::Row, e);
    b.at(Level::Point, 2).store(1, f32, {n, 1}, b.apply(Scalar::div, e, s));
    bench.run(state, b.build(1, 1), 8 * d(rows * n), d(rows * n));
}
BENCHMARK(softmax)->Args({64, 10})->Args({4096, 64})->Args({4096, 1000})->Args({64, 32000})->UseRealTime();

void layer_norm(benchmark::State& state) {
    const int64_t rows = state.range(0), n = state.range(1);
    Bench bench;
    bench.floats(rows * n);
    bench.floats(n);
    bench.floats(n);
    bench.floats(rows * n);
    Builder b({rows}, {}, {n});
    const ValueId x = b.load(0, f32, {n, 1});
    ValueId m2;
    const ValueId mean = b.reduce(Monoid::Welford, Level::Point, 0, Level::Row, x, &m2);
    b.at(Level::Row);
    const ValueId var = b.apply(Scalar::mul, m2, b.constant(f32, 1 / d(n)));
    const ValueId rstd = b.apply(Scalar::rsqrt, b.apply(Scalar::add, var, b.constant(f32, 1e-5)));
    b.at(Level::Point, 1);
    const ValueId y = b.apply(Scalar::mul, b.apply(Scalar::sub, x, mean), rstd);
    b.store(3, f32, {n, 1},
            b.apply(Scalar::add, b.apply(Scalar::mul, y, b.load(1, f32, {0, 1})), b.load(2, f32, {0, 1})));
    bench.run(state, b.build(3, 1), 8 * d(rows * n), d(rows * n));
}
BENCHMARK(layer_norm)->Args({8192, 768})->Args({4096, 64})->UseRealTime();

void layer_norm_backward(benchmark::State& state) {
    const int64_t rows = state.range(0), n = state.range(1);
    Bench bench;
    for (int64_t size : {rows * n, rows * n, rows, rows, n, rows * n, n, n}) bench.floats(size);
    Builder b({}, {rows}, {n});
    const ValueId x = b.load(0, f32, {n, 1}), dy = b.load(1, f32, {n, 1});
    const ValueId mean = b.load(2, f32, {1, 0}), rstd = b.load(3, f32, {1, 0}), w = b.load(4, f32, {0, 1});
    const ValueId xhat = b.apply(Scalar::mul, b.apply(Scalar::sub, x, mean), rstd);
    const ValueId g = b.apply(Scalar::mul, dy, w), gx = b.apply(Scalar::mul, g, xhat);
    const ValueId dyx = b.apply(Scalar::mul, dy, xhat);
    const ValueId s1 = b.reduce(Monoid::Sum, Level::Point, 0, Level::Row, g);
    const ValueId s2 = b.reduce(Monoid::Sum, Level::Point, 0, Level::Row, gx);
    const ValueId dw = b.reduce(Monoid::Sum, Level::Point, 0, Level::Column, dyx);
    const ValueId db = b.reduce(Monoid::Sum, Level::Point, 0, Level::Column, dy);
    b.at(Level::Row, 0);
    const ValueId inv = b.constant(f32, 1.0 / d(n));
    const ValueId m1 = b.apply(Scalar::mul, s1, inv), m2 = b.apply(Scalar::mul, s2, inv);
    b.at(Level::Point, 1);
    const ValueId t = b.apply(Scalar::sub, b.apply(Scalar::sub, g, m1), b.apply(Scalar::mul, xhat, m2));
    b.store(5, f32, {n, 1}, b.apply(Scalar::mul, t, rstd));
    b.at(Level::Column);
    b.store(6, f32, {0, 1}, dw);
    b.store(7, f32, {0, 1}, db);
    bench.run(state, b.build(5, 3), 12 * d(rows * n), d(rows * n));
}
BENCHMARK(layer_norm_backward)->Args({8192, 768})->UseRealTime();

// Arg 1: the 62 tensors of a small residual network, 12M numbers; 0: those of a small multilayer perceptron.
void adam(benchmark::State& state) {
    Bench bench;
    bench.floats(1);
    std::vector<int64_t> extents;
    if (state.range(0)) {
        for (int64_t c : {64, 64, 128, 256, 512})
            for (int i = 0; i < 4; ++i)
                for (int64_t e : {c * c * 9, c, c}) extents.push_back(e);
        extents.push_back(5120), extents.push_back(10);
    } else {
        extents = {401408, 131072, 2560};
    }
    int64_t total = 0, largest = 0;
    for (int64_t e : extents) total += e, largest = std::max(largest, e);
    Builder b({}, {}, {largest});
    b.at(Level::Once);
    const ValueId lr = b.load(0, f32, {0});
    b.at(Level::Point);
    const ValueId p = b.load(1, f32, {1}), g = b.load(2, f32, {1}), m = b.load(3, f32, {1}), v = b.load(4, f32, {1});
    const auto c = [&](double x) { return b.constant(f32, x); };
    const ValueId m1 = b.apply(Scalar::add, b.apply(Scalar::mul, m, c(0.9)), b.apply(Scalar::mul, g, c(0.1)));
    const ValueId v1 = b.apply(Scalar::add, b.apply(Scalar::mul, v, c(0.999)),
                               b.apply(Scalar::mul, b.apply(Scalar::mul, g, g), c(0.001)));
    const ValueId step = b.apply(Scalar::div, m1, b.apply(Scalar::add, b.apply(Scalar::sqrt, v1), c(1e-8)));
    b.store(3, f32, {1}, m1);
    b.store(4, f32, {1}, v1);
    b.store(1, f32, {1}, b.apply(Scalar::sub, p, b.apply(Scalar::mul, lr, step)));
    for (int64_t e : extents) {
        const int32_t first = bench.floats(e);
        bench.floats(e), bench.floats(e), bench.floats(e);
        b.segment(e, {0, first, first + 1, first + 2, first + 3, first + 2, first + 3, first});
    }
    bench.run(state, b.build(static_cast<int32_t>(1 + 4 * extents.size()), 0), 28 * d(total), d(total));
}
BENCHMARK(adam)->Arg(0)->Arg(1)->UseRealTime();

void broadcast_add(benchmark::State& state) {
    Bench bench;
    bench.floats(1024 * 512);
    bench.floats(256 * 512);
    bench.floats(1024 * 256 * 512);
    Builder b({1024, 256}, {}, {512});
    b.store(2, f32, {256 * 512, 512, 1},
            b.apply(Scalar::add, b.load(0, f32, {512, 0, 1}), b.load(1, f32, {0, 512, 1})));
    bench.run(state, b.build(2, 1), 4 * 1024 * 256 * 512.0, 1024 * 256 * 512.0);
}
BENCHMARK(broadcast_add)->UseRealTime();

void transpose(benchmark::State& state) {
    const int64_t m = state.range(0), n = state.range(1);
    Bench bench;
    bench.floats(m * n);
    bench.floats(m * n);
    Builder b({m}, {}, {n});
    b.store(1, f32, {n, 1}, b.load(0, f32, {1, m}));
    bench.run(state, b.build(1, 1), 8 * d(m * n), d(m * n));
}
BENCHMARK(transpose)->Args({1024, 1024})->Args({784, 64})->Args({12544, 3})->Args({64, 3136})->UseRealTime();

void dropout(benchmark::State& state) {
    const int64_t n = 1 << 20;
    Bench bench;
    bench.floats(4); // any bits are a key
    bench.floats(n);
    bench.floats(n);
    Builder b({}, {}, {n});
    const ValueId u = b.random(0, b.iota({1}));
    const ValueId keep = b.apply(Scalar::ge, u, b.constant(f32, 0.1));
    const ValueId x = b.apply(Scalar::mul, b.load(1, f32, {1}), b.constant(f32, 1 / 0.9));
    b.store(2, f32, {1}, b.apply(Scalar::where, keep, x, b.constant(f32, 0)));
    bench.run(state, b.build(2, 1), 8 * d(n), d(n));
}
BENCHMARK(dropout)->UseRealTime();

} // namespace
