// SPDX-License-Identifier: MIT
#include <cstring>
#include <numeric>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <ingot/buffer.h>
#include <ingot/error.h>
#include <ingot/memory.h>

namespace ingot {
namespace {

template <class F> std::string message_of(F f) {
    try {
        f();
    } catch (const Error& e) { return e.what(); }
    return "nothing thrown";
}

class BufferTest : public testing::TestWithParam<Device> {
protected:
    Buffer make(size_t bytes) const { return Buffer::allocate(GetParam(), bytes); }
};

TEST_P(BufferTest, HandlesShareOneAllocation) {
    const int64_t before = memory_stats(GetParam()).live;
    {
        Buffer a = make(100);
        EXPECT_EQ(a.device(), GetParam());
        EXPECT_EQ(a.bytes(), 100u);
        EXPECT_EQ(reinterpret_cast<uintptr_t>(a.data()) % 64, 0u);
        Buffer b = a;
        EXPECT_EQ(b, a);
        EXPECT_EQ(b.data(), a.data());
        EXPECT_FALSE(make(100) == a);
        Buffer c = std::move(b);
        EXPECT_EQ(c, a);
        EXPECT_EQ(b.bytes(), 0u); // NOLINT: moved-from is empty
        a = Buffer();
        EXPECT_EQ(memory_stats(GetParam()).live, before + 1);
        const Buffer& same = c;
        c = same;
        EXPECT_EQ(c.bytes(), 100u);
    }
    EXPECT_EQ(memory_stats(GetParam()).live, before);
}

TEST_P(BufferTest, NothingIsAllowed) {
    for (Buffer b : {Buffer(), make(0)}) {
        EXPECT_EQ(b.bytes(), 0u);
        b.fill(1);
        b.fill_word(1);
        b.copy_from_host(nullptr, 0);
        b.copy_to_host(nullptr, 0);
        b.copy_from(make(0));
        EXPECT_TRUE(b.to_vector<float>().empty());
        EXPECT_THROW(b.fill(1, 0, 1), Error);
        EXPECT_THROW(b.fill(1, 1, 0), Error);
    }
}

TEST_P(BufferTest, FillsBytesAndWords) {
    Buffer b = make(37);
    b.fill(0xAB);
    b.fill(0x01, 5, 3);
    const auto bytes = b.to_vector<uint8_t>();
    for (size_t i = 0; i < 37; ++i) EXPECT_EQ(bytes[i], i >= 5 && i < 8 ? 0x01 : 0xAB) << i;

    Buffer w = make(40);
    w.fill(0);
    w.fill_word(0x3F800000, 4, 32); // 1.0f
    const auto floats = w.to_vector<float>();
    for (size_t i = 0; i < 10; ++i) EXPECT_EQ(floats[i], i >= 1 && i < 9 ? 1.0f : 0.0f) << i;
    EXPECT_THROW(w.fill_word(1, 2, 4), Error);
    EXPECT_THROW(w.fill_word(1, 0, 6), Error);
    EXPECT_THROW(b.fill_word(1), Error);
}

TEST_P(BufferTest, CopiesToAndFromTheHost) {
    std::vector<int32_t> numbers(100);
    std::iota(numbers.begin(), numbers.end(), 0);
    Buffer b = make(400);
    b.copy_from_host(numbers);
    EXPECT_EQ(b.to_vector<int32_t>(), numbers);
    int32_t two[2] = {-1, -2};
    b.copy_from_host(two, 8, 40);
    b.copy_to_host(two, 8, 36);
    EXPECT_EQ(two[0], 9);
    EXPECT_EQ(two[1], -1);
    EXPECT_THROW(b.copy_from_host(nullptr, 4), Error);
    EXPECT_THROW(make(7).to_vector<int32_t>(), Error);
}

TEST_P(BufferTest, CopiesBetweenBuffersOfAllDevices) {
    for (const Device other : {Device::cpu(), Device::reference()}) {
        Buffer source = Buffer::allocate(other, 64), target = make(64);
        for (uint8_t i = 0; i < 64; ++i) source.fill(i, i, 1);
        target.copy_from(source);
        EXPECT_EQ(target.to_vector<uint8_t>(), source.to_vector<uint8_t>());
        target.fill(0xFF);
        target.copy_from(source, 4, 10, 20);
        const auto bytes = target.to_vector<uint8_t>();
        EXPECT_EQ(bytes[9], 0xFF);
        EXPECT_EQ(bytes[10], 20);
        EXPECT_EQ(bytes[13], 23);
        EXPECT_EQ(bytes[14], 0xFF);
    }
    EXPECT_THROW(make(4).copy_from(make(8)), Error);
}

TEST_P(BufferTest, OverlappingCopiesMoveTheOldContents) {
    Buffer b = make(10);
    for (uint8_t i = 0; i < 10; ++i) b.fill(i, i, 1);
    b.copy_from(b, 8, 2, 0);
    EXPECT_EQ(b.to_vector<uint8_t>(), (std::vector<uint8_t>{0, 1, 0, 1, 2, 3, 4, 5, 6, 7}));
}

TEST_P(BufferTest, RangesOutsideAreErrorsAndWriteNothing) {
    Buffer b = make(16);
    b.fill(7);
    uint8_t host[32] = {};
    EXPECT_EQ(message_of([&] { b.copy_from_host(host, 8, 12); }),
              "Buffer::copy_from_host: 8 bytes at offset 12 do not fit into a buffer of 16 bytes");
    EXPECT_THROW(b.copy_to_host(host, 17), Error);
    EXPECT_THROW(b.fill(1, 17, 0), Error);
    EXPECT_THROW(b.fill(1, SIZE_MAX, 2), Error); // the sum wraps around
    EXPECT_THROW(b.fill(1, 2, SIZE_MAX), Error);
    EXPECT_THROW(b.fill_word(1, 16, 4), Error);
    EXPECT_THROW(b.copy_from(make(4), 5), Error);
    EXPECT_THROW(b.copy_from(make(32), 32), Error);
    EXPECT_EQ(b.to_vector<uint8_t>(), std::vector<uint8_t>(16, 7));
}

TEST_P(BufferTest, ImportedMemoryIsUsedInPlaceAndReleasedOnce) {
    std::vector<float> mine{1, 2, 3};
    int released = 0;
    const int64_t before = memory_stats(GetParam()).num_allocations;
    {
        Buffer b = Buffer::import(GetParam(), mine.data(), 12, [&] { ++released; });
        Buffer other = b;
        EXPECT_EQ(b.data(), mine.data());
        EXPECT_EQ(b.device(), GetParam());
        mine[1] = 20;
        EXPECT_EQ(b.to_vector<float>(), (std::vector<float>{1, 20, 3}));
        other.fill(0);
        b = Buffer();
        EXPECT_EQ(released, 0);
    }
    EXPECT_EQ(released, 1);
    EXPECT_EQ(mine, (std::vector<float>{0, 0, 0}));
    EXPECT_EQ(memory_stats(GetParam()).num_allocations, before);
    Buffer::import(GetParam(), mine.data(), 12); // without a callback
    EXPECT_THROW(Buffer::import(GetParam(), nullptr, 4), Error);
}

TEST_P(BufferTest, ImportedMemoryNeedsNoAlignment) {
    std::vector<uint8_t> bytes(21, 0);
    Buffer b = Buffer::import(GetParam(), bytes.data() + 1, 20);
    b.fill_word(0x04030201);
    EXPECT_EQ(bytes[0], 0);
    EXPECT_EQ(bytes[17], 1);
    EXPECT_EQ(bytes[20], 4);
}

TEST_P(BufferTest, HandlesMayBeDroppedOnManyThreads) {
    int released = 0;
    std::vector<std::thread> threads;
    {
        float x = 0;
        Buffer b = Buffer::import(GetParam(), &x, 4, [&] { ++released; });
        for (int t = 0; t < 4; ++t) {
            threads.emplace_back([b] {
                for (int i = 0; i < 1000; ++i) Buffer copy = b;
            });
        }
        for (auto& t : threads) t.join();
    }
    threads.clear();
    EXPECT_EQ(released, 1);
}

INSTANTIATE_TEST_SUITE_P(Devices, BufferTest, testing::Values(Device::cpu(), Device::reference()),
                         [](const auto& info) { return info.param.str(); });

TEST(Buffer, DevicesThatAreNotThereAreErrors) {
    const Device cuda{Device::Kind::cuda, 0};
    EXPECT_THROW(Buffer::allocate(cuda, 4), DeviceError);
    float x = 0;
    EXPECT_THROW(Buffer::import(cuda, &x, 4), DeviceError);
}

} // namespace
} // namespace ingot
