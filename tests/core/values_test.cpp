// SPDX-License-Identifier: MIT
// The small value types: SmallVector, Shape, DType, Device.
#include <vector>

#include <gtest/gtest.h>

#include <ingot/device.h>
#include <ingot/dtype.h>
#include <ingot/error.h>
#include <ingot/shape.h>
#include <ingot/small_vector.h>

namespace ingot {
namespace {

using Small = SmallVector<int, 3>;

std::vector<int> list(const Small& v) { return {v.begin(), v.end()}; }

template <class F> std::string message_of(F f) {
    try {
        f();
    } catch (const Error& e) { return e.what(); }
    return "nothing thrown";
}

TEST(SmallVector, BehavesLikeAVectorInPlaceAndOnTheHeap) {
    for (int n = 0; n < 12; ++n) {
        Small v;
        std::vector<int> expected;
        for (int i = 0; i < n; ++i) {
            v.push_back(i * 7);
            expected.push_back(i * 7);
        }
        ASSERT_EQ(v.size(), expected.size());
        ASSERT_EQ(v.empty(), expected.empty());
        ASSERT_EQ(list(v), expected);
        v.insert(v.begin() + n / 2, -1);
        expected.insert(expected.begin() + n / 2, -1);
        ASSERT_EQ(list(v), expected);
        v.erase(v.begin());
        expected.erase(expected.begin());
        ASSERT_EQ(list(v), expected);
        v.resize(static_cast<size_t>(n) + 5, 9);
        expected.resize(static_cast<size_t>(n) + 5, 9);
        ASSERT_EQ(list(v), expected);
        v.pop_back();
        expected.pop_back();
        ASSERT_EQ(list(v), expected);
        ASSERT_EQ(v.back(), expected.back());
        v.resize(1);
        ASSERT_EQ(v.size(), 1u);
    }
}

TEST(SmallVector, CopiesAndMoves) {
    for (const Small& original : {Small{}, Small{1, 2}, Small{1, 2, 3}, Small{1, 2, 3, 4, 5, 6, 7}}) {
        const std::vector<int> expected = list(original);
        Small copy = original;
        EXPECT_EQ(copy, original);
        Small moved = std::move(copy);
        EXPECT_EQ(list(moved), expected);
        EXPECT_TRUE(copy.empty()); // NOLINT: moved-from is empty, by design
        copy.push_back(5);
        EXPECT_EQ(list(copy), std::vector<int>{5});
        for (Small target : {Small{}, Small{8, 9, 10, 11, 12}}) {
            target = original;
            EXPECT_EQ(list(target), expected);
            target = std::move(moved);
            EXPECT_EQ(list(target), expected);
            moved = target;
        }
        Small& same = moved;
        moved = same;
        EXPECT_EQ(list(moved), expected);
    }
    EXPECT_FALSE((Small{1, 2} == Small{1, 2, 3}));
    EXPECT_FALSE((Small{1, 2} == Small{1, 3}));
    EXPECT_EQ(list(Small(size_t{4}, 6)), (std::vector<int>{6, 6, 6, 6}));
}

TEST(Shape, CountsAndPrints) {
    EXPECT_EQ(Shape{}.numel(), 1);
    EXPECT_EQ(Shape{}.str(), "[]");
    EXPECT_EQ(Shape({2, 3}).numel(), 6);
    EXPECT_EQ(Shape({2, 3}).str(), "[2, 3]");
    EXPECT_EQ(Shape({2, 0, 3}).numel(), 0);
    EXPECT_EQ(Shape({2, 3, 4}).strides(), (Ints{12, 4, 1}));
    EXPECT_TRUE(Shape{}.strides().empty());
    EXPECT_EQ(Shape({int64_t{1} << 40, int64_t{1} << 40, 0}).numel(), 0);
    EXPECT_THROW(Shape({int64_t{1} << 40, int64_t{1} << 40}).numel(), ShapeError);
}

TEST(Shape, AxesCountFromBothEnds) {
    const Shape s{2, 3, 4};
    EXPECT_EQ(s.axis(0, "sum"), 0);
    EXPECT_EQ(s.axis(2, "sum"), 2);
    EXPECT_EQ(s.axis(-1, "sum"), 2);
    EXPECT_EQ(s.axis(-3, "sum"), 0);
    EXPECT_EQ(message_of([&] { s.axis(3, "sum"); }),
              "sum: axis 3 is out of range for shape [2, 3, 4]; allowed are -3 to 2");
    EXPECT_THROW(s.axis(-4, "sum"), ShapeError);
    EXPECT_THROW(Shape{}.axis(0, "sum"), ShapeError);
}

TEST(Shape, BroadcastsFromTheRight) {
    EXPECT_EQ(broadcast_shapes({2, 3}, {3}, "add"), Shape({2, 3}));
    EXPECT_EQ(broadcast_shapes({3}, {2, 3}, "add"), Shape({2, 3}));
    EXPECT_EQ(broadcast_shapes({2, 1, 4}, {3, 1}, "add"), Shape({2, 3, 4}));
    EXPECT_EQ(broadcast_shapes({}, {5}, "add"), Shape({5}));
    EXPECT_EQ(broadcast_shapes({}, {}, "add"), Shape{});
    EXPECT_EQ(broadcast_shapes({0}, {1}, "add"), Shape({0}));
    EXPECT_EQ(broadcast_shapes({1, 3}, {0, 3}, "add"), Shape({0, 3}));
    EXPECT_THROW(broadcast_shapes({0}, {2}, "add"), ShapeError);
    EXPECT_EQ(message_of([] {
                  broadcast_shapes({2, 3}, {2, 4}, "add");
              }),
              "add: shapes [2, 3] and [2, 4] do not broadcast: axes of 3 and 4 differ and neither is 1");
}

TEST(DType, SizesAndNames) {
    const DType all[] = {f32, f64, f16, bf16, i32, i64, u8, boolean};
    const size_t sizes[] = {4, 8, 2, 2, 4, 8, 1, 1};
    for (size_t i = 0; i < 8; ++i) {
        EXPECT_EQ(size_of(all[i]), sizes[i]);
        EXPECT_EQ(dtype_from_name(name(all[i])), all[i]);
        EXPECT_EQ(is_float(all[i]), i < 4);
        EXPECT_EQ(is_integer(all[i]), i >= 4 && i < 7);
    }
    EXPECT_EQ(message_of([] { dtype_from_name("float32"); }),
              "unknown dtype 'float32'; known are f32, f64, f16, bf16, i32, i64, u8, bool");
    EXPECT_EQ(dtype_of<float>(), f32);
    EXPECT_EQ(dtype_of<bool>(), boolean);
    EXPECT_EQ(dtype_of<int64_t>(), i64);
}

TEST(DType, PromotionIsPyTorchs) {
    // torch.promote_types, rows and columns in this order.
    const DType order[] = {boolean, u8, i32, i64, f16, bf16, f32, f64};
    const DType table[8][8] = {
        {boolean, u8, i32, i64, f16, bf16, f32, f64},  // bool
        {u8, u8, i32, i64, f16, bf16, f32, f64},       // u8
        {i32, i32, i32, i64, f16, bf16, f32, f64},     // i32
        {i64, i64, i64, i64, f16, bf16, f32, f64},     // i64
        {f16, f16, f16, f16, f16, f32, f32, f64},      // f16
        {bf16, bf16, bf16, bf16, f32, bf16, f32, f64}, // bf16
        {f32, f32, f32, f32, f32, f32, f32, f64},      // f32
        {f64, f64, f64, f64, f64, f64, f64, f64},      // f64
    };
    for (int i = 0; i < 8; ++i)
        for (int j = 0; j < 8; ++j)
            EXPECT_EQ(promote(order[i], order[j]), table[i][j]) << name(order[i]) << " with " << name(order[j]);
}

TEST(Device, NamesRoundTrip) {
    EXPECT_EQ(Device::cpu().str(), "cpu");
    EXPECT_EQ(Device::reference().str(), "reference");
    EXPECT_EQ((Device{Device::Kind::cuda, 0}.str()), "cuda:0");
    EXPECT_EQ(Device::parse("cpu"), Device::cpu());
    EXPECT_EQ(Device::parse("cpu:0"), Device::cpu());
    EXPECT_EQ(Device::parse("reference"), Device::reference());
    EXPECT_EQ(Device::parse("cuda"), (Device{Device::Kind::cuda, 0}));
    EXPECT_EQ(Device::parse("cuda:3"), (Device{Device::Kind::cuda, 3}));
    EXPECT_EQ(Device::parse("metal").kind, Device::Kind::metal);
    EXPECT_EQ(Device::parse("auto"), Device::best());
    for (const char* bad :
         {"", "gpu", "CPU", "cuda:", "cuda:x", "cuda:-1", "cuda:1x", "cuda:99999", "cpu:1", ":0", "auto:0"})
        EXPECT_THROW(Device::parse(bad), DeviceError) << bad;
    EXPECT_EQ(message_of([] { Device::parse("gpu"); }),
              "device 'gpu': unknown name; give auto, cpu, cuda, cuda:N, metal or reference");
}

TEST(Device, TheListSaysWhatIsThereAndWhyNot) {
    bool cpu = false, reference = false;
    for (const DeviceInfo& info : devices()) {
        EXPECT_FALSE(info.name.empty());
        EXPECT_EQ(info.available, info.reason.empty()) << info.name;
        if (info.available) { EXPECT_GT(info.memory_bytes, 0) << info.name; }
        cpu |= info.device == Device::cpu() && info.available;
        reference |= info.device == Device::reference() && info.available;
        if (info.device == Device::best()) { EXPECT_TRUE(info.available); }
    }
    EXPECT_TRUE(cpu);
    EXPECT_TRUE(reference);
    EXPECT_NE(Device::best(), Device::reference());
}

} // namespace
} // namespace ingot
