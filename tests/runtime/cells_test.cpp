// SPDX-License-Identifier: MIT
// Values and cells (rule 1): a value never changes, whatever happens to the cell that it was taken from; a cell's handle
// stands for its present value; copies of the handle are the same cell.
#include "runtime/rules_testing.h"

using namespace ingot;
using namespace ingot::rulestest;

namespace {

TEST(Cells, TensorRecordedBeforeAStepSeesTheOldWeights) {
    const Tensor w = param({1, 2});
    optim::SGD opt({w}, {.lr = 1});
    const Tensor before = w * 10;
    sum(w * 3).backward();
    opt.step();
    const Tensor after = w * 10;
    EXPECT_EQ(values(before), (Floats{10, 20}));
    EXPECT_EQ(values(after), (Floats{-20, -10}));
    EXPECT_EQ(values(w), (Floats{-2, -1}));
}

TEST(Cells, TensorRecordedBeforeAStepIsUsedAfterIt) {
    const Tensor w = param({1, 2});
    optim::SGD opt({w}, {.lr = 1});
    const Tensor before = w * 10;
    sum(w * 3).backward();
    opt.step();
    EXPECT_EQ(values(before + w), (Floats{8, 19})); // old weights * 10 + new weights
}

TEST(Cells, EveryWayOfLookingAtACellKeepsItsOldValue) {
    using View = std::function<Tensor(const Tensor&)>;
    const std::vector<View> views = {
        [](const Tensor& w) { return w.detach(); },
        [](const Tensor& w) {
            return reshape(w, {3, 2});
        },
        [](const Tensor& w) { return reshape(transpose(w, 0, 1), {6}); },
        [](const Tensor& w) { return w * 1; },
        [](const Tensor& w) { return w + 0; },
        [](const Tensor& w) { return slice(w, 0, 1, 2); },
        [](const Tensor& w) { return select(w, 0, 1); },
        [](const Tensor& w) {
            return expand(unsqueeze(w, 0), {2, 2, 3});
        },
        [](const Tensor& w) { return cast(cast(w, f64), f32); },
        [](const Tensor& w) { return sum(w); },
    };
    for (const bool evaluated : {false, true}) {
        for (size_t i = 0; i < views.size(); ++i) {
            SCOPED_TRACE("view " + std::to_string(i) + (evaluated ? ", evaluated before" : ", pending"));
            const Floats start{1, 2, 3, 4, 5, 6};
            const Tensor w = Tensor::buffer(Tensor::from(start, {2, 3}));
            const Floats expected = values(views[i](Tensor::from(start, {2, 3})));
            const Tensor view = views[i](w);
            if (evaluated) view.eval();
            w.assign(w * -1);
            submit_pending();
            w.assign(full({2, 3}, 100.0));
            EXPECT_EQ(values(w), Floats(6, 100));
            EXPECT_EQ(values(view), expected);
        }
    }
}

// Operators that have nothing to do may return their argument; for a cell that is its present value.
TEST(Cells, OperatorsWithNothingToDoTakeTheValueToo) {
    using Op = std::function<Tensor(const Tensor&)>;
    const std::vector<std::pair<const char*, Op>> ops = {
        {"reshape",
         [](const Tensor& w) {
             return reshape(w, {2, 3});
         }},
        {"slice", [](const Tensor& w) { return slice(w, 0, 0, 2); }},
        {"narrow", [](const Tensor& w) { return narrow(w, 1, 0, 3); }},
        {"permute",
         [](const Tensor& w) {
             return permute(w, {0, 1});
         }},
        {"transpose", [](const Tensor& w) { return transpose(w, 0, 0); }},
        {"squeeze", [](const Tensor& w) { return squeeze(w); }},
        {"flatten", [](const Tensor& w) { return flatten(w, 0, 0); }},
        {"expand",
         [](const Tensor& w) {
             return expand(w, {2, 3});
         }},
        {"broadcast_to",
         [](const Tensor& w) {
             return broadcast_to(w, {2, 3});
         }},
        {"pad",
         [](const Tensor& w) {
             return pad(w, {0, 0});
         }},
        {"concat", [](const Tensor& w) { return concat({w}); }},
        {"split", [](const Tensor& w) { return split(w, 2)[0]; }},
        {"chunk", [](const Tensor& w) { return chunk(w, 1)[0]; }},
        {"pow", [](const Tensor& w) { return pow(w, 1); }},
        {"dropout", [](const Tensor& w) { return dropout(w, 0.5, false); }},
        {"clamp", [](const Tensor& w) { return clamp(w, -INFINITY); }},
        {"floor", [](const Tensor& w) { return floor(w); }},
    };
    const Floats start{1, 2, 3, 4, 5, 6};
    for (const auto& [name, op] : ops) {
        const Tensor w = Tensor::buffer(Tensor::from(start, {2, 3}));
        const Tensor taken = op(w);
        EXPECT_FALSE(taken.is_cell()) << name;
        w.assign(zeros({2, 3}));
        EXPECT_EQ(values(taken), start) << name;
    }
}

TEST(Cells, ManyAssignmentsInOneSubmission) {
    const Tensor b = Tensor::buffer(vec({0, 10}));
    std::vector<Tensor> seen;
    for (int i = 0; i < 5; ++i) {
        seen.push_back(b * 2);
        b.assign(b + 1);
    }
    EXPECT_EQ(values(b), (Floats{5, 15}));
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(values(seen[static_cast<size_t>(i)]), (Floats{2.0f * i, 20.0f + 2.0f * i})) << i;
    }
}

