// SPDX-License-Identifier: MIT
// Recipes: every optimizer that can be named is made with the recipe's settings.
#include <gtest/gtest.h>

#include <ingot/ops.h>

#include "train/recipe.h"

using namespace ingot;
using namespace ingot::train;

namespace {

TEST(RecipeOptimizers, EveryOptimizerCanBeNamed) {
    EXPECT_EQ(optimizer_names().size(), 11u);
    for (const std::string& name : optimizer_names()) {
        Recipe recipe = default_recipe("lenet", false);
        use_optimizer(recipe, name);
        EXPECT_EQ(recipe.optimizer, name);
        EXPECT_EQ(recipe.str().rfind(name + " lr ", 0), 0u) << recipe.str();
        recipe.lr = 0.125;
        const Tensor p = Tensor::parameter(full({3, 2}, 1.0));
        const auto optimizer = make_optimizer(recipe, {p});
        EXPECT_EQ(optimizer->lr(), 0.125) << name;
        sum(p * 3).backward();
        optimizer->step();
        for (const float v : p.to_vector<float>()) EXPECT_LT(v, 1) << name;
    }
}

/// What a step away from a gradient of zero changes.
double decay_of(const std::string& name, double weight_decay) {
    Recipe recipe;
    use_optimizer(recipe, name);
    recipe.weight_decay = weight_decay;
    recipe.lr = 0.5;
    const Tensor p = Tensor::parameter(full({2, 2}, 1.0));
    const auto optimizer = make_optimizer(recipe, {p});
    sum(p * 0).backward();
    optimizer->step();
    return 1 - static_cast<double>(p.to_vector<float>()[0]);
}

TEST(RecipeOptimizers, WeightDecayAndMomentumReachTheOptimizer) {
    for (const std::string& name : optimizer_names()) {
        EXPECT_NEAR(decay_of(name, 0), 0, 1e-6) << name;
        EXPECT_GT(decay_of(name, 0.1), 1e-6) << name;
    }
    Recipe recipe;
    use_optimizer(recipe, "sgd");
    recipe.momentum = 0;
    const Tensor p = Tensor::parameter(zeros({1}));
    EXPECT_FALSE(make_optimizer(recipe, {p})->state_dict().contains("0.momentum_buffer"));
    recipe.momentum = 0.5;
    EXPECT_TRUE(make_optimizer(recipe, {p})->state_dict().contains("0.momentum_buffer"));
    use_optimizer(recipe, "rmsprop");
    recipe.momentum = 0.5;
    EXPECT_TRUE(make_optimizer(recipe, {p})->state_dict().contains("0.momentum_buffer"));
}

TEST(RecipeOptimizers, Errors) {
    Recipe recipe;
    EXPECT_THROW(use_optimizer(recipe, "lamb"), Error);
    recipe.optimizer = "lamb";
    EXPECT_THROW(make_optimizer(recipe, {Tensor::parameter(zeros({1}))}), Error);
    EXPECT_THROW(make_loss("hinge"), Error);
}

} // namespace
