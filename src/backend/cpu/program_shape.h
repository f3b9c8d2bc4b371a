// SPDX-License-Identifier: MIT
// The first step of planning: which loops a program runs in, how large its blocks are, and how its reductions are
// split. All by extents only, so that no result depends on the number of threads. Users: program_plan.cpp alone.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "backend/cpu/program_plan.h"
#include "program/interpret.h"

namespace ingot::cpu::planning {

using namespace program;

// Elements of a block: a few live blocks of four-byte values fit in the first-level cache.
inline constexpr int64_t kBlock = 1024;
// Bytes of a row's values that are kept between stages; above that they are computed again.
inline constexpr int64_t kKeepBytes = int64_t{1} << 20;
// Programs that touch more than a share of the second-level cache read ahead.
inline constexpr int64_t kFarBytes = int64_t{3} << 19;
// Blocks of maps over such memory: short ones keep the hardware's own prefetcher busy while functions compute.
inline constexpr int64_t kFarBlock = 192;
// Outputs of this size would push everything else out of the last-level cache: they go past it.
inline constexpr int64_t kStreamBytes = int64_t{32} << 20;
inline constexpr int64_t kChunkWork = 32768; // elements of one chunk of a split reduction, at least
inline constexpr int64_t kMaxChunks = 256;
inline constexpr int64_t kMaxPartBytes = int64_t{64} << 20;

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
inline int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }

inline constexpr size_t kMaxWalked = 16; // accumulated axes of a vertical plan; see Worker::run_vertical

/// Where a value is computed.
enum class Home : uint8_t { once, lane, row, point, final, column, tile, each_a };

class PlanShape {
protected:
    PlanShape(ProgramPtr program, bool careful) : p_(*program), careful_(careful), types_(value_types(*program)) {
        plan_.program = std::move(program);
    }

    // ---- 1. shape

    int64_t extent_of(const std::vector<int32_t>& axes) const {
        int64_t n = 1;
        for (int32_t i : axes) n *= p_.axes[static_cast<size_t>(i)];
        return n;
    }

    bool uses(Level level) const {
        for (const Inst& i : p_.code)
            if (i.level == level) return true;
        for (const Reduce& r : p_.reduces)
            if (r.to == level || r.from == level) return true;
        return false;
    }

    // Whether axes i and i + 1 of the program are one in every address.
    bool joint(int32_t i) const {
        const size_t a = static_cast<size_t>(i), b = a + 1;
        const auto same = [&](const Affine& f) { return f.coef[a] == f.coef[b] * p_.axes[b]; };
        for (const Operand& o : p_.operands) {
            if (!same(o.at)) return false;
            for (const Guard& g : o.guards)
                if (!same(g.at)) return false;
        }
        for (const Affine& f : p_.affines)
            if (!same(f)) return false;
        return true;
    }

    // Whether the axis before the lanes may become one of them.
    bool joins_lanes(int32_t axis) const {
        return extent_of(r_axes_) == 1 || p_.axes[static_cast<size_t>(axis)] == 1 || joint(axis);
    }

