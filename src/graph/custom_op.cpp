// SPDX-License-Identifier: MIT
#include "graph/custom_op.h"

#include <ingot/error.h>

#include "base/check.h"

namespace ingot::graph {

namespace {
std::vector<Shape> shapes_of(std::span<const Type* const> types) {
    std::vector<Shape> shapes;
    for (const Type* t : types) shapes.push_back(t->shape);
    return shapes;
}
} // namespace

const Kernel& CustomOpDef::kernel_for(std::span<const Type* const> inputs) const {
    std::string offered;
    for (const Kernel& k : kernels) {
        size_t at = 0;
        bool fits = true;
        std::string dtypes;
        for (const KernelParameter& p : k.parameters()) {
            if (p.kind != KernelParameter::Kind::input) continue;
            dtypes += (dtypes.empty() ? "" : ", ") + std::string(ingot::name(*p.dtype));
            fits = fits && inputs[at++]->dtype == *p.dtype;
        }
        if (fits) return k;
        offered += (offered.empty() ? "(" : " or (") + dtypes + ")";
    }
    std::string given;
    for (const Type* t : inputs) given += (given.empty() ? "" : ", ") + std::string(ingot::name(t->dtype));
    throw DTypeError(label + ": no kernel takes (" + given + "); there are kernels for " + offered);
}

CustomLaunch::CustomLaunch(const CustomOpDef& def, const Attrs& attrs, std::span<const Type* const> inputs,
                           std::span<const Type* const> outputs)
    : kernel_(def.kernel_for(inputs)) {
    const std::vector<Shape> shapes = shapes_of(inputs);
    const std::vector<double> numbers = custom_numbers(attrs);
    int32_t input = 0, output = static_cast<int32_t>(inputs.size());
    size_t number = 0;
    for (const KernelParameter& p : kernel_.parameters()) {
        if (p.kind == KernelParameter::Kind::value) {
            const double v = numbers[number++];
            auto value = std::make_unique<std::byte[]>(p.size);
            const bool fits = core::store_number(p, KernelArg(v), value.get());
            INGOT_ASSERT(fits, "numbers are checked when they are recorded");
            arg_of_.push_back(-1);
            slots_.push_back({value.get(), 1});
            values_.push_back(std::move(value));
            continue;
        }
        const bool is_input = p.kind == KernelParameter::Kind::input;
        int32_t& at = is_input ? input : output;
        const auto k = static_cast<size_t>(at);
        const Type& type = is_input ? *inputs[k] : *outputs[k - inputs.size()];
        const auto count = static_cast<size_t>(type.shape.numel());
        bytes += static_cast<double>(count * p.size);
        arg_of_.push_back(at++);
        slots_.push_back({nullptr, count});
    }
    grid_ = def.grid ? def.grid(shapes, numbers) : Dim3(outputs[0]->shape.numel());
    group_ = def.group == Dim3(0, 0, 0) ? core::choose_group(grid_) : def.group;
    core::check_grid(def.label, grid_, group_);
    if (def.flops) flops = def.flops(shapes, numbers);
}

void CustomLaunch::run(void* const* args) const {
    for (size_t i = 0; i < arg_of_.size(); ++i) {
        if (arg_of_[i] >= 0) slots_[i].data = args[arg_of_[i]];
    }
    core::run_kernel(*kernel_.state(), grid_, group_, slots_.data());
}

} // namespace ingot::graph
