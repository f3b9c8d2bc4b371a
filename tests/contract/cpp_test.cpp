// SPDX-License-Identifier: MIT
// The C++ interface that the contract names, through <ingot/ingot.h> only; and the three ways of training that the design
// begins with.
#include <vector>

#include <gtest/gtest.h>
#include <ingot/ingot.h>

#include "support/command.h"

namespace ingot {
namespace {

TEST(Cpp, TensorsAreMadeMovedAndRead) {
    const Tensor a = Tensor::from(std::vector<float>{1, 2, 3, 4, 5, 6}, Shape{2, 3});
    EXPECT_EQ(a.shape(), (Shape{2, 3}));
    EXPECT_EQ(a.dtype(), DType::f32);
    EXPECT_EQ(a.device(), Device::cpu()) << "the library's default device";
    EXPECT_EQ(a.to(DType::f64).dtype(), DType::f64);
    EXPECT_EQ(a.to(Device::cpu()).to_vector<float>(), (std::vector<float>{1, 2, 3, 4, 5, 6}));
    EXPECT_EQ(sum(a).item<float>(), 21);
    EXPECT_EQ(sum(a, {1}, true).shape(), (Shape{2, 1}));
    EXPECT_EQ(sum(a, {0}).to_vector<float>(), (std::vector<float>{5, 7, 9}));
    EXPECT_EQ((a * 2.0 - a / 2.0 + a).to_vector<float>()[1], 5);
}

TEST(Cpp, Creation) {
    EXPECT_EQ(zeros({2}, {.dtype = DType::i64}).to_vector<int64_t>(), (std::vector<int64_t>{0, 0}));
    EXPECT_EQ(ones({2}, {.dtype = DType::f64, .device = Device::cpu()}).to_vector<double>(),
              (std::vector<double>{1, 1}));
    EXPECT_EQ(full({2}, 7, {.dtype = DType::f32}).to_vector<float>(), (std::vector<float>{7, 7}));
    EXPECT_EQ(arange(3, {.dtype = DType::i64}).to_vector<int64_t>(), (std::vector<int64_t>{0, 1, 2}));
    EXPECT_TRUE(randn({2}, {.requires_grad = true}).requires_grad());
    manual_seed(3);
    const auto first = rand({4}).to_vector<float>();
    EXPECT_NE(rand({4}).to_vector<float>(), first);
    manual_seed(3);
    EXPECT_EQ(rand({4}).to_vector<float>(), first);
    for (const float value : first) EXPECT_TRUE(value >= 0 && value < 1) << value;
}

TEST(Cpp, Gradients) {
    Tensor x = Tensor::from(std::vector<float>{1, 2, 3}, Shape{3});
    EXPECT_FALSE(x.requires_grad());
    x.set_requires_grad(true);
    sum(x * x).backward();
    EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{2, 4, 6}));
    EXPECT_FALSE(x.detach().requires_grad());
    const std::vector<Tensor> inputs = {randn({3}, {.dtype = DType::f64, .requires_grad = true}),
                                        randn({3}, {.dtype = DType::f64, .requires_grad = true})};
    EXPECT_NO_THROW(gradcheck([](const std::vector<Tensor>& v) { return sum(tanh(v[0]) * v[1]); }, inputs));
    // A gradient that is not the function's: half of it flows through a detached tensor.
    EXPECT_THROW(gradcheck([](const std::vector<Tensor>& v) { return sum(v[0] * v[0].detach()); }, {inputs[0]}), Error);
}

TEST(Cpp, ModulesAndTheirState) {
    manual_seed(1);
    nn::Sequential model{nn::Linear(4, 3), nn::ReLU(), nn::BatchNorm1d(3), nn::Linear(3, 2)};
    EXPECT_EQ(model.parameters().size(), 6u);
    EXPECT_EQ(model.named_parameters().at("0.weight").shape(), (Shape{3, 4}));
    const Tensor x = randn({5, 4});
    model.train();
    (void)model(x).to_vector<float>();
    model.eval();
    const auto before = model(x).to_vector<float>();

    testing_support::ScratchFolder folder;
    const std::string file = folder / "weights.safetensors";
    save_safetensors(file, model.state_dict());
    nn::Sequential other{nn::Linear(4, 3), nn::ReLU(), nn::BatchNorm1d(3), nn::Linear(3, 2)};
    other.eval();
    EXPECT_NE(other(x).to_vector<float>(), before);
    other.load_state_dict(load_safetensors(file));
    EXPECT_EQ(other(x).to_vector<float>(), before);
}

