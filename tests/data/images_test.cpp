// SPDX-License-Identifier: MIT
// The cache and pictures in files.
#include <ingot/data/images.h>

#include <filesystem>
#include <thread>

#include "data/data_testing.h"
#include "data/sources.h"
#include "io/image.h"

namespace ingot::data {
namespace {

namespace fs = std::filesystem;
using testing::Bytes;
using testing::flat_png;
using testing::ScratchFolder;
using testing::write_bytes;
using testing::write_text;

Image square(uint8_t value) { return Image(10, 10, 1, Bytes(100, value)); }

TEST(ImageCache, KeepsTheMostRecentBytes) {
    ImageCache cache(350);
    const uint64_t a = cache.new_owner(), b = cache.new_owner();
    for (int i = 0; i < 3; ++i) cache.insert(a, i, square(static_cast<uint8_t>(i)));
    EXPECT_EQ(cache.stats().bytes, 300);
    EXPECT_EQ(cache.find(a, 0)->at(0, 5, 5), 0); // now 1 is the one not asked for the longest
    EXPECT_FALSE(cache.find(b, 0));              // another dataset's picture 0 is another picture
    cache.insert(b, 0, square(9));
    EXPECT_FALSE(cache.find(a, 1));
    EXPECT_TRUE(cache.find(a, 0) && cache.find(a, 2));
    EXPECT_EQ(cache.find(b, 0)->at(0, 0, 0), 9);
    cache.insert(b, 1, Image(20, 20, 1, Bytes(400))); // larger than everything: not kept, nothing thrown out
    const CacheStats stats = cache.stats();
    EXPECT_EQ(stats.entries, 3);
    EXPECT_EQ(stats.bytes, 300);
    EXPECT_EQ(stats.hits, 4);
    EXPECT_EQ(stats.misses, 2);
    EXPECT_DOUBLE_EQ(stats.hit_rate(), 4 / 6.0);
    cache.insert(b, 2, Image(15, 20, 1, Bytes(300))); // takes the place of all
    EXPECT_EQ(cache.stats().entries, 1);
    EXPECT_ERROR(ImageCache(-1), "must not be negative");
}

TEST(ImageCache, MayKeepWhatItHas) {
    ImageCache cache(250, Eviction::never);
    for (int i = 0; i < 4; ++i) cache.insert(0, i, square(1));
    EXPECT_TRUE(cache.find(0, 0) && cache.find(0, 1));
    EXPECT_FALSE(cache.find(0, 2) || cache.find(0, 3));
}

TEST(ImageCache, ThreadsShareIt) {
    ImageCache cache(100 * 20);
    std::vector<std::thread> threads;
    std::atomic<int> wrong{0};
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i < 2000; ++i) {
                const int key = (i * 7 + t * 3) % 40;
                if (const auto found = cache.find(0, key)) {
                    if (found->at(0, 9, 9) != key) ++wrong;
                } else {
                    cache.insert(0, key, square(static_cast<uint8_t>(key)));
                }
            }
        });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(wrong, 0);
    EXPECT_LE(cache.stats().bytes, 2000);
    EXPECT_EQ(cache.stats().hits + cache.stats().misses, 8000);
}

class ImageFiles : public ::testing::Test {
protected:
    ImageFiles() {
        write_bytes(folder_ / "d/cat/1.png", flat_png(6, 4, 1, 10));
        write_bytes(folder_ / "d/cat/2.png", flat_png(8, 8, 3, 20));
        write_bytes(folder_ / "d/dog/1.jpg", testing::make_jpeg(6, 4, 3, Bytes(72, 30)));
        write_text(folder_ / "d/dog/readme.txt", "x");
    }
    ScratchFolder folder_;
};

