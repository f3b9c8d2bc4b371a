// SPDX-License-Identifier: MIT
// Images per second from JPEG files to normalized f32 batches (read, decode, random crop with padding 4, flip, normalize,
// batches of 128, shuffled; nothing cached) beside bare libjpeg on the same files, threads and order, in turn: a shared
// machine's speed changes by the minute, the ratio does not. Then the share of its time that a slow step waits for data.
//   loader [FOLDER] [--threads 2] [--seconds 2] [--rounds 5]      FOLDER/<class>/*.jpg; without it images are drawn
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <jpeglib.h>
#include <time.h>
#include <unistd.h>

#include <ingot/data.h>

#include "data/sources.h"
#include "io/file.h"

namespace {

using Clock = std::chrono::steady_clock;
using Bytes = std::vector<uint8_t>;
namespace data = ingot::data;
namespace fs = std::filesystem;

double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Seconds that the processors spent on this program.
double cpu_seconds() {
    timespec now{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// Images per second by the clock on the wall, and per second of processor time: what others run does not change that.
struct Rate {
    double wall = 0, cpu = 0;
};

/// As the manual of libjpeg shows it, into `pixels`, at its best: libjpeg-turbo writes rows that are aligned to 16 or 32 bytes
/// past the caches, which takes up to 8 us more for a small picture. Where an allocation happens to lie must not decide.
void decode(const Bytes& file, Bytes& pixels) {
    constexpr uintptr_t kAligned = 32, kShift = 8;
    jpeg_decompress_struct info;
    jpeg_error_mgr errors;
    info.err = jpeg_std_error(&errors);
    jpeg_create_decompress(&info);
    jpeg_mem_src(&info, file.data(), static_cast<unsigned long>(file.size()));
    jpeg_read_header(&info, TRUE);
    info.out_color_space = JCS_RGB;
    jpeg_start_decompress(&info);
    const size_t stride = size_t{3} * info.output_width;
    pixels.resize(stride * info.output_height + 2 * kAligned);
    uint8_t* first = pixels.data() + (kAligned - reinterpret_cast<uintptr_t>(pixels.data()) % kAligned) + kShift;
    while (info.output_scanline < info.output_height) {
        JSAMPROW row = first + stride * info.output_scanline;
        jpeg_read_scanlines(&info, &row, 1);
    }
    jpeg_finish_decompress(&info);
    jpeg_destroy_decompress(&info);
}

void write_jpeg(const std::string& path, const Bytes& rgb, unsigned side) {
    jpeg_compress_struct info;
    jpeg_error_mgr errors;
    info.err = jpeg_std_error(&errors);
    jpeg_create_compress(&info);
    unsigned char* out = nullptr;
    unsigned long size = 0;
    jpeg_mem_dest(&info, &out, &size);
    info.image_width = info.image_height = side;
    info.input_components = 3;
    info.in_color_space = JCS_RGB;
    jpeg_set_defaults(&info);
    jpeg_start_compress(&info, TRUE);
    while (info.next_scanline < side) {
        auto* row = const_cast<JSAMPLE*>(rgb.data()) + size_t{3} * side * info.next_scanline;
        jpeg_write_scanlines(&info, &row, 1);
    }
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(out), static_cast<std::streamsize>(size));
    std::free(out);
}

/// Drawn digits in colours, as files.
void draw_files(const fs::path& folder) {
    constexpr int64_t kCount = 4000;
    const data::ImageSet set = data::make_glyphs(0, kCount, 10).train;
    for (int64_t i = 0; i < kCount; ++i) {
        Bytes rgb;
        for (int64_t p = 0; p < 32 * 32; ++p)
            for (const int shift : {0, 1, 2}) rgb.push_back(static_cast<uint8_t>(set.image(i)[p] >> (shift * (i % 3))));
        const fs::path cls = folder / std::to_string(set.labels[static_cast<size_t>(i)]);
        fs::create_directories(cls);
        write_jpeg((cls / (std::to_string(i) + ".jpg")).string(), rgb, 32);
    }
}

/// Runs `work` on `threads` threads until the time is over; it counts what it has done.
template <class F> Rate rate(int threads, double seconds, const F& work) {
    std::atomic<int64_t> done{0};
    std::atomic<bool> stop{false};
    const Clock::time_point start = Clock::now();
    const double cpu = cpu_seconds();
    std::vector<std::thread> pool;
    for (int t = 0; t < threads; ++t) pool.emplace_back([&, t] { work(t, done, stop); });
    while (since(start) < seconds) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    stop = true;
    const double images = static_cast<double>(done);
    const Rate rate{images / since(start), images / (cpu_seconds() - cpu)};
    for (std::thread& thread : pool) thread.join();
    return rate;
}

Rate bare(const data::ImageFolder& folder, int threads, double seconds, const std::vector<Bytes>& in_memory) {
    const std::vector<int64_t> order = data::RandomSampler(folder.size()).indices(0);
    return rate(threads, seconds, [&](int t, std::atomic<int64_t>& done, const std::atomic<bool>& stop) {
        Bytes pixels;
        for (auto k = static_cast<size_t>(t); !stop; k = (k + static_cast<size_t>(threads)) % order.size(), ++done) {
            const int64_t i = order[k];
            decode(in_memory.empty() ? ingot::io::read_file(folder.file(i), 1 << 30)
                                     : in_memory[static_cast<size_t>(i)],
                   pixels);
        }
    });
}

Rate ours(data::DataLoader& loader, double seconds) {
    int64_t images = 0;
    ingot::Tensor x, y;
    loader.start(0);
    if (!loader.next(x, y)) return {}; // threads are running now
    const Clock::time_point start = Clock::now();
    const double cpu = cpu_seconds();
    for (int64_t epoch = 1; since(start) < seconds;) {
        if (loader.next(x, y))
            images += x.size(0);
        else
            loader.start(epoch++);
    }
    const Rate rate{static_cast<double>(images) / since(start), static_cast<double>(images) / (cpu_seconds() - cpu)};
    loader.stop();
    return rate;
}

/// The share of the time that a step of `step_seconds` (the processor is free meanwhile, as with a GPU) waits for data.
double waiting(data::DataLoader& loader, double step_seconds, double seconds) {
    ingot::Tensor x, y;
    double waited = 0;
    int64_t epoch = 0;
    loader.start(epoch);
    if (!loader.next(x, y)) return 0; // threads are running now
    const Clock::time_point start = Clock::now();
    while (since(start) < seconds) {
        std::this_thread::sleep_for(std::chrono::duration<double>(step_seconds));
        const Clock::time_point asked = Clock::now();
        while (!loader.next(x, y)) loader.start(++epoch);
        waited += since(asked);
    }
    const double share = waited / since(start);
    loader.stop();
    return share;
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

} // namespace

int main(int count, char** words) {
    std::string path;
    int threads = 2, rounds = 5;
    double seconds = 2;
    for (int i = 1; i < count; ++i) {
        const std::string word = words[i];
        const char* value = i + 1 < count ? words[i + 1] : "";
        if (word == "--threads")
            threads = std::max(1, std::atoi(value)), ++i;
        else if (word == "--seconds")
            seconds = std::atof(value), ++i;
        else if (word == "--rounds")
            rounds = std::max(1, std::atoi(value)), ++i;
        else
            path = word;
    }
    const bool drawn = path.empty();
    if (drawn) {
        path = (fs::temp_directory_path() / ("ingot-bench-" + std::to_string(getpid()))).string();
        draw_files(path);
    }
    {
        const data::ImageFolder folder(path);
        std::vector<Bytes> in_memory;
        for (int64_t i = 0; i < folder.size(); ++i) in_memory.push_back(ingot::io::read_file(folder.file(i), 1 << 30));
        const ingot::Int2 size(std::get<data::Image>(folder.get(0).x).height(),
                               std::get<data::Image>(folder.get(0).x).width());
        data::LoaderOptions options{.batch = 128, .shuffle = true, .drop_last = true, .workers = threads};
        options.transforms = {data::RandomCrop(size, {.padding = 4}), data::RandomHorizontalFlip(),
                              data::Normalize({0.45f, 0.45f, 0.45f}, {0.25f, 0.25f, 0.25f})};
        options.prefetch = threads + 1;
        data::DataLoader loader(folder, options);
        std::vector<double> wall, cpu, wall_file, cpu_file, wall_memory, cpu_memory, wait;
        for (int round = 0; round < rounds; ++round) {
            const Rate a = ours(loader, seconds), b = bare(folder, threads, seconds, {});
            const Rate c = bare(folder, threads, seconds, in_memory);
            wall.push_back(a.wall);
            cpu.push_back(a.cpu);
            wall_file.push_back(a.wall / b.wall);
            cpu_file.push_back(a.cpu / b.cpu);
            wall_memory.push_back(a.wall / c.wall);
            cpu_memory.push_back(a.cpu / c.cpu);
            // A step that takes twice as long as the loader needs for its batch.
            wait.push_back(waiting(loader, 2 * static_cast<double>(options.batch) / a.wall, seconds / 2));
            std::printf(
                "images/s: loader %7.0f, libjpeg with reading %7.0f, without %7.0f; per processor second: %6.0f, "
                "%6.0f, %6.0f; a slow step waits %.1f %%\n",
                a.wall, b.wall, c.wall, a.cpu, b.cpu, c.cpu, 100 * wait.back());
            std::fflush(stdout);
        }
        std::printf("{\"bench\": \"loader\", \"threads\": %d, \"images\": %lld, \"images_per_s\": %.0f, "
                    "\"images_per_cpu_s\": %.0f, \"ratio_to_libjpeg_with_reading\": %.3f, \"cpu_ratio\": %.3f, "
                    "\"ratio_to_libjpeg_without_reading\": %.3f, \"cpu_ratio_without_reading\": %.3f, "
                    "\"slow_step_waits\": %.4f}\n",
                    threads, static_cast<long long>(folder.size()), median(wall), median(cpu), median(wall_file),
                    median(cpu_file), median(wall_memory), median(cpu_memory), median(wait));
    }
    if (drawn) fs::remove_all(path);
    return 0;
}
