// SPDX-License-Identifier: MIT
#include <ingot/nn/module.h>

#include <unordered_set>

#include <ingot/compile.h>

#include "nn/move_cell.h"

namespace ingot::nn {

namespace {

/// A name below a prefix; an empty one of either adds no level.
std::string join(const std::string& prefix, const std::string& name) {
    return prefix.empty() || name.empty() ? prefix + name : prefix + "." + name;
}

} // namespace

struct Module::State {
    struct Child {
        std::string name;
        std::shared_ptr<State> state;
    };
    std::vector<StateDict::Entry> parameters, buffers;
    std::vector<Child> children;
    bool training = true;
    uint64_t structure = 0; ///< counts registrations

    uint64_t version() const { return structure << 1 | static_cast<uint64_t>(training); }

    /// What a registered thing may not be called.
    void check_name(const std::string& name, const char* kind) const {
        const auto complain = [&](const char* what) {
            throw Error(std::string("register_") + kind + ": the name '" + name + "' " + what);
        };
        if (name.find('.') != std::string::npos) complain("holds a dot, which separates levels in keys");
        for (const auto& entry : parameters)
            if (entry.first == name) complain("is taken by a parameter");
        for (const auto& entry : buffers)
            if (entry.first == name) complain("is taken by a buffer");
        for (const auto& child : children)
            if (child.name == name && !name.empty()) complain("is taken by a submodule");
    }

    bool reaches(const State* other) const {
        if (this == other) return true;
        for (const auto& child : children)
            if (child.state->reaches(other)) return true;
        return false;
    }

    /// Calls f(state) for this and all submodules: without names, for what happens at every step.
    template <class F> void each(F&& f) {
        f(*this);
        for (const auto& child : children) child.state->each(f);
    }

