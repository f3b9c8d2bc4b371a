// SPDX-License-Identifier: MIT
// Donation (rule 2): cells are written in place; a holder of the old value gets a copy first, which is counted; nobody who
// trains in the ordinary way pays for one.
#include "runtime/rules_testing.h"

using namespace ingot;
using namespace ingot::rulestest;

namespace {

TEST(Donation, AHeldValueIsCopiedOutOnce) {
    const Tensor w = param({1, 2, 3});
    optim::SGD opt({w}, {.lr = 1});
    const auto step = [&](double slope) {
        opt.zero_grad();
        sum(w * slope).backward();
        opt.step();
    };
    step(1);
    const Tensor held = w.grad(); // the gradient cell's value itself, no copy
    const int64_t before = eval_stats().copied_out;
    step(2);
    EXPECT_EQ(eval_stats().copied_out - before, 1);
    EXPECT_EQ(values(held), (Floats{1, 1, 1}));
    EXPECT_EQ(values(w.grad()), (Floats{2, 2, 2}));
    step(3); // the holder has its own copy now
    EXPECT_EQ(eval_stats().copied_out - before, 1);
    EXPECT_EQ(values(held), (Floats{1, 1, 1}));
    EXPECT_EQ(values(w), (Floats{-5, -4, -3}));
}

TEST(Donation, AValueThatATapeHoldsIsCopiedOutOnce) {
    const Tensor w = param({1, 2, 3});
    optim::SGD opt({w}, {.lr = 1});
    const auto step = [&] {
        opt.zero_grad();
        sum(w).backward();
        opt.step();
    };
    step();
    const Tensor held = sum(w * w); // its gradient needs w as it is now: 0, 1, 2
    EXPECT_EQ(held.item(), 5);
    const int64_t before = eval_stats().copied_out;
    step();
    EXPECT_EQ(eval_stats().copied_out - before, 1);
    EXPECT_EQ(values(w), (Floats{-1, 0, 1}));
    step(); // the holder has its own copy now
    EXPECT_EQ(eval_stats().copied_out - before, 1);
    EXPECT_EQ(values(w), (Floats{-2, -1, 0}));
    opt.zero_grad();
    held.backward();
    EXPECT_EQ(values(w.grad()), (Floats{0, 2, 4}));
}

TEST(Donation, SeveralHoldersOfOneValueShareACopy) {
    const Tensor w = Tensor::buffer(vec({1, 2}));
    w.eval();
    const Tensor a = w.detach(), b = a, c = w.detach();
    eval({a, c});
    const int64_t before = eval_stats().copied_out;
    w.assign(w + 1);
    submit_pending();
    EXPECT_LE(eval_stats().copied_out - before, 1);
    EXPECT_EQ(values(w), (Floats{2, 3}));
    for (const Tensor& t : {a, b, c}) EXPECT_EQ(values(t), (Floats{1, 2}));
}

TEST(Donation, HoldersOfDifferentStepsKeepTheirOwn) {
    const Tensor w = Tensor::buffer(vec({0}));
    std::vector<Tensor> held;
    for (int i = 0; i < 10; ++i) {
        held.push_back(w.detach());
        held.back().eval();
        w.assign(w + 1);
        submit_pending();
    }
    for (size_t i = 0; i < 10; ++i) EXPECT_EQ(values(held[i])[0], static_cast<float>(i));
    EXPECT_EQ(values(w)[0], 10);
}

TEST(Donation, AHolderThatLetsGoCostsNothing) {
    const Tensor w = Tensor::buffer(vec({1, 2}));
    w.assign(w + 1);
    submit_pending();
    {
        const Tensor held = w.detach();
        held.eval();
    }
    const int64_t before = eval_stats().copied_out;
    w.assign(w + 1);
    submit_pending();
    EXPECT_EQ(eval_stats().copied_out, before);
    EXPECT_EQ(values(w), (Floats{3, 4}));
}

TEST(Donation, ReadingACellHoldsNothing) {
    const Tensor w = Tensor::buffer(vec({1, 2}));
    w.assign(w + 1);
    EXPECT_EQ(values(w), (Floats{2, 3}));
    const int64_t before = eval_stats().copied_out;
    for (int i = 0; i < 5; ++i) {
        w.assign(w + 1);
        values(w);
    }
    EXPECT_EQ(eval_stats().copied_out, before);
}

TEST(Donation, TrainingCopiesNothing) {
    auto model = small_cnn();
    optim::Adam opt(model.parameters());
    const Tensor x = pattern({4, 3, 8, 8}), y = labels(4, 5);
    for (int i = 0; i < 2; ++i) train_step(model, opt, x, y).item();
    const int64_t before = eval_stats().copied_out;
    for (int i = 0; i < 10; ++i) train_step(model, opt, x, y).item();
    EXPECT_EQ(eval_stats().copied_out, before);
    auto step = compile([&](const Tensor& a, const Tensor& b) { return train_step(model, opt, a, b); });
    for (int i = 0; i < 10; ++i) step(x, y).item();
    EXPECT_EQ(eval_stats().copied_out, before);
}

TEST(Donation, ACompiledStepCopiesOutForAHolderToo) {
    const Tensor w = Tensor::buffer(vec({1, 2}));
    auto step = compile([&](const Tensor& x) {
        w.assign(w + x);
        return w * 10;
    });
    const Tensor one = vec({1, 1});
    step(one);
    const Tensor held = w.detach();
    const int64_t before = eval_stats().copied_out;
    const Tensor y = step(one);
    EXPECT_EQ(eval_stats().copied_out - before, 1);
    EXPECT_EQ(values(held), (Floats{2, 3}));
    EXPECT_EQ(values(y), (Floats{30, 40}));
    EXPECT_EQ(values(w), (Floats{3, 4}));
}

// The argument may be the very memory that the step overwrites, whatever the order of its kernels.
TEST(Donation, AnArgumentThatIsTheCellsValueIsReadBeforeItIsOverwritten) {
    const Tensor w = Tensor::buffer(vec({1, 2}));
    auto step = compile([&](const Tensor& x) {
        w.assign(w * 2);
        return x + w;
    });
    const Tensor m = Tensor::buffer(pattern({16, 16}));
    auto products = compile([&](const Tensor& x) {
        m.assign(matmul(m, m) * 0.5);
        return matmul(x, m);
    });
    auto twice = compile([&](const Tensor& x) {
        m.assign(x * 0.5); // also the other way round: the cell takes what it holds
        return softmax(matmul(x, x));
    });
    for (int i = 0; i < 3; ++i) {
        const Floats old = values(w);
        const Tensor y = step(w.detach());
        EXPECT_EQ(values(w), (Floats{2 * old[0], 2 * old[1]}));
        EXPECT_EQ(values(y), (Floats{3 * old[0], 3 * old[1]}));

        const Tensor before = Tensor::from(values(m), {16, 16});
        EXPECT_TRUE(near(values(products(m.detach())), values(matmul(before, matmul(before, before) * 0.5)), 1e-5));
        const Tensor between = Tensor::from(values(m), {16, 16});
        EXPECT_TRUE(near(values(twice(m)), values(softmax(matmul(between, between))), 1e-5));
        EXPECT_TRUE(near(values(m), values(between * 0.5), 1e-6));
    }
}

TEST(Donation, PlainStyleReadsBeforeItOverwrites) {
    const Tensor m = Tensor::buffer(pattern({16, 16}));
    for (int i = 0; i < 3; ++i) {
        const Tensor before = Tensor::from(values(m), {16, 16});
        const Tensor old = m.detach(), columns = sum(m, 0);
        m.assign(matmul(m, m) * 0.5);
        const Tensor y = matmul(old, m), z = softmax(matmul(old, old));
        EXPECT_TRUE(near(values(y), values(matmul(before, matmul(before, before) * 0.5)), 1e-5));
        EXPECT_TRUE(near(values(z), values(softmax(matmul(before, before))), 1e-5));
        EXPECT_TRUE(near(values(columns), values(sum(before, 0)), 1e-5));
        EXPECT_EQ(values(old), values(before));
    }
}

} // namespace
