// SPDX-License-Identifier: MIT
#include "data/byte_rows.h"

#include <algorithm>

#include "base/simd_targets.h"
#undef HWY_DISABLED_TARGETS // SSE4 is wanted here: it turns bytes by a table, SSE2 one by one
#define HWY_DISABLED_TARGETS (INGOT_DISABLED_TARGETS & ~HWY_SSE4)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "data/byte_rows.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ingot::data::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_SCALAR

template <int64_t Step>
void any_rows(const ByteRows& in, const ByteLine* maps, float* out, int64_t line, int64_t plane) {
    for (int64_t c = 0; c < Step; ++c)
        for (int64_t y = 0; y < in.rows; ++y)
            for (int64_t x = 0; x < in.columns; ++x)
                out[c * plane + y * line + x] = static_cast<float>(
                    in.first[y * in.stride + (in.mirrored ? -x : x) * Step + c] * maps[c].scale + maps[c].offset);
}

#else

constexpr int64_t kBlock = 16; ///< pixels
const hn::FixedTag<uint8_t, kBlock> kBytes;
using Bytes = hn::Vec<decltype(kBytes)>;

HWY_INLINE Bytes turned(Bytes v) {
    alignas(16) static constexpr uint8_t kTurn[kBlock] = {15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0};
    return hn::TableLookupBytes(v, hn::Load(kBytes, kTurn));
}

HWY_INLINE void write_block(Bytes bytes, const ByteLine& line, float* out) {
    const hn::CappedTag<double, kBlock> d;
    const hn::Rebind<uint8_t, decltype(d)> d8;
    const hn::Rebind<int32_t, decltype(d)> d32;
    const hn::Rebind<float, decltype(d)> df;
    alignas(16) uint8_t block[kBlock];
    hn::Store(bytes, kBytes, block);
    const auto scale = hn::Set(d, line.scale), offset = hn::Set(d, line.offset);
    const auto lanes = static_cast<int64_t>(hn::Lanes(d));
    for (int64_t i = 0; i < kBlock; i += lanes) {
        const auto v = hn::PromoteTo(d, hn::PromoteTo(d32, hn::LoadU(d8, block + i)));
        hn::StoreU(hn::DemoteTo(df, hn::MulAdd(v, scale, offset)), df, out + i);
    }
}

template <int64_t Step, bool Mirrored>
HWY_INLINE void all_rows(const ByteRows& in, const ByteLine* maps, float* out, int64_t line, int64_t plane) {
    static_assert(kBlock <= kLeastColumns, "the last block of a row overlaps the one before it");
    const auto look = [](Bytes v) { return Mirrored ? turned(v) : v; };
    for (int64_t y = 0; y < in.rows; ++y, out += line) {
        const uint8_t* row = in.first + y * in.stride;
        for (int64_t i = 0; i < in.columns; i += kBlock) {
            const int64_t x = std::min(i, in.columns - kBlock);
            const uint8_t* from = Mirrored ? row - (x + kBlock - 1) * Step : row + x * Step;
            if constexpr (Step == 1) {
                write_block(look(hn::LoadU(kBytes, from)), maps[0], out + x);
            } else {
                Bytes a, b, c;
                hn::LoadInterleaved3(kBytes, from, a, b, c);
                write_block(look(a), maps[0], out + x);
                write_block(look(b), maps[1], out + plane + x);
                write_block(look(c), maps[2], out + 2 * plane + x);
            }
        }
    }
}

template <int64_t Step>
void any_rows(const ByteRows& in, const ByteLine* maps, float* out, int64_t line, int64_t plane) {
    if (in.mirrored)
        all_rows<Step, true>(in, maps, out, line, plane);
    else
        all_rows<Step, false>(in, maps, out, line, plane);
}

#endif

void rows_of_1(const ByteRows& in, const ByteLine& map, float* out, int64_t line) {
    any_rows<1>(in, &map, out, line, 0);
}

void rows_of_3(const ByteRows& in, const ByteLine* maps, float* out, int64_t line, int64_t plane) {
    any_rows<3>(in, maps, out, line, plane);
}

} // namespace ingot::data::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ingot::data {

HWY_EXPORT(rows_of_1);
HWY_EXPORT(rows_of_3);

void write_rows(const ByteRows& in, const ByteLine& map, float* out, int64_t line) {
    HWY_DYNAMIC_DISPATCH(rows_of_1)(in, map, out, line);
}

void write_rows_of_3(const ByteRows& in, const ByteLine* maps, float* out, int64_t line, int64_t plane) {
    HWY_DYNAMIC_DISPATCH(rows_of_3)(in, maps, out, line, plane);
}

} // namespace ingot::data
#endif
