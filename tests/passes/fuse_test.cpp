// SPDX-License-Identifier: MIT
// layout, fuse, batch: which operators share a kernel, and the loop structure that they get.
#include "passes/pass_testing.h"

namespace ingot {
namespace {

using passtest::Build;
using passtest::names;
using program::Program;

ir::Graph fused(const ir::Graph& g) { return passes::dce(passes::fuse(g, passtest::cpu_target(), true)); }
const Program& program_at(const ir::Graph& g, size_t node) { return passes::program_of(g.nodes[node]); }

/// softmax over the last axis of x.
Build::V softmax(Build& b, Build::V x) {
    const auto last = static_cast<int64_t>(b.g.type(x).shape.rank()) - 1;
    const auto top = b.op(ops::kMax, {x}, {last});
    const auto e = b.apply(Scalar::exp, {b.apply(Scalar::sub, {x, top})});
    return b.apply(Scalar::div, {e, b.sum(e, {last})});
}

TEST(Fuse, AChainIsOneProgram) {
    Build b;
    const Shape s{16, 16};
    const auto x = b.apply(Scalar::mul, {b.input(s), b.input(s)});
    b.result(b.apply(Scalar::mul, {b.apply(Scalar::sigmoid, {x}), b.apply(Scalar::tanh, {b.input(s)})}));
    EXPECT_EQ(names(fused(b.g)), "fused");
}

TEST(Fuse, SoftmaxHasThreeStages) {
    Build b;
    b.result(softmax(b, b.input({64, 100})));
    const ir::Graph g = fused(b.g);
    ASSERT_EQ(names(g), "fused");
    const Program& p = program_at(g, 0);
    EXPECT_EQ(p.stages, 3);
    EXPECT_EQ(p.num_p, 1);
    EXPECT_EQ(p.num_a, 0);
    EXPECT_EQ(p.num_r, 1);
    EXPECT_EQ(p.axes, (Ints{64, 100}));
}

TEST(Fuse, ColumnSumsStandBesideRows) {
    // dx and the weight's gradient of a normalization: one pass over the rows.
    Build b;
    const auto x = b.input({512, 64}), g = b.input({512, 64});
    const auto t = b.apply(Scalar::mul, {x, g});
    b.result(b.apply(Scalar::sub, {x, b.sum(t, {1})}));
    b.result(b.sum(t, {0}));
    const ir::Graph f = fused(b.g);
    ASSERT_EQ(names(f), "fused");
    const Program& p = program_at(f, 0);
    EXPECT_EQ(p.num_a, 1);
    EXPECT_EQ(p.num_r, 1);
    ASSERT_EQ(p.reduces.size(), 2u);
    EXPECT_NE(p.reduces[0].to, p.reduces[1].to);
}

TEST(Fuse, AColumnSumUsedAgainEndsTheProgram) {
    Build b;
    const auto x = b.input({512, 64});
    b.result(b.apply(Scalar::sub, {x, b.sum(x, {0})})); // every column must be summed before the first element
    EXPECT_EQ(names(fused(b.g)), "fused fused");
}

TEST(Fuse, SumOfEverythingIsCutIntoChunks) {
    Build b;
    b.result(b.sum(b.input({1 << 20}), {0}));
    const ir::Graph g = fused(b.g);
    ASSERT_EQ(names(g), "fused");
    EXPECT_EQ(program_at(g, 0).reduces[0].to, program::Level::Final);
}

TEST(Fuse, ViewsBecomeAddresses) {
    Build b;
    const auto x = b.input({8, 16});
    const auto t = b.permute(x, {1, 0});
    b.result(b.apply(Scalar::add, {t, b.broadcast(b.input({16, 1}), {16, 8})}));
    EXPECT_EQ(names(fused(b.g)), "fused");
}

TEST(Fuse, ATransposeAndItsSourceDoNotMeetInOneProgram) {
    Build b;
    const auto x = b.apply(Scalar::exp, {b.input({16, 16})});
    b.result(b.apply(Scalar::add, {x, b.permute(x, {1, 0})})); // the transpose needs all of exp first
    EXPECT_EQ(names(fused(b.g)), "fused fused");
}

TEST(Fuse, NoCycleThroughAnOpaqueOperator) {
    Build b;
    const auto x = b.apply(Scalar::exp, {b.input({16, 16})});
    const auto y = b.matmul(x, x);
    b.result(b.apply(Scalar::add, {x, y})); // exp before, add after the product
    EXPECT_EQ(names(fused(b.g)), "fused matmul fused");
}

TEST(Fuse, NoCycleThroughAnEarlyMemberOfALaterProgram) {
    // The sum and the last product read the same x and would share a pass, but the fused program between them (the product
    // with q needs the sum) also makes r, which the last product needs.
    Build b;
    const auto x = b.input({1024, 64});
    const auto r = b.apply(Scalar::rsqrt, {b.input({1, 64})});
    const auto q = b.matmul(b.sum(x, {0}), b.input({64, 64}));
    b.result(b.apply(Scalar::mul, {x, r}));
    b.result(b.apply(Scalar::mul, {r, q}));
    EXPECT_EQ(names(fused(b.g)), "fused matmul fused fused");
}

TEST(Fuse, ReductionsOfOneElementEachAreMaps) {
    Build b;
    const auto x = b.input({64, 1});
    b.result(b.sum(b.op(ops::kCast, {b.op(ops::kArgmax, {x}, {1})}, {static_cast<int64_t>(f32)}), {0}));
    EXPECT_EQ(names(fused(b.g)), "fused");
    const auto m = b.op(ops::kMoments, {b.apply(Scalar::exp, {x})}, {1});
    const auto variance = b.g.nodes[static_cast<size_t>(b.g.values[static_cast<size_t>(m)].node)].outputs[1];
    b.result(b.sum(b.apply(Scalar::mul, {m, variance}), {0}));
    EXPECT_EQ(names(fused(b.g)), "fused fused");
}

TEST(Fuse, CostlyFunctionsOfFewValuesStayApart) {
    Build b;
    const auto scale = b.apply(Scalar::rsqrt, {b.input({1, 64})});
    b.result(b.apply(Scalar::mul, {b.input({1024, 64}), scale}));
    EXPECT_EQ(names(fused(b.g)), "fused fused");
}

TEST(Fuse, OffMeansOneOperatorEach) {
    Build b;
    b.result(softmax(b, b.input({64, 100})));
    EXPECT_EQ(names(passes::dce(passes::fuse(b.g, passtest::cpu_target(), false))), "fused fused fused fused fused");
}

TEST(Fuse, ReductionsOverTheSameDataShareAPass) {
    Build b;
    const auto g = b.input({4096, 32}), x = b.input({4096, 32});
    b.result(b.sum(g, {0}));
    b.result(b.sum(b.apply(Scalar::mul, {g, x}), {0}));
    EXPECT_EQ(names(fused(b.g)), "fused");
}

TEST(Layout, ImagesBetweenConvolutionsAreChannelsLast) {
    Build b;
    const auto x = b.input({2, 16, 8, 8});
    auto y = b.apply(Scalar::relu, {b.conv(x, b.input({32, 16, 3, 3}), 1)});
    y = b.conv(y, b.input({32, 32, 3, 3}), 1);
    b.result(y);
    const ir::Graph g = passes::layout(b.g, passtest::cpu_target());
    EXPECT_EQ(names(g), "conv2d relu conv2d identity"); // the result goes back to row-major
    for (const ir::Node& n : g.nodes) {
        const bool last = n.op == &graph::kIdentity;
        EXPECT_EQ(g.values[static_cast<size_t>(n.outputs[0])].format.is_channels_last(), !last) << n.op->name;
    }
}

TEST(Layout, FlattenGetsRowMajorMemory) {
    Build b;
    const auto y = b.conv(b.input({2, 16, 8, 8}), b.input({32, 16, 3, 3}), 1);
    b.result(b.reshape(y, {2, 2048}));
    EXPECT_EQ(names(passes::layout(b.g, passtest::cpu_target())), "conv2d identity reshape");
}

TEST(Layout, NarrowConvolutionsAskForNone) {
    Build b;
    const auto y = b.apply(Scalar::relu, {b.conv(b.input({4, 3, 8, 8}), b.input({8, 3, 3, 3}), 1)});
    b.result(y);
    EXPECT_EQ(ir::print(passes::layout(b.g, passtest::cpu_target())), ir::print(b.g));
    // Followed by one that wants channels-last, the image between them is: a reorder would cost more.
    b.g.results.clear();
    b.result(b.conv(y, b.input({16, 8, 3, 3}), 1));
    const ir::Graph g = passes::layout(b.g, passtest::cpu_target());
    EXPECT_EQ(names(g), "conv2d relu conv2d identity");
    for (size_t i = 0; i < 3; ++i)
        EXPECT_TRUE(g.values[static_cast<size_t>(g.nodes[i].outputs[0])].format.is_channels_last()) << i;
}

TEST(Layout, GraphsWithoutConvolutionsAreLeftAlone) {
    Build b;
    b.result(b.apply(Scalar::relu, {b.input({2, 16, 8, 8})}));
    EXPECT_EQ(ir::print(passes::layout(b.g, passtest::cpu_target())), ir::print(b.g));
}

TEST(Batch, TheSameMapOverManyTensorsIsOneLaunch) {
    Build b;
    for (const int64_t n : {7, 300, 5000}) {
        const auto p = b.input({n, 2}), g = b.input({n, 2});
        b.result(b.apply(Scalar::sub, {p, b.apply(Scalar::mul, {g, b.constant(0.1)})}));
    }
    const ir::Graph g = passes::batch(fused(b.g));
    ASSERT_EQ(names(g), "fused");
    const Program& p = program_at(g, 0);
    ASSERT_EQ(p.segments.size(), 3u);
    EXPECT_EQ(p.segments[2].extent, 10000);
    EXPECT_EQ(p.num_inputs, 6);
    EXPECT_EQ(p.num_outputs, 3);
}

TEST(Batch, DependentMapsStayInOrder) {
    Build b;
    const auto x = b.input({100}), y = b.input({100});
    const auto first = b.apply(Scalar::mul, {x, b.constant(2)});
    const auto mm = b.matmul(b.reshape(first, {10, 10}), b.reshape(y, {10, 10}));
    b.result(b.apply(Scalar::mul, {b.reshape(mm, {100}), b.constant(2)}));
    const ir::Graph g = passes::batch(fused(b.g));
    EXPECT_NO_FATAL_FAILURE(ir::verify(g));
    EXPECT_EQ(
        std::count_if(g.nodes.begin(), g.nodes.end(), [](const ir::Node& n) { return n.prim() == graph::Prim::fused; }),
        2);
}

} // namespace
} // namespace ingot
