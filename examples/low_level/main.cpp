// SPDX-License-Identifier: MIT
#include <cstdio>
#include <ingot/ingot.h>

using namespace ingot;

int main() {
    // A kernel is a C++ function for one group of a grid. Its parameters say what it takes: spans are buffers
    // (const ones are inputs), everything else is a value.
    KernelLibrary library;
    library.add("saxpy", [](const WorkGroup& group, float a, std::span<const float> x, std::span<float> y) {
        group.for_each([&](int64_t i) { y[i] += a * x[i]; });
    });

    const int64_t n = 1 << 20;
    Buffer x = Buffer::allocate(Device::cpu(), n * sizeof(float));
    Buffer y = Buffer::allocate(Device::cpu(), n * sizeof(float));
    x.copy_from_host(std::vector<float>(n, 2.0f));

    // Commands are recorded, and checked, now; they run in order once committed, on the stream's own thread.
    Stream stream, other;
    CommandBuffer commands(stream);
    commands.fill(y, 0)
        .dispatch(library.kernel("saxpy"), n, {3.0f, x, y}) // y = 3 x
        .dispatch(KernelLibrary::standard().kernel("mul_arrays_float32"), n, {y, y, y})
        .add_completed_handler([](const std::exception_ptr& error) { std::puts(error ? "failed" : "computed"); });
    Operation squared = commands.commit(); // returns at once

    // Work of any stream can depend on it. An operation whose dependency fails does not run and has that same error.
    double sum = 0;
    Operation summed = other.submit(
        [&] {
            for (float v : y.to_vector<float>()) sum += v;
        },
        {squared});
    Operation failed = stream.submit([] { throw Error("no disk"); });
    Operation never = other.submit([&] { sum = -1; }, {summed, failed});

    summed.wait();
    std::printf("sum %.0f, %.2f ms\n", sum, commands.seconds() * 1e3);
    try {
        never.wait();
    } catch (const Error& error) { std::printf("dependent: %s\n", error.what()); }
    StreamStats stats = stream.stats();
    std::printf("queued %lld = executed %lld + pending %lld\n", static_cast<long long>(stats.queued),
                static_cast<long long>(stats.executed), static_cast<long long>(stats.pending));
    return sum == 36.0 * n && stats.failed == 1 ? 0 : 1; // the tests run this program
}
