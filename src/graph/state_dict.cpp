// SPDX-License-Identifier: MIT
#include <ingot/state_dict.h>

namespace ingot {

StateDict::StateDict(std::initializer_list<Entry> entries) {
    for (const auto& [name, tensor] : entries) add(name, tensor);
}

StateDict::StateDict(const std::map<std::string, Tensor>& entries) {
    for (const auto& [name, tensor] : entries) add(name, tensor);
}

void StateDict::add(const std::string& name, const Tensor& tensor) {
    if (!index_.emplace(name, entries_.size()).second)
        throw Error("state dict: the key '" + name + "' is there already");
    entries_.emplace_back(name, tensor);
}

const Tensor* StateDict::find(const std::string& name) const {
    const auto it = index_.find(name);
    return it == index_.end() ? nullptr : &entries_[it->second].second;
}

const Tensor& StateDict::at(const std::string& name) const {
    const Tensor* tensor = find(name);
    if (!tensor) throw Error("state dict: no key '" + name + "'");
    return *tensor;
}

Tensor& StateDict::operator[](const std::string& name) {
    const auto [it, fresh] = index_.emplace(name, entries_.size());
    if (fresh) entries_.emplace_back(name, Tensor{});
    return entries_[it->second].second;
}

std::vector<std::string> StateDict::names() const {
    std::vector<std::string> out;
    for (const auto& entry : entries_) out.push_back(entry.first);
    return out;
}

std::vector<Tensor> StateDict::tensors() const {
    std::vector<Tensor> out;
    for (const auto& entry : entries_) out.push_back(entry.second);
    return out;
}

} // namespace ingot
