// SPDX-License-Identifier: MIT
// Memory: one caching pool per device feeds everything. This program watches it: a compiled training step allocates nothing
// once it runs, freed memory is reused, trim_memory() gives it back, and a limit that is hit is an error one can go on from.
#include <cstdio>
#include <ingot/ingot.h>

using namespace ingot;

namespace {

void print(const char* when) {
    const MemoryStats s = memory_stats();
    std::printf("%-28s live %7.2f MB  cached %7.2f MB  peak %7.2f MB  allocations %lld (%lld from the pool)\n", when,
                static_cast<double>(s.used_memory) / 1e6, static_cast<double>(s.total_free) / 1e6,
                static_cast<double>(s.peak) / 1e6, static_cast<long long>(s.num_allocations),
                static_cast<long long>(s.num_pool_hits));
}

} // namespace

int main() {
    // 1. The pool: what is freed is kept for the next tensor of about the size.
    {
        Tensor big = ones({1000, 1000}).eval();
        print("one tensor of 4 MB");
    }
    print("after it went");
    Tensor again = zeros({1000, 1000}).eval();
    const int64_t misses = memory_stats().num_pool_misses;
    print("another one");
    again = {};
    const int64_t given_back = trim_memory();
    std::printf("trim_memory() gave back %.2f MB\n", static_cast<double>(given_back) / 1e6);

    // 2. A compiled step plans its memory: one arena for everything temporary, parameters updated in place.
    manual_seed(1);
    auto model = nn::Sequential{nn::Linear(64, 256), nn::ReLU(), nn::Linear(256, 10)};
    auto opt = optim::Adam(model.parameters(), {.lr = 1e-3});
    auto step = compile([&](const Tensor& x, const Tensor& y) {
        opt.zero_grad();
        Tensor loss = nn::cross_entropy(model(x), y);
        loss.backward();
        opt.step();
        return loss;
    });
    Tensor x = randn({32, 64}).eval(), y = randint(0, 10, {32}).eval();
    for (int i = 0; i < 3; ++i) step(x, y).item();
    const MemoryStats before = memory_stats();
    for (int i = 0; i < 100; ++i) step(x, y).item();
    const MemoryStats after = memory_stats();
    std::printf("100 steps: arena %.2f MB, from the system %lld allocations, live %+lld bytes\n",
                static_cast<double>(step.executable().report().arena_bytes) / 1e6,
                static_cast<long long>(after.num_pool_misses - before.num_pool_misses),
                static_cast<long long>(after.used_memory - before.used_memory));

    // 3. A limit (INGOT_MEMORY_LIMIT=64M does the same). Hitting it is an error that says who holds what; what was there
    // stays, and the program goes on.
    set_memory_limit(64 << 20);
    bool refused = false;
    try {
        Tensor huge = ones({8, 1024, 1024}).eval() + randn({16, 1024, 1024});
        huge.eval();
    } catch (const OutOfMemoryError& error) {
        refused = true;
        std::printf("%.110s...\n", error.what());
    }
    set_memory_limit(0);
    const double loss = step(x, y).item();
    print("afterwards");

    // 4. Below tensors: raw buffers from the same pool.
    Buffer raw = Buffer::allocate(Device::cpu(), 4096, "example");
    raw.fill_word(0x3F800000); // 1.0f
    const float first = raw.to_vector<float>()[0];

    const bool steady = after.num_pool_misses == before.num_pool_misses && after.used_memory == before.used_memory;
    return steady && refused && misses > 0 && loss < 2.5 && first == 1.0f ? 0 : 1;
}
