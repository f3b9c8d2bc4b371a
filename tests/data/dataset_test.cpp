// SPDX-License-Identifier: MIT
#include "data/dataset.h"

#include <cmath>
#include <numeric>
#include <set>

#include "data/data_testing.h"
#include "data/random.h"

namespace ingot::data {
namespace {

using testing::numbered_dataset;

TEST(Random, StreamsAreFixedAndDistinct) {
    std::set<uint64_t> seen;
    for (uint64_t seed = 0; seed < 20; ++seed)
        for (uint64_t a = 0; a < 20; ++a)
            for (uint64_t b = 0; b < 20; ++b) seen.insert(Random(seed, a, b).next());
    EXPECT_EQ(seen.size(), 8000u);
    Random r(1, 2, 3);
    EXPECT_EQ(r.next(), 2399657773382937285ull);
    EXPECT_EQ(r.next(), 8067101194408944102ull);
}

TEST(Random, BelowIsUniform) {
    Random r(5);
    std::vector<int> counts(7);
    for (int i = 0; i < 70000; ++i) ++counts[r.below(7)];
    for (const int c : counts) EXPECT_NEAR(c, 10000, 400); // 4 standard deviations
    for (int i = 0; i < 1000; ++i) EXPECT_EQ(r.below(1), 0u);
    std::set<int64_t> values;
    for (int i = 0; i < 1000; ++i) values.insert(r.between(-2, 2));
    EXPECT_EQ(values, (std::set<int64_t>{-2, -1, 0, 1, 2}));
}

TEST(Random, ShuffleIsAPermutation) {
    std::vector<int> v(1000);
    std::iota(v.begin(), v.end(), 0);
    Random r(9);
    shuffle(v.data(), 1000, r);
    EXPECT_FALSE(std::is_sorted(v.begin(), v.end()));
    std::sort(v.begin(), v.end());
    for (int i = 0; i < 1000; ++i) EXPECT_EQ(v[static_cast<size_t>(i)], i);
}

TEST(Dataset, SplitBySeed) {
    const ImageDataset all = numbered_dataset(100);
    const Split a = split_by_seed(all, 0.2, 3), same = split_by_seed(all, 0.2, 3), other = split_by_seed(all, 0.2, 4);
    EXPECT_EQ(a.held_out.size(), 20);
    EXPECT_EQ(a.rest.size(), 80);
    std::multiset<uint8_t> ids;
    for (const ImageDataset* set : {&a.rest, &a.held_out})
        for (int64_t i = 0; i < set->size(); ++i) {
            ids.insert(set->image(i)[0]);
            EXPECT_EQ(set->labels[static_cast<size_t>(i)], set->image(i)[0] % 3); // labels go with their images
        }
    for (int i = 0; i < 100; ++i) EXPECT_EQ(ids.count(static_cast<uint8_t>(i)), 1u);
    EXPECT_EQ(a.held_out.pixels, same.held_out.pixels);
    EXPECT_NE(a.held_out.pixels, other.held_out.pixels);
    EXPECT_EQ(a.rest.class_names, all.class_names);
    EXPECT_ERROR(split_by_seed(all, 0.001, 0), "both parts need at least one sample");
    EXPECT_ERROR(split_by_seed(all, 0.999, 0), "both parts");
    EXPECT_ERROR(split_by_seed(all, std::nan(""), 0), "both parts");
}

TEST(Dataset, ChannelStats) {
    ImageDataset set;
    set.channels = 2;
    set.height = 1;
    set.width = 2;
    set.pixels = {0, 255, 51, 51, 255, 0, 51, 51};
    set.labels = {0, 0};
    set.class_names = {"a"};
    const ChannelStats stats = channel_stats(set);
    EXPECT_FLOAT_EQ(stats.mean[0], 0.5f);
    EXPECT_FLOAT_EQ(stats.std[0], 0.5f);
    EXPECT_FLOAT_EQ(stats.mean[1], 0.2f);
    EXPECT_FLOAT_EQ(stats.std[1], 1.0f); // constant
}

TEST(Dataset, FitImage) {
    const io::Image rgb{2, 1, 3, {10, 20, 30, 40, 50, 60}};
    uint8_t out[6];
    fit_image(rgb, 3, 1, 2, out); // planes
    EXPECT_EQ(std::vector<uint8_t>(out, out + 6), (std::vector<uint8_t>{10, 40, 20, 50, 30, 60}));
    fit_image(rgb, 1, 1, 2, out);
    EXPECT_EQ(std::vector<uint8_t>(out, out + 2), io::to_grey(rgb).pixels);
    const io::Image grey{2, 1, 1, {7, 9}};
    fit_image(grey, 3, 1, 2, out);
    EXPECT_EQ(std::vector<uint8_t>(out, out + 6), (std::vector<uint8_t>{7, 9, 7, 9, 7, 9}));
    fit_image(grey, 1, 1, 1, out);
    EXPECT_EQ(out[0], 8);
    fit_image(rgb, 1, 1, 1, out);
    EXPECT_NEAR(out[0], (io::to_grey(rgb).pixels[0] + io::to_grey(rgb).pixels[1]) / 2, 1);
}

TEST(Dataset, SampleImageTurnsPlanesBack) {
    ImageDataset set;
    set.channels = 3;
    set.height = 1;
    set.width = 2;
    set.pixels = {0, 0, 0, 0, 0, 0, 10, 40, 20, 50, 30, 60};
    set.labels = {0, 0};
    EXPECT_EQ(sample_image(set, 1).pixels, (std::vector<uint8_t>{10, 20, 30, 40, 50, 60}));
}

} // namespace
} // namespace ingot::data
