// SPDX-License-Identifier: MIT
// Kernels by name: registration, signatures, the checks of arguments, how a grid is divided.
#include <cstdint>
#include <limits>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <ingot/command_buffer.h>
#include <ingot/error.h>
#include <ingot/kernel.h>

namespace ingot {
namespace {

template <class F> std::string message_of(F f) {
    try {
        f();
    } catch (const std::exception& e) { return e.what(); }
    return "nothing thrown";
}

template <class T> Buffer buffer_of(const std::vector<T>& v, Device device = Device::cpu()) {
    Buffer b = Buffer::allocate(device, v.size() * sizeof(T));
    b.copy_from_host(v);
    return b;
}

/// Runs one dispatch to its end.
void run(const Kernel& kernel, const Dim3& grid, const Dim3& group, const std::vector<KernelArg>& args) {
    Stream stream(kernel.valid() ? kernel.device() : Device::cpu());
    CommandBuffer commands(stream);
    commands.dispatch(kernel, grid, group, args);
    commands.commit();
    commands.wait();
}

void saxpy(const WorkGroup& g, float a, std::span<const float> x, std::span<float> y) {
    for (auto i = static_cast<size_t>(g.begin.x); i < static_cast<size_t>(g.end.x); ++i) y[i] += a * x[i];
}

TEST(Kernel, IsFoundByNameAndRuns) {
    KernelLibrary library;
    library.add("saxpy", saxpy);
    EXPECT_TRUE(library.contains("saxpy"));
    EXPECT_FALSE(library.contains("gemm"));
    const Kernel kernel = library.kernel("saxpy");
    EXPECT_EQ(kernel.name(), "saxpy");
    EXPECT_EQ(kernel.str(), "saxpy(f32, const f32[], f32[])");
    const Buffer x = buffer_of<float>({1, 2, 3, 4, 5}), y = buffer_of<float>({10, 20, 30, 40, 50});
    run(kernel, 5, 2, {2.0f, x, y});
    EXPECT_EQ(y.to_vector<float>(), (std::vector<float>{12, 24, 36, 48, 60}));
    EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{1, 2, 3, 4, 5}));
}

TEST(Kernel, NeverLosesTheErrorOfAFailedLookup) {
    KernelLibrary library;
    EXPECT_EQ(message_of([&] { library.kernel("a"); }), "KernelLibrary: there is no kernel 'a'; the library is empty");
    library.add("two", saxpy);
    library.add("one", saxpy);
    for (int i = 0; i < 2; ++i) // the second time as well
        EXPECT_EQ(message_of([&] { library.kernel("a"); }),
                  "KernelLibrary: there is no kernel 'a'; there are one, two");
    EXPECT_EQ(library.names(), (std::vector<std::string>{"one", "two"}));
    EXPECT_EQ(message_of([&] { library.add("one", saxpy); }), "KernelLibrary::add: there is a kernel 'one' already");
    EXPECT_EQ(message_of([&] { library.add("", saxpy); }), "KernelLibrary::add: the name is empty");
    void (*none)(const WorkGroup&) = nullptr;
    EXPECT_EQ(message_of([&] { library.add("none", none); }), "KernelLibrary::add: the function pointer is null");
    const Kernel empty;
    EXPECT_FALSE(empty.valid());
    EXPECT_THROW(empty.name(), Error);
    EXPECT_EQ(message_of([&] { run(empty, 1, 1, {}); }).substr(0, 30), "dispatch: the kernel is empty;");
    EXPECT_THROW(KernelLibrary(Device{Device::Kind::cuda, 0}), DeviceError);
}

TEST(Kernel, LivesLongerThanItsLibrary) {
    Kernel kernel;
    auto captured = std::make_shared<float>(3.0f);
    {
        KernelLibrary library;
        kernel = library.add("set", [captured](const WorkGroup&, std::span<float> y) { y[0] = *captured; });
    }
    const Buffer y = buffer_of<float>({0});
    run(kernel, 1, 1, {y});
    EXPECT_EQ(y.to_vector<float>()[0], 3.0f);
    kernel = {};
    EXPECT_EQ(captured.use_count(), 1);
}