TEST_F(ImageFiles, DecodesWhenAskedFor) {
    const ImageFolder plain(folder_ / "d");
    ASSERT_EQ(plain.size(), 3);
    EXPECT_EQ(plain.class_names(), (std::vector<std::string>{"cat", "dog"}));
    EXPECT_EQ(testing::labels_of(plain), (std::vector<int64_t>{0, 0, 1}));
    EXPECT_EQ(testing::bytes_of(plain, 0), Bytes(6 * 4 * 3, 10)); // grey is repeated
    EXPECT_EQ(testing::bytes_of(plain, 1), Bytes(8 * 8 * 3, 20));
    EXPECT_NE(plain.file(2).find("dog/1.jpg"), std::string::npos);
    const ImageFolder grey(folder_ / "d", {.size = {2, 3}, .channels = 1});
    EXPECT_EQ(testing::bytes_of(grey, 1), Bytes(6, 20));
    EXPECT_EQ(read_image(folder_ / "d/cat/2.png").pixels(), Bytes(8 * 8 * 3, 20));
    EXPECT_ERROR(read_image(folder_ / "d/none.png"), "none.png: cannot open");

    EXPECT_ERROR(ImageFolder(folder_ / "none"), "none: no such folder");
    EXPECT_ERROR(ImageFolder(folder_ / "d/cat"), "holds no class folders");
    EXPECT_ERROR(ImageFolder(folder_ / "d", {.channels = 2}), "channels must be 1 or 3");
    EXPECT_ERROR(ImageFolder(folder_ / "d", {.size = {3, 0}}), "size 3 x 0 must lie between 1 and 4096, or be 0");
    EXPECT_ERROR(ImageFolder({"a", "b"}, {0}, {"x"}), "2 files have 1 labels");
    EXPECT_ERROR(ImageFolder({"a", "b"}, {0, 1}, {"x"}), "b: label 1 is out of range for 1 classes");
}

TEST_F(ImageFiles, TheCacheSavesDecoding) {
    const ImageFolder cached(folder_ / "d", {.size = 4, .cache = std::make_shared<ImageCache>(1 << 20)});
    const Bytes first = testing::bytes_of(cached, 1);
    write_text(cached.file(1), "gone"); // only who reads the file again notices
    EXPECT_EQ(testing::bytes_of(cached, 1), first);
    EXPECT_EQ(cached.cache_stats().hits, 1);
    EXPECT_EQ(cached.cache_stats().misses, 1);
    EXPECT_EQ(cached.cache_stats().bytes, 48);
    DataLoader loader(cached, {.batch = 3, .workers = 2});
    for (int pass = 0; pass < 2; ++pass)
        for (auto [x, y] : loader) EXPECT_EQ(x.shape(), (Shape{3, 3, 4, 4}));
    EXPECT_EQ(loader.stats().cache.misses, 3);
}

TEST_F(ImageFiles, DamagedFilesAreFileErrorsOfTheirSample) {
    write_text(folder_ / "d/cat/2.png", "<html>");
    const ImageFolder images(folder_ / "d", {.size = 4});
    Tensor x, y;
    DataLoader strict(images, {.batch = 1});
    strict.start(0);
    EXPECT_TRUE(strict.next(x, y));
    EXPECT_ERROR(strict.next(x, y), "sample 1: " + images.file(1) + ": is neither a JPEG nor a PNG file");
    LoaderOptions options{.batch = 3};
    options.bad_samples = BadSamples::skip;
    options.on_bad_sample = [](int64_t, const std::string&) {};
    DataLoader loader(images, options);
    loader.start(0);
    ASSERT_TRUE(loader.next(x, y));
    EXPECT_EQ(y.to_vector<int64_t>(), (std::vector<int64_t>{0, 1}));
}

