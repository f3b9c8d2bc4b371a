// SPDX-License-Identifier: MIT
// What printed kernels look like: launches, constants folded away, index widths; and the schedules chosen.
#include <gtest/gtest.h>

#include <set>

#include "codegen/cases.h"

namespace ingot::test {
namespace {

using namespace samples;
using codegen::Argument;
using codegen::PrintedKernel;
using codegen::Schedule;
using codegen::Strategy;

PrintedKernel print(const Sample& s) {
    return codegen::print_kernel(s.program, codegen::cuda(), codegen::choose_schedule(s.program));
}
bool has(const PrintedKernel& k, const std::string& text) { return k.source.find(text) != std::string::npos; }

TEST(Print, TheSameProgramGivesTheSameText) {
    std::set<std::string> entries;
    for (const Case& c : codegen_cases()) {
        const PrintedKernel a = codegen::print_kernel(c.sample.program, codegen::cuda(), c.schedule);
        const PrintedKernel b = codegen::print_kernel(c.sample.program, codegen::cuda(), c.schedule);
        EXPECT_EQ(a.source, b.source) << c.name;
        EXPECT_EQ(codegen::choose_schedule(c.sample.program), codegen::choose_schedule(c.sample.program));
        for (const codegen::Launch& l : a.launches) EXPECT_TRUE(entries.insert(l.entry).second) << l.entry;
    }
}

TEST(Print, NumbersOfLaunches) {
    EXPECT_EQ(print(chain(5000)).launches.size(), 1u);
    EXPECT_EQ(print(softmax(64, 1000)).launches.size(), 1u);
    EXPECT_EQ(print(adam(std::vector<int64_t>(100, 777))).launches.size(), 1u); // however many tensors
    EXPECT_EQ(print(layer_norm_backward(4096, 768)).launches.size(), 2u);       // rows, then their partial column sums
    EXPECT_EQ(print(batch_norm_stats(64, 3136, 64)).launches.size(), 2u);
    EXPECT_EQ(print(many_stages(2, 2000, 40)).launches.size(), 3u); // rows, finals, columns
    EXPECT_EQ(print(once_store(100)).launches.size(), 2u);          // the counter is stored after all have read it
    EXPECT_EQ(print(chain(0)).launches.size(), 0u);
    EXPECT_EQ(print(softmax(64, 1000)).workspace_bytes, 0);
    EXPECT_GT(print(layer_norm_backward(4096, 768)).workspace_bytes, 0);
}

TEST(Print, ArgumentsAreWhatTheKernelUses) {
    const PrintedKernel k = print(embedding(20, 33, 11, false));
    ASSERT_EQ(k.launches.size(), 1u);
    const std::vector<Argument> want = {{Argument::Kind::Buffer, 0},
                                        {Argument::Kind::Buffer, 1},
                                        {Argument::Kind::Buffer, 2},
                                        {Argument::Kind::Error, 0}};
    EXPECT_EQ(k.launches[0].arguments, want);
    EXPECT_TRUE(has(k, "ig_embedding(void* b0, void* b1, void* b2, void* error)"));
    const PrintedKernel plain = print(chain(10));
    for (const Argument& a : plain.launches[0].arguments) EXPECT_NE(a.kind, Argument::Kind::Error);
}

TEST(Print, GuardsThatAlwaysHoldVanish) {
    Sketch s("guards", {8}, {}, {16});
    const int32_t x = s.input({DType::f32, 128}), y = s.output(DType::f32, 128);
    const ValueId inside = s.load(x, s.at({16, 1}), {{s.at({16, 1}), 0, 128}}, 5);
    const ValueId outside = s.load(x, s.at({16, 1}), {{s.at({16, 1}), 128, 200}}, 6);
    const ValueId half = s.load(x, s.at({16, 1}), {{s.at({0, 1}), 0, 9}}, 7);
    s.store(y, s.at({16, 1}), s.apply(Scalar::add, inside, s.apply(Scalar::mul, outside, half)));
    const PrintedKernel k = print(s.done());
    EXPECT_TRUE(has(k, "v0 = ((float*)b0)[i0 * 16 + i1];"));
    EXPECT_TRUE(has(k, "v1 = 6.0f;"));
    EXPECT_TRUE(has(k, "v2 = i1 < 9 ? ((float*)b0)[i0 * 16 + i1] : 7.0f;"));
}

TEST(Print, IndicesAreAsWideAsTheyMustBe) {
    EXPECT_TRUE(has(print(chain(1 << 20)), "typedef int ig_index;"));
    EXPECT_TRUE(has(print(chain(int64_t{1} << 31)), "typedef long long ig_index;"));
    EXPECT_TRUE(has(print(wide_addresses()), "typedef long long ig_index;"));
}

TEST(Print, NoAtomicsButTheErrorWord) {
    for (const Case& c : codegen_cases()) {
        const PrintedKernel k = codegen::print_kernel(c.sample.program, codegen::cuda(), c.schedule);
        const size_t first = k.source.find("atomic");
        EXPECT_EQ(k.source.find("atomic", first + 1), std::string::npos) << c.name; // the one in ig_bad_index
    }
}

TEST(Print, SegmentTableHoldsExtentsAddressesAndBlocks) {
    const Sample s = adam({5, 1025});
    const Schedule schedule{.strategy = Strategy::Segments, .threads = 256, .per_thread = 4};
    const PrintedKernel k = codegen::print_kernel(s.program, codegen::cuda(), schedule);
    ASSERT_EQ(k.points_per_block, 1024);
    std::vector<uint64_t> addresses;
    for (size_t i = 0; i < s.buffers.size(); ++i) addresses.push_back(1000 + i);
    const std::vector<uint64_t> table = codegen::segment_table(s.program, k, addresses);
    const size_t stride = 1 + s.program.operands.size();
    ASSERT_EQ(table.size(), 2 * stride + 3); // one block, then two
    EXPECT_EQ(table[0], 5u);
    EXPECT_EQ(table[1], 1000u); // the learning rate is shared
    EXPECT_EQ(table[stride], 1025u);
    EXPECT_EQ(table[stride + 1], 1000u);
    EXPECT_EQ(table[stride + 2], 1000u + static_cast<uint64_t>(s.program.segments[1].buffers[1]));
    EXPECT_EQ(table[2 * stride], 0u);
    EXPECT_EQ(table[2 * stride + 1], 1u);
    EXPECT_EQ(table[2 * stride + 2], (uint64_t{1} << 32) + 1);
    ASSERT_EQ(k.launches.size(), 1u);
    EXPECT_EQ(k.launches[0].grid, 3);
}

TEST(Schedule, FollowsTheShape) {
    EXPECT_EQ(codegen::choose_schedule(chain(100).program).strategy, Strategy::Map);
    EXPECT_EQ(codegen::choose_schedule(adam({3, 4}).program).strategy, Strategy::Segments);
    EXPECT_EQ(codegen::choose_schedule(batch_norm_stats(8, 100, 16).program).strategy, Strategy::Columns);
    EXPECT_EQ(codegen::choose_schedule(final_reductions(1, 100, 100).program).strategy, Strategy::Flat);
    EXPECT_EQ(codegen::choose_schedule(once_only().program).strategy, Strategy::Once);
    const Schedule short_rows = codegen::choose_schedule(softmax(64, 100).program);
    EXPECT_EQ(short_rows.strategy, Strategy::Rows);
    EXPECT_EQ(short_rows.lanes, 32);
    EXPECT_TRUE(short_rows.stash);
    const Schedule long_rows = codegen::choose_schedule(softmax(64, 60000).program);
    EXPECT_EQ(long_rows.lanes, long_rows.threads);
    EXPECT_FALSE(long_rows.stash);                                                         // read again
    EXPECT_EQ(codegen::choose_schedule(max_pool(64, 112, 112, 3, 2, 1).program).lanes, 1); // neighbouring windows
}

TEST(ScheduleDeath, OneThatCannotCarryTheProgram) {
    EXPECT_DEATH(codegen::print_kernel(softmax(4, 10).program, codegen::cuda(), {.strategy = Strategy::Map}),
                 "not a map");
    EXPECT_DEATH(codegen::print_kernel(softmax(4, 100).program, codegen::cuda(),
                                       {.strategy = Strategy::Rows, .threads = 64, .lanes = 32, .per_thread = 2}),
                 "unrolled rows must be covered");
}

} // namespace
} // namespace ingot::test
