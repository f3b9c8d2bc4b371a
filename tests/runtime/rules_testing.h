// SPDX-License-Identifier: MIT
// What the tests of the evaluation rules share: short ways to make tensors, to compare values, to catch an error's text,
// and small models whose training steps are compared between styles. Used by tests/runtime and tests/autodiff only.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <ingot/compile.h>
#include <ingot/eval.h>
#include <ingot/grad.h>
#include <ingot/memory.h>
#include <ingot/nn.h>
#include <ingot/ops.h>
#include <ingot/optim.h>

#include "passes/pass.h"

namespace ingot::rulestest {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif
#else
inline constexpr bool kSanitized = false;
#endif

using Floats = std::vector<float>;

/// A vector [n] of f32.
inline Tensor vec(const Floats& v, TensorOptions options = {}) {
    return Tensor::from(v, Shape{static_cast<int64_t>(v.size())}, options);
}
inline Tensor ids(const std::vector<int64_t>& v) { return Tensor::from(v, Shape{static_cast<int64_t>(v.size())}); }
/// A trainable vector [n].
inline Tensor param(const Floats& v) { return Tensor::parameter(vec(v)); }
inline Floats values(const Tensor& t) { return t.to_vector<float>(); }

/// A tensor of shape `shape` with known values in (-1, 1), the same in every run and on every device.
inline Tensor pattern(const Shape& shape, int64_t salt = 1) {
    Floats v(static_cast<size_t>(shape.numel()));
    for (size_t i = 0; i < v.size(); ++i) {
        v[i] = static_cast<float>((static_cast<int64_t>(i) * 7919 + salt * 104729) % 2003) / 1001.5f - 1.0f;
    }
    return Tensor::from(v, shape);
}
/// Labels 0..classes-1.
inline Tensor labels(int64_t count, int64_t classes, int64_t salt = 1) {
    std::vector<int64_t> v(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i) v[static_cast<size_t>(i)] = (i * 5 + salt * 3) % classes;
    return ids(v);
}

/// |a - b| <= tolerance * max(1, |b|) for all elements.
inline ::testing::AssertionResult near(const Floats& a, const Floats& b, double tolerance) {
    if (a.size() != b.size()) {
        return ::testing::AssertionFailure() << "sizes " << a.size() << " and " << b.size() << " differ";
    }
    for (size_t i = 0; i < a.size(); ++i) {
        const double difference = std::fabs(static_cast<double>(a[i]) - b[i]);
        // Negated, so that NaN fails.
        if (!(difference <= tolerance * std::max(1.0, std::fabs(static_cast<double>(b[i]))))) {
            return ::testing::AssertionFailure() << "element " << i << ": " << a[i] << " and " << b[i];
        }
    }
    return ::testing::AssertionSuccess();
}
inline ::testing::AssertionResult near(const std::vector<Floats>& a, const std::vector<Floats>& b, double tolerance) {
    if (a.size() != b.size()) return ::testing::AssertionFailure() << a.size() << " and " << b.size() << " tensors";
    for (size_t i = 0; i < a.size(); ++i) {
        const auto result = near(a[i], b[i], tolerance);
        if (!result) return ::testing::AssertionFailure() << "tensor " << i << ", " << result.message();
    }
    return ::testing::AssertionSuccess();
}

/// What f throws, as text; "" when it does not throw an ingot::Error.
template <class F> std::string error_of(F&& f) {
    try {
        f();
    } catch (const Error& e) { return e.what(); }
    return "";
}
/// f throws an ingot::Error whose text holds all of `parts`.
template <class F>::testing::AssertionResult fails_with(F&& f, const std::vector<std::string>& parts) {
    const std::string text = error_of(f);
    if (text.empty()) return ::testing::AssertionFailure() << "no ingot::Error was thrown";
    for (const auto& part : parts) {
        if (text.find(part) == std::string::npos) {
            return ::testing::AssertionFailure() << '"' << text << "\" does not say \"" << part << '"';
        }
    }
    return ::testing::AssertionSuccess();
}

inline std::vector<Floats> values_of(const std::vector<Tensor>& tensors) {
    std::vector<Floats> out;
    for (const auto& t : tensors) out.push_back(values(t));
    return out;
}
/// The values of all parameters and buffers.
inline std::vector<Floats> state_of(const nn::Module& model) { return values_of(model.state_dict().tensors()); }
/// The gradients of all parameters; an empty list for one that has none.
inline std::vector<Floats> gradients_of(const nn::Module& model) {
    std::vector<Floats> out;
    for (const auto& p : model.parameters()) {
        const Tensor g = p.grad();
        out.push_back(g.defined() ? values(g) : Floats{});
    }
    return out;
}
/// A copy of the state that shares nothing with the model.
inline StateDict saved(const nn::Module& model) {
    StateDict out;
    for (const auto& [name, t] : model.state_dict()) {
        out.add(name, t.dtype() == i64 ? Tensor::from(t.to_vector<int64_t>(), t.shape())
                                       : Tensor::from(t.to_vector<float>(), t.shape()));
    }
    return out;
}

/// [N, 6] -> [N, 3].
inline nn::Sequential mlp(uint64_t seed = 1) {
    manual_seed(seed);
    return nn::Sequential{nn::Linear(6, 8), nn::ReLU(), nn::Linear(8, 3)};
}
/// [N, 6] -> [N, 3], with random numbers and running statistics.
inline nn::Sequential noisy_mlp(uint64_t seed = 1) {
    manual_seed(seed);
    return nn::Sequential{nn::Linear(6, 16), nn::BatchNorm1d(16), nn::ReLU(), nn::Dropout(0.4), nn::Linear(16, 3)};
}
/// [N, 3, 8, 8] -> [N, 5]: convolutions with few and with several channels, statistics, pooling and dropout.
inline nn::Sequential small_cnn(uint64_t seed = 1) {
    manual_seed(seed);
    return nn::Sequential{nn::Conv2d(3, 8, {.kernel = 3, .padding = 1}),
                          nn::BatchNorm2d(8),
                          nn::ReLU(),
                          nn::MaxPool2d(2),
                          nn::Conv2d(8, 16, {.kernel = 3, .padding = 1}),
                          nn::ReLU(),
                          nn::Flatten(),
                          nn::Dropout(0.25),
                          nn::Linear(16 * 4 * 4, 5)};
}
/// [N, 1, 28, 28] -> [N, 10].
inline nn::Sequential lenet(uint64_t seed = 1) {
    manual_seed(seed);
    return nn::Sequential{nn::Conv2d(1, 6, {.kernel = 5, .padding = 2}),
                          nn::ReLU(),
                          nn::MaxPool2d(2),
                          nn::Conv2d(6, 16, {.kernel = 5}),
                          nn::ReLU(),
                          nn::MaxPool2d(2),
                          nn::Flatten(),
                          nn::Linear(400, 120),
                          nn::ReLU(),
                          nn::Linear(120, 84),
                          nn::ReLU(),
                          nn::Linear(84, 10)};
}

/// Records and submits one training step; the loss is not read.
inline Tensor train_step(nn::Sequential& model, optim::Optimizer& opt, const Tensor& x, const Tensor& y) {
    const Tensor loss = nn::cross_entropy(model(x), y);
    opt.zero_grad();
    loss.backward();
    opt.step();
    return loss;
}

/// Other passes while it lives; afterwards those that INGOT_PASSES asks for.
class WithPasses {
public:
    explicit WithPasses(const std::string& text) { passes::set_passes(text); }
    ~WithPasses() { passes::set_passes(asked()); }
    WithPasses(const WithPasses&) = delete;
    WithPasses& operator=(const WithPasses&) = delete;
    static std::string asked() {
        const char* text = std::getenv("INGOT_PASSES");
        return text ? text : "";
    }
};

/// The memory that the process occupies, in bytes, as the system counts it.
inline int64_t resident_bytes() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.rfind("VmRSS:", 0) == 0) return std::stoll(line.substr(6)) * 1024;
    }
    return -1;
}

} // namespace ingot::rulestest
