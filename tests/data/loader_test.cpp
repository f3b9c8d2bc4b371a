// SPDX-License-Identifier: MIT
#include "data/loader.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstring>
#include <set>
#include <thread>

#include "data/data_testing.h"

namespace ingot::data {
namespace {

using testing::numbered_dataset;

/// All samples of an epoch: first pixel (times 255) in order, i.e. the sample's number for numbered_dataset.
std::vector<int> epoch_order(BatchLoader& loader, int64_t epoch, int64_t first_batch = 0) {
    std::vector<int> order;
    Batch batch;
    loader.start(epoch, first_batch);
    int64_t expected = first_batch;
    while (loader.next(batch)) {
        EXPECT_EQ(batch.index, expected++);
        const int64_t bytes = batch.channels * batch.height * batch.width;
        EXPECT_EQ(static_cast<int64_t>(batch.images.size()), batch.size() * bytes);
        for (int64_t i = 0; i < batch.size(); ++i) {
            const auto id = static_cast<int>(std::lround(batch.images[static_cast<size_t>(i * bytes)] * 255));
            EXPECT_EQ(batch.labels[static_cast<size_t>(i)], id % 3);
            order.push_back(id);
        }
    }
    return order;
}

TEST(Loader, InOrderWithTheLastPartialBatch) {
    const ImageDataset set = numbered_dataset(100);
    BatchLoader loader(set, {.batch = 32});
    EXPECT_EQ(loader.batches(), 4);
    const std::vector<int> order = epoch_order(loader, 0);
    ASSERT_EQ(order.size(), 100u);
    for (int i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<size_t>(i)], i);
    BatchLoader dropping(set, {.batch = 32, .drop_last = true});
    EXPECT_EQ(dropping.batches(), 3);
    EXPECT_EQ(epoch_order(dropping, 0).size(), 96u);
    Batch batch;
    EXPECT_FALSE(dropping.next(batch)); // the end stays the end
}

TEST(Loader, ShufflesBySeedAndEpoch) {
    const ImageDataset set = numbered_dataset(200);
    BatchLoader loader(set, {.batch = 16, .shuffle = true, .seed = 5});
    BatchLoader same(set, {.batch = 16, .shuffle = true, .seed = 5, .depth = 7});
    BatchLoader other(set, {.batch = 16, .shuffle = true, .seed = 6});
    const std::vector<int> first = epoch_order(loader, 0), second = epoch_order(loader, 1);
    EXPECT_EQ(std::set<int>(first.begin(), first.end()).size(), 200u); // every sample once
    EXPECT_NE(first, second);
    EXPECT_EQ(epoch_order(same, 0), first);
    EXPECT_EQ(epoch_order(same, 1), second);
    EXPECT_EQ(epoch_order(loader, 0), first); // an epoch can be repeated
    EXPECT_NE(epoch_order(other, 0), first);
}

TEST(Loader, ResumesInTheMiddleOfAnEpoch) {
    const ImageDataset set = numbered_dataset(200);
    BatchLoader loader(set, {.batch = 16, .shuffle = true, .seed = 5});
    const std::vector<int> whole = epoch_order(loader, 3), rest = epoch_order(loader, 3, 5);
    EXPECT_EQ(rest, std::vector<int>(whole.begin() + 80, whole.end()));
    EXPECT_TRUE(epoch_order(loader, 3, 13).empty());
}

TEST(Loader, Normalizes) {
    const ImageDataset set = numbered_dataset(1, 3, 1, 2); // bytes 0..5
    BatchLoader loader(set, {.batch = 1, .mean = {0.0f, 0.5f, 0.25f}, .std = {1.0f, 0.5f, 2.0f}});
    Batch batch;
    loader.start(0);
    ASSERT_TRUE(loader.next(batch));
    const float expected[] = {0 / 255.f,
                              1 / 255.f,
                              (2 / 255.f - 0.5f) / 0.5f,
                              (3 / 255.f - 0.5f) / 0.5f,
                              (4 / 255.f - 0.25f) / 2,
                              (5 / 255.f - 0.25f) / 2};
    for (size_t i = 0; i < 6; ++i) EXPECT_NEAR(batch.images[i], expected[i], 1e-6);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(batch.images.data()) % 64, 0u);
}

