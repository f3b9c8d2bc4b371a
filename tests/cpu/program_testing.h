// SPDX-License-Identifier: MIT
// Runs a program by the CPU executor and by the interpreter on equal buffers and compares every buffer afterwards.
#pragma once

#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "backend/cpu/program_executor.h"
#include "base/parallel.h"
#include "core/half.h"
#include "program/builder.h"
#include "program/interpret.h"

namespace ingot::cpu::testing {

using program::ErrorWord;
using program::ProgramPtr;

/// Memory of one buffer, 64 guard bytes on both sides.
struct TestBuffer {
    DType type = DType::f32;
    int64_t count = 0;
    std::vector<unsigned char> bytes;

    static constexpr size_t kGuard = 64;
    TestBuffer(DType t, int64_t n) : type(t), count(n), bytes(static_cast<size_t>(n) * size_of(t) + 2 * kGuard, 0xA5) {
        std::memset(data(), 0, static_cast<size_t>(n) * size_of(t));
    }
    void* data() { return bytes.data() + kGuard; }
    const void* data() const { return bytes.data() + kGuard; }
    template <class T> T* as() { return static_cast<T*>(data()); }
    template <class T> const T* as() const { return static_cast<const T*>(data()); }

    double at(int64_t i) const {
        switch (type) {
        case DType::f32: return as<float>()[i];
        case DType::f64: return as<double>()[i];
        case DType::f16: return core::f16_to_f32(as<uint16_t>()[i]);
        case DType::bf16: return core::bf16_to_f32(as<uint16_t>()[i]);
        case DType::i32: return as<int32_t>()[i];
        case DType::i64: return static_cast<double>(as<int64_t>()[i]);
        default: return as<uint8_t>()[i];
        }
    }
    void set(int64_t i, double v) {
        switch (type) {
        case DType::f32: as<float>()[i] = static_cast<float>(v); break;
        case DType::f64: as<double>()[i] = v; break;
        case DType::f16: as<uint16_t>()[i] = core::f32_to_f16(static_cast<float>(v)); break;
        case DType::bf16: as<uint16_t>()[i] = core::f32_to_bf16(static_cast<float>(v)); break;
        case DType::i32: as<int32_t>()[i] = static_cast<int32_t>(v); break;
        case DType::i64: as<int64_t>()[i] = static_cast<int64_t>(v); break;
        default: as<uint8_t>()[i] = static_cast<uint8_t>(v); break;
        }
    }
    TestBuffer& fill(uint32_t seed, double low = -2, double high = 2) {
        std::mt19937 rng(seed);
        const bool whole = !is_float(type);
        for (int64_t i = 0; i < count; ++i) {
            const double u = static_cast<double>(rng()) / 4294967296.0;
            set(i, whole ? std::floor(low + u * (high - low + 1)) : low + u * (high - low));
        }
        return *this;
    }
    bool guards_intact() const {
        for (size_t i = 0; i < kGuard; ++i)
            if (bytes[i] != 0xA5 || bytes[bytes.size() - 1 - i] != 0xA5) return false;
        return true;
    }
};

using Buffers = std::vector<TestBuffer>;

inline std::vector<void*> pointers(Buffers& buffers, const std::vector<int>& alias = {}) {
    std::vector<void*> p;
    for (size_t i = 0; i < buffers.size(); ++i)
        p.push_back(buffers[i < alias.size() && alias[i] >= 0 ? static_cast<size_t>(alias[i]) : i].data());
    return p;
}

inline ErrorWord execute(const ProgramExecutor& executor, Buffers& buffers, const std::vector<int>& alias = {}) {
    std::vector<unsigned char> space(executor.workspace_bytes() + 64);
    void* aligned = reinterpret_cast<void*>((reinterpret_cast<uintptr_t>(space.data()) + 63) / 64 * 64);
    ErrorWord error;
    executor.run(pointers(buffers, alias).data(), aligned, &error);
    return error;
}

struct Tolerance {
    double relative = 2e-6, absolute = 2e-6;
};

/// Compares the executor with the interpreter, and two threads with one. `alias[i] >= 0`: buffer i is buffer alias[i].
inline void check(const ProgramPtr& program, const Buffers& initial, Tolerance tolerance = {},
                  const std::vector<int>& alias = {}, bool round_f32 = true) {
    Buffers expected = initial, one = initial, two = initial;
    ErrorWord error;
    program::interpret(*program, pointers(expected, alias).data(), &error, round_f32);
    const ProgramExecutor executor(program);
    const int threads = base::num_threads();
    base::set_num_threads(1);
    const ErrorWord error_one = execute(executor, one, alias);
    base::set_num_threads(3);
    const ErrorWord error_two = execute(executor, two, alias);
    base::set_num_threads(threads);
    // Loads whose value nobody uses are not made, so their bad indices may go unnoticed.
    EXPECT_LE(error_one.code, error.code) << program::print(*program);
    EXPECT_EQ(error_one.code, error_two.code) << program::print(*program);
    for (size_t b = 0; b < initial.size(); ++b) {
        ASSERT_TRUE(one[b].guards_intact()) << "buffer " << b << " written outside\n" << program::print(*program);
        ASSERT_TRUE(one[b].bytes == two[b].bytes) << "buffer " << b << ": bits depend on threads\n"
                                                  << program::print(*program);
        for (int64_t i = 0; i < initial[b].count; ++i) {
            const double e = expected[b].at(i), g = one[b].at(i);
            if (e == g || (std::isnan(e) && std::isnan(g))) continue;
            double allowed = tolerance.absolute + tolerance.relative * std::fabs(e);
            if (initial[b].type == DType::bf16) allowed += 1e-2 * std::fabs(e);
            if (initial[b].type == DType::f16) allowed += 1.2e-3 * std::fabs(e);
            ASSERT_LE(std::fabs(e - g), allowed)
                << "buffer " << b << " element " << i << ": expected " << e << ", got " << g << "\n"
                << program::print(*program);
        }
    }
}

} // namespace ingot::cpu::testing
