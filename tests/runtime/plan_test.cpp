// SPDX-License-Identifier: MIT
// schedule and plan: order, memory, writing in place.
#include <gtest/gtest.h>

#include "passes/pass_testing.h"
#include "runtime/plan.h"

namespace ingot {
namespace {

using passtest::Build;
using runtime::Place;

class NoKernel final : public backend::Kernel {
    void run(void* const*, void*, program::ErrorWord*) const override {}
};

struct Planned {
    ir::Graph g;
    std::vector<int32_t> order;
    runtime::Plan plan;
    std::vector<backend::KernelPtr> kernels;
};

Planned planned(const ir::Graph& graph, int64_t workspace = 0) {
    Planned p;
    p.g = passes::dce(passes::fuse(graph, passtest::cpu_target(), true));
    for (const ir::Node& n : p.g.nodes) {
        p.kernels.push_back(n.prim() == graph::Prim::reshape ? nullptr : std::make_unique<NoKernel>());
        if (p.kernels.back()) p.kernels.back()->workspace_bytes = static_cast<size_t>(workspace);
    }
    p.order = runtime::schedule(p.g);
    p.plan = runtime::plan(p.g, p.order, p.kernels);
    return p;
}

TEST(Plan, AnOptimizerWritesItsCellsInPlace) {
    Build b;
    const auto w = b.input({100}), g = b.input({100});
    b.result(b.apply(Scalar::sub, {w, g}), true, 0);
    const Planned p = planned(b.g);
    EXPECT_TRUE(p.plan.copies.empty());
    EXPECT_EQ(p.plan.arena_bytes, 0);
    EXPECT_EQ(p.plan.steps[0].args.back().in, Place::In::result);
}

TEST(Plan, ACellThatIsReadLaterIsCopiedAtTheEnd) {
    // The new value is needed to compute a product with the old one.
    Build b;
    const auto w = b.input({16, 16});
    const auto fresh = b.apply(Scalar::exp, {w});
    b.result(fresh, true, 0);
    b.result(b.matmul(fresh, w));
    const Planned p = planned(b.g);
    ASSERT_EQ(p.plan.copies.size(), 1u);
    EXPECT_EQ(p.plan.copies[0].result, 0);
    EXPECT_EQ(p.plan.copies[0].saved, -1);
}

TEST(Plan, ReadersOfTheOldValueGoFirst) {
    Build b;
    const auto w = b.input({16, 16});
    b.result(b.matmul(w, w));
    b.result(b.apply(Scalar::exp, {w}), true, 0);
    const Planned p = planned(b.g);
    EXPECT_TRUE(p.plan.copies.empty());
    EXPECT_EQ(p.g.nodes[static_cast<size_t>(p.order[0])].prim(), graph::Prim::matmul);
}

TEST(Plan, TwoCellsThatSwapAreSavedFirst) {
    Build b;
    const auto x = b.input({8}), y = b.input({8});
    b.result(y, true, 0);
    b.result(x, true, 1);
    const Planned p = planned(b.g);
    ASSERT_EQ(p.plan.copies.size(), 2u);
    EXPECT_GE(p.plan.copies[0].saved, 0);
    EXPECT_GE(p.plan.copies[1].saved, 0);
    EXPECT_NE(p.plan.copies[0].saved, p.plan.copies[1].saved);
}

TEST(Plan, MemoryIsUsedAgain) {
    // A chain of products needs two buffers, however long it is.
    Build b;
    auto v = b.input({64, 64});
    const auto w = b.input({64, 64});
    for (int i = 0; i < 10; ++i) v = b.matmul(v, w);
    b.result(v);
    EXPECT_EQ(planned(b.g).plan.arena_bytes, 2 * 64 * 64 * 4);
}

TEST(Plan, WorkspacesDoNotLieOverValues) {
    Build b;
    auto v = b.input({16, 16});
    for (int i = 0; i < 3; ++i) v = b.matmul(v, v);
    b.result(v);
    const Planned p = planned(b.g, 1000);
    for (const auto& s : p.plan.steps) {
        for (const Place& a : s.args) {
            if (a.in != Place::In::arena) continue;
            const bool apart = a.offset + 1024 <= s.workspace || s.workspace + 1000 <= a.offset;
            EXPECT_TRUE(apart);
        }
    }
}

TEST(Plan, ReshapesShareMemory) {
    Build b;
    const auto y = b.matmul(b.input({4, 6}), b.input({6, 4}));
    b.result(b.matmul(b.reshape(y, {2, 8}), b.reshape(y, {8, 2})));
    const Planned p = planned(b.g);
    ASSERT_EQ(p.plan.steps.size(), 2u);
    EXPECT_EQ(p.plan.steps[1].args[0].offset, p.plan.steps[1].args[1].offset);
    EXPECT_EQ(p.plan.arena_bytes, 64);
}

} // namespace
} // namespace ingot
