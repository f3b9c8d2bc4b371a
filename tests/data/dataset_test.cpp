// SPDX-License-Identifier: MIT
#include <ingot/data/dataset.h>

#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include <ingot/ingot.h>

#include "data/data_testing.h"
#include <ingot/data/random.h>

namespace ingot::data {
namespace {

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

TEST(Dataset, RandomSplit) {
    const Split a = random_split(100, 0.2, 3), same = random_split(100, 0.2, 3), other = random_split(100, 0.2, 4);
    EXPECT_EQ(a.held_out.size(), 20u);
    EXPECT_EQ(a.rest.size(), 80u);
    std::set<int64_t> all(a.rest.begin(), a.rest.end());
    all.insert(a.held_out.begin(), a.held_out.end());
    EXPECT_EQ(all.size(), 100u);
    EXPECT_TRUE(std::is_sorted(a.rest.begin(), a.rest.end()) && std::is_sorted(a.held_out.begin(), a.held_out.end()));
    EXPECT_EQ(a.held_out, same.held_out);
    EXPECT_NE(a.held_out, other.held_out);
    EXPECT_ERROR(random_split(100, 0.001, 0), "both parts need at least one sample");
    EXPECT_ERROR(random_split(100, 0.999, 0), "cannot hold out 100 of 100 samples: both parts");
    EXPECT_ERROR(random_split(100, std::nan(""), 0), "both parts");
}

TEST(Dataset, StratifiedSplitKeepsTheParts) {
    std::vector<int64_t> labels;
    for (int i = 0; i < 100; ++i) labels.push_back(i < 50 ? 0 : i < 80 ? 1 : i < 97 ? 2 : 9);
    const Split split = stratified_split(labels, 0.15, 1), other = stratified_split(labels, 0.15, 2);
    std::map<int64_t, int> counts;
    for (const int64_t i : split.held_out) ++counts[labels[static_cast<size_t>(i)]];
    // 7.5, 4.5, 2.55, 0.45 of 15: whole parts 7, 4, 2, 0, and the largest remainders get the other two.
    EXPECT_EQ(counts, (std::map<int64_t, int>{{0, 8}, {1, 4}, {2, 3}}));
    EXPECT_EQ(split.held_out.size() + split.rest.size(), 100u);
    EXPECT_NE(split.held_out, other.held_out);
    std::set<int64_t> all(split.rest.begin(), split.rest.end());
    all.insert(split.held_out.begin(), split.held_out.end());
    EXPECT_EQ(all.size(), 100u);
    const auto images = testing::numbered_images(30); // labels i % 3
    for (const int64_t i : stratified_split(images, 0.1, 0).held_out) counts[images.label(i) + 100]++;
    EXPECT_EQ(counts[100], 1);
    EXPECT_EQ(counts[101], 1);
    EXPECT_EQ(counts[102], 1);
}

TEST(Dataset, OfTensors) {
    const TensorDataset set(Tensor::from(std::vector<float>{0, 1, 2, 3, 4, 5}, {3, 2}) * 2.0f,
                            Tensor::from(std::vector<int64_t>{7, 8, 9}, {3}));
    EXPECT_EQ(set.size(), 3);
    const Sample sample = set.get(1);
    EXPECT_EQ(std::get<Array>(sample.x).to_vector<float>(), (std::vector<float>{4, 6}));
    EXPECT_EQ(std::get<Array>(sample.x).shape(), Shape{2});
    EXPECT_EQ(sample.y.to_vector<int64_t>(), std::vector<int64_t>{8});
    EXPECT_EQ(set.label(2), 9);
    EXPECT_FALSE(TensorDataset(zeros({2, 2})).get(0).y.defined());
    EXPECT_ERROR(TensorDataset(zeros({2, 2})).label(1), "sample 1: its y is no class label");
    EXPECT_ERROR(TensorDataset(zeros({2, 2}), zeros({3})), "x [2, 2] and y [3] have different numbers of samples");
    EXPECT_ERROR(TensorDataset(zeros({})), "x is a scalar");
    // Half precision goes through unchanged.
    const TensorDataset half(full({2}, 1.5, {.dtype = f16}));
    EXPECT_EQ(std::get<Array>(half.get(1).x).dtype(), f16);
    DataLoader loader(half, {.batch = 2});
    EXPECT_EQ((*loader.begin()).x.to_vector<float>(), (std::vector<float>{1.5f, 1.5f}));
}

TEST(Dataset, SubsetAndConcat) {
    const auto numbers = [](const Dataset& set) {
        std::vector<int64_t> out;
        for (int64_t i = 0; i < set.size(); ++i) out.push_back(*set.get(i).y.data<int64_t>());
        return out;
    };
    const Subset some(testing::counting(10), {9, 2, 2});
    EXPECT_EQ(numbers(some), (std::vector<int64_t>{9, 2, 2}));
    EXPECT_EQ(some.label(0), 9);
    EXPECT_ERROR(Subset(testing::counting(10), {3, 10}), "index 10 is outside the dataset of 10 samples");
    const Concat both({some, testing::counting(2), testing::counting(0), testing::counting(1)});
    EXPECT_EQ(numbers(both), (std::vector<int64_t>{9, 2, 2, 0, 1, 0}));
    EXPECT_EQ(both.label(3), 0);
    EXPECT_EQ(Concat(std::vector<DatasetRef>{}).size(), 0);
    DataLoader loader(both, {.batch = 6});
    EXPECT_EQ((*loader.begin()).y.to_vector<int64_t>(), numbers(both));
}

TEST(Dataset, OfYourOwnIsSharedOrCopied) {
    struct Squares : Dataset {
        int64_t size() const override { return 4; }
        Sample get(int64_t i) const override { return {Array(i * i), i}; }
    };
    Squares mine;
    DataLoader copied(mine, {.batch = 4});
    DataLoader shared(std::make_shared<Squares>(), {.batch = 4});
    EXPECT_EQ((*copied.begin()).x.to_vector<int64_t>(), (std::vector<int64_t>{0, 1, 4, 9}));
    EXPECT_EQ((*shared.begin()).x.to_vector<int64_t>(), (std::vector<int64_t>{0, 1, 4, 9}));
}

TEST(Array, SharesUntilItIsWritten) {
    Array a(std::vector<float>{1, 2, 3}, {3});
    Array b = a;
    EXPECT_EQ(a.data(), b.data());
    b.edit<float>()[0] = 9;
    EXPECT_EQ(a.to_vector<float>(), (std::vector<float>{1, 2, 3}));
    EXPECT_EQ(b.to_vector<float>(), (std::vector<float>{9, 2, 3}));
    const void* place = b.data();
    b.edit<float>()[1] = 8; // its own by now
    EXPECT_EQ(b.data(), place);
    const float outside[] = {5, 6};
    Array view = Array::view(outside, f32, {2});
    EXPECT_EQ(view.data(), outside);
    view.edit<float>()[0] = 1;
    EXPECT_EQ(outside[0], 5);
    Array scalar = 5;
    scalar.edit<int64_t>()[0] = 6;
    EXPECT_EQ(scalar.to_vector<int64_t>(), std::vector<int64_t>{6});
    EXPECT_EQ(Array(true).dtype(), i64);
    EXPECT_EQ(Array(2.5).to_vector<float>(), std::vector<float>{2.5f});
    EXPECT_ERROR(a.data<int64_t>(), "the elements are f32, not i64");
    EXPECT_ERROR(Array().data<float>(), "undefined");
    EXPECT_ERROR(Array(std::vector<float>{1, 2}, {3}), "2 values do not fill shape [3]");
    EXPECT_ERROR(Array(Tensor()), "undefined");
}

TEST(Image, LooksWithoutCopying) {
    const Image image(2, 3, 1, {1, 2, 3, 4, 5, 6});
    EXPECT_EQ(image.mirrored().pixels(), (std::vector<uint8_t>{3, 2, 1, 6, 5, 4}));
    EXPECT_EQ(image.mirrored().mirrored().pixels(), image.pixels());
    EXPECT_EQ(image.crop(0, 1, 2, 2).pixels(), (std::vector<uint8_t>{2, 3, 5, 6}));
    EXPECT_EQ(image.crop(-1, -1, 3, 3).pixels(), (std::vector<uint8_t>{0, 0, 0, 0, 1, 2, 0, 4, 5}));
    EXPECT_EQ(image.crop(1, 2, 2, 2).mirrored().pixels(), (std::vector<uint8_t>{0, 6, 0, 0}));
    EXPECT_EQ(image.crop(5, 5, 1, 2).pixels(), (std::vector<uint8_t>{0, 0}));
    EXPECT_EQ(image.crop(-9, 0, 2, 3).mirrored().crop(0, 0, 2, 3).pixels(), std::vector<uint8_t>(6));
    // What a crop has cut off does not come back.
    EXPECT_EQ(image.crop(0, 0, 1, 1).crop(0, 0, 2, 2).pixels(), (std::vector<uint8_t>{1, 0, 0, 0}));
    EXPECT_EQ(image.mirrored().crop(0, 0, 1, 2).crop(0, -1, 1, 4).pixels(), (std::vector<uint8_t>{0, 3, 2, 0}));
    const uint8_t planes[] = {1, 2, 3, 10, 20, 30};
    const Image two = Image::view(planes, Image::Order::planes, 1, 3, 2);
    EXPECT_EQ(two.pixels(), (std::vector<uint8_t>{1, 10, 2, 20, 3, 30}));
    EXPECT_EQ(two.mirrored().crop(0, 1, 1, 2).packed().pixels(), (std::vector<uint8_t>{2, 20, 1, 10}));
    EXPECT_EQ(two.at(1, 0, 2), 30);
    EXPECT_ERROR(Image(2, 2, 1, {1, 2, 3}), "3 bytes are no picture of [height, width, channels] [2, 2, 1]");
}

TEST(Image, WritesFloats) {
    std::vector<float> values(2 * 256);
    for (size_t v = 0; v < 256; ++v) {
        values[v] = static_cast<float>(v) + 1;
        values[256 + v] = -static_cast<float>(v);
    }
    const auto table = std::make_shared<const ByteTable>(values);
    // Every look, of both orders, against at().
    const std::vector<uint8_t> bytes{1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12,
                                     13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24};
    for (const Image::Order order : {Image::Order::pixels, Image::Order::planes})
        for (const int64_t channels : {1, 2, 3, 4})
            for (int64_t top = -3; top < 4; ++top)
                for (int64_t left = -7; left < 8; ++left)
                    for (const bool mirror : {false, true}) {
                        Image image = Image::view(bytes.data(), order, 24 / channels / 3, 3, channels);
                        image = image.crop(top, left, 2, 3);
                        if (mirror) image = image.mirrored();
                        std::vector<float> got(static_cast<size_t>(6 * channels)), expected;
                        if (channels == 2) image.set_table(table);
                        image.write(got.data());
                        for (int64_t c = 0; c < channels; ++c)
                            for (int64_t y = 0; y < 2; ++y)
                                for (int64_t x = 0; x < 3; ++x) {
                                    const uint8_t v = image.at(c, y, x);
                                    expected.push_back(channels == 2 ? values[static_cast<size_t>(c) * 256 + v]
                                                                     : static_cast<float>(v / 255.0));
                                }
                        ASSERT_EQ(got, expected) << channels << " channels, " << top << ", " << left << mirror;
                    }
}

TEST(Image, WritesWideRowsByComputing) {
    // What a computed table gives are the bits of the table, in every look, also where blocks of 16 overlap.
    std::vector<float> values;
    const std::vector<float> mean{0.485f, 0.456f, 0.406f}, std{0.229f, 0.224f, 0.225f};
    for (size_t c = 0; c < 3; ++c)
        for (int v = 0; v < 256; ++v)
            values.push_back(
                static_cast<float>((v / 255.0 - static_cast<double>(mean[c])) / static_cast<double>(std[c])));
    const auto normal = normalization_table(mean, std);
    ASSERT_NE(normal->lines(), nullptr);
    EXPECT_EQ(ByteTable(values).lines(), nullptr);
    values[700] = 5;
    const auto odd = std::make_shared<const ByteTable>(
        values, std::vector<double>{1, 1, 1}, std::vector<double>{0, 0, 0}); // lines that do not give the values
    EXPECT_EQ(odd->lines(), nullptr);
    Random random(7);
    std::vector<uint8_t> bytes(3 * 40 * 5);
    for (uint8_t& b : bytes) b = static_cast<uint8_t>(random.below(256));
    for (const Image::Order order : {Image::Order::pixels, Image::Order::planes})
        for (const int64_t channels : {1, 3})
            for (const int64_t width : {15, 16, 17, 31, 32, 40})
                for (const int64_t left : {-25, -5, 0, 3})
                    for (const int64_t top : {-1, 0, 2})
                        for (const bool mirror : {false, true})
                            for (const auto& table : {std::shared_ptr<const ByteTable>(), normal, odd}) {
                                if (table != nullptr && channels == 1) continue;
                                Image image = Image::view(bytes.data(), order, 5, 40, channels);
                                if (top != 0 || left != 0 || width != 40) image = image.crop(top, left, 4, width);
                                if (mirror) image = image.mirrored();
                                if (table != nullptr) image.set_table(table);
                                const int64_t height = image.height();
                                std::vector<float> got(static_cast<size_t>(channels * height * width) + 1, 99),
                                    expected;
                                image.write(got.data());
                                for (int64_t c = 0; c < channels; ++c)
                                    for (int64_t y = 0; y < height; ++y)
                                        for (int64_t x = 0; x < width; ++x) {
                                            const uint8_t v = image.at(c, y, x);
                                            expected.push_back(table != nullptr ? table->channel(c)[v]
                                                                                : static_cast<float>(v / 255.0));
                                        }
                                expected.push_back(99); // nothing beyond
                                ASSERT_EQ(got, expected) << channels << " channels, " << width << " wide at " << top
                                                         << ", " << left << (mirror ? ", mirrored" : "");
                            }
}

TEST(Dataset, ImagesInMemory) {
    ImageSet set = testing::numbered_set(5, 2, 2, 2);
    const MemoryImages images(set);
    EXPECT_EQ(testing::bytes_of(images, 1), (testing::Bytes{1, 5, 2, 6, 3, 7, 4, 8})); // planes become pixels
    EXPECT_EQ(images.label(4), 1);
    set.labels[3] = 3;
    EXPECT_ERROR(MemoryImages(set), "sample 3: label 3 is out of range for 3 classes");
    set.labels[3] = -1;
    EXPECT_ERROR(MemoryImages(set), "label -1 is out of range");
    set.labels[3] = 0;
    set.pixels.pop_back();
    EXPECT_ERROR(MemoryImages(set), "39 pixel bytes; 5 samples need 40");
}

TEST(Dataset, ChannelStats) {
    ImageSet set;
    set.channels = 2;
    set.height = 1;
    set.width = 2;
    set.pixels = {0, 255, 51, 51, 255, 0, 51, 51};
    set.labels = {0, 0};
    set.class_names = {"a"};
    const ChannelStats stats = channel_stats(MemoryImages(set));
    EXPECT_FLOAT_EQ(stats.mean[0], 0.5f);
    EXPECT_FLOAT_EQ(stats.std[0], 0.5f);
    EXPECT_FLOAT_EQ(stats.mean[1], 0.2f);
    EXPECT_FLOAT_EQ(stats.std[1], 1.0f); // constant
    // The first and the third of four: evenly spread.
    set.pixels = {10, 10, 0, 0, 99, 99, 0, 0, 30, 30, 0, 0, 99, 99, 0, 0};
    set.labels = {0, 0, 0, 0};
    EXPECT_FLOAT_EQ(channel_stats(MemoryImages(set), 2).mean[0], 20 / 255.f);
}

TEST(Dataset, FitImage) {
    const io::Image rgb{2, 1, 3, {10, 20, 30, 40, 50, 60}};
    EXPECT_EQ(fit_image(rgb, 3, 1, 2).pixels, rgb.pixels);
    EXPECT_EQ(fit_image(rgb, 1, 1, 2).pixels, io::to_grey(rgb).pixels);
    const io::Image grey{2, 1, 1, {7, 9}};
    EXPECT_EQ(fit_image(grey, 3, 1, 2).pixels, (io::Pixels{7, 7, 7, 9, 9, 9}));
    EXPECT_EQ(fit_image(grey, 1, 1, 1).pixels, io::Pixels{8});
    EXPECT_NEAR(fit_image(rgb, 1, 1, 1).pixels[0], (io::to_grey(rgb).pixels[0] + io::to_grey(rgb).pixels[1]) / 2, 1);
    uint8_t planes[6];
    write_planes(rgb, planes);
    EXPECT_EQ(std::vector<uint8_t>(planes, planes + 6), (std::vector<uint8_t>{10, 40, 20, 50, 30, 60}));
}

} // namespace
} // namespace ingot::data
