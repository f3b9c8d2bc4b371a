// SPDX-License-Identifier: MIT
// Named tensors in a fixed order: what Module::state_dict() returns and weight files hold. Tensors are handles, so the
// entries of a module's state_dict() alias its parameters and buffers: reading one after a step sees the new values.
// A plain value; not synchronised.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <ingot/tensor.h>

namespace ingot {

class StateDict {
public:
    using Entry = std::pair<std::string, Tensor>;

    StateDict() = default;
    StateDict(std::initializer_list<Entry> entries);
    StateDict(const std::map<std::string, Tensor>& entries); // NOLINT: a map is a state dict in key order

    /// Appends. Errors: Error when the name is there already.
    void add(const std::string& name, const Tensor& tensor);
    /// The tensor of that name, or null; valid until something is added.
    const Tensor* find(const std::string& name) const;
    bool contains(const std::string& name) const { return find(name) != nullptr; }
    /// Errors: Error naming the key when it is not there.
    const Tensor& at(const std::string& name) const;
    /// The entry of that name; an undefined tensor is appended when there is none.
    Tensor& operator[](const std::string& name);

    std::vector<std::string> names() const;
    std::vector<Tensor> tensors() const;
    size_t size() const { return entries_.size(); }
    bool empty() const { return entries_.empty(); }
    std::vector<Entry>::const_iterator begin() const { return entries_.begin(); }
    std::vector<Entry>::const_iterator end() const { return entries_.end(); }

private:
    std::vector<Entry> entries_;
    std::unordered_map<std::string, size_t> index_;
};

} // namespace ingot