TEST(Kernel, EveryThreadOfTheGridRunsExactlyOnce) {
    KernelLibrary library;
    const Kernel count = library.add("count", [](const WorkGroup& g, std::span<int32_t> hits, int64_t nx, int64_t ny) {
        EXPECT_LE(g.end.x, g.grid.x);
        EXPECT_LE(g.end.y, g.grid.y);
        EXPECT_LE(g.end.z, g.grid.z);
        g.for_each([&](int64_t x, int64_t y, int64_t z) { ++hits[static_cast<size_t>((z * ny + y) * nx + x)]; });
    });
    const std::vector<Dim3> grids{{1}, {7}, {64}, {10000}, {5, 3}, {1, 1, 9}, {33, 5, 3}};
    const std::vector<Dim3> groups{{1}, {4}, {4, 2}, {8, 8, 8}, {1, 1, 100}, {int64_t{1} << 60}};
    for (const Dim3& grid : grids) {
        for (const Dim3& group : groups) {
            if (grid.x * grid.y * grid.z > 1000 && group.x < 8) continue;
            const std::vector<int32_t> zero(static_cast<size_t>(grid.x * grid.y * grid.z), 0);
            const Buffer hits = buffer_of(zero);
            run(count, grid, group, {hits, grid.x, grid.y});
            for (const int32_t h : hits.to_vector<int32_t>()) ASSERT_EQ(h, 1) << grid.str() << " by " << group.str();
        }
    }
    EXPECT_EQ((Dim3{2, 3}).str(), "2 x 3 x 1");
}

TEST(Kernel, GroupsAreWhatWasAskedFor) {
    KernelLibrary library;
    std::mutex mutex;
    std::set<std::pair<int64_t, int64_t>> seen;
    const Kernel note = library.add("note", [&](const WorkGroup& g) {
        const std::lock_guard lock(mutex);
        seen.emplace(g.begin.x, g.end.x);
    });
    run(note, 10, 4, {});
    EXPECT_EQ(seen, (std::set<std::pair<int64_t, int64_t>>{{0, 4}, {4, 8}, {8, 10}}));
    seen.clear();
    run(note, 0, 4, {}); // nothing
    run(note, {5, 0, 2}, {1, 1, 1}, {});
    EXPECT_TRUE(seen.empty());
    // Without a group: not one call per thread.
    Stream stream;
    CommandBuffer commands(stream);
    commands.dispatch(note, 100000, {});
    commands.commit();
    commands.wait();
    EXPECT_GT(seen.size(), 1u);
    EXPECT_LT(seen.size(), 100u);
}

TEST(Kernel, BadGridsAreErrors) {
    KernelLibrary library;
    const Kernel k = library.add("k", [](const WorkGroup&) {});
    EXPECT_EQ(message_of([&] { run(k, -1, 1, {}); }), "dispatch of k(): the grid -1 x 1 x 1 has a negative extent");
    EXPECT_EQ(message_of([&] { run(k, 1, 0, {}); }),
              "dispatch of k(): the group 0 x 1 x 1 must have at least one thread per axis");
    const int64_t huge = int64_t{1} << 40;
    EXPECT_NE(message_of([&] { run(k, {huge, huge}, 1, {}); }).find("more threads than 63 bits"), std::string::npos);
}

