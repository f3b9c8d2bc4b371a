// SPDX-License-Identifier: MIT
// compile() behind one type, so that classes can hold a compiled function of a batch without being templates.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include <ingot/compile.h>

namespace ingot::train {

/// (x, y) -> result. Copies share the compiled variants.
using BatchFunction = std::function<Tensor(const Tensor& x, const Tensor& y)>;

template <class F> BatchFunction compile_batch_function(F f) {
    using Compiled = decltype(compile(std::move(f)));
    auto compiled = std::make_shared<Compiled>(compile(std::move(f)));
    return [compiled](const Tensor& x, const Tensor& y) { return (*compiled)(x, y); };
}

} // namespace ingot::train
