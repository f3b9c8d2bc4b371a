// SPDX-License-Identifier: MIT
// simplify, fold, cse, dce, widen, epilogue: graphs before and after.
#include "passes/pass_testing.h"

namespace ingot {
namespace {

using passtest::Build;
using passtest::names;

ir::Graph cleaned(const ir::Graph& g) { return passes::dce(passes::simplify(g)); }

TEST(Simplify, ViewsThatDoNothingGo) {
    Build b;
    const auto x = b.input({2, 3});
    auto v = b.reshape(x, {2, 3});
    v = b.permute(v, {0, 1});
    v = b.broadcast(v, {2, 3});
    b.result(b.apply(Scalar::neg, {v}));
    EXPECT_EQ(names(cleaned(b.g)), "neg");
}

TEST(Simplify, ViewsOfViewsJoin) {
    Build b;
    const auto x = b.input({2, 3, 4});
    b.result(b.reshape(b.reshape(x, {6, 4}), {24}));
    b.result(b.permute(b.permute(x, {1, 2, 0}), {2, 0, 1})); // back to the start
    b.result(b.permute(b.permute(x, {1, 2, 0}), {1, 2, 0}));
    EXPECT_EQ(names(cleaned(b.g)), "reshape permute");
    EXPECT_EQ(ir::print(cleaned(b.g)), "inputs %0:f32[2, 3, 4]\n"
                                       "%1:f32[24] = reshape(%0) {24}\n"
                                       "%2:f32[4, 2, 3] = permute(%0) {2, 0, 1}\n"
                                       "results %1 %0 %2\n");
}

TEST(Simplify, APermuteThatMovesOnlyOnesIsAReshape) {
    Build b;
    b.result(b.permute(b.input({4, 1, 5}), {1, 0, 2}));
    EXPECT_EQ(names(cleaned(b.g)), "reshape");
}

TEST(Simplify, NeutralElements) {
    Build b;
    auto v = b.input({3});
    v = b.apply(Scalar::mul, {v, b.constant(1)});
    v = b.apply(Scalar::add, {b.constant(0), v});
    v = b.apply(Scalar::div, {v, b.constant(1)});
    v = b.apply(Scalar::sub, {v, b.constant(0)});
    v = b.apply(Scalar::pow, {v, b.constant(1)});
    v = b.apply(Scalar::neg, {b.apply(Scalar::neg, {v})});
    b.result(b.apply(Scalar::exp, {v}));
    EXPECT_EQ(names(cleaned(b.g)), "exp");
}

TEST(Simplify, ReductionsOfOneElementEachGo) {
    Build b;
    const auto x = b.input({4, 1, 5});
    for (const auto* op : {&ops::kSum, &ops::kProd, &ops::kMax, &ops::kMin}) b.result(b.op(*op, {x}, {1}));
    b.result(b.op(ops::kMoments, {x}, {1}));
    EXPECT_EQ(names(cleaned(b.g)), "");
    b.result(b.op(ops::kSum, {b.input({1, 3}, DType::boolean)}, {0}));
    b.result(b.op(ops::kArgmin, {x}, {1}));
    b.result(b.g.nodes[4].outputs[1]); // the variance
    EXPECT_EQ(names(cleaned(b.g)), "sub cast constant");
}

TEST(Simplify, AnElementThatChangesTheShapeStays) {
    Build b;
    b.result(b.apply(Scalar::mul, {b.input({3}), b.constant(1, {2, 3})}));
    EXPECT_EQ(names(cleaned(b.g)), "constant mul");
}

TEST(Simplify, SquaresAreProducts) {
    Build b;
    b.result(b.apply(Scalar::pow, {b.input({3}), b.constant(2)}));
    EXPECT_EQ(names(cleaned(b.g)), "mul");
}

TEST(Simplify, TransposesBecomeFlagsOfMatmul) {
    Build b;
    const auto a = b.input({5, 3}), c = b.input({4, 5});
    b.result(b.matmul(b.permute(a, {1, 0}), b.permute(c, {1, 0})));
    EXPECT_EQ(ir::print(cleaned(b.g)), "inputs %0:f32[5, 3] %1:f32[4, 5]\n"
                                       "%2:f32[3, 4] = matmul(%0, %1) {1, 1, 0}\n"
                                       "results %2\n");
}

TEST(Simplify, BroadcastsIntoElementwiseGo) {
    Build b;
    const auto x = b.input({4, 3}), row = b.input({1, 3});
    b.result(b.apply(Scalar::add, {x, b.broadcast(row, {4, 3})}));
    b.result(b.apply(Scalar::neg, {b.broadcast(row, {4, 3})})); // here the broadcast makes the shape
    EXPECT_EQ(names(cleaned(b.g)), "add broadcast_to neg");
}

TEST(Simplify, ReshapesSinkBelowElementwise) {
    Build b;
    const auto x = b.input({4, 6}), y = b.input({4, 6});
    const auto sum = b.apply(Scalar::add, {b.reshape(x, {24}), b.reshape(y, {24})});
    b.result(b.apply(Scalar::mul, {sum, b.constant(3)}));
    EXPECT_EQ(names(cleaned(b.g)), "add constant mul reshape");
}

TEST(Fold, OperatorsOnConstants) {
    Build b;
    const auto two = b.constant(2, {3}), half = b.constant(0.5);
    const auto v = b.apply(Scalar::mul, {b.apply(Scalar::add, {two, two}), half});
    b.result(b.apply(Scalar::add, {b.input({3}), v}));
    const ir::Graph g = passes::dce(passes::fold(b.g));
    EXPECT_EQ(names(g), "constant add");
    EXPECT_EQ(graph::unpack(g.nodes[0].attrs[1]), 2.0);
}

TEST(Fold, RoundsLikeTheDType) {
    Build b;
    b.result(b.op(ops::kCast, {b.constant(1.0 / 3, {}, f64)}, {static_cast<int64_t>(f16)}));
    const ir::Graph g = passes::dce(passes::fold(b.g));
    ASSERT_EQ(names(g), "constant");
    EXPECT_EQ(graph::unpack(g.nodes[0].attrs[1]), 0.333251953125);
}

TEST(Cse, EqualNodesAreComputedOnce) {
    Build b;
    const auto x = b.input({3}), y = b.input({3});
    const auto p = b.apply(Scalar::mul, {x, y}), q = b.apply(Scalar::mul, {x, y}), r = b.apply(Scalar::mul, {y, x});
    b.result(b.apply(Scalar::add, {b.apply(Scalar::add, {p, q}), r}));
    EXPECT_EQ(names(passes::dce(passes::cse(b.g))), "mul mul add add"); // no commutation: rounding stays as written
}

TEST(Cse, OtherAttributesAreOtherNodes) {
    Build b;
    const auto x = b.input({2, 2});
    b.result(b.sum(x, {0}));
    b.result(b.sum(x, {1}));
    EXPECT_EQ(names(passes::cse(b.g)), "sum sum");
}

TEST(Dce, KeepsOnlyWhatResultsNeed) {
    Build b;
    const auto x = b.input({3});
    b.apply(Scalar::exp, {b.apply(Scalar::neg, {x})});
    b.result(b.apply(Scalar::abs, {x}));
    EXPECT_EQ(names(passes::dce(b.g)), "abs");
}

TEST(Widen, HalfPrecisionProductsRunInF32) {
    Build b;
    b.result(b.matmul(b.input({2, 3}, f16), b.input({3, 4}, f16)));
    const ir::Graph g = passes::widen(b.g, passtest::cpu_target());
    EXPECT_EQ(names(g), "cast cast matmul cast");
    EXPECT_EQ(g.type(g.results[0].value).dtype, f16);
}

TEST(Epilogue, BiasAndActivationJoinTheProduct) {
    for (const Scalar f : {Scalar::relu, Scalar::sigmoid, Scalar::tanh}) {
        Build b;
        const auto y = b.matmul(b.input({8, 4}), b.input({4, 6}));
        b.result(b.apply(f, {b.apply(Scalar::add, {y, b.input({6})})}));
        const ir::Graph g = passes::dce(passes::epilogue(b.g, passtest::cpu_target()));
        ASSERT_EQ(names(g), "matmul");
        EXPECT_EQ(g.nodes[0].inputs.size(), 3u);
        EXPECT_EQ(g.nodes[0].attrs[2], 1 + static_cast<int64_t>(f));
    }
}

TEST(Epilogue, WhatOthersNeedStays) {
    Build b;
    const auto y = b.matmul(b.input({8, 4}), b.input({4, 6}));
    const auto z = b.apply(Scalar::add, {y, b.input({6})});
    b.result(b.apply(Scalar::relu, {z}));
    b.result(z); // the sum before the activation is wanted too
    EXPECT_EQ(names(passes::dce(passes::epilogue(b.g, passtest::cpu_target()))), "matmul relu");
}

TEST(Epilogue, ARowThatIsNoBiasStays) {
    Build b;
    const auto y = b.matmul(b.input({8, 4}), b.input({4, 6}));
    b.result(b.apply(Scalar::add, {y, b.input({8, 1})}));
    EXPECT_EQ(names(passes::dce(passes::epilogue(b.g, passtest::cpu_target()))), "matmul add");
}

TEST(Passes, SwitchesAreChecked) {
    const uint64_t before = passes::pass_switches();
    passes::set_passes("none");
    EXPECT_EQ(passes::pass_switches(), 0u);
    passes::set_passes("-fuse,-cse");
    EXPECT_NE(passes::pass_switches(), before);
    EXPECT_THROW(passes::set_passes("-fusion"), Error);
    passes::set_passes("");
    const uint64_t all = passes::pass_switches();
    EXPECT_NE(all, 0u);
    if (before == 0) passes::set_passes("none");
}

} // namespace
} // namespace ingot
