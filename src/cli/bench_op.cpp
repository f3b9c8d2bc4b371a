// SPDX-License-Identifier: MIT
#include "cli/bench_op.h"

#include <chrono>
#include <cmath>
#include <cstdlib>

#include <ingot/compile.h>
#include <ingot/error.h>
#include <ingot/eval.h>
#include <ingot/ops.h>

namespace ingot::cli {

namespace {

using Clock = std::chrono::steady_clock;
using Tensors = std::vector<Tensor>;
using Values = std::vector<float>;

constexpr int64_t kSamples = 256;

/// Places of a tensor with `count` elements, spread over all of it; the first and the last are among them.
std::vector<int64_t> places(int64_t count) {
    std::vector<int64_t> at;
    for (int64_t i = 0; i < kSamples; ++i) at.push_back(i * 7919 % kSamples * (count - 1) / (kSamples - 1));
    return at;
}

/// The elements of `t` at `at`, in row-major order, without a copy of everything.
Values elements(const Tensor& t, const std::vector<int64_t>& at) {
    const Tensor index = Tensor::from(at, {static_cast<int64_t>(at.size())}, {.device = t.device()});
    return index_select(reshape(t, {t.shape().numel()}), 0, index).to_vector<float>();
}

/// What to compare: results at some places, what they should be, and how large the terms are that they were summed from.
class Comparison {
public:
    Comparison(const Tensor& result, double tolerance)
        : at_(places(result.shape().numel())), got_(elements(result, at_)), tolerance_(tolerance) {}
    const std::vector<int64_t>& at() const { return at_; }
    void expect(size_t sample, double value, double scale) {
        const double error = std::abs(static_cast<double>(got_[sample]) - value);
        if (error <= tolerance_ * scale || !wrong_.empty()) return; // NaN is wrong
        wrong_ = "element " + std::to_string(at_[sample]) + " is " + std::to_string(got_[sample]) + " instead of " +
                 std::to_string(value);
    }
    /// Empty: all is well.
    const std::string& wrong() const { return wrong_; }

private:
    std::vector<int64_t> at_;
    Values got_;
    double tolerance_;
    std::string wrong_;
};

double sigmoid_of(double x) { return 1 / (1 + std::exp(-x)); }

struct Op {
    const char* name;
    std::vector<Shape> inputs;
    Tensor (*compute)(const Tensors& in);
    /// What is wrong with the result, or nothing.
    std::string (*check)(const Tensors& in, const Tensor& result);
};

std::string check_sgemm(const Tensors& in, const Tensor& result) {
    const int64_t n = in[1].size(1), k = in[0].size(1);
    const Values a = in[0].to_vector<float>(), b = in[1].to_vector<float>();
    Comparison c(result, 1e-6);
    for (size_t s = 0; s < c.at().size(); ++s) {
        double sum = 0, scale = 1;
        for (int64_t p = 0; p < k; ++p) {
            const double term = static_cast<double>(a[static_cast<size_t>(c.at()[s] / n * k + p)]) *
                                static_cast<double>(b[static_cast<size_t>(p * n + c.at()[s] % n)]);
            sum += term;
            scale += std::abs(term);
        }
        c.expect(s, sum, scale);
    }
    return c.wrong();
}

std::string check_chain(const Tensors& in, const Tensor& result) {
    Comparison c(result, 1e-5);
    std::vector<Values> v;
    for (const Tensor& t : in) v.push_back(elements(t, c.at()));
    for (size_t s = 0; s < c.at().size(); ++s) {
        const double x = static_cast<double>(v[0][s]) * static_cast<double>(v[1][s]) + static_cast<double>(v[2][s]);
        c.expect(s, sigmoid_of(x) * std::tanh(static_cast<double>(v[3][s])), 1);
    }
    return c.wrong();
}

std::string check_sum(const Tensors& in, const Tensor& result) {
    double sum = 0, scale = 1;
    for (const float value : in[0].to_vector<float>()) {
        sum += static_cast<double>(value);
        scale += std::abs(static_cast<double>(value));
    }
    const double got = result.item();
    if (std::abs(got - sum) <= 1e-7 * scale) return "";
    return "the sum is " + std::to_string(got) + " instead of " + std::to_string(sum);
}

std::string check_softmax(const Tensors& in, const Tensor& result) {
    const int64_t columns = in[0].size(1);
    const Values x = in[0].to_vector<float>();
    Comparison c(result, 1e-5);
    for (size_t s = 0; s < c.at().size(); ++s) {
        const float* row = x.data() + c.at()[s] / columns * columns;
        double sum = 0;
        for (int64_t j = 0; j < columns; ++j) sum += std::exp(static_cast<double>(row[j]));
        const double value = std::exp(static_cast<double>(row[c.at()[s] % columns])) / sum;
        c.expect(s, value, value);
    }
    return c.wrong();
}

std::string check_conv(const Tensors& in, const Tensor& result) {
    const int64_t channels = in[0].size(1), h = in[0].size(2), w = in[0].size(3), out = in[1].size(0);
    const Values x = in[0].to_vector<float>(), filter = in[1].to_vector<float>();
    Comparison c(result, 1e-6);
    for (size_t s = 0; s < c.at().size(); ++s) {
        const int64_t px = c.at()[s] % w, py = c.at()[s] / w % h, o = c.at()[s] / w / h % out,
                      n = c.at()[s] / w / h / out;
        double sum = 0, scale = 1;
        for (int64_t i = 0; i < channels * 9; ++i) {
            const int64_t y = py + i / 3 % 3 - 1, column = px + i % 3 - 1;
            if (y < 0 || y >= h || column < 0 || column >= w) continue;
            const double term =
                static_cast<double>(x[static_cast<size_t>(((n * channels + i / 9) * h + y) * w + column)]) *
                static_cast<double>(filter[static_cast<size_t>(o * channels * 9 + i)]);
            sum += term;
            scale += std::abs(term);
        }
        c.expect(s, sum, scale);
    }
    return c.wrong();
}

std::string check_layernorm(const Tensors& in, const Tensor& result) {
    const int64_t columns = in[0].size(1);
    const Values x = in[0].to_vector<float>(), weight = in[1].to_vector<float>(), bias = in[2].to_vector<float>();
    Comparison c(result, 1e-5);
    for (size_t s = 0; s < c.at().size(); ++s) {
        const float* row = x.data() + c.at()[s] / columns * columns;
        const auto j = static_cast<size_t>(c.at()[s] % columns);
        double mean = 0, var = 0;
        for (int64_t i = 0; i < columns; ++i) mean += static_cast<double>(row[i]) / static_cast<double>(columns);
        for (int64_t i = 0; i < columns; ++i)
            var += std::pow(static_cast<double>(row[i]) - mean, 2) / static_cast<double>(columns);
        const double normal = (static_cast<double>(row[j]) - mean) / std::sqrt(var + 1e-5);
        c.expect(s, normal * static_cast<double>(weight[j]) + static_cast<double>(bias[j]), 1 + std::abs(normal));
    }
    return c.wrong();
}

std::string check_bcast_add(const Tensors& in, const Tensor& result) {
    const int64_t rows = in[1].size(1), columns = in[1].size(2);
    const Values a = in[0].to_vector<float>(), b = in[1].to_vector<float>();
    Comparison c(result, 1e-6);
    for (size_t s = 0; s < c.at().size(); ++s) {
        const int64_t j = c.at()[s] % columns, row = c.at()[s] / columns % rows, plane = c.at()[s] / columns / rows;
        c.expect(s,
                 static_cast<double>(a[static_cast<size_t>(plane * columns + j)]) +
                     static_cast<double>(b[static_cast<size_t>(row * columns + j)]),
                 1);
    }
    return c.wrong();
}

constexpr int64_t k16M = int64_t{1} << 24;

const Op kOps[] = {
    {"op:sgemm", {{1024, 1024}, {1024, 1024}}, [](const Tensors& in) { return matmul(in[0], in[1]); }, check_sgemm},
    {"op:chain",
     {{k16M}, {k16M}, {k16M}, {k16M}},
     [](const Tensors& in) { return sigmoid(in[0] * in[1] + in[2]) * tanh(in[3]); },
     check_chain},
    {"op:sum", {{k16M}}, [](const Tensors& in) { return sum(in[0]); }, check_sum},
    {"op:softmax", {{4096, 1000}}, [](const Tensors& in) { return softmax(in[0], -1); }, check_softmax},
    {"op:conv",
     {{32, 64, 56, 56}, {64, 64, 3, 3}},
     [](const Tensors& in) { return conv2d(in[0], in[1], {}, {.padding = 1}); },
     check_conv},
    {"op:layernorm",
     {{8192, 768}, {768}, {768}},
     [](const Tensors& in) { return layer_norm(in[0], {768}, in[1], in[2]); },
     check_layernorm},
    {"op:bcast_add", {{1024, 1, 512}, {1, 256, 512}}, [](const Tensors& in) { return in[0] + in[1]; }, check_bcast_add},
};

/// Seconds per call of a function of the same tensors that computes next to nothing.
double null_seconds(const Tensors& in, Device device) {
    Compiled f([](const Tensors& t) {
        Tensor total = slice(reshape(t[0], {t[0].shape().numel()}), 0, 0, 1);
        for (size_t i = 1; i < t.size(); ++i) total = total + slice(reshape(t[i], {t[i].shape().numel()}), 0, 0, 1);
        return Tensors{total};
    });
    const Rate rate = measure_rate(
        0.02, [&] { f.call(in); }, [&] { synchronize(device); }, [] {});
    return 1 / rate.max;
}

} // namespace

std::vector<std::string> op_workloads() {
    std::vector<std::string> names;
    for (const Op& op : kOps) names.emplace_back(op.name);
    return names;
}

bool is_op_workload(const std::string& name) {
    for (const Op& op : kOps)
        if (name == op.name) return true;
    return false;
}

Record measure_op(const std::string& name, double seconds, Device device) {
    const Op* op = kOps;
    while (name != op->name) ++op;
    Record r{.workload = name, .device = device, .batch = 1};
    const NoGrad guard;
    manual_seed(0);
    Tensors in;
    for (const Shape& shape : op->inputs) in.push_back(randn(shape, {.device = device}));
    eval(in);
    Compiled f([op](const Tensors& t) {
        const NoGrad inner;
        return Tensors{op->compute(t)};
    });
    const Clock::time_point start = Clock::now();
    Tensor result = f.call(in)[0];
    result.eval();
    r.first_call_s = std::chrono::duration<double>(Clock::now() - start).count();
    r.first_step_ms = ms_since_exec();
    r.rate = measure_rate(
        seconds,
        [&] {
            result = {}; // its memory serves the next one
            result = f.call(in)[0];
        },
        [&] { synchronize(device); }, [&] { r.before = Counters::now(device); });
    r.after = Counters::now(device);
    r.note_peaks();
    // A rate without its check is not printed.
    if (const std::string wrong = op->check(in, result); !wrong.empty())
        throw Error("bench " + name + ": " + wrong + "; no record");
    r.host_s = null_seconds(in, device);
    return r;
}

} // namespace ingot::cli
