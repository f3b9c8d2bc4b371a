// SPDX-License-Identifier: MIT
// What fusion is worth: sigmoid(a * b + c) * tanh(d) as one kernel and operator by operator (INGOT_PASSES=-fuse), both as compiled
// steps of the same process. Compare them in turn: --benchmark_enable_random_interleaving=true --benchmark_repetitions=9.
// INGOT_NUM_THREADS sets the threads. The results are compared with each other before anything is measured.
#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include <ingot/compile.h>
#include <ingot/eval.h>
#include <ingot/ops.h>

#include "passes/pass.h"

namespace {

using namespace ingot;
using Tensors = std::vector<Tensor>;

const Tensors& operands(int64_t count) {
    static std::map<int64_t, Tensors> all;
    Tensors& in = all[count];
    if (in.empty()) {
        manual_seed(0);
        for (int i = 0; i < 4; ++i) in.push_back(randn({count}));
        eval(in);
    }
    return in;
}

/// The compiled chain for one size; traced with the passes that it is to have.
Compiled& chain(int64_t count, bool fused) {
    static std::map<std::pair<int64_t, bool>, Compiled> all;
    const auto key = std::pair(count, fused);
    if (const auto it = all.find(key); it != all.end()) return it->second;
    Compiled f([](const Tensors& t) { return Tensors{sigmoid(t[0] * t[1] + t[2]) * tanh(t[3])}; });
    passes::set_passes(fused ? "" : "-fuse");
    f.call(operands(count));
    passes::set_passes("");
    return all.emplace(key, std::move(f)).first->second;
}

void run(benchmark::State& state, bool fused) {
    const int64_t count = state.range(0);
    const Tensors& in = operands(count);
    const float difference = max(abs(chain(count, true).call(in)[0] - chain(count, false).call(in)[0])).item<float>();
    if (!(difference < 1e-5f)) return state.SkipWithError("fused and unfused results differ");
    Compiled& f = chain(count, fused);
    Tensor result;
    for (auto _ : state) {
        result = {};
        result = f.call(in)[0];
    }
    state.counters["kernels"] = static_cast<double>(f.report().kernels.size());
    state.counters["Gelem/s"] =
        benchmark::Counter(static_cast<double>(state.iterations() * count) * 1e-9, benchmark::Counter::kIsRate);
}

BENCHMARK_CAPTURE(run, fused, true)->Arg(4 << 10)->Arg(1 << 20)->Arg(1 << 24)->UseRealTime();
BENCHMARK_CAPTURE(run, unfused, false)->Arg(4 << 10)->Arg(1 << 20)->Arg(1 << 24)->UseRealTime();

} // namespace
