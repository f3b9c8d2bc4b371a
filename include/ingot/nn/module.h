// SPDX-License-Identifier: MIT
// The base class of layers and models: named parameters, buffers and submodules, train and eval mode, state_dict.
// A Module is a handle like a Tensor: copies share parameters and mode, so layers can be members, be moved into a
// Sequential or be used in two places. Deriving: create parameters with register_parameter, layers as members that are
// handed to register_module, and override forward. Not synchronised; use one model on one thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ingot/state_dict.h>
#include <ingot/tensor.h>

namespace ingot::nn {

class Module {
public:
    Module();
    virtual ~Module() = default;
    Module(const Module&) = default;
    Module(Module&&) = default;
    Module& operator=(const Module&) = default;
    Module& operator=(Module&&) = default;

    /// Records the module applied to x. Errors: Error when the derived class does not define it.
    virtual Tensor forward(Tensor x);
    Tensor operator()(const Tensor& x);

    /// Training or evaluation mode, here and in all submodules. Modules begin in training mode.
    void train(bool on = true);
    void eval() { train(false); }
    bool is_training() const;

    /// All parameters, each once even when two submodules share it; names are PyTorch's ("0.weight").
    StateDict named_parameters() const;
    std::vector<Tensor> parameters() const;
    StateDict named_buffers() const;
    std::vector<Tensor> buffers() const { return named_buffers().tensors(); }
    /// Number of elements of all parameters.
    int64_t num_parameters() const;

    /// Parameters and buffers under PyTorch's names, in PyTorch's order. The tensors alias the module's.
    StateDict state_dict() const;
    /// Copies the values in; checks everything before it changes anything. Floats are converted to the parameter's dtype.
    /// Errors: ShapeError naming the key and both shapes, DTypeError, and, when strict, Error naming missing and
    /// unexpected keys.
    void load_state_dict(const StateDict& state, bool strict = true);

    /// The key under which `part` stands in this module: "layer1.0.conv1", "" for this one itself; nothing when it is elsewhere.
    std::optional<std::string> key_of(const Module& part) const;

    /// Moves all parameters and buffers; their handles (in optimizers, for example) follow.
    Module& to(Device device);
    /// Clears the gradients of all parameters.
    void zero_grad() const;

    /// Different whenever the mode or the set of parameters, buffers or submodules of this module is: compile()'s guard.
    uint64_t version() const;

    /// Names hold no dots. Errors: Error for a bad name or one that is taken.
    /// The name "" adds no level to keys: a parameter "" is called like its module ("pos"), what is in a module "" like what is
    /// beside it. Thus a model can have the keys of one that is written in another way.
    Tensor register_parameter(const std::string& name, const Tensor& init);
    Tensor register_buffer(const std::string& name, const Tensor& init);
    void register_module(const std::string& name, const Module& module);
    /// Makes a parameter of another module one of this module too (tied weights). It keeps its cell: both change together,
    /// optimizers see it once, state_dict has it under both names. Returns it. Errors: Error unless it is a parameter.
    Tensor share_parameter(const std::string& name, const Tensor& parameter);

private:
    friend class ModeGuard;
    struct State;
    std::shared_ptr<State> state_;
};

/// Remembers the mode of a module and of each submodule, and puts them back when it goes, also after an exception: parts of a
/// model may be in evaluation mode (frozen batch norm) while the rest trains.
class ModeGuard {
public:
    explicit ModeGuard(const Module& module);
    ~ModeGuard();
    ModeGuard(const ModeGuard&) = delete;
    ModeGuard& operator=(const ModeGuard&) = delete;

private:
    std::vector<std::pair<std::shared_ptr<Module::State>, bool>> before_;
};

/// While it lives, this thread calls a function with every module that was applied to a tensor and with the result, inner
/// modules before those that hold them. For looking for the layer where something begins. Scopes may nest: the inner one hears.
class ForwardWatch {
public:
    using See = std::function<void(const Module& module, const Tensor& output)>;
    explicit ForwardWatch(See see);
    ~ForwardWatch();
    ForwardWatch(const ForwardWatch&) = delete;
    ForwardWatch& operator=(const ForwardWatch&) = delete;

private:
    See see_;
    const See* before_;
};

} // namespace ingot::nn