    /// Calls f(state, prefix) for this and all submodules, parents first, in order of registration.
    template <class F> void visit(F&& f, const std::string& prefix = "") {
        f(*this, prefix);
        for (const auto& child : children) child.state->visit(f, join(prefix, child.name));
    }
};

namespace {
thread_local const ForwardWatch::See* watch = nullptr;
}

Module::Module() : state_(std::make_shared<State>()) {}

Tensor Module::forward(Tensor) { throw Error("module: forward(Tensor) is not defined by this class"); }

Tensor Module::operator()(const Tensor& x) {
    if (compiling()) compile_guard([state = state_] { return state->version(); });
    Tensor output = forward(x);
    if (watch) (*watch)(*this, output);
    return output;
}

std::optional<std::string> Module::key_of(const Module& part) const {
    std::optional<std::string> key;
    state_->visit([&](const State& state, const std::string& prefix) {
        if (&state == part.state_.get() && !key) key = prefix;
    });
    return key;
}

ForwardWatch::ForwardWatch(See see) : see_(std::move(see)), before_(watch) { watch = &see_; }
ForwardWatch::~ForwardWatch() { watch = before_; }

void Module::train(bool on) {
    state_->each([on](State& state) { state.training = on; });
}

ModeGuard::ModeGuard(const Module& module) {
    const auto remember = [this](auto& self, const std::shared_ptr<Module::State>& state) -> void {
        before_.emplace_back(state, state->training);
        for (const auto& child : state->children) self(self, child.state);
    };
    remember(remember, module.state_);
}

ModeGuard::~ModeGuard() {
    for (const auto& [state, training] : before_) state->training = training;
}

bool Module::is_training() const { return state_->training; }
uint64_t Module::version() const { return state_->version(); }

StateDict Module::named_parameters() const {
    StateDict out;
    std::unordered_set<const graph::Node*> seen;
    state_->visit([&](State& state, const std::string& prefix) {
        for (const auto& [name, tensor] : state.parameters)
            if (seen.insert(tensor.node()).second) out.add(join(prefix, name), tensor);
    });
    return out;
}

std::vector<Tensor> Module::parameters() const {
    std::vector<Tensor> out;
    std::unordered_set<const graph::Node*> seen;
    state_->each([&](State& state) {
        for (const auto& entry : state.parameters)
            if (seen.insert(entry.second.node()).second) out.push_back(entry.second);
    });
    return out;
}

StateDict Module::named_buffers() const {
    StateDict out;
    std::unordered_set<const graph::Node*> seen;
    state_->visit([&](State& state, const std::string& prefix) {
        for (const auto& [name, tensor] : state.buffers)
            if (seen.insert(tensor.node()).second) out.add(join(prefix, name), tensor);
    });
    return out;
}

int64_t Module::num_parameters() const {
    int64_t count = 0;
    for (const Tensor& p : parameters()) count += p.numel();
    return count;
}

StateDict Module::state_dict() const {
    StateDict out;
    state_->visit([&](State& state, const std::string& prefix) {
        for (const auto& [name, tensor] : state.parameters) out.add(join(prefix, name), tensor);
        for (const auto& [name, tensor] : state.buffers) out.add(join(prefix, name), tensor);
    });
    return out;
}

namespace {

std::string joined(const std::vector<std::string>& names) {
    std::string out;
    for (size_t i = 0; i < names.size() && i < 8; ++i) out += (i ? ", " : "") + names[i];
    if (names.size() > 8) out += ", ... (" + std::to_string(names.size()) + ")";
    return out;
}

} // namespace

void Module::load_state_dict(const StateDict& state, bool strict) {
    const StateDict own = state_dict();
    std::vector<std::string> missing, unexpected;
    for (const auto& [name, tensor] : own) {
        const Tensor* value = state.find(name);
        if (!value) {
            missing.push_back(name);
            continue;
        }
        if (!value->defined()) throw Error("load_state_dict: '" + name + "' is an undefined tensor");
        if (value->shape() != tensor.shape())
            throw ShapeError("load_state_dict: '" + name + "' has shape " + value->shape().str() +
                             ", the model needs " + tensor.shape().str());
        if (is_float(value->dtype()) != is_float(tensor.dtype()))
            throw DTypeError("load_state_dict: '" + name + "' is " + ingot::name(value->dtype()) +
                             ", the model needs " + ingot::name(tensor.dtype()));
    }
    for (const auto& entry : state)
        if (!own.contains(entry.first)) unexpected.push_back(entry.first);
    if (strict && !(missing.empty() && unexpected.empty()))
        throw Error("load_state_dict: " + (missing.empty() ? "" : "missing " + joined(missing)) +
                    (missing.empty() || unexpected.empty() ? "" : "; ") +
                    (unexpected.empty() ? "" : "unexpected " + joined(unexpected)));
    NoGrad guard;
    for (const auto& [name, tensor] : own)
        if (const Tensor* value = state.find(name)) tensor.assign(value->to(tensor.device()).to(tensor.dtype()));
}

Module& Module::to(Device device) {
    for (const auto& entry : state_dict()) move_cell(entry.second, device);
    return *this;
}

void Module::zero_grad() const {
    for (const Tensor& p : parameters()) p.zero_grad();
}

Tensor Module::register_parameter(const std::string& name, const Tensor& init) {
    state_->check_name(name, "parameter");
    ++state_->structure;
    return state_->parameters.emplace_back(name, Tensor::parameter(init)).second;
}

Tensor Module::register_buffer(const std::string& name, const Tensor& init) {
    state_->check_name(name, "buffer");
    ++state_->structure;
    return state_->buffers.emplace_back(name, Tensor::buffer(init)).second;
}

Tensor Module::share_parameter(const std::string& name, const Tensor& parameter) {
    state_->check_name(name, "parameter");
    if (!parameter.defined() || !parameter.is_cell())
        throw Error("share_parameter: '" + name + "' would not be a parameter of a module");
    ++state_->structure;
    return state_->parameters.emplace_back(name, parameter).second;
}

void Module::register_module(const std::string& name, const Module& module) {
    state_->check_name(name, "module");
    if (module.state_->reaches(state_.get())) throw Error("register_module: '" + name + "' would contain itself");
    ++state_->structure;
    state_->children.push_back({name, module.state_});
}

} // namespace ingot::nn
