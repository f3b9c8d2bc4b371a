// SPDX-License-Identifier: MIT
#include <cmath>

#include <ingot/nn/norm.h>
#include <ingot/ops/creation.h>
#include <ingot/ops/elementwise.h>
#include <ingot/ops/norm.h>

namespace ingot::nn {

namespace {
/// Returns eps. A variance of 0 needs it.
double checked_eps(const char* layer, double eps) {
    if (!(eps > 0) || std::isinf(eps))
        throw Error(std::string(layer) + ": eps must be a finite number above 0, not " + std::to_string(eps));
    return eps;
}
} // namespace

BatchNorm::BatchNorm(int64_t channels, BatchNormOptions options) : channels_(channels), options_(options) {
    if (channels <= 0) throw ShapeError("BatchNorm(" + std::to_string(channels) + "): channels must be positive");
    checked_eps("BatchNorm", options.eps);
    if (!(options.momentum >= 0 && options.momentum <= 1))
        throw Error("BatchNorm: momentum must be from 0 to 1, not " + std::to_string(options.momentum));
    if (options.affine) {
        weight = register_parameter("weight", ones({channels}));
        bias = register_parameter("bias", zeros({channels}));
    }
    if (options.track_running_stats) {
        running_mean = register_buffer("running_mean", zeros({channels}));
        running_var = register_buffer("running_var", ones({channels}));
        num_batches_tracked = register_buffer("num_batches_tracked", zeros({}, {.dtype = i64}));
    }
}

Tensor BatchNorm::forward(Tensor x) {
    check(x);
    if (!is_training() && options_.track_running_stats)
        return batch_norm(x, running_mean, running_var, weight, bias, options_.eps);
    const ingot::BatchNorm result = batch_norm_train(x, weight, bias, options_.eps);
    if (is_training() && options_.track_running_stats) {
        // Cell writes: evaluated in the same submission as whatever uses y.
        const NoGrad guard;
        const double m = options_.momentum;
        const double n = static_cast<double>(x.numel() / channels_);
        running_mean.assign(running_mean * (1 - m) + result.mean * m);
        running_var.assign(running_var * (1 - m) + result.var * (m * n / (n - 1)));
        num_batches_tracked.assign(num_batches_tracked + 1);
    }
    return result.y;
}

void BatchNorm1d::check(const Tensor& x) const {
    if ((x.rank() != 2 && x.rank() != 3) || x.size(1) != channels_)
        throw ShapeError("BatchNorm1d(" + std::to_string(channels_) + "): x must be [N, " + std::to_string(channels_) +
                         "] or [N, " + std::to_string(channels_) + ", L], not " + x.shape().str());
}

void BatchNorm2d::check(const Tensor& x) const {
    if (x.rank() != 4 || x.size(1) != channels_)
        throw ShapeError("BatchNorm2d(" + std::to_string(channels_) + "): x must be [N, " + std::to_string(channels_) +
                         ", H, W], not " + x.shape().str());
}

LayerNorm::LayerNorm(Shape normalized_shape, LayerNormOptions options)
    : shape_(normalized_shape), eps_(checked_eps("LayerNorm", options.eps)) {
    if (shape_.rank() == 0 || shape_.numel() <= 0)
        throw ShapeError("LayerNorm: the shape " + shape_.str() + " is empty");
    if (!options.elementwise_affine) return;
    weight = register_parameter("weight", ones(shape_));
    if (options.bias) bias = register_parameter("bias", zeros(shape_));
}

Tensor LayerNorm::forward(Tensor x) { return layer_norm(x, shape_, weight, bias, eps_); }

GroupNorm::GroupNorm(int64_t num_groups, int64_t channels, GroupNormOptions options)
    : groups_(num_groups), channels_(channels), eps_(checked_eps("GroupNorm", options.eps)) {
    if (channels <= 0 || num_groups <= 0 || channels % num_groups != 0)
        throw ShapeError("GroupNorm(" + std::to_string(num_groups) + ", " + std::to_string(channels) +
                         "): the groups must divide the channels");
    if (!options.affine) return;
    weight = register_parameter("weight", ones({channels}));
    bias = register_parameter("bias", zeros({channels}));
}

Tensor GroupNorm::forward(Tensor x) {
    if (x.rank() < 2 || x.size(1) != channels_)
        throw ShapeError("GroupNorm: x of shape " + x.shape().str() + " has not " + std::to_string(channels_) +
                         " channels");
    return group_norm(x, groups_, weight, bias, eps_);
}

InstanceNorm::InstanceNorm(int64_t channels, InstanceNormOptions options)
    : channels_(channels), eps_(checked_eps("InstanceNorm", options.eps)) {
    if (channels <= 0) throw ShapeError("InstanceNorm(" + std::to_string(channels) + "): channels must be positive");
    if (!options.affine) return;
    weight = register_parameter("weight", ones({channels}));
    bias = register_parameter("bias", zeros({channels}));
}

Tensor InstanceNorm::forward(Tensor x) {
    if (x.rank() < 3 || x.size(1) != channels_)
        throw ShapeError("InstanceNorm: x of shape " + x.shape().str() + " is not [N, " + std::to_string(channels_) +
                         ", ..]");
    return instance_norm(x, weight, bias, eps_);
}

RMSNorm::RMSNorm(Shape normalized_shape, RMSNormOptions options) : shape_(normalized_shape), eps_(options.eps) {
    if (shape_.rank() == 0 || shape_.numel() <= 0) throw ShapeError("RMSNorm: the shape " + shape_.str() + " is empty");
    if (eps_) checked_eps("RMSNorm", *eps_);
    if (options.elementwise_affine) weight = register_parameter("weight", ones(shape_));
}

Tensor RMSNorm::forward(Tensor x) { return rms_norm(x, shape_, weight, eps_); }

} // namespace ingot::nn
