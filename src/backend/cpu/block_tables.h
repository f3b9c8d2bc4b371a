// SPDX-License-Identifier: MIT
// The tables behind block_functions.h: filled once, by the code of the best instruction set that the processor has.
#pragma once

#include <array>
#include <initializer_list>

#include "backend/cpu/block_functions.h"

namespace ingot::cpu {

using Variants = std::array<MapFn, 8>; ///< by the bits of `scalars`

class MapTable {
public:
    /// Variants by scalar bits, from 0 up.
    void set(Scalar f, DType type, std::initializer_list<MapFn> variants) {
        size_t i = 0;
        for (MapFn v : variants) table_[static_cast<size_t>(f)][static_cast<size_t>(type)][i++] = v;
    }
    MapFn get(Scalar f, DType type, unsigned scalars) const {
        return table_[static_cast<size_t>(f)][static_cast<size_t>(type)][scalars];
    }
    void set(Pair pair, DType type, std::initializer_list<MapFn> variants) {
        size_t i = 0;
        for (MapFn v : variants) pairs_[static_cast<size_t>(pair)][static_cast<size_t>(type)][i++] = v;
    }
    MapFn get(Pair pair, DType type, unsigned scalars) const {
        return pairs_[static_cast<size_t>(pair)][static_cast<size_t>(type)][scalars];
    }

private:
    std::array<std::array<Variants, 8>, static_cast<size_t>(Scalar::count)> table_{};
    std::array<std::array<Variants, 8>, static_cast<size_t>(Pair::count)> pairs_{};
};

struct ConvertTable {      ///< by DType
    MapFn cast[8][8] = {}; ///< [from][to]
    MapFn round[8] = {}, splat[8] = {};
    LoadFn load[8] = {};
    StoreFn store[8] = {};
    void (*stream)(void* memory, const void* block, size_t bytes) = nullptr;
};

struct ReduceTable { ///< by DType
    FoldFn fold[4][8] = {};
    SquaresFn squares[8] = {};
    ArgFn arg[2][8] = {};
    ArgRowFn arg_row[2][8] = {};
    WelfordRowFn welford_row[8] = {};
    WelfordMergeFn welford_merge[8] = {};
    MapFn squared_difference[8] = {};
};

void add_arithmetic(MapTable& table); // block_arith.cpp
void add_math(MapTable& table);       // block_math.cpp

} // namespace ingot::cpu
