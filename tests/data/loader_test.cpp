// SPDX-License-Identifier: MIT
// The loader: order, errors, resuming, bounds. With 0, 1, 2 and 4 workers everything is the same.
#include <ingot/data/loader.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <set>
#include <thread>

#include <ingot/memory.h>

#include "data/data_testing.h"

namespace ingot::data {
namespace {

using testing::counting;
using testing::numbered_images;

/// The y of all samples of a pass, in order: the sample numbers for counting().
std::vector<int64_t> order_of(DataLoader& loader, int64_t epoch, int64_t first = 0) {
    std::vector<int64_t> order;
    loader.start(epoch, first);
    for (Tensor x, y; loader.next(x, y);) {
        const auto xs = x.to_vector<float>();
        const auto ys = y.to_vector<int64_t>();
        EXPECT_EQ(x.shape(), (Shape{static_cast<int64_t>(ys.size()), 1}));
        for (size_t i = 0; i < ys.size(); ++i) EXPECT_EQ(static_cast<int64_t>(xs[i]), ys[i]); // rows belong together
        order.insert(order.end(), ys.begin(), ys.end());
    }
    return order;
}

std::vector<int64_t> first_numbers(int64_t count) { return SequentialSampler(count).indices(0); }

TEST(Loader, InOrderWithTheLastPartialBatch) {
    for (const int workers : {0, 1, 2, 4}) {
        DataLoader loader(counting(100), {.batch = 32, .workers = workers});
        EXPECT_EQ(loader.steps(), 4);
        EXPECT_EQ(loader.batch_size(), 32);
        EXPECT_EQ(order_of(loader, 0), first_numbers(100));
        DataLoader dropping(counting(100), {.batch = 32, .drop_last = true, .workers = workers});
        EXPECT_EQ(dropping.steps(), 3);
        EXPECT_EQ(order_of(dropping, 0), first_numbers(96));
        Tensor x, y;
        EXPECT_FALSE(dropping.next(x, y)); // the end stays the end
        DataLoader limited(counting(100), {.batch = 32, .workers = workers, .steps = 2});
        EXPECT_EQ(limited.steps(), 2);
        EXPECT_EQ(order_of(limited, 0), first_numbers(64));
    }
}

TEST(Loader, RangeForGoesThroughPasses) {
    DataLoader loader(counting(10), {.batch = 4, .shuffle = true, .seed = 3});
    std::vector<std::vector<int64_t>> passes(3);
    for (auto& pass : passes)
        for (auto [x, y] : loader)
            for (const int64_t i : y.to_vector<int64_t>()) pass.push_back(i);
    for (int64_t epoch = 0; epoch < 3; ++epoch) EXPECT_EQ(passes[static_cast<size_t>(epoch)], order_of(loader, epoch));
    EXPECT_NE(passes[0], passes[1]);
    for (auto [x, y] : loader) { // pass 3, left at once
        EXPECT_EQ(y.size(0), 4);
        break;
    }
    int64_t batches = 0;
    for (auto& batch : loader) batches += batch.x.defined() ? 1 : 0;
    EXPECT_EQ(batches, 3);
}

TEST(Loader, ShufflesBySeedAndEpoch) {
    DataLoader loader(counting(200), {.batch = 16, .shuffle = true, .seed = 5});
    DataLoader same(counting(200), {.batch = 16, .shuffle = true, .workers = 4, .prefetch = 7, .seed = 5});
    DataLoader other(counting(200), {.batch = 16, .shuffle = true, .seed = 6});
    const auto first = order_of(loader, 0), second = order_of(loader, 1);
    EXPECT_EQ(std::set<int64_t>(first.begin(), first.end()).size(), 200u); // every sample once
    EXPECT_NE(first, second);
    EXPECT_EQ(order_of(same, 0), first);
    EXPECT_EQ(order_of(same, 1), second);
    EXPECT_EQ(order_of(loader, 0), first); // a pass can be repeated
    EXPECT_NE(order_of(other, 0), first);
}

TEST(Loader, ResumesInTheMiddleOfAPass) {
    for (const int workers : {0, 1, 2, 4}) {
        DataLoader loader(counting(200), {.batch = 16, .shuffle = true, .workers = workers, .seed = 5});
        const auto whole = order_of(loader, 3), rest = order_of(loader, 3, 5);
        EXPECT_EQ(rest, std::vector<int64_t>(whole.begin() + 80, whole.end()));
        EXPECT_TRUE(order_of(loader, 3, 13).empty());
        EXPECT_TRUE(order_of(loader, 3, 1000).empty());
    }
}

/// All bytes of two passes: floats and labels.
std::vector<float> everything(DataLoader& loader) {
    std::vector<float> all;
    for (int64_t epoch = 0; epoch < 2; ++epoch) {
        loader.start(epoch);
        for (Tensor x, y; loader.next(x, y);) {
            for (const float v : x.to_vector<float>()) all.push_back(v);
            for (const float v : y.to_vector<float>()) all.push_back(v);
        }
    }
    return all;
}

TEST(Loader, WorkersDoNotChangeABit) {
    std::vector<float> expected;
    for (const int workers : {0, 1, 2, 4}) {
        LoaderOptions options{.batch = 24, .shuffle = true, .workers = workers, .seed = 11};
        options.prefetch = workers + 1;
        options.transforms = {RandomCrop(9, {.padding = 3}),
                              RandomHorizontalFlip(),
                              RandomAffine({.degrees = 20, .translate_x = 0.1, .min_scale = 0.8, .shear_y = 5}),
                              ColorJitter({.brightness = 0.4, .contrast = 0.3, .saturation = 0.5, .hue = 0.1}),
                              Cutout(4),
                              Normalize({0.4f, 0.5f, 0.6f}, {0.2f, 0.25f, 0.3f})};
        options.batch_transforms = {Mixup(0.4, 3)};
        DataLoader loader(numbered_images(100, 3, 8, 9), options);
        const std::vector<float> got = everything(loader);
        ASSERT_EQ(got.size(), 2u * 100 * (3 * 9 * 9 + 3));
        if (expected.empty()) expected = got;
        EXPECT_TRUE(got == expected) << workers << " workers";
    }
}

TEST(Loader, AugmentationDependsOnSeedEpochAndSampleOnly) {
    // sample number -> its floats, whatever batch it came in
    const auto collect = [](LoaderOptions options, int64_t epoch) {
        options.transforms = {RandomCrop(8, {.padding = 2}), RandomHorizontalFlip()};
        GeneratedDataset dataset(60, [](int64_t i) {
            const ImageSet set = testing::numbered_set(60, 1, 8, 8);
            return Sample{Image(8, 8, 1, {set.image(i), set.image(i) + 64}), i};
        });
        DataLoader loader(dataset, options);
        std::vector<std::vector<float>> images(60);
        loader.start(epoch);
        for (Tensor x, y; loader.next(x, y);) {
            const auto all = x.to_vector<float>();
            const auto numbers = y.to_vector<int64_t>();
            for (size_t i = 0; i < numbers.size(); ++i)
                images[static_cast<size_t>(numbers[i])].assign(all.begin() + static_cast<int64_t>(i) * 64,
                                                               all.begin() + static_cast<int64_t>(i + 1) * 64);
        }
        return images;
    };
    const auto plain = collect({.batch = 60, .seed = 8}, 4);
    EXPECT_EQ(collect({.batch = 7, .shuffle = true, .workers = 2, .seed = 8}, 4), plain);
    EXPECT_NE(collect({.batch = 60, .seed = 8}, 5), plain);
    EXPECT_NE(collect({.batch = 60, .seed = 9}, 4), plain);
}

TEST(Loader, ErrorsArriveInOrderAndNameTheSample) {
    std::atomic<bool> broken{true};
    const GeneratedDataset dataset(50, [&](int64_t i) -> Sample {
        if (i == 33 && broken) throw ShapeError("no such luck");
        if (i == 38 && broken) throw Error("a later one");
        return {Array(std::vector<float>{static_cast<float>(i)}, {1}), i};
    });
    for (const int workers : {0, 1, 2, 4}) {
        broken = true;
        DataLoader loader(dataset, {.batch = 10, .workers = workers, .prefetch = 4});
        Tensor x, y;
        for (int round = 0; round < 3; ++round) { // restarting works after an error
            loader.start(round);
            for (int i = 0; i < 3; ++i) EXPECT_TRUE(loader.next(x, y));
            EXPECT_ERROR(loader.next(x, y), "sample 33: no such luck");
            EXPECT_THROW(loader.next(x, y), ShapeError); // and stays, with its class
        }
        broken = false;
        EXPECT_EQ(order_of(loader, 0), first_numbers(50));
    }
}

TEST(Loader, ErrorsOfTheFirstSampleAndOfTransforms) {
    for (const int workers : {0, 2}) {
        DataLoader first(GeneratedDataset(5, [](int64_t) -> Sample { throw 7; }), {.batch = 2, .workers = workers});
        Tensor x, y;
        first.start(0);
        EXPECT_ERROR(first.next(x, y), "sample 0: an exception that is no std::exception");
        LoaderOptions options{.batch = 4, .workers = workers};
        options.transforms = {[](Sample& sample, Random&) {
            if (*sample.y.data<int64_t>() == 6) throw std::runtime_error("no luck");
        }};
        DataLoader loader(counting(20), options);
        loader.start(0);
        EXPECT_TRUE(loader.next(x, y));
        EXPECT_ERROR(loader.next(x, y), "sample 6: no luck");
        DataLoader uneven(GeneratedDataset(9,
                                           [](int64_t i) {
                                               return Sample{Array(f32, {i == 7 ? 3 : 2}), i};
                                           }),
                          {.batch = 4, .workers = workers});
        uneven.start(0);
        EXPECT_TRUE(uneven.next(x, y));
        EXPECT_ERROR(uneven.next(x, y), "sample 7: x is f32[3], the other samples are f32[2]; resize or crop them");
    }
}

TEST(Loader, APassCanBeLeftAnywhere) {
    const int64_t before = memory_stats().live;
    for (int taken = 0; taken < 12; ++taken) {
        DataLoader loader(counting(240), {.batch = 5, .shuffle = true, .workers = taken % 4, .prefetch = 3});
        Tensor x, y;
        loader.start(taken);
        for (int i = 0; i < taken; ++i) ASSERT_TRUE(loader.next(x, y));
        if (taken % 3 == 0) {
            loader.stop();
            EXPECT_FALSE(loader.next(x, y));
        }
        if (taken % 3 == 1) {
            EXPECT_EQ(order_of(loader, 0).size(), 240u); // restart in the middle
        }
    } // else the destructor leaves the pass
    EXPECT_EQ(memory_stats().live, before);
}

TEST(Loader, MemoryIsBounded) {
    for (const int workers : {1, 2, 4}) {
        std::atomic<int> made{0};
        LoaderOptions options{.batch = 2, .workers = workers, .prefetch = 3};
        options.transforms = {[&](Sample&, Random&) { ++made; }};
        const int64_t before = memory_stats().used_memory;
        DataLoader loader(GeneratedDataset(100, [](int64_t i) { return Sample{Array(f32, {1 << 16}), i}; }), options);
        Tensor x, y;
        loader.start(0);
        ASSERT_TRUE(loader.next(x, y));
        // One was taken, three wait; the first sample is made once more, to learn its shape.
        for (int i = 0; i < 200 && made < 9; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        EXPECT_EQ(made, 9);
        EXPECT_LE(memory_stats().used_memory - before, 4 * (2 * (1 << 18) + 8192));
    }
}

TEST(Loader, SamplersThatDoNotFit) {
    class Short : public Sampler {
    public:
        int64_t size() const override { return 8; }
        std::vector<int64_t> indices(int64_t) const override { return {1, 2, 3}; }
    };
    const auto open = [](std::shared_ptr<const Sampler> sampler) {
        DataLoader loader(counting(10), {.batch = 2, .sampler = std::move(sampler)});
        loader.start(0);
    };
    EXPECT_ERROR(open(std::make_shared<SubsetSampler>(std::vector<int64_t>{1, 99})),
                 "the sampler gave index 99, the dataset has 10 samples");
    EXPECT_ERROR(open(std::make_shared<SubsetSampler>(std::vector<int64_t>{1, -1})), "index -1");
    EXPECT_ERROR(open(std::make_shared<Short>()), "the sampler gave 3 indices for pass 0, but its size() is 8");
}

TEST(Loader, PrefetchMayThrow) {
    class Eager : public Dataset {
    public:
        int64_t size() const override { return 40; }
        Sample get(int64_t i) const override { return {Array(std::vector<float>{static_cast<float>(i)}, {1}), i}; }
        void prefetch(int64_t i) const override {
            if (i == 17) throw Error("cannot look ahead");
        }
    };
    for (const int workers : {0, 2}) {
        DataLoader loader(Eager(), {.batch = 4, .workers = workers});
        EXPECT_ERROR(order_of(loader, 0), "sample 17: cannot look ahead");
    }
}

TEST(Loader, SteadyStateReusesMemory) {
    DataLoader loader(numbered_images(400, 1, 28, 28), {.batch = 8, .drop_last = true, .workers = 2});
    int64_t misses = 0;
    for (int epoch = 0; epoch < 4; ++epoch) {
        for (auto [x, y] : loader) EXPECT_EQ(x.size(0), 8);
        if (epoch == 0) misses = memory_stats().num_pool_misses;
    }
    EXPECT_EQ(memory_stats().num_pool_misses, misses);
}

TEST(Loader, RefusesBadOptions) {
    const auto make = [&](LoaderOptions options) { DataLoader loader(counting(10), std::move(options)); };
    EXPECT_ERROR(make({.batch = 0}), "batch size must be at least 1");
    EXPECT_ERROR(make({.batch = 11, .drop_last = true}), "a batch of 11 is larger than the dataset of 10 samples");
    EXPECT_ERROR(make({.workers = -1}), "workers must lie between 0 and 1024");
    EXPECT_ERROR(make({.prefetch = 0}), "prefetch must be at least 1");
    EXPECT_ERROR(make({.steps = -1}), "steps must not be negative");
    EXPECT_ERROR(make({.shuffle = true, .sampler = std::make_shared<SequentialSampler>(3)}), "the sampler decides");
    EXPECT_ERROR(DataLoader(std::shared_ptr<const Dataset>(), {}), "null pointer");
    DataLoader loader(counting(10), {.batch = 11}); // without drop_last one partial batch is fine
    EXPECT_EQ(loader.steps(), 1);
    EXPECT_ERROR(loader.start(-1), "both count from 0");
    EXPECT_ERROR(loader.start(0, -2), "both count from 0");
    Tensor x, y;
    DataLoader empty(counting(0), {.batch = 4});
    EXPECT_EQ(empty.steps(), 0);
    empty.start(0);
    EXPECT_FALSE(empty.next(x, y));
}

TEST(Loader, SamplesWithoutTargetAndOtherTypes) {
    DataLoader loader(
        GeneratedDataset(3,
                         [](int64_t i) {
                             return Sample{Array(std::vector<int32_t>{static_cast<int32_t>(i), 7}, {1, 2}), {}};
                         }),
        {.batch = 2});
    const Batch batch = *loader.begin();
    EXPECT_EQ(batch.x.dtype(), i32);
    EXPECT_EQ(batch.x.shape(), (Shape{2, 1, 2}));
    EXPECT_EQ(batch.x.to_vector<int32_t>(), (std::vector<int32_t>{0, 7, 1, 7}));
    EXPECT_FALSE(batch.y.defined());
    DataLoader scalars(GeneratedDataset(3,
                                        [](int64_t i) {
                                            return Sample{Array(static_cast<float>(i)), 0.5 * static_cast<double>(i)};
                                        }),
                       {.batch = 3});
    const Batch all = *scalars.begin();
    EXPECT_EQ(all.x.shape(), Shape{3});
    EXPECT_EQ(all.y.dtype(), f32);
    EXPECT_EQ(all.y.to_vector<float>(), (std::vector<float>{0, 0.5f, 1}));
    DataLoader reference(counting(4), {.batch = 4, .device = Device::reference()});
    EXPECT_EQ((*reference.begin()).x.device(), Device::reference());
}

/// Files of which some cannot be read.
GeneratedDataset partly_bad(int64_t size, std::set<int64_t> bad) {
    return GeneratedDataset(size, [bad = std::move(bad)](int64_t i) -> Sample {
        if (bad.contains(i)) throw FileError("file" + std::to_string(i) + ": is empty");
        return {Array(std::vector<float>{static_cast<float>(i)}, {1}), i};
    });
}

TEST(Loader, BadSamplesAreReplacedInTheirPlace) {
    for (const int workers : {0, 1, 2, 4}) {
        std::vector<std::string> named;
        LoaderOptions options{.batch = 4, .drop_last = true, .workers = workers};
        options.bad_samples = BadSamples::replace;
        options.on_bad_sample = [&](int64_t sample, const std::string& what) {
            named.push_back(std::to_string(sample) + " " + what);
        };
        // The first sample, one in the middle, a last one of a batch, a whole batch.
        DataLoader loader(partly_bad(20, {0, 5, 11, 12, 13, 14, 15}), options);
        const std::vector<int64_t> expected{1, 1, 2, 3, 4, 6, 6, 7, 8, 9, 10, 8, 16, 16, 16, 16, 16, 17, 18, 19};
        for (int epoch = 0; epoch < 2; ++epoch) EXPECT_EQ(order_of(loader, epoch), expected);
        EXPECT_EQ(order_of(loader, 0, 2), std::vector<int64_t>(expected.begin() + 8, expected.end()));
        std::sort(named.begin(), named.end());
        EXPECT_EQ(named, (std::vector<std::string>{"0 file0: is empty", "11 file11: is empty", "12 file12: is empty",
                                                   "13 file13: is empty", "14 file14: is empty", "15 file15: is empty",
                                                   "5 file5: is empty"})); // each once
        EXPECT_EQ(loader.stats().bad_samples, 7);
        EXPECT_EQ(loader.bad_samples(), (std::vector<int64_t>{0, 5, 11, 12, 13, 14, 15}));
        // Begun in the middle without having seen what comes before: the same.
        DataLoader fresh(partly_bad(20, {0, 5, 11, 12, 13, 14, 15}), options);
        EXPECT_EQ(order_of(fresh, 0, 3), std::vector<int64_t>(expected.begin() + 12, expected.end()));
    }
}

TEST(Loader, BadSamplesAreSkipped) {
    for (const int workers : {0, 1, 2, 4}) {
        LoaderOptions options{.batch = 4, .workers = workers};
        options.bad_samples = BadSamples::skip;
        options.on_bad_sample = [](int64_t, const std::string&) {};
        DataLoader loader(partly_bad(18, {0, 3, 8, 9, 10, 11, 17}), options);
        EXPECT_EQ(order_of(loader, 0), (std::vector<int64_t>{1, 2, 4, 5, 6, 7, 12, 13, 14, 15, 16}));
        EXPECT_EQ(loader.stats().samples, 11);
        EXPECT_EQ(loader.stats().batches, 4);
    }
}

TEST(Loader, BadSamplesAreErrorsOrAllThereIs) {
    Tensor x, y;
    DataLoader strict(partly_bad(12, {6}), {.batch = 4, .workers = 2});
    strict.start(0);
    EXPECT_TRUE(strict.next(x, y));
    EXPECT_ERROR(strict.next(x, y), "sample 6: file6: is empty");
    EXPECT_THROW(strict.next(x, y), FileError);
    for (const BadSamples how : {BadSamples::skip, BadSamples::replace}) {
        LoaderOptions options{.batch = 2};
        options.bad_samples = how;
        options.on_bad_sample = [](int64_t, const std::string&) {};
        DataLoader none(partly_bad(4, {0, 1, 2, 3}), options);
        none.start(0);
        EXPECT_ERROR(none.next(x, y), "none of the 4 samples can be read");
        // Only errors of the dataset about files are skipped.
        options.transforms = {[](Sample&, Random&) { throw FileError("a transform's file"); }};
        DataLoader transformed(partly_bad(4, {}), options);
        transformed.start(0);
        EXPECT_ERROR(transformed.next(x, y), "sample 0: a transform's file");
    }
}

TEST(Loader, Statistics) {
    DataLoader loader(GeneratedDataset(40,
                                       [](int64_t i) {
                                           std::this_thread::sleep_for(std::chrono::milliseconds(1));
                                           return Sample{Array(f32, {4}), i};
                                       }),
                      {.batch = 8, .workers = 1});
    for (auto [x, y] : loader) EXPECT_EQ(x.size(0), 8);
    const LoaderStats slow = loader.stats();
    EXPECT_EQ(slow.batches, 5);
    EXPECT_EQ(slow.samples, 40);
    EXPECT_GT(slow.wait_seconds, 0.02); // the consumer does nothing else
    EXPECT_GE(slow.seconds, slow.wait_seconds);
    EXPECT_GT(slow.samples_per_s(), 1);
    EXPECT_NE(slow.str().find("5 batches, 40 samples"), std::string::npos);
    DataLoader fast(counting(40), {.batch = 8, .workers = 1});
    for (auto [x, y] : fast) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_GT(fast.stats().idle_seconds, 0.02); // the worker waits for room
}

/// Reachable, so that only Ingot's own check speaks.
Batch* g_kept = nullptr;

TEST(LoaderDeathTest, ABatchThatIsNeverReleasedIsReported) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    const auto child = [](bool keep) {
        setenv("INGOT_LEAK_CHECK", "1", 1);
        {
            DataLoader loader(counting(100), {.batch = 25, .workers = 2});
            for (Batch& batch : loader)
                if (keep && g_kept == nullptr) g_kept = new Batch(batch);
            for (auto [x, y] : loader) break; // a pass that is left leaks nothing
        }
        std::exit(0);
    };
    EXPECT_EXIT(child(false), ::testing::ExitedWithCode(0), "^ingot: leak check: 0 bytes live\n$");
    EXPECT_EXIT(child(true), ::testing::ExitedWithCode(0),
                "200 bytes live from 'batch of a DataLoader'\n.*100 bytes live from 'batch of a DataLoader'\n"
                ".*leak check: 300 bytes live");
}

} // namespace
} // namespace ingot::data
