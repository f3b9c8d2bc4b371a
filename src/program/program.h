// SPDX-License-Identifier: MIT
// Fused programs: the one form that every fused region of a graph takes (docs/decisions/0002-programs.md). Made by
// passes/fuse, run by the reference interpreter (program/interpret.h) and the CPU executor, printed as CUDA C++ and MSL by
// backend/codegen. A Program is plain immutable data, shared between executables; threads may read it freely.
//
// A program is a loop nest over three groups of axes, in this order in `axes`:
//   P  parallel axes: every result keeps them;
//   A  accumulated axes: walked in order for each p; reductions may run over them;
//   R  row axes: the last one is the lane axis (contiguous for most operands).
//
//   [Once]                                   values that depend on no axis
//   for p in P (parallel)
//     for a in A
//       for stage s = 0 .. stages-1
//         for r in R  [Point, s]             loads, arithmetic, stores; reductions of points feed
//         [Row, s]                           one value per (p, a): the finished row reductions of stage s and arithmetic on them
//     [Final]                                one value per p: the finished accumulations over A (and R)
//     for r in R  [Column]                   one value per (p, r): the finished accumulations over A
//
// A value of level Point, stage s may be used in later stages of the same row: the executor either keeps it (short rows)
// or evaluates it again (long rows); both give the same bits. Values of coarser levels may be used by finer ones that
// come later in that order. Softmax: P = rows, R = columns, three stages. Layer norm backward: A = rows, R = columns, the
// weight's gradient accumulates into Column. Batch norm statistics channels-last: A = N,H,W; R = C. Sum of everything:
// A = outer, R = inner, into Final. Elementwise maps: everything in P and R, one stage.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <ingot/dtype.h>
#include <ingot/shape.h>

#include "graph/scalar.h"

namespace ingot::program {

using ValueId = int32_t;
inline constexpr ValueId kNone = -1;

enum class Level : uint8_t { Once, Point, Row, Final, Column };

/// An affine function of the loop indices: base + sum(coef[i] * index[i]) over all axes, in elements.
struct Affine {
    int64_t base = 0;
    Ints coef; ///< one per axis of the program
    bool operator==(const Affine&) const = default;
};

/// The access happens only where lo <= at < hi; elsewhere a load yields the operand's fill value and a store does nothing.
struct Guard {
    Affine at;
    int64_t lo = 0, hi = 0;
    bool operator==(const Guard&) const = default;
};

/// One way of addressing one buffer. Memory types f16, bf16, u8 and bool exist only here: values are f32, f64, i32, i64, bool
/// (u8 is computed as i32 and wraps when stored or cast).
struct Operand {
    int32_t buffer = 0; ///< index into the buffers given to run(): inputs first, then outputs
    DType dtype = DType::f32;
    Affine at;
    std::vector<Guard> guards;
    double fill = 0;
    ValueId index = kNone; ///< gather: an i64 value of the same or a coarser level; adds index * index_coef
    int64_t index_coef = 0;
    int64_t index_bound = 0; ///< 0 <= index < index_bound, else the error word is set and the index clamped
    bool operator==(const Operand&) const = default;
};

enum class Code : uint8_t {
    Const, ///< dst = imm
    Load,  ///< dst = operands[slot]
    Store, ///< operands[slot] = a
    Iota,  ///< dst (i64) = affines[slot]
    Random, ///< dst (f32 in [0, 1)): Philox4x32-10 word number (base + a), a (i64) the element's linear index; operands[slot]
    ///< addresses i64[2] = {seed, base}: counter = word >> 2 (64 bit), lane = word & 3, key = seed; (x >> 8) * 2^-24
    Apply,  ///< dst = function(a, b, c)
    Cast,   ///< dst = a converted to `type`: float -> integer truncates toward zero; anything -> bool is a != 0
    RoundTo ///< dst = a (f32) rounded to the storage type `memory` (f16, bf16) or a (i32) wrapped to u8
};

struct Inst {
    Code code = Code::Const;
    Scalar function = Scalar::neg; ///< for Apply
    DType type = DType::f32;       ///< of dst (for Store: of a)
    DType memory = DType::f32;     ///< for RoundTo
    Level level = Level::Point;
    uint8_t stage = 0; ///< for Point and Row
    ValueId dst = kNone, a = kNone, b = kNone, c = kNone;
    int32_t slot = -1; ///< operand for Load/Store/Random, affine for Iota
    double imm = 0;    ///< for Const; integers up to 2^53
    bool operator==(const Inst&) const = default;
};

/// Welford has two results: mean and the sum of squared deviations (M2), combined by Chan's rule, never E[x^2] - E[x]^2.
/// Arg* results are i64: the linear index over the reduced axes (in the order of `axes`), the first one wins; NaN wins over all.
/// Max and Min propagate NaN.
enum class Monoid : uint8_t { Sum, Prod, Max, Min, ArgMax, ArgMin, Welford };

/// A reduction. from Point: into Row (over R, finished before [Row, stage]), Column (over A) or Final (over A and R).
/// from Row: into Final (over A). f32 sums accumulate in f32, blocked or pairwise; i32/bool inputs sum in i64.
struct Reduce {
    Monoid monoid = Monoid::Sum;
    Level from = Level::Point, to = Level::Row;
    uint8_t stage = 0; ///< in which `in` is available
    ValueId in = kNone;
    ValueId out = kNone, out2 = kNone; ///< out2: M2 of Welford
    DType type = DType::f32;           ///< of out
    bool operator==(const Reduce&) const = default;
};

/// Multi-tensor maps: the same one-axis map over many sets of buffers in one launch. buffers[i] replaces operands[i].buffer.
struct Segment {
    int64_t extent = 0;
    std::vector<int32_t> buffers;
    bool operator==(const Segment&) const = default;
};

struct Program {
    std::string name; ///< for reports and profiles, for example "add_relu"; not part of equality
    Ints axes;        ///< extents: P axes, then A axes, then R axes
    int32_t num_p = 0, num_a = 0, num_r = 0;
    int32_t stages = 1;
    int32_t num_values = 0;
    int32_t num_inputs = 0, num_outputs = 0; ///< buffers
    std::vector<Operand> operands;
    std::vector<Affine> affines;
    std::vector<Inst> code; ///< in order of use: Once; then by stage Point, Row; then Final; then Column
    std::vector<Reduce> reduces;
    std::vector<Segment>
        segments; ///< empty, or: num_p = num_a = 0, num_r = 1, no reduces; axes[0] = the largest extent

    int64_t p_count() const { return product(0, num_p); }
    int64_t a_count() const { return product(num_p, num_p + num_a); }
    int64_t r_count() const { return product(num_p + num_a, num_p + num_a + num_r); }
    /// Equality of everything but the name.
    bool operator==(const Program& o) const;

private:
    int64_t product(int32_t first, int32_t last) const {
        int64_t n = 1;
        for (int32_t i = first; i < last; ++i) n *= axes[static_cast<size_t>(i)];
        return n;
    }
};

using ProgramPtr = std::shared_ptr<const Program>;

/// What kernels report about bad data: the first bad index wins. Lives on the device beside the executable's scalars.
struct ErrorWord {
    int64_t code = 0; ///< 0: fine; 1: an index out of range
    int64_t value = 0;
    int64_t bound = 0;
};

/// Aborts (INGOT_ASSERT) when the program breaks a rule of this form. Called on every program that fusion makes.
void verify(const Program& program);

/// One instruction a line, for dumps and tests.
std::string print(const Program& program);

} // namespace ingot::program