TEST_F(ImageFiles, LargeJpegsAreReducedToTwiceTheSizeFirst) {
    Bytes pixels;
    for (int y = 0; y < 160; ++y)
        for (int x = 0; x < 200; ++x) pixels.push_back(static_cast<uint8_t>((x * 5 + y * 3 + (x * y) % 31) % 256));
    const Bytes jpeg = testing::make_jpeg(200, 160, 1, pixels);
    write_bytes(folder_ / "big.jpg", jpeg);
    // 200 x 160 to 20 x 20: reduced by 4 to 50 x 40, as 25 x 20 is less than twice the size.
    const io::Image reduced = io::decode_image(jpeg, "x", {.min_width = 40, .min_height = 40});
    EXPECT_EQ(reduced.width, 50);
    EXPECT_EQ(reduced.height, 40);
    EXPECT_EQ(read_fitted(folder_ / "big.jpg", 1, 20, 20).pixels, io::resize(reduced, 20, 20).pixels);
    // Hardly another picture than without the reduction.
    const io::Image whole = io::resize(io::decode_image(jpeg, "x"), 20, 20);
    for (size_t i = 0; i < 400; ++i) EXPECT_NEAR(io::resize(reduced, 20, 20).pixels[i], whole.pixels[i], 24);
    EXPECT_EQ(io::decode_image(jpeg, "x", {.min_width = 101, .min_height = 1}).width, 200);
    EXPECT_EQ(io::decode_image(jpeg, "x", {.min_width = 100, .min_height = 1}).width, 100);
    EXPECT_EQ(io::decode_image(jpeg, "x", {.min_width = 1, .min_height = 1}).height, 20); // 8 is the most
    const io::Image header = io::read_image_header(folder_ / "big.jpg");
    EXPECT_EQ(header.width, 200);
    EXPECT_EQ(header.height, 160);
    EXPECT_EQ(header.channels, 1);
    EXPECT_TRUE(header.pixels.empty());
    EXPECT_EQ(io::read_image_header(folder_ / "d/cat/2.png").channels, 3);
    write_text(folder_ / "x.png", "x");
    EXPECT_ERROR(io::read_image_header(folder_ / "x.png"), "x.png: is neither");
}

TEST_F(ImageFiles, FilesAndMemoryGiveTheSamePictures) {
    for (int i = 0; i < 30; ++i) {
        Bytes pixels;
        for (int k = 0; k < 90 * 70 * 3; ++k) pixels.push_back(static_cast<uint8_t>(k * 3 + i * (k % 7)));
        write_bytes(folder_ / ("t/train/" + std::string(i % 2 ? "a/" : "b/") + std::to_string(i) + ".jpg"),
                    testing::make_jpeg(90, 70, 3, pixels));
    }
    std::vector<std::string> warned;
    const LoadOptions load{.warn = [&](const std::string& what) { warned.push_back(what); }};
    Bytes cut = testing::make_jpeg(90, 70, 1, Bytes(90 * 70, 40));
    cut.resize(cut.size() / 2);
    write_bytes(folder_ / "t/train/a/05.jpg", cut);
    const ImageData memory = load_folder(folder_ / "t", {.load = load});
    EXPECT_TRUE(memory.in_memory);
    EXPECT_EQ(memory.left_out, 1);
    ASSERT_EQ(warned.size(), 1u);
    EXPECT_NE(warned[0].find("a/05.jpg: bad JPEG"), std::string::npos);
    const ImageData files = load_folder(folder_ / "t", {.cache = 20000, .load = load});
    EXPECT_FALSE(files.in_memory);
    EXPECT_EQ(files.height, memory.height);
    EXPECT_EQ(files.width, memory.width);
    ASSERT_EQ(files.train->size(), 31);
    int64_t kept = 0;
    for (int64_t i = 0; i < 31; ++i) {
        if (i == 0) { // a/05.jpg
            EXPECT_THROW(files.train->get(i), FileError);
            continue;
        }
        EXPECT_EQ(testing::bytes_of(*files.train, i), testing::bytes_of(*memory.train, kept)) << i;
        EXPECT_EQ(files.train->label(i), memory.train->label(kept));
        ++kept;
    }
    EXPECT_LE(files.train->cache_stats().bytes, 20000);
    EXPECT_GT(files.train->cache_stats().entries, 0);
    // Mean and deviation leave the damaged file out.
    EXPECT_EQ(channel_stats(*files.train).mean, channel_stats(*memory.train).mean);
    EXPECT_ERROR(load_folder(folder_ / "t", {.load = {.strict = true}}), "a/05.jpg: bad JPEG");
}

} // namespace
} // namespace ingot::data