/// The sample moved and mirrored, written down naively.
std::vector<float> moved(const ImageDataset& set, int64_t sample, int64_t dx, int64_t dy, bool mirror) {
    std::vector<float> out;
    for (int64_t c = 0; c < set.channels; ++c)
        for (int64_t y = 0; y < set.height; ++y)
            for (int64_t x = 0; x < set.width; ++x) {
                const int64_t sx = (mirror ? set.width - 1 - x : x) + dx, sy = y + dy;
                const bool inside = sx >= 0 && sx < set.width && sy >= 0 && sy < set.height;
                out.push_back(
                    inside ? static_cast<float>(set.image(sample)[(c * set.height + sy) * set.width + sx] / 255.0)
                           : 0.0f);
            }
    return out;
}

TEST(Loader, FlipsAndCrops) {
    const ImageDataset set = numbered_dataset(120, 2, 4, 5);
    const int64_t bytes = set.sample_bytes();
    for (const int64_t padding : {0, 2, 7}) { // 7: some crops lie outside the picture
        BatchLoader loader(set, {.batch = 120, .flip = true, .crop_padding = padding, .seed = 1});
        Batch batch;
        loader.start(0);
        ASSERT_TRUE(loader.next(batch));
        std::set<std::tuple<int64_t, int64_t, bool>> seen;
        for (int64_t i = 0; i < 120; ++i) {
            const std::vector<float> got(batch.images.begin() + i * bytes, batch.images.begin() + (i + 1) * bytes);
            bool found = false;
            for (int64_t dy = -padding; dy <= padding; ++dy)
                for (int64_t dx = -padding; dx <= padding; ++dx)
                    for (const bool mirror : {false, true})
                        if (!found && moved(set, i, dx, dy, mirror) == got) {
                            found = true;
                            seen.insert({dx, dy, mirror});
                        }
            EXPECT_TRUE(found) << "sample " << i << " is no crop of its picture, padding " << padding;
        }
        EXPECT_GT(seen.size(), padding == 0 ? 1u : 30u);
    }
}

TEST(Loader, AugmentationDependsOnSeedEpochAndSampleOnly) {
    const ImageDataset set = numbered_dataset(60, 1, 8, 8);
    const int64_t bytes = set.sample_bytes();
    // sample number -> its floats, whatever batch it came in
    const auto collect = [&](LoaderOptions options, int64_t epoch) {
        std::vector<std::vector<float>> images(60);
        std::vector<int64_t> numbers;
        options.transform = [&](int64_t sample, float*) { numbers.push_back(sample); };
        BatchLoader loader(set, options);
        Batch batch;
        int64_t at = 0;
        loader.start(epoch);
        while (loader.next(batch))
            for (int64_t i = 0; i < batch.size(); ++i)
                images[static_cast<size_t>(numbers[static_cast<size_t>(at++)])].assign(
                    batch.images.begin() + i * bytes, batch.images.begin() + (i + 1) * bytes);
        return images;
    };
    // The epoch is one batch: the thread is done with `numbers` when it is read.
    const auto plain = collect({.batch = 60, .flip = true, .crop_padding = 2, .seed = 8}, 4);
    EXPECT_EQ(collect({.batch = 60, .shuffle = true, .flip = true, .crop_padding = 2, .seed = 8}, 4), plain);
    EXPECT_NE(collect({.batch = 60, .flip = true, .crop_padding = 2, .seed = 8}, 5), plain);
    EXPECT_NE(collect({.batch = 60, .flip = true, .crop_padding = 2, .seed = 9}, 4), plain);
}

