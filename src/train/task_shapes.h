// SPDX-License-Identifier: MIT
// What kind of task outputs and targets belong to, by their shapes and dtypes. Used where figures are chosen without being
// asked for: evaluation and reports.
#pragma once

#include <cstdint>
#include <optional>

#include <ingot/tensor.h>

namespace ingot::train {

/// The axis of the classes, if outputs are scores of the targets' labels: [N, C, S..] or [N, S.., C] for [N, S..]. Where both
/// fit, three axes are a language model's and more those of pixels.
inline std::optional<int64_t> class_axis(const Tensor& output, const Tensor& target) {
    const auto without = [](const Shape& shape, size_t axis) {
        Shape out;
        for (size_t i = 0; i < shape.rank(); ++i)
            if (i != axis) out.push_back(shape[i]);
        return out;
    };
    if (is_float(target.dtype()) || !is_float(output.dtype())) return {};
    const Shape &o = output.shape(), &t = target.shape();
    if (o.rank() < 2 || o.rank() != t.rank() + 1) return {};
    const bool first = without(o, 1) == t, last = without(o, o.rank() - 1) == t;
    if (first && (!last || o.rank() != 3)) return 1;
    if (last) return -1;
    return {};
}

/// Outputs and targets are numbers of one shape, where a last axis of 1 may be missing.
inline bool are_numbers(const Tensor& output, const Tensor& target) {
    const auto shape = [](const Tensor& t) { return t.rank() == 2 && t.size(1) == 1 ? Shape{t.size(0)} : t.shape(); };
    return is_float(target.dtype()) && is_float(output.dtype()) && shape(output) == shape(target);
}

} // namespace ingot::train
