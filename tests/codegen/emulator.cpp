// SPDX-License-Identifier: MIT
#include "codegen/emulator.h"

#include <dlfcn.h>

#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "support/scratch_folder.h"

namespace ingot::test {
namespace {

constexpr const char* kRuntime = R"(
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <memory>
#include <vector>

// Fibers: one per thread of the block that runs.
namespace fiber {
constexpr size_t kStack = 64 * 1024;
struct Thread {
    ucontext_t context;
    std::unique_ptr<char[]> stack;
    bool done = false;
    unsigned phase = 0;          // shuffles so far
    unsigned long long slot[2];  // what this thread offers in its last two shuffles
};
static std::vector<Thread> threads;
static ucontext_t scheduler;
static int live, current, arrived;
static unsigned generation;
static unsigned block;
static bool progress;
static void (*body)(void**);
static void** arguments;

static void yield() { swapcontext(&threads[current].context, &scheduler); }
static void entry() {
    body(arguments);
    threads[current].done = true;
    --live;
    progress = true;
    yield();
}
static void barrier() {
    const unsigned before = generation;
    ++arrived;
    progress = true;
    while (generation == before) yield();
    progress = true;
}
template <class T> static T shuffle_xor(T v, int offset, unsigned mask) {
    const int tid = current, warp = tid & ~31;
    Thread& me = threads[tid];
    unsigned long long bits = 0;
    memcpy(&bits, &v, sizeof v);
    me.slot[me.phase & 1] = bits;
    const unsigned phase = ++me.phase;
    progress = true;
    if (!(mask >> (tid & 31) & 1) || !(mask >> ((tid & 31) ^ offset) & 1)) // a lane outside of its own mask
        for (;;) yield();
    for (bool all = false; !all;) {
        all = true;
        for (int lane = 0; lane < 32; ++lane)
            if (mask >> lane & 1) all &= threads[warp + lane].phase >= phase;
        if (!all) yield();
    }
    bits = threads[warp + ((tid & 31) ^ offset)].slot[(phase - 1) & 1];
    memcpy(&v, &bits, sizeof v);
    progress = true;
    return v;
}
// Each warp runs as far as it can before the next one does, so that warps drift apart as far as barriers let them.
// 0: fine; 1: threads wait for each other for ever.
static int run_block(int count, bool descending) {
    threads.resize(count);
    live = count;
    arrived = 0;
    for (int i = 0; i < count; ++i) {
        Thread& t = threads[i];
        if (!t.stack) t.stack.reset(new char[kStack]);
        getcontext(&t.context);
        t.context.uc_stack.ss_sp = t.stack.get();
        t.context.uc_stack.ss_size = kStack;
        t.context.uc_link = nullptr;
        t.done = false;
        t.phase = 0;
        makecontext(&t.context, entry, 0);
    }
    while (live > 0) {
        bool any = false;
        for (int first = 0; first < count; first += 32) {
            do {
                progress = false;
                for (int i = first; i < first + 32; ++i) {
                    current = descending ? count - 1 - i : i;
                    if (!threads[current].done) swapcontext(&scheduler, &threads[current].context);
                }
                any |= progress;
            } while (progress);
        }
        if (arrived == count) {
            arrived = 0;
            ++generation;
            any = true;
        }
        if (!any) return 1;
    }
    return 0;
}
} // namespace fiber

extern "C" int ig_run(void (*body)(void**), void** arguments, long long grid, int block, int descending) {
    fiber::body = body;
    fiber::arguments = arguments;
    for (long long b = 0; b < grid; ++b) {
        fiber::block = (unsigned)b;
        if (fiber::run_block(block, descending != 0)) return 1;
    }
    return 0;
}

static inline int ig_thread() { return fiber::current; }
static inline unsigned ig_block() { return fiber::block; }
static inline void ig_barrier() { fiber::barrier(); }
template <class T> static T ig_shuffle_xor(T v, int offset, unsigned mask) { return fiber::shuffle_xor(v, offset, mask); }
static inline float ig_infinity_f32() { return INFINITY; }
static inline float ig_nan_f32() { return NAN; }
static inline double ig_infinity_f64() { return INFINITY; }
static inline double ig_nan_f64() { return NAN; }
static inline float rsqrt(float x) { return 1.0f / sqrt(x); }
static inline double rsqrt(double x) { return 1.0 / sqrt(x); }
static inline float ig_f32_from_f16(unsigned short h) {
    const int e = h >> 10 & 31, m = h & 1023;
    const float v = e == 31 ? (m ? NAN : INFINITY) : e ? ldexpf((float)(1024 + m), e - 25) : ldexpf((float)m, -24);
    return h >> 15 ? -v : v;
}
static inline unsigned short ig_f16_from_f32(float x) {
    const unsigned short sign = signbit(x) ? 0x8000 : 0;
    const float v = fabsf(x);
    if (x != x) return 0x7fff;
    if (v >= 65520.0f) return sign | 0x7c00;
    if (v < 6.103515625e-5f) return sign | (unsigned short)nearbyintf(ldexpf(v, 24));
    const int e = ilogbf(v);
    return sign | (unsigned short)(((e + 15) << 10) + (int)nearbyintf(ldexpf(v, 10 - e)) - 1024);
}
static inline float ig_f32_from_bf16(unsigned short h) {
    const unsigned u = (unsigned)h << 16;
    float x;
    memcpy(&x, &u, 4);
    return x;
}
static inline unsigned short ig_bf16_from_f32(float x) {
    unsigned u;
    memcpy(&u, &x, 4);
    if (x != x) return 0x7fff;
    return (unsigned short)((u + 0x7fffu + (u >> 16 & 1u)) >> 16);
}
static inline long long ig_check_index(long long index, long long bound, void* error) {
    if (index >= 0 && index < bound) return index;
    long long* word = (long long*)error;
    if (word[0] == 0) {
        word[0] = 1;
        word[1] = index;
        word[2] = bound;
    }
    return index < 0 ? 0 : bound - 1;
}
)";

} // namespace

