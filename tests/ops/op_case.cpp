// SPDX-License-Identifier: MIT
#include "ops/op_case.h"

namespace ingot::optest {

double Array::at(const Ints& index) const {
    int64_t position = 0;
    const size_t skip = index.size() - shape.rank();
    for (size_t i = 0; i < shape.rank(); ++i) position = position * shape[i] + (shape[i] == 1 ? 0 : index[skip + i]);
    return v[static_cast<size_t>(position)];
}

void for_each_index(const Shape& shape, const std::function<void(const Ints&)>& f) {
    if (shape.numel() == 0) return;
    Ints index(shape.rank(), 0);
    while (true) {
        f(index);
        size_t axis = shape.rank();
        while (axis > 0 && index[axis - 1] == shape[axis - 1] - 1) index[--axis] = 0;
        if (axis == 0) return;
        ++index[axis - 1];
    }
}

Oracle map1(double (*f)(double)) {
    return [f](const std::vector<Array>& in) {
        std::vector<double> out;
        for (const double a : in[0].v) out.push_back(f(a));
        return out;
    };
}

Oracle map2(double (*f)(double, double)) {
    return [f](const std::vector<Array>& in) {
        std::vector<double> out;
        for_each_index(broadcast_shapes(in[0].shape, in[1].shape, "map2"),
                       [&](const Ints& i) { out.push_back(f(in[0].at(i), in[1].at(i))); });
        return out;
    };
}

Oracle lines(Ints axes, std::function<double(const std::vector<double>&)> f) {
    return [axes, f](const std::vector<Array>& in) {
        const Array& x = in[0];
        Shape kept = x.shape, reduced(Ints(x.shape.rank(), 1));
        for (size_t i = 0; i < x.shape.rank(); ++i) {
            const int64_t axis = static_cast<int64_t>(i);
            if (!axes.empty() && std::find(axes.begin(), axes.end(), axis) == axes.end()) continue;
            kept[i] = 1;
            reduced[i] = x.shape[i];
        }
        std::vector<double> out;
        for_each_index(kept, [&](const Ints& place) {
            std::vector<double> line;
            for_each_index(reduced, [&](const Ints& inner) {
                Ints index = place;
                for (size_t i = 0; i < index.size(); ++i) index[i] += inner[i];
                line.push_back(x.at(index));
            });
            out.push_back(f(line));
        });
        return out;
    };
}

const Cases& all_cases() {
    static const Cases cases = [] {
        Cases all;
        for (const auto family :
             {creation_cases, elementwise_cases, activation_cases, reduce_cases, movement_cases, indexing_cases,
              linear_cases, composed_cases, attention_cases, layer_cases, loss_cases, random_cases}) {
            Cases rows = family();
            for (OpCase& row : rows) all.push_back(std::move(row));
        }
        return all;
    }();
    return cases;
}

} // namespace ingot::optest