    void shape() {
        const int32_t rank = static_cast<int32_t>(p_.axes.size());
        for (int32_t i = 0; i < rank; ++i)
            (i < p_.num_p ? p_axes_ : i < p_.num_p + p_.num_a ? a_axes_ : r_axes_).push_back(i);
        bool wide = false;
        for (DType t : types_) wide |= size_of(t) == 8;
        block_ = wide && !narrow_points() ? kBlock / 2 : kBlock;

        const bool row_reduces =
            std::any_of(p_.reduces.begin(), p_.reduces.end(), [](const Reduce& r) { return r.to == Level::Row; });
        flat_ = !row_reduces;
        stages_ = flat_ ? 1 : p_.stages;
        far_ = far_bytes() > kFarBytes;
        if (!p_.segments.empty()) {
            plan_.mode = Mode::segments;
            plan_.r = p_.axes[0];
            if (far_) block_ = kFarBlock;
            plan_.tile_lanes = std::min(block_, std::max<int64_t>(plan_.r, 1));
            plan_.lane_blocks = ceil_div(std::max<int64_t>(plan_.r, 1), plan_.tile_lanes);
            return;
        }
        if (p_.reduces.empty() && !uses(Level::Final) && !uses(Level::Column)) {
            // Rows are independent of each other: A belongs to P. A pure map is regrouped: its lanes are the trailing
            // axes that are one in every address.
            p_axes_.insert(p_axes_.end(), a_axes_.begin(), a_axes_.end());
            a_axes_.clear();
            if (!uses(Level::Row)) {
                p_axes_.insert(p_axes_.end(), r_axes_.begin(), r_axes_.end());
                r_axes_.clear();
                while (!p_axes_.empty() && joins_lanes(p_axes_.back())) {
                    r_axes_.insert(r_axes_.begin(), p_axes_.back());
                    p_axes_.pop_back();
                }
            }
        } else if (!uses(Level::Final) && !uses(Level::Column)) {
            p_axes_.insert(p_axes_.end(), a_axes_.begin(), a_axes_.end());
            a_axes_.clear();
        }
        plan_.p = extent_of(p_axes_);
        plan_.a = extent_of(a_axes_);
        plan_.r = extent_of(r_axes_);
        if (far_ && p_.reduces.empty() && plan_.r > kBlock) block_ = kFarBlock;

        if (vertical()) {
            plan_.mode = Mode::vertical;
            plan_.a_axes = a_axes_;
            if (plan_.r <= block_) {
                plan_.tile_p = std::clamp<int64_t>(block_ / plan_.r, 1, plan_.p);
                plan_.tile_lanes = plan_.r;
            } else {
                lane_tiles();
            }
            plan_.tile_rows = plan_.tile_p;
            return;
        }
        if (plan_.a * plan_.r <= block_ && plan_.a * plan_.r > 0) {
            plan_.mode = Mode::tiles;
            plan_.tile_p = std::clamp<int64_t>(block_ / (plan_.a * plan_.r), 1, std::max<int64_t>(plan_.p, 1));
            plan_.tile_rows = plan_.tile_p * plan_.a;
            plan_.tile_lanes = plan_.r;
            return;
        }
        plan_.mode = Mode::chunks;
        plan_.lanes_free = !row_reduces && !uses(Level::Row);
        if (plan_.r <= block_) {
            plan_.tile_lanes = std::max<int64_t>(plan_.r, 1);
            plan_.tile_rows =
                plan_.r == 0 ? 1 : std::clamp<int64_t>(block_ / plan_.tile_lanes, 1, std::max<int64_t>(plan_.a, 1));
            plan_.groups = std::clamp<int64_t>(kBlock / 2 / plan_.tile_lanes, 1, plan_.tile_rows);
            plan_.tile_rows = plan_.tile_rows / plan_.groups * plan_.groups;
        } else {
            lane_tiles();
        }
        plan_.lanes_are_units = plan_.lanes_free && p_.reduces.empty() && !uses(Level::Final) && !uses(Level::Column);
    }

    void lane_tiles() {
        const int64_t blocks = ceil_div(plan_.r, block_);
        // Even shares, in whole cache lines.
        plan_.tile_lanes = std::min(plan_.r, round_up(ceil_div(plan_.r, blocks), 64));
        plan_.lane_blocks = ceil_div(plan_.r, plan_.tile_lanes);
    }

    // Bytes that all points read.
    int64_t far_bytes() const {
        int64_t points = 1, bytes = 0;
        for (int64_t e : p_.axes) points *= e;
        if (!p_.segments.empty()) {
            points = 0;
            for (const Segment& s : p_.segments) points += s.extent;
        }
        for (const Inst& i : p_.code)
            if (i.code == Code::Load && i.level == Level::Point)
                bytes += points * static_cast<int64_t>(size_of(p_.operands[static_cast<size_t>(i.slot)].dtype));
        return bytes;
    }

