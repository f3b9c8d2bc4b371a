// SPDX-License-Identifier: MIT
// Reading tests/golden/*.safetensors (values captured from PyTorch; tests/golden/README.md) and comparing with them.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <ingot/ops.h>
#include <ingot/state_dict.h>
#include <ingot/weights.h>

namespace golden {

inline constexpr int kSteps = 10;

class File {
public:
    explicit File(const std::string& name)
        : tensors_(ingot::load_safetensors(std::string(INGOT_TESTS_DIR) + "/golden/" + name + ".safetensors")) {}
    ingot::Tensor at(const std::string& key) const { return tensors_.at(key); }
    bool has(const std::string& key) const { return tensors_.contains(key); }
    const ingot::StateDict& all() const { return tensors_; }

private:
    ingot::StateDict tensors_;
};

inline std::string step(int t) { return "step" + std::to_string(t); }

/// |actual - expected| <= tolerance * max(1, largest |expected|), everywhere; NaN never passes.
inline void expect_close(const ingot::Tensor& actual, const ingot::Tensor& expected, const std::string& what,
                         double tolerance = 1e-5) {
    ASSERT_TRUE(actual.defined()) << what;
    ASSERT_EQ(actual.shape(), expected.shape()) << what;
    const auto a = actual.to_vector<double>(), e = expected.to_vector<double>();
    double scale = 1, worst = 0;
    size_t where = 0;
    for (const double v : e) scale = std::max(scale, std::abs(v));
    for (size_t i = 0; i < e.size(); ++i) {
        const double error = std::abs(a[i] - e[i]);
        if (!(error <= worst)) worst = error, where = i;
    }
    EXPECT_TRUE(worst <= tolerance * scale)
        << what << "[" << where << "]: " << a[where] << ", PyTorch has " << e[where];
}

} // namespace golden