TEST(Cells, TwoCellsSwapInOneSubmission) {
    const Tensor a = Tensor::buffer(vec({1, 2, 3})), b = Tensor::buffer(vec({7, 8, 9}));
    for (int i = 0; i < 3; ++i) { // the later rounds run the cached executable on cells that lie in place
        const Tensor old = a.detach();
        a.assign(b);
        b.assign(old);
        submit_pending();
    }
    EXPECT_EQ(values(a), (Floats{7, 8, 9}));
    EXPECT_EQ(values(b), (Floats{1, 2, 3}));
}

TEST(Cells, TwoCellsAreUpdatedFromEachOther) {
    const Tensor a = Tensor::buffer(vec({1, 2})), b = Tensor::buffer(vec({10, 20}));
    for (int i = 0; i < 3; ++i) {
        const Tensor next_a = a + b, next_b = a - b;
        a.assign(next_a);
        b.assign(next_b);
        submit_pending();
    }
    // (a, b) -> (a + b, a - b) twice is (2 a, 2 b).
    EXPECT_EQ(values(a), (Floats{22, 44}));
    EXPECT_EQ(values(b), (Floats{-18, -36}));
}

TEST(Cells, ACellIsAssignedFromItselfInAnotherOrder) {
    const Tensor w = Tensor::buffer(Tensor::from(Floats{1, 2, 3, 4}, {2, 2}));
    w.assign(transpose(w, 0, 1));
    EXPECT_EQ(values(w), (Floats{1, 3, 2, 4}));
    w.assign(flip(w));
    EXPECT_EQ(values(w), (Floats{4, 2, 3, 1}));
    w.assign(matmul(w, w));
    EXPECT_EQ(values(w), (Floats{22, 10, 15, 7}));
    w.assign(concat({slice(w, 0, 1, 2), slice(w, 0, 0, 1)}));
    EXPECT_EQ(values(w), (Floats{15, 7, 22, 10}));
    const Tensor big = Tensor::buffer(pattern({300, 300}));
    const Floats before = values(big);
    big.assign(transpose(big, 0, 1));
    const Floats after = values(big);
    for (size_t i = 0; i < 300; i += 7) {
        for (size_t j = 0; j < 300; j += 11) ASSERT_EQ(after[i * 300 + j], before[j * 300 + i]) << i << ' ' << j;
    }
}

