// SPDX-License-Identifier: MIT
#include <ingot/host_scalar.h>

#include <cstring>

#include "graph/node.h"

namespace ingot {

Tensor host_scalar(std::function<double()> source, DType dtype) {
    if (dtype != f32 && dtype != f64 && dtype != i64) {
        throw DTypeError(std::string("host_scalar: dtype must be f32, f64 or i64, not ") + name(dtype));
    }
    return Tensor(
        graph::make_host_scalar({dtype, {}}, Device::cpu(), [source = std::move(source), dtype](uint64_t words[2]) {
            const double v = source();
            if (dtype == f32) {
                const auto f = static_cast<float>(v);
                std::memcpy(words, &f, sizeof f);
            } else if (dtype == f64) {
                std::memcpy(words, &v, sizeof v);
            } else {
                const auto i = static_cast<int64_t>(v);
                std::memcpy(words, &i, sizeof i);
            }
        }));
}

} // namespace ingot