const codegen::Dialect& host_dialect() {
    static const codegen::Dialect dialect = {
        .name = "C++",
        .prelude = "", // shared by all kernels of one library: kRuntime
        .function = "static inline",
        .kernel = "static void",
        .shared = "static",
        .unroll = "",
        .f32 = "float",
        .f64 = "double",
        .i32 = "int",
        .i64 = "long long",
        .boolean = "bool",
        .u8 = "unsigned char",
        .u16 = "unsigned short",
        .spelling = nullptr,
    };
    return dialect;
}

std::unique_ptr<Emulator> Emulator::build(const std::vector<codegen::PrintedKernel>& kernels, std::string* why) {
    const char* chosen = std::getenv("CXX");
    const std::string compiler = chosen && *chosen ? chosen : "c++";
    if (std::system(("command -v " + compiler + " >/dev/null 2>&1").c_str()) != 0) {
        *why = "no C++ compiler named " + compiler;
        return nullptr;
    }
    const testing_support::ScratchFolder scratch;
    std::ofstream text(scratch / "kernels.cpp");
    text << kRuntime;
    for (const codegen::PrintedKernel& kernel : kernels) {
        text << "namespace n_" << kernel.name << " {\n" << kernel.source << "}\n";
        for (const codegen::Launch& launch : kernel.launches) {
            text << "extern \"C\" void call_" << launch.entry << "(void** a) { n_" << kernel.name
                 << "::" << launch.entry << "(";
            for (size_t i = 0; i < launch.arguments.size(); ++i) text << (i ? ", " : "") << "a[" << i << "]";
            text << "); }\n";
        }
    }
    text.close();
    const std::string command = compiler + " -std=c++17 -O0 -ffp-contract=off -w -fPIC -shared -o " +
                                (scratch / "kernels.so") + " " + (scratch / "kernels.cpp") + " >" + (scratch / "log") +
                                " 2>&1";
    if (std::system(command.c_str()) != 0) {
        throw std::runtime_error(command + "\n" + scratch.read("log").substr(0, 4000));
    }
    void* library = dlopen((scratch / "kernels.so").c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) throw std::runtime_error(std::string("dlopen: ") + dlerror());
    return std::unique_ptr<Emulator>(new Emulator(library));
}

Emulator::~Emulator() { dlclose(library_); }

void Emulator::launch(const codegen::Launch& launch, const std::vector<void*>& arguments, bool descending) const {
    const auto run =
        reinterpret_cast<int (*)(void (*)(void**), void**, long long, int, int)>(dlsym(library_, "ig_run"));
    const auto body = reinterpret_cast<void (*)(void**)>(dlsym(library_, ("call_" + launch.entry).c_str()));
    if (!run || !body) throw std::runtime_error("no kernel " + launch.entry);
    std::vector<void*> a = arguments;
    if (run(body, a.data(), launch.grid, launch.block, descending) != 0)
        throw std::runtime_error(launch.entry + ": threads wait for each other for ever");
}

} // namespace ingot::test
