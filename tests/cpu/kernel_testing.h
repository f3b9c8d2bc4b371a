// SPDX-License-Identifier: MIT
// What the tests of CPU primitives share: operands, aligned workspaces, running a primitive, naive image addressing.
#pragma once

#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "backend/cpu/primitive.h"

namespace ingot::cpu::testing {

/// 64-byte aligned memory full of NaN: nothing may rely on zeroed memory.
class Workspace {
public:
    explicit Workspace(size_t bytes) : bytes_((bytes + 127) / 64 * 64), data_(std::aligned_alloc(64, bytes_)) {
        std::memset(data_, 0xff, bytes_);
    }
    ~Workspace() { std::free(data_); }
    Workspace(const Workspace&) = delete;
    Workspace& operator=(const Workspace&) = delete;
    void* data() const { return data_; }

private:
    size_t bytes_;
    void* data_;
};

template <class T> std::vector<T> random_values(int64_t count, unsigned seed) {
    std::mt19937 engine(seed);
    std::uniform_real_distribution<double> u(-1, 1);
    std::vector<T> v(static_cast<size_t>(count));
    for (T& x : v) x = static_cast<T>(u(engine));
    return v;
}

template <class T> std::vector<T> unset(int64_t count) {
    return std::vector<T>(static_cast<size_t>(count), std::numeric_limits<T>::quiet_NaN());
}

/// Runs `p` twice, since a run must leave nothing behind. Vectors are copied by pointer; results are written into them.
template <class... V> void run(const Primitive& p, V&... operands) {
    const Workspace workspace(p.workspace_bytes);
    void* args[] = {const_cast<void*>(static_cast<const void*>(operands.data()))...};
    for (int i = 0; i < 2; ++i) p.run(args, workspace.data());
}

/// Where element (n, c, pixel) of images [N, C, HW] lies in `format`: [N, C/b, HW, b].
inline size_t address(Format format, int64_t channels, int64_t pixels, int64_t n, int64_t c, int64_t pixel) {
    const int64_t b = format.is_channels_last() ? channels : format.block;
    return static_cast<size_t>(((n * (channels / b) + c / b) * pixels + pixel) * b + c % b);
}

} // namespace ingot::cpu::testing
