// SPDX-License-Identifier: MIT
// Speed of the CPU primitives, one line per shape and library: GFLOP/s (or GB/s for pooling). The choices in matmul.cpp and conv.cpp
// rest on these figures. Run with --benchmark_filter=... and compare libraries within one run: machines differ and drift.
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "backend/cpu/conv.h"
#include "backend/cpu/matmul.h"

namespace {

using namespace ingot;
using namespace ingot::cpu;

/// Operand memory: small values, so that neither zeros nor denormals flatter the figures.
class Operands {
public:
    void* add(int64_t elements) {
        const size_t bytes = (static_cast<size_t>(elements) * sizeof(float) + 127) / 64 * 64;
        float* p = static_cast<float*>(std::aligned_alloc(64, bytes));
        for (size_t i = 0; i < bytes / sizeof(float); ++i) p[i] = static_cast<float>(i % 97) * 0.01f - 0.4f;
        memory_.push_back(p);
        return p;
    }
    Operands() = default;
    Operands(const Operands&) = delete;
    Operands& operator=(const Operands&) = delete;
    ~Operands() {
        for (void* p : memory_) std::free(p);
    }
    void* const* data() const { return memory_.data(); }

private:
    std::vector<void*> memory_;
};

void measure(benchmark::State& state, const Primitive* p, const Operands& operands) {
    if (!p) return state.SkipWithError("not available");
    Operands workspace;
    void* scratch = workspace.add(static_cast<int64_t>(p->workspace_bytes / sizeof(float)));
    for (auto _ : state) p->run(operands.data(), scratch);
    state.counters["GFLOP/s"] = benchmark::Counter(p->flops * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
    state.counters["GB/s"] = benchmark::Counter(p->bytes * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
    state.SetLabel(p->name);
}

const char* name_of(Library library) {
    return library == Library::automatic ? "auto" : library == Library::own ? "own" : "onednn";
}
constexpr Library kLibraries[] = {Library::automatic, Library::own, Library::onednn};

struct MatmulShape {
    const char* name;
    int64_t batch, m, n, k;
    bool ta, tb;
};

// Linear layers of mlp, lenet, cifar-cnn and gpt-tiny: forward x W^T, input gradient gy W, weight gradient gy^T x.
constexpr MatmulShape kMatmuls[] = {
    {"sgemm_1024", 1, 1024, 1024, 1024, false, false},
    {"mlp1_fwd", 1, 64, 512, 784, false, true},
    {"mlp1_wgrad", 1, 512, 784, 64, true, false},
    {"mlp2_fwd", 1, 64, 256, 512, false, true},
    {"mlp2_igrad", 1, 64, 512, 256, false, false},
    {"mlp2_wgrad", 1, 256, 512, 64, true, false},
    {"mlp3_fwd", 1, 64, 10, 256, false, true},
    {"mlp3_igrad", 1, 64, 256, 10, false, false},
    {"mlp3_wgrad", 1, 10, 256, 64, true, false},
    {"wide_to_10", 1, 64, 10, 512, false, false},
    {"tiny_fwd", 1, 32, 2, 8, false, true},
    {"tiny_wgrad", 1, 2, 8, 32, true, false},
    {"lenet1_fwd", 1, 64, 120, 400, false, true},
    {"lenet1_igrad", 1, 64, 400, 120, false, false},
    {"lenet1_wgrad", 1, 120, 400, 64, true, false},
    {"lenet2_fwd", 1, 64, 84, 120, false, true},
    {"lenet2_wgrad", 1, 84, 120, 64, true, false},
    {"lenet3_wgrad", 1, 10, 84, 64, true, false},
    {"cifar_fc1_fwd", 1, 32, 128, 4096, false, true},
    {"cifar_fc1_igrad", 1, 32, 4096, 128, false, false},
    {"cifar_fc1_wgrad", 1, 128, 4096, 32, true, false},
    {"resnet_fc_fwd", 1, 32, 10, 512, false, true},
    {"resnet_fc_wgrad", 1, 10, 512, 32, true, false},
    {"gpt_qkv_fwd", 1, 1024, 384, 128, false, true},
    {"gpt_qkv_wgrad", 1, 384, 128, 1024, true, false},
    {"gpt_qkv_igrad", 1, 1024, 128, 384, false, false},
    {"gpt_up_fwd", 1, 1024, 512, 128, false, true},
    {"gpt_up_wgrad", 1, 512, 128, 1024, true, false},
    {"gpt_down_fwd", 1, 1024, 128, 512, false, true},
    {"gpt_scores", 32, 128, 128, 32, false, true},
    {"gpt_attend", 32, 128, 32, 128, false, false},
    {"gpt_attend_grad", 32, 128, 32, 128, true, false},
    {"row_fwd", 1, 1, 128, 4096, false, true},
    {"row_fwd_small", 1, 1, 10, 512, false, true},
    {"row_square", 1, 1, 1024, 1024, false, false},
};

void matmul_case(benchmark::State& state, MatmulShape c, Library library) {
    MatmulSpec s;
    s.m = c.m, s.n = c.n, s.k = c.k;
    s.a_row = c.ta ? 1 : c.k, s.a_col = c.ta ? c.m : 1;
    s.b_row = c.tb ? 1 : c.n, s.b_col = c.tb ? c.k : 1;
    if (c.batch > 1) s.batch = {c.batch}, s.a_batch = {c.m * c.k}, s.b_batch = {c.k * c.n};
    Operands operands;
    operands.add(c.batch * c.m * c.k), operands.add(c.batch * c.k * c.n), operands.add(c.batch * c.m * c.n);
    measure(state, make_matmul(s, library).get(), operands);
}

struct ConvShape {
    const char* name;
    int64_t n, c, hw, o, k, stride, padding;
};
constexpr ConvShape kConvs[] = {
    {"tiny", 32, 3, 32, 8, 3, 1, 0},        {"lenet1", 64, 1, 28, 6, 5, 1, 2},
    {"lenet2", 64, 6, 14, 16, 5, 1, 0},     {"cifar1", 32, 3, 32, 32, 3, 1, 1},
    {"cifar2", 32, 32, 32, 32, 3, 2, 1},    {"cifar3", 32, 32, 16, 64, 3, 1, 1},
    {"cifar4", 32, 64, 16, 64, 3, 2, 1},    {"resnet0", 32, 3, 32, 64, 3, 1, 1},
    {"resnet1", 32, 64, 32, 64, 3, 1, 1},   {"resnet2s", 32, 64, 32, 128, 3, 2, 1},
    {"resnet2", 32, 128, 16, 128, 3, 1, 1}, {"resnet2x", 32, 64, 32, 128, 1, 2, 0},
    {"resnet3", 32, 256, 8, 256, 3, 1, 1},  {"resnet4s", 32, 256, 8, 512, 3, 2, 1},
    {"resnet4", 32, 512, 4, 512, 3, 1, 1},  {"resnet4_one", 1, 512, 4, 512, 3, 1, 1},
    {"cifar1_one", 1, 3, 32, 32, 3, 1, 1},  {"w7", 32, 64, 56, 64, 3, 1, 1},
};

void conv_case(benchmark::State& state, ConvShape c, ConvKind kind, Format x_format, Format y_format, Library library) {
    ConvSpec s;
    s.n = c.n, s.c = c.c, s.h = s.w = c.hw, s.o = c.o, s.kh = s.kw = c.k;
    s.stride[0] = s.stride[1] = c.stride, s.padding[0] = s.padding[1] = c.padding;
    s.oh = s.ow = (c.hw + 2 * c.padding - c.k) / c.stride + 1;
    s.x_format = x_format, s.y_format = y_format;
    s.bias = kind != ConvKind::input_grad;
    const int64_t x = s.n * s.c * s.h * s.w, w = s.o * s.c * s.kh * s.kw, y = s.n * s.o * s.oh * s.ow;
    Operands operands;
    switch (kind) {
    case ConvKind::forward: operands.add(x), operands.add(w), operands.add(s.o), operands.add(y); break;
    case ConvKind::input_grad: operands.add(w), operands.add(y), operands.add(x); break;
    case ConvKind::weight_grad: operands.add(x), operands.add(y), operands.add(w), operands.add(s.o); break;
    }
    measure(state, make_conv(s, kind, library).get(), operands);
}

void pool_case(benchmark::State& state, PrimitivePtr (*make)(const PoolSpec&), int64_t channels, int64_t hw,
               Format format, int kind) {
    PoolSpec s;
    s.n = 64, s.c = channels, s.h = s.w = hw, s.kh = s.kw = 2, s.stride[0] = s.stride[1] = 2;
    s.oh = s.ow = hw / 2;
    s.format = format;
    const int64_t x = s.n * s.c * s.h * s.w, y = s.n * s.c * s.oh * s.ow;
    Operands operands;
    if (kind == 0) operands.add(x), operands.add(y), operands.add(y);
    if (kind == 2) operands.add(y), operands.add(x);
    if (kind == 1) operands.add(y), std::memset(operands.add(y), 1, static_cast<size_t>(y)), operands.add(x);
    measure(state, make(s).get(), operands);
}

const int registered = [] {
    for (const MatmulShape& c : kMatmuls)
        for (Library library : kLibraries)
            benchmark::RegisterBenchmark(("matmul/" + std::string(c.name) + "/" + name_of(library)).c_str(),
                                         matmul_case, c, library)
                ->UseRealTime()
                ->Unit(benchmark::kMicrosecond);
    constexpr const char* kKinds[] = {"fwd", "igrad", "wgrad"};
    for (const ConvShape& c : kConvs)
        for (ConvKind kind : {ConvKind::forward, ConvKind::input_grad, ConvKind::weight_grad})
            for (bool last : {false, true})
                for (Library library : kLibraries) {
                    const Format f = last ? Format::channels_last() : Format::row_major();
                    const std::string name = "conv/" + std::string(c.name) + "/" + kKinds[static_cast<int>(kind)] +
                                             (last ? "/last/" : "/row/") + name_of(library);
                    benchmark::RegisterBenchmark(name.c_str(), conv_case, c, kind, c.c <= 4 ? Format::row_major() : f,
                                                 f, library)
                        ->UseRealTime()
                        ->Unit(benchmark::kMicrosecond);
                }
    for (bool last : {false, true}) {
        const Format f = last ? Format::channels_last() : Format::row_major();
        const std::string end = last ? "/last" : "/row";
        const auto add = [&](const char* name, PrimitivePtr (*make)(const PoolSpec&), int kind) {
            for (auto [c, hw] : {std::pair<int64_t, int64_t>{6, 28}, {64, 32}})
                benchmark::RegisterBenchmark(
                    ("pool/" + std::string(name) + "/" + std::to_string(c) + "x" + std::to_string(hw) + end).c_str(),
                    pool_case, make, c, hw, f, kind)
                    ->UseRealTime()
                    ->Unit(benchmark::kMicrosecond);
        };
        add("max", make_max_pool2d, 0);
        add("max_grad", make_max_pool2d_grad, 1);
        add("avg", make_avg_pool2d, 0);
        add("avg_grad", make_avg_pool2d_grad, 2);
    }
    return 0;
}();

} // namespace
