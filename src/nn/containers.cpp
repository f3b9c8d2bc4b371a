// SPDX-License-Identifier: MIT
#include <ingot/nn/containers.h>
#include <ingot/ops/elementwise.h>

namespace ingot::nn {

Sequential& Sequential::append(const std::string& name, std::shared_ptr<Module> layer) {
    if (!layer) throw Error("Sequential: layer '" + name + "' is null");
    register_module(name, *layer);
    layers_->push_back({name, std::move(layer)});
    return *this;
}

Tensor Sequential::forward(Tensor x) {
    for (const Entry& entry : *layers_) x = (*entry.module)(x);
    return x;
}

Module& Sequential::operator[](size_t i) const {
    if (i >= size())
        throw Error("Sequential: there is no layer " + std::to_string(i) + ", only " + std::to_string(size()));
    return *(*layers_)[i].module;
}

const std::string& Sequential::layer_name(size_t i) const {
    if (i >= size())
        throw Error("Sequential: there is no layer " + std::to_string(i) + ", only " + std::to_string(size()));
    return (*layers_)[i].name;
}

Residual::Residual(Sequential layers, Sequential shortcut, Sequential after)
    : layers_(std::move(layers)), shortcut_(std::move(shortcut)), after_(std::move(after)) {
    for (size_t i = 0; i < layers_.size(); ++i) register_module(layers_.layer_name(i), layers_[i]);
    if (shortcut_.size() > 0) register_module("short", shortcut_);
    if (after_.size() > 0) register_module("after", after_);
}

Tensor Residual::forward(Tensor x) {
    const Tensor y = layers_(x);
    const Tensor other = shortcut_.size() > 0 ? shortcut_(x) : x;
    if (y.shape() != other.shape())
        throw ShapeError("Residual: the layers give " + y.shape().str() + ", the shortcut " + other.shape().str());
    return after_(y + other);
}

} // namespace ingot::nn
