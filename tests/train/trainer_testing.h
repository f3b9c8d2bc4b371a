// SPDX-License-Identifier: MIT
// What the trainer's tests share: small synthetic batches that depend on (seed, epoch, batch) only and can be made to
// fail or to raise a signal.
#pragma once

#include <csignal>
#include <filesystem>
#include <limits>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <ingot/data/batches.h>
#include <ingot/error.h>
#include <ingot/nn.h>
#include <ingot/ops.h>
#include <ingot/tensor.h>

#include "support/scratch_folder.h"
#include "train/model_info.h"

namespace ingot::train {

namespace fs = std::filesystem;
using testing_support::ScratchFolder;

/// Points of two clusters, 16 a batch; the label says which.
class Clusters : public data::Batches {
public:
    Clusters(int64_t steps, uint32_t seed, bool swapped = false) : steps_(steps), seed_(seed), swapped_(swapped) {}
    int64_t steps() const override { return steps_; }
    int64_t batch_size() const override { return 16; }
    void start(int64_t epoch, int64_t first = 0) override {
        at_ = first;
        epoch_ = epoch;
    }
    bool next(Tensor& x, Tensor& y) override {
        if (at_ == steps_) return false;
        ++handed_out;
        if (handed_out == signal_at) raise(SIGINT);
        if (handed_out == fail_at) throw Error("the batch that fails");
        state_ = seed_ + static_cast<uint32_t>(epoch_) * 977 + static_cast<uint32_t>(at_) * 7919;
        ++at_;
        std::vector<float> xs;
        std::vector<int64_t> ys;
        for (int i = 0; i < 16; ++i) {
            const auto label = static_cast<int64_t>(uniform() * 2);
            for (int k = 0; k < 4; ++k) xs.push_back(static_cast<float>(uniform() - 0.5 + (label != 0 ? 0.6 : -0.6)));
            ys.push_back(swapped_ ? 1 - label : label);
        }
        if (huge_batches.contains({epoch_, at_ - 1})) xs[5 * 4 + 2] = 1e30f;
        if (nan_batches.contains({epoch_, at_ - 1})) xs[5 * 4 + 2] = std::numeric_limits<float>::quiet_NaN();
        x = Tensor::from(xs, {16, 4});
        y = Tensor::from(ys, {16});
        return true;
    }
    int64_t handed_out = 0;                             ///< batches, over all passes
    std::set<std::pair<int64_t, int64_t>> nan_batches;  ///< (epoch, batch), from 0: their sixth sample is no number
    std::set<std::pair<int64_t, int64_t>> huge_batches; ///< so that it is 1e30
    int64_t signal_at = -1, fail_at = -1; ///< which of them raises SIGINT, or throws instead of being handed out

private:
    double uniform() {
        state_ = state_ * 1664525u + 1013904223u;
        return static_cast<double>(state_ >> 8) / (1 << 24);
    }
    int64_t steps_, at_ = 0, epoch_ = 0;
    uint32_t seed_, state_ = 0;
    bool swapped_;
};

inline nn::Sequential small_net() {
    manual_seed(3);
    return nn::Sequential{nn::Linear(4, 8), nn::ReLU(), nn::Linear(8, 2)};
}

inline std::vector<std::vector<double>> values(const StateDict& state) {
    std::vector<std::vector<double>> out;
    for (const Tensor& t : state.tensors()) out.push_back(t.to_vector<double>());
    return out;
}

inline void expect_near(const StateDict& a, const StateDict& b, double tolerance) {
    ASSERT_EQ(a.names(), b.names());
    for (const std::string& name : a.names()) {
        const auto x = a.at(name).to_vector<double>(), y = b.at(name).to_vector<double>();
        ASSERT_EQ(x.size(), y.size());
        for (size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(x[i], y[i], tolerance) << name << "[" << i << "]";
    }
}

/// metrics.csv or .jsonl without what comes last in a line, the seconds.
inline std::string without_seconds(const std::string& metrics) {
    std::string out, line;
    for (std::istringstream in(metrics); std::getline(in, line);) out += line.substr(0, line.rfind(',')) + "\n";
    return out;
}

inline const std::string kModelJson = to_json({"net", R"({"input": [4], "layers": []})", {"a", "b"}, {0.5f}, {0.25f}});

} // namespace ingot::train
