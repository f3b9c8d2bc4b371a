// SPDX-License-Identifier: MIT
// Operators that users made from registered C++ functions compute in the dtypes of their kernels, here too.
#include "backend/reference/reference_parts.h"
#include "graph/convert.h"
#include "graph/custom_op.h"

namespace ingot::reference {

void evaluate_custom(const graph::OpDef& op, const Attrs& attrs, const Arrays& in, Arrays& out) {
    std::vector<const graph::Type*> inputs, outputs;
    std::vector<std::vector<std::byte>> memory;
    std::vector<void*> args;
    const auto reserve = [&](const HostArray& a) {
        memory.emplace_back(static_cast<size_t>(a.numel()) * size_of(a.type.dtype));
        args.push_back(memory.back().data());
        return args.back();
    };
    for (const HostArray& a : in) {
        inputs.push_back(&a.type);
        void* to = reserve(a);
        if (a.floating())
            graph::convert_elements(to, a.type.dtype, a.f.data(), DType::f64, a.numel());
        else
            graph::convert_elements(to, a.type.dtype, a.i.data(), DType::i64, a.numel());
    }
    for (const HostArray& a : out) {
        outputs.push_back(&a.type);
        reserve(a);
    }
    graph::CustomLaunch(static_cast<const graph::CustomOpDef&>(op), attrs, inputs, outputs).run(args.data());
    for (size_t i = 0; i < out.size(); ++i) {
        HostArray& a = out[i];
        const void* from = args[in.size() + i];
        if (a.floating())
            graph::convert_elements(a.f.data(), DType::f64, from, a.type.dtype, a.numel());
        else
            graph::convert_elements(a.i.data(), DType::i64, from, a.type.dtype, a.numel());
    }
}

} // namespace ingot::reference
