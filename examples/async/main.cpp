// SPDX-License-Identifier: MIT
// Asynchronous work below tensors: streams run what they are given in order, beside each other and beside training, wait for
// each other through dependencies and events, and pass errors on.
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <ingot/ingot.h>
#include <string>
#include <vector>

using namespace ingot;

namespace {

/// A batch as it comes out of some slow source: 256 samples with 256 features and a target each.
struct Batch {
    std::vector<float> x, y;
};
Batch make_batch(uint64_t number) {
    Batch batch{std::vector<float>(256 * 256), std::vector<float>(256)};
    uint64_t state = number + 1;
    for (size_t i = 0; i < batch.x.size(); ++i) {
        state = state * 6364136223846793005u + 1442695040888963407u; // Knuth's MMIX generator
        batch.x[i] = static_cast<float>(state >> 40) / (1 << 23) - 1.0f;
        batch.y[i / 256] += batch.x[i] / 8;
    }
    return batch;
}

} // namespace

int main() {
    // 1. Training with the next batch being made meanwhile. On the CPU the calling thread computes the step itself; on a device
    // with a queue of its own, opt.step() only submits. Reading (item) is what waits, in both cases.
    manual_seed(0);
    auto model = nn::Sequential{nn::Linear(256, 512), nn::ReLU(), nn::Linear(512, 1)};
    auto opt = optim::Adam(model.parameters(), {.lr = 1e-3});
    auto step = compile([&](const Tensor& x, const Tensor& y) {
        opt.zero_grad();
        Tensor loss = nn::mse_loss(model(x), y);
        loss.backward();
        opt.step();
        return loss;
    });
    Stream loader;
    Batch batches[2] = {make_batch(0), {}};
    double first = 0, last = 0;
    for (uint64_t i = 0; i < 60; ++i) {
        const Batch& now = batches[i % 2];
        Operation next = loader.submit([&, i] { batches[(i + 1) % 2] = make_batch(i + 1); });
        Tensor loss = step(Tensor::from(now.x, {256, 256}), Tensor::from(now.y, {256, 1}));
        if (i % 20 == 0 || i == 59) std::printf("step %2d  loss %.4f\n", static_cast<int>(i), last = loss.item());
        if (i == 0) first = last;
        next.wait(); // throws what make_batch threw
    }

    // 2. Streams and dependencies: load -> (left, right) -> join, as a diamond over three streams.
    Stream worker, other;
    std::vector<double> data;
    double left = 0, right = 0, total = 0;
    Operation load = loader.submit([&] { data.assign(1'000'000, 0.5); });
    Operation a = worker.submit(
        [&] {
            for (size_t i = 0; i < data.size(); i += 2) left += data[i];
        },
        {load});
    Operation b = other.submit(
        [&] {
            for (size_t i = 1; i < data.size(); i += 2) right += data[i];
        },
        {load});
    Operation join = worker.submit([&] { total = left + right; }, {a, b});
    join.wait();
    std::printf("diamond: total %.0f\n", total);

    // 3. Errors travel along dependencies: what needs a failed operation does not run and fails with the same error; the
    // stream itself goes on.
    std::atomic<bool> ran = false;
    Operation bad = loader.submit([] { throw Error("the disk is gone"); });
    Operation dependent = worker.submit([&] { ran = true; }, {bad});
    Operation independent = worker.submit([] {});
    std::string text;
    try {
        dependent.wait();
    } catch (const Error& error) { text = error.what(); }
    independent.wait();
    const StreamStats stats = worker.stats();
    std::printf("dependent failed with '%s', ran: %s; worker: %lld queued, %lld executed, %lld failed, %lld pending\n",
                text.c_str(), ran ? "yes" : "no", static_cast<long long>(stats.queued),
                static_cast<long long>(stats.executed), static_cast<long long>(stats.failed),
                static_cast<long long>(stats.pending));

    // 4. Events mark a point in one stream that another waits for.
    Event ready;
    int order = 0;
    loader.submit([&] { order = 1; });
    ready.record(loader);
    other.wait(ready);
    other.submit([&] { order = order * 10 + 2; }).wait();

    return last < first / 4 && total == 500'000 && text == "the disk is gone" && !ran && stats.failed == 1 &&
                   order == 12
               ? 0
               : 1;
}