TEST(Cells, ValuesGivenToACellStayAsTheyWere) {
    const Tensor v = vec({1, 2, 3});
    const Tensor a = Tensor::buffer(v), b = Tensor::buffer(v);
    a.assign(a + 1);
    EXPECT_EQ(values(a), (Floats{2, 3, 4}));
    EXPECT_EQ(values(b), (Floats{1, 2, 3}));
    EXPECT_EQ(values(v), (Floats{1, 2, 3}));
    const Tensor computed = exp(v * 0) * 5;
    a.assign(computed);
    b.assign(computed);
    submit_pending();
    a.assign(a * 2);
    submit_pending();
    b.assign(b * 3);
    EXPECT_EQ(values(a), Floats(3, 10));
    EXPECT_EQ(values(b), Floats(3, 15));
    EXPECT_EQ(values(computed), Floats(3, 5));
}

TEST(Cells, CopiesOfAHandleAreTheSameCell) {
    const Tensor w = param({1, 2});
    const Tensor alias = w;
    std::vector<Tensor> list{w, alias};
    EXPECT_TRUE(alias.is_cell());
    alias.assign(vec({5, 6}));
    EXPECT_EQ(values(w), (Floats{5, 6}));
    sum(alias * vec({2, 3})).backward();
    EXPECT_EQ(values(w.grad()), (Floats{2, 3}));
    optim::SGD opt({list[1]}, {.lr = 1});
    opt.step();
    EXPECT_EQ(values(w), (Floats{3, 3}));
    EXPECT_EQ(values(alias), (Floats{3, 3}));
    list[0].zero_grad();
    EXPECT_FALSE(alias.grad().defined());
}

TEST(Cells, OnlyHandlesOfCellsAreCells) {
    const Tensor w = param({1});
    EXPECT_TRUE(w.is_cell());
    EXPECT_FALSE((w * 2).is_cell());
    EXPECT_FALSE(w.detach().is_cell());
    EXPECT_FALSE(vec({1}).is_cell());
    EXPECT_TRUE(Tensor::buffer(vec({1})).is_cell());
    EXPECT_FALSE(Tensor::buffer(vec({1})).requires_grad());
}

TEST(Cells, AssignChecksAndConverts) {
    const Tensor w = param({1, 2});
    EXPECT_TRUE(fails_with([&] { w.assign(zeros({3})); }, {"[2]", "[3]"}));
    EXPECT_FALSE(error_of([&] { w.assign(zeros({2}, {.dtype = i64})); }).empty());
    EXPECT_FALSE(error_of([&] { (w * 2).assign(zeros({2})); }).empty());
    EXPECT_EQ(values(w), (Floats{1, 2}));
    w.assign(Tensor::from(std::vector<double>{0.5, 0.25}, {2}));
    EXPECT_EQ(w.dtype(), f32);
    EXPECT_EQ(values(w), (Floats{0.5, 0.25}));
    EXPECT_TRUE(w.requires_grad());
}

TEST(Cells, SliceAssignment) {
    const Tensor w = Tensor::buffer(zeros({3, 4}));
    const Tensor before = w + 1;
    w.assign_slice({1, 1}, {3, 3}, Tensor::from(Floats{1, 2, 3, 4}, {2, 2}));
    EXPECT_EQ(values(w), (Floats{0, 0, 0, 0, 0, 1, 2, 0, 0, 3, 4, 0}));
    w.assign_slice({0, 3}, {3, 4}, Tensor::scalar(9)); // broadcast
    EXPECT_EQ(values(w), (Floats{0, 0, 0, 9, 0, 1, 2, 9, 0, 3, 4, 9}));
    w.assign_slice({2, 0}, {3, 4}, slice(w, 0, 1, 2)); // from itself
    EXPECT_EQ(values(w), (Floats{0, 0, 0, 9, 0, 1, 2, 9, 0, 1, 2, 9}));
    EXPECT_EQ(values(before), Floats(12, 1));
}

