// SPDX-License-Identifier: MIT
// Operators with many definitions to get wrong (convolution, pooling, normalization, activations, losses) against
// values and gradients captured from PyTorch (tests/golden/README.md), on the CPU and on the reference, which has
// thereby an oracle of its own.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include <ingot/grad.h>
#include <ingot/ops.h>

#include "io/safetensors.h"

namespace ingot {

/// x, and weight, bias or target; undefined where the variant has none.
struct GoldenInputs {
    Tensor x, weight, bias, target;
};
using GoldenFn = std::function<Tensor(const GoldenInputs&)>;

struct Golden {
    const char* file;
    const char* variant;
    GoldenFn fn;
    const char* inputs = nullptr; ///< of losses and activations: where x and target (or dy) are
};

void PrintTo(const Golden& g, std::ostream* out) { *out << g.variant; }

namespace {

class Values {
public:
    explicit Values(const std::string& name)
        : file_(io::SafetensorsFile::open(std::string(INGOT_TESTS_DIR) + "/golden/" + name + ".safetensors")) {}

    Tensor get(const std::string& key, Device device) const {
        const io::TensorView* view = file_.find(key);
        if (!view) return {};
        return Tensor::from_data(view->data, static_cast<size_t>(view->shape.numel()), view->dtype, view->shape)
            .to(device);
    }

private:
    io::SafetensorsFile file_;
};

/// The difference relative to max(1, the largest magnitude), as the README measures.
void expect_close(const Tensor& got, const Tensor& want, double tolerance, const std::string& what) {
    ASSERT_TRUE(got.defined() && want.defined()) << what;
    ASSERT_EQ(got.shape(), want.shape()) << what;
    const std::vector<double> a = got.to_vector<double>(), b = want.to_vector<double>();
    double scale = 1;
    for (const double v : b) scale = std::max(scale, std::fabs(v));
    for (size_t i = 0; i < a.size(); ++i)
        ASSERT_LE(std::fabs(a[i] - b[i]), tolerance * scale) << what << ", element " << i;
}

Golden conv(const char* variant, Conv2dOptions o) {
    return {"linear_conv", variant, [o](const GoldenInputs& in) { return conv2d(in.x, in.weight, in.bias, o); }};
}
Golden pool(const char* variant, Tensor (*f)(const Tensor&, Int2, const Pool2dOptions&), Int2 kernel, Pool2dOptions o) {
    return {"pool_embedding", variant, [=](const GoldenInputs& in) { return f(in.x, kernel, o); }};
}
Golden activation(const char* variant, GoldenFn f) { return {"activations", variant, std::move(f), ""}; }
Golden entropy(const char* variant, const char* inputs, CrossEntropyOptions o) {
    return {"losses", variant, [o](const GoldenInputs& in) { return cross_entropy(in.x, in.target, o); }, inputs};
}
Golden pair_loss(const char* variant, const char* inputs, Tensor (*f)(const Tensor&, const Tensor&, const LossOptions&),
                 Reduction reduction) {
    return {"losses", variant, [=](const GoldenInputs& in) { return f(in.x, in.target, {.reduction = reduction}); },
            inputs};
}

Golden batch_norm_of(const char* variant, double eps) {
    return {"norm", variant,
            [eps](const GoldenInputs& in) { return batch_norm_train(in.x, in.weight, in.bias, eps).y; }};
}
Golden layer_norm_of(const char* variant) {
    return {"norm", variant,
            [](const GoldenInputs& in) { return layer_norm(in.x, in.weight.shape(), in.weight, in.bias); }};
}

std::vector<Golden> goldens() {
    return {
        {"linear_conv", "linear", [](const GoldenInputs& in) { return linear(in.x, in.weight, in.bias); }},
        {"linear_conv", "linear.3d", [](const GoldenInputs& in) { return linear(in.x, in.weight, in.bias); }},
        {"linear_conv", "linear.no_bias", [](const GoldenInputs& in) { return linear(in.x, in.weight, in.bias); }},
        conv("conv2d.basic", {}),
        conv("conv2d.no_bias", {.padding = 1}),
        conv("conv2d.padding", {.padding = 1}),
        conv("conv2d.stride", {.stride = 2, .padding = 1}),
        conv("conv2d.dilation", {.padding = 2, .dilation = 2}),
        conv("conv2d.groups", {.padding = 1, .groups = 2}),
        conv("conv2d.depthwise", {.stride = 2, .padding = 1, .groups = 4}),
        conv("conv2d.pointwise", {.stride = 2}),
        conv("conv2d.asymmetric", {.stride = {2, 1}, .padding = {1, 0}, .dilation = {1, 2}}),
        pool("max_pool2d.basic", max_pool2d, 2, {}),
        pool("max_pool2d.stride", max_pool2d, 3, {.stride = 2}),
        pool("max_pool2d.padding", max_pool2d, 3, {.stride = 2, .padding = 1}),
        pool("max_pool2d.ties", max_pool2d, 3, {.stride = 2, .padding = 1}),
        pool("avg_pool2d.basic", avg_pool2d, 2, {}),
        pool("avg_pool2d.stride", avg_pool2d, 3, {.stride = 2}),
        pool("avg_pool2d.padding", avg_pool2d, 3, {.stride = 2, .padding = 1}),
        pool("avg_pool2d.exclude_pad", avg_pool2d, 3, {.stride = 2, .padding = 1, .count_include_pad = false}),
        {"pool_embedding", "adaptive_avg_pool2d.1", [](const GoldenInputs& in) { return global_avg_pool2d(in.x); }},
        batch_norm_of("batch_norm1d", 1e-5),
        batch_norm_of("batch_norm1d.3d", 1e-5),
        batch_norm_of("batch_norm2d", 1e-5),
        batch_norm_of("batch_norm2d.options", 1e-3),
        layer_norm_of("layer_norm"),
        layer_norm_of("layer_norm.2d"),
        activation("relu", [](const GoldenInputs& in) { return relu(in.x); }),
        activation("leaky_relu", [](const GoldenInputs& in) { return leaky_relu(in.x); }),
        activation("leaky_relu.0.2", [](const GoldenInputs& in) { return leaky_relu(in.x, 0.2); }),
        activation("elu", [](const GoldenInputs& in) { return elu(in.x); }),
        activation("gelu", [](const GoldenInputs& in) { return gelu(in.x); }),
        activation("silu", [](const GoldenInputs& in) { return silu(in.x); }),
        activation("sigmoid", [](const GoldenInputs& in) { return sigmoid(in.x); }),
        activation("tanh", [](const GoldenInputs& in) { return tanh(in.x); }),
        activation("softplus", [](const GoldenInputs& in) { return softplus(in.x); }),
        activation("softmax", [](const GoldenInputs& in) { return softmax(in.x); }),
        activation("softmax.dim0", [](const GoldenInputs& in) { return softmax(in.x, 0); }),
        activation("log_softmax", [](const GoldenInputs& in) { return log_softmax(in.x); }),
        entropy("cross_entropy.mean", "classes", {}),
        entropy("cross_entropy.sum", "classes", {.reduction = Reduction::sum}),
        entropy("cross_entropy.none", "classes", {.reduction = Reduction::none}),
        entropy("cross_entropy.label_smoothing", "classes", {.label_smoothing = 0.1}),
        entropy("cross_entropy.label_smoothing_sum", "classes", {.label_smoothing = 0.1, .reduction = Reduction::sum}),
        entropy("cross_entropy.ignore_index", "ignored", {}),
        entropy("cross_entropy.ignore_index_sum", "ignored", {.reduction = Reduction::sum}),
        entropy("cross_entropy.ignore_index_smoothing", "ignored", {.label_smoothing = 0.1}),
        {"losses", "nll", [](const GoldenInputs& in) { return nll_loss(log_softmax(in.x), in.target); }, "classes"},
        pair_loss("mse.mean", "values", mse_loss, Reduction::mean),
        pair_loss("mse.sum", "values", mse_loss, Reduction::sum),
        pair_loss("l1.mean", "values", l1_loss, Reduction::mean),
        pair_loss("l1.sum", "values", l1_loss, Reduction::sum),
        pair_loss("bce_with_logits.mean", "binary", bce_with_logits, Reduction::mean),
        pair_loss("bce_with_logits.sum", "binary", bce_with_logits, Reduction::sum),
    };
}

std::string text_of(const ::testing::TestParamInfo<Golden>& info) {
    std::string name = info.param.variant;
    std::replace(name.begin(), name.end(), '.', '_');
    return name;
}

} // namespace

class OpGolden : public ::testing::TestWithParam<Golden> {};

TEST_P(OpGolden, MatchesPyTorch) {
    const Golden& g = GetParam();
    const Values file(g.file);
    const std::string variant = g.variant;
    const double tolerance =
        std::string(g.file) == "norm" ? 2e-5 : 1e-5; // README: what the captured values are good for
    for (const Device device : {Device::cpu(), Device::reference()}) {
        for (const std::string step : {"step0", "step4", "step9"}) {
            const std::string own = variant + "/" + step + "/", what = variant + " " + step + " " + device.str() + " ";
            std::string shared = own;
            if (g.inputs) shared = std::string(g.inputs) + (*g.inputs ? "/" : "") + step + "/";
            GoldenInputs in{file.get(shared + "x", device), file.get(variant + "/weight", device),
                            file.get(variant + "/bias", device), file.get(shared + "target", device)};
            ASSERT_TRUE(in.x.defined()) << what;
            std::vector<Tensor> leaves{in.x.set_requires_grad(true)};
            std::vector<std::string> names{"dx"};
            if (in.weight.defined()) {
                leaves.push_back(in.weight.set_requires_grad(true));
                names.push_back("dweight");
            }
            if (in.bias.defined()) {
                leaves.push_back(in.bias.set_requires_grad(true));
                names.push_back("dbias");
            }
            const Tensor y = g.fn(in);
            const bool loss = std::string(g.file) == "losses";
            expect_close(y, file.get(own + (loss ? "value" : "y"), device), tolerance, what + "y");
            const Tensor dy = loss ? ones_like(y) : file.get(shared + "dy", device);
            ASSERT_TRUE(dy.defined()) << what;
            const std::vector<Tensor> grads = grad({y}, leaves, {dy});
            for (size_t i = 0; i < grads.size(); ++i)
                expect_close(grads[i], file.get(own + names[i], device), tolerance, what + names[i]);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Golden, OpGolden, ::testing::ValuesIn(goldens()), text_of);

TEST(OpGoldenEmbedding, MatchesPyTorch) {
    const Values file("pool_embedding");
    for (const Device device : {Device::cpu(), Device::reference()}) {
        for (const std::string step : {"step0", "step5"}) {
            const std::string own = "embedding/" + step + "/";
            Tensor weight = file.get("embedding/weight", device).set_requires_grad(true);
            const Tensor y = embedding(weight, file.get(own + "x", device));
            expect_close(y, file.get(own + "y", device), 1e-6, own + "y");
            const Tensor dweight = grad({y}, {weight}, {file.get(own + "dy", device)})[0];
            expect_close(dweight, file.get(own + "dweight", device), 1e-6, own + "dweight");
        }
    }
}

} // namespace ingot
