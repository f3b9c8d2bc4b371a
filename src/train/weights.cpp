// SPDX-License-Identifier: MIT
#include "train/weights.h"

#include <cstring>

#include <ingot/eval.h>
#include <ingot/weights.h>

#include "graph/evaluator.h"

namespace ingot {

namespace train {

HostCopy::HostCopy(const StateDict& tensors) {
    for (const auto& [name, tensor] : tensors)
        if (!tensor.defined()) throw Error("save: '" + name + "' is an undefined tensor");
    eval(tensors.tensors());
    for (const auto& [name, tensor] : tensors) {
        const size_t bytes = static_cast<size_t>(tensor.numel()) * size_of(tensor.dtype());
        memory_.push_back(std::make_unique<std::byte[]>(bytes));
        tensor.eval(); // throws what its computation failed with
        // Tensor::to_vector has no type for f16 and bf16; this keeps their bits.
        graph::evaluator().read(graph::resolve(tensor, "save"), memory_.back().get(), tensor.dtype());
        views_.push_back({name, tensor.dtype(), tensor.shape(), memory_.back().get(), bytes});
    }
}

Tensor to_tensor(const io::TensorView& view, Device device) {
    // Data in a file may be unaligned.
    const auto aligned = std::make_unique<std::byte[]>(view.bytes);
    if (view.bytes > 0) std::memcpy(aligned.get(), view.data, view.bytes);
    return Tensor::from_data(aligned.get(), static_cast<size_t>(view.shape.numel()), view.dtype, view.shape,
                             {.device = device});
}

} // namespace train

void save_safetensors(const std::string& path, const StateDict& tensors,
                      const std::map<std::string, std::string>& metadata) {
    const train::HostCopy copy(tensors);
    io::write_safetensors(path, copy.views(), metadata);
}

StateDict load_safetensors(const std::string& path, Device device) {
    const auto file = io::SafetensorsFile::open(path);
    io::verify_checksums(file);
    StateDict out;
    for (const auto& view : file.tensors()) out.add(view.name, train::to_tensor(view, device));
    return out;
}

} // namespace ingot
