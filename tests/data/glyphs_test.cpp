// SPDX-License-Identifier: MIT
#include <cmath>
#include <set>

#include <zlib.h>

#include "base/parallel.h"
#include "data/glyph_shapes.h"
#include "data/sources.h"
#include "io/io_testing.h"

namespace ingot::data {
namespace {

uint32_t checksum(const ImageSet& set) {
    return static_cast<uint32_t>(::crc32_z(0, set.pixels.data(), set.pixels.size()));
}

TEST(Glyphs, HasTheAnnouncedSizes) {
    const DataSplits splits = make_glyphs(0);
    EXPECT_EQ(splits.train.size(), 20000);
    EXPECT_EQ(splits.test.size(), 4000);
    for (const ImageSet* set : {&splits.train, &splits.test}) {
        EXPECT_EQ(set->channels, 1);
        EXPECT_EQ(set->height, 32);
        EXPECT_EQ(set->width, 32);
        EXPECT_EQ(set->class_names.size(), 10u);
        std::vector<int64_t> counts(10);
        for (const int64_t label : set->labels) ++counts[static_cast<size_t>(label)];
        for (const int64_t c : counts) EXPECT_EQ(c, set->size() / 10);
    }
}

TEST(Glyphs, SameBytesEverywhere) {
    // Fixed values: any change of the drawing code shows here, and so does a machine that computes otherwise.
    const DataSplits splits = make_glyphs(0, 1000, 500);
    EXPECT_EQ(checksum(splits.train), 0x66DF96B5u);
    EXPECT_EQ(checksum(splits.test), 0x6EB5BA06u);
    EXPECT_EQ(checksum(make_glyphs(1, 1000, 500).train), 0x1CBA08C4u);
    const int threads = base::num_threads();
    for (const int n : {1, 3, 8}) {
        base::set_num_threads(n);
        const DataSplits again = make_glyphs(0, 1000, 500);
        EXPECT_EQ(again.train.pixels, splits.train.pixels);
        EXPECT_EQ(again.test.pixels, splits.test.pixels);
    }
    base::set_num_threads(threads);
}

TEST(Glyphs, SmallerSetsAreTheBeginningOfLargerOnes) {
    const DataSplits small = make_glyphs(0, 50, 20), large = make_glyphs(0, 100, 40);
    EXPECT_TRUE(std::equal(small.train.pixels.begin(), small.train.pixels.end(), large.train.pixels.begin()));
}

TEST(Glyphs, TestDesignsDoNotOccurInTraining) {
    for (size_t digit = 0; digit < 10; ++digit) {
        const auto& designs = glyph_designs()[digit];
        for (size_t test = kTrainDesigns; test < kDesigns; ++test)
            for (size_t other = 0; other < test; ++other) {
                const bool same = designs[test].size() == designs[other].size() &&
                                  std::equal(designs[test].begin(), designs[test].end(), designs[other].begin(),
                                             [](const GlyphStroke& a, const GlyphStroke& b) {
                                                 return a.kind == b.kind && a.points == b.points;
                                             });
                EXPECT_FALSE(same) << digit << ": " << test << " and " << other;
            }
        for (const GlyphDesign& design : designs)
            for (const GlyphStroke& stroke : design) {
                EXPECT_GE(stroke.points.size(), 2u);
                for (const GlyphPoint& p : stroke.points) {
                    EXPECT_TRUE(p.x >= 0 && p.x <= 64 * 256 && p.y >= 0 && p.y <= 100 * 256) << digit;
                }
            }
    }
}

TEST(Glyphs, ImagesDifferAndShowInk) {
    const DataSplits splits = make_glyphs(0, 2000, 1000);
    std::set<std::vector<uint8_t>> seen;
    for (const ImageSet* set : {&splits.train, &splits.test})
        for (int64_t i = 0; i < set->size(); ++i) {
            const std::vector<uint8_t> image(set->image(i), set->image(i) + 1024);
            // The ink stands out of the paper even in the faintest image.
            std::vector<uint8_t> sorted = image;
            std::sort(sorted.begin(), sorted.end());
            EXPECT_GT(sorted[1020] - sorted[512], 50) << i;
            seen.insert(image);
        }
    EXPECT_EQ(seen.size(), 3000u);
}

// What a linear classifier can see is the mean image of each class: nearest class mean must do badly, else the task is
// too easy to show anything. (One softmax layer trained with PyTorch gets about 0.6 on these data.)
TEST(Glyphs, NearestMeanFails) {
    const DataSplits splits = make_glyphs(0, 10000, 2000);
    std::vector<std::vector<double>> mean(10, std::vector<double>(1024));
    for (int64_t i = 0; i < splits.train.size(); ++i)
        for (size_t k = 0; k < 1024; ++k)
            mean[static_cast<size_t>(splits.train.labels[static_cast<size_t>(i)])][k] +=
                splits.train.image(i)[k] / 1000.0;
    int64_t right = 0;
    for (int64_t i = 0; i < splits.test.size(); ++i) {
        size_t best = 0;
        double nearest = 1e30;
        for (size_t d = 0; d < 10; ++d) {
            double distance = 0;
            for (size_t k = 0; k < 1024; ++k) distance += std::pow(splits.test.image(i)[k] - mean[d][k], 2);
            if (distance < nearest) {
                nearest = distance;
                best = d;
            }
        }
        right += static_cast<int64_t>(best) == splits.test.labels[static_cast<size_t>(i)] ? 1 : 0;
    }
    const double accuracy = static_cast<double>(right) / static_cast<double>(splits.test.size());
    EXPECT_GT(accuracy, 0.2); // the digits are there
    EXPECT_LT(accuracy, 0.6);
}

} // namespace
} // namespace ingot::data