TEST(Loader, ErrorsArriveInOrderAndNameTheSample) {
    ImageDataset set = numbered_dataset(50);
    set.labels[33] = 3;
    BatchLoader loader(set, {.batch = 10});
    Batch batch;
    for (int round = 0; round < 3; ++round) { // restarting works after an error
        loader.start(round);
        for (int i = 0; i < 3; ++i) EXPECT_TRUE(loader.next(batch));
        EXPECT_ERROR(loader.next(batch), "sample 33: label 3 is out of range for 3 classes");
        EXPECT_ERROR(loader.next(batch), "sample 33"); // and stays
    }
    set.labels[33] = 0;
    EXPECT_EQ(epoch_order(loader, 0).size(), 50u);
}

TEST(Loader, ExceptionsOfATransformArrive) {
    const ImageDataset set = numbered_dataset(20);
    BatchLoader loader(set, {.batch = 4, .transform = [](int64_t sample, float*) {
                                 if (sample == 6) throw std::runtime_error("no luck");
                             }});
    Batch batch;
    loader.start(0);
    EXPECT_TRUE(loader.next(batch));
    EXPECT_ERROR(loader.next(batch), "sample 6: no luck");
}

TEST(Loader, AnEpochCanBeAbandonedAnywhere) {
    const ImageDataset set = numbered_dataset(240);
    for (int taken = 0; taken < 8; ++taken) {
        BatchLoader loader(set, {.batch = 5, .shuffle = true, .depth = 3});
        Batch batch;
        loader.start(taken);
        for (int i = 0; i < taken; ++i) ASSERT_TRUE(loader.next(batch));
        if (taken % 3 == 0) {
            loader.stop();
            EXPECT_FALSE(loader.next(batch));
        }
        if (taken % 3 == 1) {
            EXPECT_EQ(epoch_order(loader, 0).size(), 240u); // restart in the middle
        }
    } // else the destructor leaves the epoch
}

TEST(Loader, WaitsWhenTheQueueIsFull) {
    const ImageDataset set = numbered_dataset(100);
    std::atomic<int> made{0};
    BatchLoader loader(set, {.batch = 1, .depth = 3, .transform = [&](int64_t, float*) { ++made; }});
    Batch batch;
    loader.start(0);
    ASSERT_TRUE(loader.next(batch));
    for (int i = 0; i < 200 && made < 4; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_EQ(made, 4); // one was taken, three wait
}

TEST(Loader, SteadyStateReusesBuffers) {
    const ImageDataset set = numbered_dataset(400);
    BatchLoader loader(set, {.batch = 8, .drop_last = true, .depth = 2});
    std::set<const float*> buffers;
    Batch batch;
    for (int epoch = 0; epoch < 4; ++epoch) {
        loader.start(epoch);
        while (loader.next(batch)) buffers.insert(batch.images.data());
    }
    EXPECT_LE(buffers.size(), 3u); // two in the queue and one outside
}

TEST(Loader, RefusesBadOptions) {
    const ImageDataset set = numbered_dataset(10, 3);
    const auto make = [&](LoaderOptions options) { BatchLoader loader(set, std::move(options)); };
    EXPECT_ERROR(make({.batch = 0}), "batch size must be at least 1");
    EXPECT_ERROR(make({.batch = 11, .drop_last = true}), "a batch of 11 is larger than the dataset of 10 samples");
    EXPECT_ERROR(make({.crop_padding = -1}), "crop padding");
    EXPECT_ERROR(make({.mean = {0.5f}}), "mean and std need 3 values");
    EXPECT_ERROR(make({.mean = {0, 0, 0}, .std = {1, 0, 1}}), "std must be positive");
    EXPECT_ERROR(make({.depth = 0}), "depth must be at least 1");
    ImageDataset broken = numbered_dataset(10);
    broken.pixels.pop_back();
    EXPECT_ERROR(BatchLoader(broken, {}), "the dataset has 59 pixel bytes; 10 samples need 60");
    BatchLoader large(set, {.batch = 11}); // without drop_last one partial batch is fine
    EXPECT_EQ(large.batches(), 1);
}

} // namespace
} // namespace ingot::data
