// SPDX-License-Identifier: MIT
#include "codegen/cases.h"

#include <cmath>
#include <sstream>

#include "program/interpret.h"

namespace ingot::test {

using codegen::Schedule;
using codegen::Strategy;

namespace {

// Other ways to carry the same program.
std::vector<Schedule> variants(const program::Program& p, const Schedule& s) {
    std::vector<Schedule> out = {s};
    const codegen::Facts f = codegen::facts(p);
    const int64_t r = p.r_count();
    const auto rows = [&](int32_t threads, int32_t lanes, bool unrolled, bool stash, int64_t chunk) {
        Schedule v{.strategy = Strategy::Rows,
                   .threads = threads,
                   .lanes = lanes,
                   .per_thread = 0,
                   .stash = false,
                   .column_registers = false,
                   .chunk = 1};
        const int64_t each = (r + lanes - 1) / lanes;
        if (unrolled && r > 0 && each <= 40) {
            v.per_thread = static_cast<int32_t>(each);
            v.stash = stash;
            v.column_registers = stash;
        }
        if (f.column || f.final) v.chunk = chunk;
        out.push_back(v);
    };
    switch (s.strategy) {
    case Strategy::Rows:
        rows(64, 1, false, false, 5);
        rows(128, 8, true, true, 3);
        rows(64, 64, false, false, 1000);
        rows(64, 64, true, true, 7);
        rows(64, 32, true, false, 1);
        break;
    case Strategy::Columns:
        out.push_back({.strategy = Strategy::Columns, .threads = 64, .lanes = 4, .chunk = 11});
        out.push_back({.strategy = Strategy::Columns, .threads = 128, .lanes = 128, .chunk = 100000});
        rows(64, 32, true, true, 13); // the general strategy carries them as well
        rows(64, 4, false, false, 13);
        break;
    case Strategy::Flat:
        out.push_back({.strategy = Strategy::Flat, .threads = 64, .lanes = 1, .chunk = 17});
        out.push_back({.strategy = Strategy::Flat, .threads = 64, .lanes = 16, .chunk = 6});
        out.push_back({.strategy = Strategy::Flat, .threads = 64, .lanes = 64, .chunk = 100000});
        rows(64, 32, true, true, 4);
        break;
    case Strategy::Map:
        out.push_back({.strategy = Strategy::Map, .threads = 32, .per_thread = 3});
        rows(64, 4, false, false, 1);
        break;
    case Strategy::Segments: out.push_back({.strategy = Strategy::Segments, .threads = 64, .per_thread = 1}); break;
    case Strategy::Once: break;
    }
    return out;
}

} // namespace

std::vector<Case> codegen_cases() {
    std::vector<Case> out;
    int number = 0;
    for (const samples::Sample& sample : samples::all_samples()) {
        int variant = 0;
        for (const Schedule& schedule : variants(sample.program, codegen::choose_schedule(sample.program))) {
            Case c{sample, schedule, ""};
            c.name = sample.program.name + "_" + std::to_string(number) +
                     (variant == 0 ? "" : "_v" + std::to_string(variant));
            c.sample.program.name = c.name;
            out.push_back(std::move(c));
            ++variant;
        }
        ++number;
    }
    return out;
}

std::vector<Case> large_cases() {
    using namespace samples;
    std::vector<int64_t> resnet18 = {9408, 64, 64, 513000};
    for (int i = 0; i < 58; ++i) resnet18.push_back(i % 3 == 0 ? 147456 : 128);
    std::vector<Case> out;
    for (Sample sample : {chain(1 << 24),
                          chain(int64_t{3} << 30),
                          broadcast_map(64, 256, 3136, DType::bf16),
                          transpose(512, 512, 64),
                          dropout(1 << 22),
                          embedding(8192, 768, 50257, false),
                          adam(resnet18),
                          softmax(8192, 1000),
                          softmax(8192, 50257),
                          softmax(1 << 20, 10),
                          softmax(1, 1 << 20, DType::f16),
                          layer_norm(8192, 768),
                          layer_norm(8192, 12288),
                          layer_norm_backward(8192, 768),
                          layer_norm_backward(512, 20000),
                          cross_entropy(8192, 50257),
                          cross_entropy(64, 10),
                          max_pool(4096, 112, 112, 3, 2, 1),
                          small_conv(224, 224, 3, 64),
                          batch_norm_stats(256, 3136, 64),
                          batch_norm_stats(256, 49, 2048),
                          batch_norm_stats(1 << 12, 1 << 10, 3),
                          batch_norm_stats_nchw(256, 64, 3136),
                          column_reductions(1, 65536, 1000),
                          column_reductions(64, 64, 64),
                          final_reductions(1, 4096, 4096),
                          final_reductions(1 << 16, 1, 49)}) {
        sample.program.name += "_large_" + std::to_string(out.size());
        const std::string name = sample.program.name;
        const Schedule schedule = codegen::choose_schedule(sample.program);
        out.push_back({std::move(sample), schedule, name});
    }
    return out;
}

std::string joined(const std::vector<codegen::PrintedKernel>& kernels, size_t first, size_t last) {
    std::string text;
    for (size_t i = first; i < last; ++i) text += "namespace n_" + kernels[i].name + " {\n" + kernels[i].source + "}\n";
    return text;
}

std::string compare(const Case& c, const Buffers& got, const program::ErrorWord& error) {
    Buffers want = samples::make_buffers(c.sample);
    std::vector<void*> pointers;
    for (auto& b : want) pointers.push_back(b.data());
    program::ErrorWord expected;
    program::interpret(c.sample.program, pointers.data(), &expected, true);
    if ((expected.code != 0) != c.sample.error) return "the interpreter's error word is not the sample's";
    if (error.code != expected.code || error.value != expected.value || error.bound != expected.bound)
        return "the error words differ";
    std::ostringstream text;
    text.precision(9);
    for (size_t b = 0; b < want.size(); ++b) {
        const samples::Data& d = c.sample.buffers[b];
        for (int64_t i = 0; i < d.count; ++i) {
            const double w = samples::element(d.dtype, want[b].data(), i),
                         g = samples::element(d.dtype, got[b].data(), i);
            if (w == g || (std::isnan(w) && std::isnan(g))) continue;
            if (is_float(d.dtype) && std::fabs(w - g) <= c.sample.tolerance * (1 + std::fabs(w))) continue;
            text << "buffer " << b << " (" << name(d.dtype) << ")[" << i << "]: got " << g << ", want " << w;
            return text.str();
        }
        const size_t end = static_cast<size_t>(d.count) * size_of(d.dtype);
        for (size_t i = end; i < want[b].size(); ++i)
            if (want[b][i] != got[b][i]) return "buffer " + std::to_string(b) + " was written beyond its end";
    }
    return "";
}

} // namespace ingot::test