    // Eight-byte values only outside the points (counters, reduced indices) do not make points wide.
    bool narrow_points() const {
        for (const Inst& i : p_.code)
            if (i.level == Level::Point && i.dst != kNone && size_of(i.type) == 8) return false;
        return true;
    }

    bool vertical() const {
        if (p_.reduces.empty() || uses(Level::Row) || uses(Level::Final) || a_axes_.size() > kMaxWalked) return false;
        for (const Reduce& r : p_.reduces)
            if (r.to != Level::Column || r.from != Level::Point) return false;
        // With few columns, blocks of several rows are better filled.
        return plan_.p * plan_.r >= block_ / 2 && plan_.a > 0 && (plan_.p == 1 || plan_.r >= 64 || plan_.a <= 64);
    }

    // ---- split of A and R, by extents only

    void split() {
        if (plan_.mode == Mode::segments) return;
        const int64_t work = plan_.a * plan_.r;
        if (plan_.mode == Mode::chunks && !plan_.lanes_are_units && work > 2 * kChunkWork && plan_.p > 0) {
            int64_t chunks = std::min(ceil_div(work, kChunkWork), std::max<int64_t>(1, kMaxChunks / plan_.p));
            int64_t column_bytes = 0;
            for (const Reduce& r : p_.reduces)
                if (r.to == Level::Column) column_bytes += 16 * plan_.r;
            if (column_bytes > 0) chunks = std::clamp<int64_t>(kMaxPartBytes / (column_bytes * plan_.p), 1, chunks);
            bool accumulates = false;
            for (const Reduce& r : p_.reduces) accumulates |= r.to != Level::Row;
            if (accumulates) {
                const int64_t tiles = ceil_div(plan_.a, plan_.tile_rows);
                plan_.chunks_a = std::min(chunks, tiles);
                if (plan_.lanes_free && plan_.lane_blocks > 1)
                    plan_.chunks_r = std::clamp<int64_t>(chunks / plan_.chunks_a, 1, plan_.lane_blocks);
            }
        }
        if (plan_.mode == Mode::vertical) {
            const int64_t blocks = ceil_div(plan_.p, plan_.tile_p) * plan_.lane_blocks;
            const int64_t per_block = plan_.a * plan_.tile_p * plan_.tile_lanes;
            if (blocks < 64 && per_block > 2 * kChunkWork) {
                const int64_t chunks = std::min(ceil_div(per_block, kChunkWork), ceil_div(64, blocks));
                plan_.chunks_a = std::min(chunks, plan_.a);
            }
        }
        plan_.chunk_rows =
            round_up(ceil_div(plan_.a, plan_.chunks_a), plan_.mode == Mode::chunks ? plan_.tile_rows : 1);
        if (plan_.chunk_rows > 0) plan_.chunks_a = std::max<int64_t>(1, ceil_div(plan_.a, plan_.chunk_rows));
        plan_.chunk_lanes = ceil_div(plan_.lane_blocks, plan_.chunks_r) * plan_.tile_lanes;
        if (plan_.chunk_lanes > 0) plan_.chunks_r = std::max<int64_t>(1, ceil_div(plan_.r, plan_.chunk_lanes));
    }

    // Without row reductions all stages are one, and Row values come before the points.
    int stage_of(int stage) const { return flat_ ? 0 : stage; }

    const Program& p_;
    const bool careful_;
    const std::vector<DType> types_;
    Plan plan_;
    int64_t block_ = kBlock;
    bool far_ = false; // reads more than the near caches hold
    bool flat_ = true;
    int stages_ = 1;
    std::vector<int32_t> p_axes_, a_axes_, r_axes_;
};

} // namespace ingot::cpu::planning
