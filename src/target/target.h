// SPDX-License-Identifier: MIT
// What a device can do and its limits, as plain data: passes ask a Target and never a backend. Made once per device by
// runtime (from what the backend says, or the functions below) and passed on by const reference; nothing here changes
// while a program runs, so threads may share it.
#pragma once

#include <cstdint>

#include <ingot/device.h>
#include <ingot/dtype.h>

namespace ingot::target {

/// A set of dtypes.
class DTypeSet {
public:
    constexpr DTypeSet() = default;
    template <class... T>
    explicit constexpr DTypeSet(T... types) : bits_(((1u << static_cast<unsigned>(types)) | ...)) {}
    constexpr bool has(DType t) const { return (bits_ >> static_cast<unsigned>(t) & 1u) != 0; }
    bool operator==(const DTypeSet&) const = default;

private:
    uint32_t bits_ = 0;
};

inline constexpr DTypeSet kAllDTypes{f32, f64, f16, bf16, i32, i64, u8, boolean};

struct Target {
    Device::Kind kind = Device::Kind::reference;

    DTypeSet storage = kAllDTypes; ///< dtypes that buffers may have
    DTypeSet compute{f32, f64, i32, i64,
                     boolean};      ///< dtypes that arithmetic runs in; others are converted on load and store
    DTypeSet contraction{f32, f64}; ///< dtypes of matmul and convolution operands

    int threads = 1;
    int vector_floats = 1;       ///< f32 lanes of one register that are best to use
    int64_t l1_bytes = 32 << 10; ///< data cache of one core (shared memory of one block on a GPU)
    int64_t l2_bytes = 1 << 20;

    /// Fusing pays and is allowed; the reference device computes op by op.
    bool fusion = false;
    int max_fused_operands = 64; ///< buffers that one fused program may touch

    /// Physical layouts [N, C/b, H, W, b] that the convolutions take: the preferred block, 0 for none (b = 1 is always
    /// possible), and whether channels last (b = C) is one of them.
    int channel_block = 0;
    bool channels_last = false;
    /// Convolutions from at most narrow_in to fewer than narrow_out channels are better off with rows of pixels as vectors:
    /// they ask for no layout.
    int64_t narrow_in = 0, narrow_out = 0;
    bool prefers_rows(int64_t in_channels, int64_t out_channels) const {
        return in_channels <= narrow_in && out_channels < narrow_out;
    }
    /// Matmul and convolution can end with bias and an activation at no extra pass over memory.
    bool fused_matmul_epilogue = false;
    bool fused_conv_epilogue = false;

    bool can_store(DType t) const { return storage.has(t); }
    bool can_compute(DType t) const { return compute.has(t); }
    bool can_contract(DType t) const { return contraction.has(t); }
};

/// This machine's processor with all of num_threads(). `block_convolution`: convolutions take [N, C/b, H, W, b] with
/// b = vector_floats (a build with oneDNN); otherwise they take plain layouts. Epilogues are fused either way.
Target cpu(bool block_convolution);

/// The oracle: one thread, nothing fused, nothing laid out.
Target reference();

} // namespace ingot::target