TEST(Cpp, ErrorsNameOpAndShapes) {
    try {
        (void)matmul(zeros({2, 3}), zeros({4, 5}));
        FAIL() << "multiplied";
    } catch (const Error& error) {
        for (const std::string part : {"matmul", "[2, 3]", "[4, 5]"})
            EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
}

TEST(Cpp, Statistics) {
    const Tensor x = randn({7, 3});
    (void)x.to_vector<float>();
    const auto cache = cache_stats();
    for (int i = 0; i < 3; ++i) (void)(x * 3.0 + 0.125).to_vector<float>();
    const auto after = cache_stats();
    EXPECT_GE(after.hits, cache.hits + 2);
    EXPECT_GE(after.misses, cache.misses + 1);
    EXPECT_GE(after.compiles, cache.compiles + 1);
    EXPECT_GE(after.evictions, cache.evictions);
    EXPECT_GT(after.size, 0u);

    const auto memory = memory_stats(Device::cpu());
    EXPECT_EQ(memory.num_allocations, memory.num_pool_hits + memory.num_pool_misses);
    EXPECT_GE(memory.num_allocations, memory.num_deallocations);
    EXPECT_EQ(memory.total_memory, memory.used_memory + memory.total_free);
    EXPECT_EQ(memory.num_allocations - memory.num_deallocations, memory.live);
    EXPECT_GT(memory.live, 0);
    EXPECT_GE(memory.peak, memory.used_memory);
}

/// Two groups of points that a small network tells apart.
struct Points {
    Tensor x, y;
};
Points points() {
    manual_seed(5);
    const Tensor y = randint(0, 2, {64});
    return {randn({64, 4}) + unsqueeze(y.to(DType::f32), 1) * 3.0, y};
}

TEST(Cpp, PlainTraining) {
    const auto [x, y] = points();
    auto model = nn::Sequential{nn::Linear(4, 8), nn::ReLU(), nn::Linear(8, 2)};
    model.to(Device::best());
    auto opt = optim::AdamW(model.parameters(), {.lr = 1e-2, .weight_decay = 0.01});
    float first = 0, last = 0;
    for (int i = 0; i < 40; ++i) {
        if (i == 20) opt.set_lr(5e-3);
        auto loss = nn::cross_entropy(model(x), y);
        opt.zero_grad();
        loss.backward();
        opt.step();
        last = loss.item<float>();
        if (i == 0) first = last;
    }
    EXPECT_LT(last, first / 2);
}

TEST(Cpp, CompiledTraining) {
    const auto [x, y] = points();
    auto model = nn::Sequential{nn::Linear(4, 8), nn::ReLU(), nn::Linear(8, 2)};
    auto opt = optim::AdamW(model.parameters(), {.lr = 1e-2});
    auto step = compile([&](const Tensor& inputs, const Tensor& labels) {
        auto loss = nn::cross_entropy(model(inputs), labels);
        opt.zero_grad();
        loss.backward();
        opt.step();
        return loss;
    });
    const float first = step(x, y).item<float>();
    const auto before = cache_stats();
    float last = 0;
    for (int i = 0; i < 40; ++i) {
        opt.set_lr(1e-2 * (1 - i / 80.0)); // an input of the step: nothing is compiled again
        last = step(x, y).item<float>();
    }
    EXPECT_EQ(cache_stats().compiles, before.compiles);
    EXPECT_LT(last, first / 2);
}

TEST(Cpp, ExplicitGraphAndItsReport) {
    Graph g;
    auto x = g.placeholder({2, 3});
    auto w = g.placeholder({3, 4});
    auto y = g.relu(g.matmul(x, w));
    auto exe = g.compile(Device::cpu(), {x, w}, {y});
    const auto out = exe.run({ones({2, 3}), full({3, 4}, 2.0)});
    EXPECT_EQ(out.at(0).to_vector<float>(), std::vector<float>(8, 6));
    const Report report = exe.report();
    ASSERT_FALSE(report.kernels.empty());
    EXPECT_FALSE(report.kernels[0].name.empty());
    EXPECT_FALSE(report.kernels[0].ops.empty());
    EXPECT_GT(report.kernels[0].bytes, 0u);
    EXPECT_GT(report.kernels[0].flops, 0u);
    EXPECT_EQ(report.submissions, 1u);
    EXPECT_NE(report.str().find(report.kernels[0].name), std::string::npos);
}

} // namespace
} // namespace ingot
