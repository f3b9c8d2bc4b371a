// SPDX-License-Identifier: MIT
#include "train/nonfinite.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <typeinfo>
#include <utility>

#include <cxxabi.h>

#include <ingot/grad.h>
#include <ingot/ops.h>

namespace ingot::train {

namespace {

/// How many elements are not finite; a scalar.
Tensor count_nonfinite(const Tensor& t) {
    const Tensor x = t.detach();
    return sum(cast(ne(x - x, 0), f32));
}

/// "Conv2d" for ingot::nn::Conv2d.
std::string class_name(const nn::Module& module) {
    int status = 0;
    const std::unique_ptr<char, void (*)(void*)> text(
        abi::__cxa_demangle(typeid(module).name(), nullptr, nullptr, &status), std::free);
    const std::string full = status == 0 ? text.get() : typeid(module).name();
    return full.substr(full.rfind(':') + 1);
}

struct Place {
    std::string what;
    Tensor count;
};

/// The first sample of x that holds something else than numbers.
int64_t first_bad_sample(const Tensor& x) {
    const std::vector<double> values = x.to_vector<double>();
    const auto at = std::find_if(values.begin(), values.end(), [](double v) { return !(v - v == 0); });
    const auto per_sample = static_cast<int64_t>(values.size()) / std::max<int64_t>(1, x.size(0));
    return (at - values.begin()) / std::max<int64_t>(1, per_sample);
}

} // namespace

bool all_finite(const std::vector<Tensor>& tensors) {
    const NoGrad guard;
    std::vector<Tensor> counts;
    for (const Tensor& t : tensors)
        if (is_float(t.dtype())) counts.push_back(count_nonfinite(t));
    return counts.empty() || sum(stack(counts)).item() == 0;
}

std::string find_nonfinite(nn::Module& model, const Loss& loss, const Tensor& x, const Tensor& y) {
    std::vector<Place> places;
    const auto look = [&](const std::string& what, const Tensor& t) {
        if (!is_float(t.dtype())) return;
        const NoGrad guard;
        places.push_back({what, count_nonfinite(t)});
    };
    look("the input", x);
    if (x.rank() != y.rank() || is_float(y.dtype())) look("the target", y);
    for (const auto& [name, weight] : model.named_parameters()) look("the weight '" + name + "' before it", weight);
    Tensor value;
    {
        const nn::ForwardWatch watch([&](const nn::Module& module, const Tensor& output) {
            const auto key = model.key_of(module);
            if (key && !key->empty()) look("the output of layer '" + *key + "' (" + class_name(module) + ")", output);
        });
        const Tensor output = model(x);
        look("the output of the model", output);
        value = loss(output, y);
    }
    look("the loss", value);
    // Backward, the last layer comes first.
    const StateDict parameters = model.named_parameters();
    std::vector<Tensor> wanted;
    std::vector<std::string> names;
    for (const auto& [name, weight] : parameters) {
        if (!weight.requires_grad()) continue;
        wanted.push_back(weight);
        names.push_back(name);
    }
    const std::vector<Tensor> gradients =
        wanted.empty() ? std::vector<Tensor>{} : grad({value}, wanted, {}, {.allow_unused = true});
    for (size_t i = gradients.size(); i-- > 0;)
        if (gradients[i].defined()) look("the gradient of '" + names[i] + "'", gradients[i]);

    std::vector<Tensor> counts;
    for (const Place& place : places) counts.push_back(place.count);
    const std::vector<double> found = stack(counts).to_vector<double>();
    const auto first = std::find_if(found.begin(), found.end(), [](double n) { return !(n == 0); });
    if (first == found.end()) return "";
    const Place& place = places[static_cast<size_t>(first - found.begin())];
    if (place.what != "the input") return place.what;
    return place.what + " (sample " + std::to_string(first_bad_sample(x)) + " of the batch)";
}

} // namespace ingot::train
