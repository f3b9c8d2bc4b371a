// SPDX-License-Identifier: MIT
// Modules made of modules. Layers are moved or copied in (copies share parameters); a layer can also be given as a
// std::shared_ptr. Keys in state_dict are the layers' names: their positions unless add() names them.
#pragma once

#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <ingot/nn/module.h>

namespace ingot::nn {

/// Applies its layers one after the other: Sequential{Linear(4, 8), ReLU(), Linear(8, 2)}.
class Sequential : public Module {
public:
    Sequential() = default;
    template <class... Layers>
    requires(sizeof...(Layers) > 0 &&
             !(sizeof...(Layers) == 1 && (std::is_base_of_v<Sequential, std::remove_cvref_t<Layers>> &&
                                          ...))) explicit(sizeof...(Layers) == 1) Sequential(Layers&&... layers) {
        (add(std::forward<Layers>(layers)), ...);
    }

    /// Appends a layer, named by its position or by `name`.
    template <class Layer> Sequential& add(Layer&& layer) {
        return add(std::to_string(size()), std::forward<Layer>(layer));
    }
    template <class Layer> Sequential& add(const std::string& name, Layer&& layer) {
        using Plain = std::remove_cvref_t<Layer>;
        if constexpr (std::is_base_of_v<Module, Plain>) {
            return append(name, std::make_shared<Plain>(std::forward<Layer>(layer)));
        } else {
            return append(name, std::shared_ptr<Module>(std::forward<Layer>(layer)));
        }
    }

    Tensor forward(Tensor x) override;

    size_t size() const { return layers_->size(); }
    Module& operator[](size_t i) const;
    const std::string& layer_name(size_t i) const;

private:
    struct Entry {
        std::string name;
        std::shared_ptr<Module> module;
    };
    Sequential& append(const std::string& name, std::shared_ptr<Module> layer);
    std::shared_ptr<std::vector<Entry>> layers_ = std::make_shared<std::vector<Entry>>();
};

/// after(layers(x) + shortcut(x)). An empty shortcut is the identity; `after` may be empty. Keys: the layers' own names
/// ("conv1.weight"), "short." and "after." before those of the others.
class Residual : public Module {
public:
    explicit Residual(Sequential layers, Sequential shortcut = {}, Sequential after = {});
    Tensor forward(Tensor x) override;

private:
    Sequential layers_, shortcut_, after_;
};

} // namespace ingot::nn