TEST(Kernel, ArgumentsAreCheckedBeforeAnythingRuns) {
    KernelLibrary library;
    std::atomic<int> ran{0};
    const Kernel k =
        library.add("k", [&](const WorkGroup&, float, std::span<const float>, std::span<double>) { ++ran; });
    const Buffer f = buffer_of<float>({1, 2, 3}), d = buffer_of<double>({1});
    const auto says = [&](const std::vector<KernelArg>& args) { return message_of([&] { run(k, 1, 1, args); }); };
    const std::string head = "dispatch of k(f32, const f32[], f64[]): ";
    EXPECT_EQ(says({1.0f, f}), head + "2 arguments were given, it takes 3");
    EXPECT_EQ(says({f, f, d}), head + "argument 0 is a buffer, not a value of type f32");
    EXPECT_EQ(says({1.0f, 2, d}), head + "argument 1 is the number 2, not a buffer");
    EXPECT_EQ(says({1.0f, f, f}), head + "argument 2 has 12 bytes, which is no whole number of elements of 8");
    EXPECT_EQ(says({1.0f, KernelArg(f, 8, 8), d}),
              head + "argument 1 covers 8 bytes at offset 8 of a buffer of 12 bytes");
    EXPECT_EQ(says({1.0f, KernelArg(f, 13, 0), d}),
              head + "argument 1 covers 0 bytes at offset 13 of a buffer of 12 bytes");
    EXPECT_EQ(says({1.0f, KernelArg(f, 2, 4), d}),
              head + "argument 1 begins at an address that is no multiple of 4, as const f32[] needs");
    EXPECT_EQ(says({1.0f, f, Buffer::allocate(Device::reference(), 8)}),
              head + "argument 2 is on reference, the kernel on cpu");
    EXPECT_EQ(ran, 0);
    EXPECT_EQ(says({1.0f, f, d}), "nothing thrown");
    EXPECT_EQ(ran, 1);
}

TEST(Kernel, PartsOfBuffersAreSpansOfTheirOwn) {
    KernelLibrary library;
    const Kernel negate = library.add("negate", [](const WorkGroup&, std::span<float> x) {
        for (float& v : x) v = -v;
    });
    const Buffer x = buffer_of<float>({1, 2, 3, 4, 5});
    run(negate, 1, 1, {KernelArg(x, 4, 8)});
    run(negate, 1, 1, {KernelArg(x, 16, KernelArg::kWhole)});
    run(negate, 1, 1, {KernelArg(x, 20, 0)});
    EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{1, -2, -3, 4, -5}));
    run(negate, 1, 1, {Buffer()}); // no memory is an empty span
}

struct Window {
    int32_t first, last;
};

TEST(Kernel, NumbersFitOrAreErrors) {
    KernelLibrary library;
    int32_t i = 0;
    double d = 0;
    float f = 0;
    bool flag = false;
    Window window{};
    uint64_t wide = 0;
    const Kernel ints = library.add("ints", [&](const WorkGroup&, int32_t v) { i = v; });
    const Kernel reals = library.add("reals", [&](const WorkGroup&, double v) { d = v; });
    const Kernel singles = library.add("singles", [&](const WorkGroup&, float v) { f = v; });
    const Kernel flags = library.add("flags", [&](const WorkGroup&, bool v) { flag = v; });
    const Kernel structs = library.add("structs", [&](const WorkGroup&, const Window& v) { window = v; });
    const Kernel wides = library.add("wides", [&](const WorkGroup&, uint64_t v) { wide = v; });
    const auto says = [](const Kernel& k, const KernelArg& a) { return message_of([&] { run(k, 1, 1, {a}); }); };

    run(ints, 1, 1, {size_t{7}});
    EXPECT_EQ(i, 7);
    run(ints, 1, 1, {-3.0});
    EXPECT_EQ(i, -3);
    EXPECT_EQ(says(ints, 2.5), "dispatch of ints(i32): argument 0 is the number 2.5, which does not fit i32");
    EXPECT_EQ(says(ints, int64_t{1} << 31),
              "dispatch of ints(i32): argument 0 is the number 2147483648, which does not fit i32");
    EXPECT_NE(says(ints, 2147483648.0).find("which does not fit i32"), std::string::npos);
    EXPECT_NE(says(ints, std::numeric_limits<double>::quiet_NaN()).find("which does not fit i32"), std::string::npos);
    EXPECT_EQ(says(ints, -2147483648.0), "nothing thrown");
    EXPECT_EQ(i, std::numeric_limits<int32_t>::min());
    run(reals, 1, 1, {0.1f});
    EXPECT_EQ(d, static_cast<double>(0.1f));
    run(reals, 1, 1, {3});
    EXPECT_EQ(d, 3.0);
    for (const double far : {1e300, -1e39})
        EXPECT_NE(says(singles, far).find(", which does not fit f32"), std::string::npos) << says(singles, far);
    run(singles, 1, 1, {0.1}); // rounded
    EXPECT_EQ(f, 0.1f);
    run(singles, 1, 1, {-std::numeric_limits<double>::infinity()});
    EXPECT_EQ(f, -std::numeric_limits<float>::infinity());
    run(singles, 1, 1, {double{std::numeric_limits<float>::max()}});
    EXPECT_EQ(f, std::numeric_limits<float>::max());
    run(flags, 1, 1, {true});
    EXPECT_TRUE(flag);
    EXPECT_NE(says(flags, 2).find("which does not fit bool"), std::string::npos);
    run(wides, 1, 1, {~uint64_t{0}});
    EXPECT_EQ(wide, ~uint64_t{0});
    EXPECT_NE(says(wides, -1).find("which does not fit 8-byte"), std::string::npos);
    EXPECT_NE(says(ints, ~uint64_t{0}).find("which does not fit i32"), std::string::npos);
    run(structs, 1, 1, {Window{3, 9}});
    EXPECT_EQ(window.first, 3);
    EXPECT_EQ(window.last, 9);
    EXPECT_NE(says(structs, 1).find("which is no 8-byte"), std::string::npos);
    struct Other {
        int32_t a, b;
    };
    EXPECT_NE(says(structs, Other{1, 2}).find("a value of another type"), std::string::npos);
}

