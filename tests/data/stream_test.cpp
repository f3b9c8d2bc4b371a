// SPDX-License-Identifier: MIT
// Streams and samplers.
#include <atomic>
#include <cmath>
#include <numeric>
#include <set>

#include "data/data_testing.h"

namespace ingot::data {
namespace {

/// 0, 1, 2, ... plus 1000 per epoch, as x f32 [1] and y i64; fails or ends where it is told to.
class Numbers : public StreamDataset {
public:
    struct Options {
        int64_t count = 0, fails_at = -1;
        bool sized = false;
    };
    explicit Numbers(Options options) : options_(options) {}
    std::unique_ptr<SampleStream> open(int64_t epoch) const override {
        ++opened;
        return std::make_unique<Reader>(*this, epoch * 1000);
    }
    std::optional<int64_t> size() const override {
        return options_.sized ? std::optional(options_.count) : std::nullopt;
    }
    mutable std::atomic<int> opened{0}, inside{0};

private:
    struct Reader : SampleStream {
        Reader(const Numbers& numbers, int64_t first) : all(numbers), base(first) {}
        std::optional<Sample> next() override {
            EXPECT_EQ(++all.inside, 1); // one thread at a time
            const int64_t i = at++;
            --all.inside;
            if (i == all.options_.fails_at) throw FileError("the line is broken");
            if (i >= all.options_.count) return {};
            return Sample{Array(std::vector<float>{static_cast<float>(base + i)}, {1}), base + i};
        }
        const Numbers& all;
        int64_t base, at = 0;
    };
    Options options_;
};

std::vector<int64_t> order_of(DataLoader& loader, int64_t epoch, int64_t first = 0) {
    std::vector<int64_t> order;
    loader.start(epoch, first);
    for (Tensor x, y; loader.next(x, y);)
        for (const int64_t i : y.to_vector<int64_t>()) order.push_back(i);
    return order;
}

std::vector<int64_t> range(int64_t first, int64_t last) {
    std::vector<int64_t> out(static_cast<size_t>(last - first));
    std::iota(out.begin(), out.end(), first);
    return out;
}

TEST(StreamLoader, InOrderWithAnyWorkers) {
    for (const int workers : {0, 1, 2, 4})
        for (const int64_t count : {0, 1, 31, 32, 33, 100}) {
            const auto numbers = std::make_shared<Numbers>(Numbers::Options{.count = count});
            DataLoader loader(numbers, {.batch = 8, .workers = workers});
            EXPECT_EQ(order_of(loader, 0), range(0, count)) << count << " with " << workers;
            EXPECT_EQ(order_of(loader, 2), range(2000, 2000 + count));
            DataLoader dropping(numbers, {.batch = 8, .drop_last = true, .workers = workers});
            EXPECT_EQ(order_of(dropping, 0), range(0, count / 8 * 8));
            DataLoader limited(numbers, {.batch = 8, .workers = workers, .steps = 3});
            EXPECT_EQ(order_of(limited, 0), range(0, std::min<int64_t>(count, 24)));
            EXPECT_EQ(order_of(loader, 0, 2), range(std::min<int64_t>(16, count), count)); // resumed
        }
}

TEST(StreamLoader, TransformsBelongToTheSampleNumber) {
    std::vector<float> expected;
    for (const int workers : {0, 1, 4}) {
        LoaderOptions options{.batch = 8, .workers = workers, .seed = 5};
        options.transforms = {[](Sample& sample, Random& random) {
            std::get<Array>(sample.x).edit<float>()[0] += static_cast<float>(random.uniform());
        }};
        DataLoader loader(std::make_shared<Numbers>(Numbers::Options{.count = 50}), options);
        std::vector<float> got;
        for (auto [x, y] : loader)
            for (const float v : x.to_vector<float>()) got.push_back(v);
        if (expected.empty()) expected = got;
        EXPECT_EQ(got, expected);
        std::vector<float> rest;
        loader.start(0, 3);
        for (Tensor x, y; loader.next(x, y);)
            for (const float v : x.to_vector<float>()) rest.push_back(v);
        EXPECT_EQ(rest, std::vector<float>(expected.begin() + 24, expected.end()));
    }
}

TEST(StreamLoader, Steps) {
    DataLoader unknown(std::make_shared<Numbers>(Numbers::Options{.count = 20}), {.batch = 8});
    EXPECT_ERROR(unknown.steps(), "does not know how many samples it has; set options.steps");
    DataLoader known(std::make_shared<Numbers>(Numbers::Options{.count = 20, .sized = true}), {.batch = 8});
    EXPECT_EQ(known.steps(), 3);
    DataLoader said(std::make_shared<Numbers>(Numbers::Options{.count = 20}), {.batch = 8, .steps = 7});
    EXPECT_EQ(said.steps(), 7);
    EXPECT_ERROR(DataLoader(std::make_shared<Numbers>(Numbers::Options{}), {.shuffle = true}), "cannot be shuffled");
}

TEST(StreamLoader, ErrorsComeAfterTheBatchesBefore) {
    for (const int workers : {0, 1, 2, 4})
        for (const int64_t fails_at : {0, 16, 20, 31}) {
            DataLoader loader(std::make_shared<Numbers>(Numbers::Options{.count = 100, .fails_at = fails_at}),
                              {.batch = 8, .workers = workers});
            Tensor x, y;
            for (int round = 0; round < 2; ++round) {
                loader.start(0);
                for (int64_t i = 0; i < fails_at / 8; ++i) ASSERT_TRUE(loader.next(x, y));
                EXPECT_ERROR(loader.next(x, y), "sample " + std::to_string(fails_at) + ": the line is broken");
                EXPECT_THROW(loader.next(x, y), FileError);
            }
        }
}

TEST(StreamLoader, CanBeLeft) {
    for (const int workers : {0, 1, 4}) {
        DataLoader loader(std::make_shared<Numbers>(Numbers::Options{.count = 1000}), {.batch = 4, .workers = workers});
        for (int round = 0; round < 5; ++round)
            for (auto [x, y] : loader)
                if (y.to_vector<int64_t>()[0] % 1000 >= 12 * round) break;
        EXPECT_EQ(order_of(loader, 0).size(), 1000u);
    }
}

TEST(Sampler, Orders) {
    EXPECT_EQ(SequentialSampler(4).indices(7), (std::vector<int64_t>{0, 1, 2, 3}));
    const RandomSampler random(50, 3);
    const auto one = random.indices(1);
    EXPECT_EQ(std::set<int64_t>(one.begin(), one.end()).size(), 50u);
    EXPECT_EQ(one, RandomSampler(50, 3).indices(1));
    EXPECT_NE(one, random.indices(2));
    EXPECT_NE(one, RandomSampler(50, 4).indices(1));
    const SubsetSampler some({5, 9, 2}), mixed(range(10, 60), true, 1);
    EXPECT_EQ(some.indices(0), (std::vector<int64_t>{5, 9, 2}));
    EXPECT_EQ(mixed.size(), 50);
    auto order = mixed.indices(0);
    EXPECT_NE(order, range(10, 60));
    std::sort(order.begin(), order.end());
    EXPECT_EQ(order, range(10, 60));
    DataLoader loader(testing::counting(60), {.batch = 7, .sampler = std::make_shared<SubsetSampler>(mixed)});
    EXPECT_EQ(loader.steps(), 8);
    EXPECT_EQ(order_of(loader, 4), mixed.indices(4));
}

TEST(Sampler, WeightedCounts) {
    const WeightedSampler sampler({1, 0, 3, 4, 0}, {.samples = 80000, .seed = 2});
    std::vector<int> counts(5);
    for (const int64_t i : sampler.indices(0)) ++counts[static_cast<size_t>(i)];
    EXPECT_NEAR(counts[0], 10000, 400);
    EXPECT_EQ(counts[1], 0);
    EXPECT_NEAR(counts[2], 30000, 600);
    EXPECT_NEAR(counts[3], 40000, 600);
    EXPECT_EQ(counts[4], 0);
    EXPECT_NE(sampler.indices(0), sampler.indices(1));
    EXPECT_EQ(WeightedSampler({1, 1, 1}).size(), 3);

    // Without replacement: who comes first is as likely as its weight.
    std::vector<int> first(3);
    const WeightedSampler once({1, 2, 5}, {.replacement = false});
    for (int64_t epoch = 0; epoch < 8000; ++epoch) {
        const auto order = once.indices(epoch);
        ASSERT_EQ(std::set<int64_t>(order.begin(), order.end()).size(), 3u);
        ++first[static_cast<size_t>(order[0])];
    }
    EXPECT_NEAR(first[0], 1000, 120);
    EXPECT_NEAR(first[1], 2000, 160);
    EXPECT_NEAR(first[2], 5000, 180);
    EXPECT_EQ(WeightedSampler({0, 2, 5}, {.replacement = false}).size(), 2);

    EXPECT_ERROR(WeightedSampler({1, -1}), "weight 1 is -1.000000");
    EXPECT_ERROR(WeightedSampler({0, 0}), "positive, finite sum");
    EXPECT_ERROR(WeightedSampler({}), "positive, finite sum");
    EXPECT_ERROR(WeightedSampler({1, std::nan("")}), "weight 1 is");
    EXPECT_ERROR(WeightedSampler({0, 1}, {.samples = 2, .replacement = false}), "2 samples without replacement from 1");
}

} // namespace
} // namespace ingot::data