TEST(Cells, SliceAssignmentsFollowEachOther) {
    const Tensor w = Tensor::buffer(zeros({100}));
    for (int64_t i = 0; i < 100; ++i) w.assign_slice({i}, {i + 1}, Tensor::scalar(static_cast<double>(i)));
    const Floats got = values(w);
    for (size_t i = 0; i < 100; ++i) ASSERT_EQ(got[i], static_cast<float>(i));
}

TEST(Cells, SliceAssignmentRefusesWhatDoesNotFit) {
    const Tensor w = Tensor::buffer(zeros({3, 4}));
    EXPECT_TRUE(fails_with([&] { w.assign_slice({0, 0}, {2, 2}, zeros({3, 3})); }, {"[2, 2]", "[3, 3]"}));
    EXPECT_FALSE(error_of([&] { w.assign_slice({0, 0}, {4, 4}, zeros({4, 4})); }).empty());
    EXPECT_FALSE(error_of([&] { w.assign_slice({0}, {1}, zeros({1})); }).empty());
    EXPECT_FALSE(error_of([&] { (w * 2).assign_slice({0, 0}, {1, 1}, zeros({1, 1})); }).empty());
    EXPECT_EQ(values(w), Floats(12, 0));
}

TEST(Cells, AParameterThatIsNotTrainedStillReads) {
    const Tensor w = Tensor::parameter(exp(zeros({2}))); // the initial value is pending
    EXPECT_EQ(values(w), (Floats{1, 1}));
    const Tensor half = Tensor::parameter(vec({0.5, 1.5}).to(f16));
    EXPECT_EQ(half.dtype(), f16);
    EXPECT_EQ(values(half), (Floats{0.5, 1.5}));
}

// Kernels may keep weights in formats of their own; nobody can tell.
TEST(Cells, FormatsOfWeightsAreInvisible) {
    manual_seed(3);
    nn::Conv2d conv(16, 32, {.kernel = 3, .padding = 1});
    const Floats start = values(conv.weight);
    const Tensor snapshot = conv.weight.detach();
    optim::SGD opt(conv.parameters(), {.lr = 0.5});
    const Tensor x = pattern({4, 16, 8, 8});
    Floats expected = start;
    for (int i = 0; i < 3; ++i) {
        opt.zero_grad();
        mean(conv(x) * pattern({4, 32, 8, 8}, 2)).backward();
        const Floats g = values(conv.weight.grad());
        opt.step();
        for (size_t k = 0; k < g.size(); ++k) expected[k] -= 0.5f * g[k];
        EXPECT_TRUE(near(values(conv.weight), expected, 1e-6)) << i;
    }
    EXPECT_EQ(values(snapshot), start);
    EXPECT_TRUE(near(values(slice(conv.weight, 0, 5, 6)),
                     Floats(expected.begin() + 5 * 144, expected.begin() + 6 * 144), 1e-6));
    conv.weight.assign_slice({0, 0, 0, 0}, {1, 16, 3, 3}, zeros({1, 16, 3, 3}));
    const Floats y = values(conv(x));
    const float bias = values(conv.bias)[0];
    for (size_t i = 0; i < 64; ++i) ASSERT_NEAR(y[i], bias, 1e-6) << i;
}

TEST(Cells, MovingAModelKeepsItsHandles) {
    auto model = mlp();
    optim::SGD opt(model.parameters(), {.lr = 0.1, .momentum = 0.9});
    const Tensor x = pattern({4, 6}), y = labels(4, 3);
    train_step(model, opt, x, y);
    const auto before = state_of(model);
    model.to(Device::reference());
    EXPECT_EQ(model.parameters()[0].device(), Device::reference());
    EXPECT_EQ(opt.parameters()[0].device(), Device::reference());
    EXPECT_TRUE(near(state_of(model), before, 0));
}

} // namespace
