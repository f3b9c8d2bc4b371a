// SPDX-License-Identifier: MIT
// Exponential moving averages of a model's weights and of its float buffers (running statistics), which often generalise better
// than the weights of the last step. Used by the trainer. Holds handles of the model's cells. One thread.
#pragma once

#include <cstdint>
#include <vector>

#include <ingot/nn/module.h>
#include <ingot/state_dict.h>

namespace ingot::train {

class Ema {
public:
    /// Averages begin at the present values. Errors: Error unless 0 < decay < 1.
    Ema(const nn::Module& model, double decay);

    /// To be called after an update (inside compile(), too): average += (1 - d) (value - average), where
    /// d = min(decay, (1 + n) / (10 + n)) after n updates, so that the first averages are not those of random weights.
    void update();

    /// The averages, under the names of what they are of.
    const StateDict& averages() const { return averages_; }
    /// What they are of.
    const StateDict& values() const { return values_; }
    int64_t updates() const { return updates_; }
    /// Errors: Error naming an average that is missing or has another shape.
    void load(const StateDict& averages, int64_t updates);

    /// The averages become the model's values.
    void copy_to_model() const;

    /// While it lives, the model has the averages.
    class Scope {
    public:
        explicit Scope(const Ema* ema); ///< null: nothing happens
        ~Scope();
        Scope(const Scope&) = delete;
        Scope& operator=(const Scope&) = delete;

    private:
        const Ema* ema_;
        std::vector<Tensor> before_;
    };

private:
    double decay_;
    int64_t updates_ = 0;
    StateDict values_, averages_;
};

} // namespace ingot::train