TEST(Kernel, OneTemplateServesSeveralTypes) {
    KernelLibrary library;
    const auto kernels = library.add_for<float, double, int32_t>(
        "square", []<class T>(const WorkGroup& g, std::span<const T> x, std::span<T> y) {
            for (auto i = static_cast<size_t>(g.begin.x); i < static_cast<size_t>(g.end.x); ++i) y[i] = x[i] * x[i];
        });
    ASSERT_EQ(kernels.size(), 3u);
    EXPECT_EQ(library.names(), (std::vector<std::string>{"square_f32", "square_f64", "square_i32"}));
    EXPECT_EQ(kernels[1].str(), "square_f64(const f64[], f64[])");
    const Buffer x = buffer_of<int32_t>({-3, 4}), y = buffer_of<int32_t>({0, 0});
    run(library.kernel("square_i32"), 2, 1, {x, y});
    EXPECT_EQ(y.to_vector<int32_t>(), (std::vector<int32_t>{9, 16}));
}

TEST(Kernel, RunsOnTheReferenceDeviceToo) {
    KernelLibrary library(Device::reference());
    const Kernel k = library.add("saxpy", saxpy);
    EXPECT_EQ(library.device(), Device::reference());
    const Buffer x = buffer_of<float>({1}, Device::reference()), y = buffer_of<float>({1}, Device::reference());
    run(k, 1, 1, {3, x, y});
    EXPECT_EQ(y.to_vector<float>()[0], 4.0f);
    Stream cpu;
    CommandBuffer commands(cpu);
    EXPECT_EQ(message_of([&] {
                  commands.dispatch(k, 1, 1, {3, x, y});
              }),
              "dispatch of saxpy(f32, const f32[], f32[]): the kernel is on reference, the stream on cpu");
}

TEST(Kernel, LibrariesAreSharedBetweenThreads) {
    KernelLibrary library;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 50; ++i) {
                library.add("k" + std::to_string(t) + "_" + std::to_string(i), saxpy);
                EXPECT_EQ(library.kernel("k" + std::to_string(t) + "_0").parameters().size(), 3u);
            }
        });
    }
    for (auto& t : threads) t.join();
    EXPECT_EQ(library.names().size(), 200u);
}

} // namespace
} // namespace ingot
