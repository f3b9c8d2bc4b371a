// SPDX-License-Identifier: MIT
#include "backend/cpu/program_reorder.h"

#include <cstdlib>
#include <functional>

namespace ingot::cpu {

using namespace program;

namespace {

// Lanes of a tile: rows of it that are neighbours in memory then fill whole cache lines of the crossing operand.
constexpr int64_t kMostLanes = 128;
constexpr int64_t kLongLanes = 256; // longer lanes than this are split
constexpr int64_t kFewPoints = 1 << 14;

void each_affine(Program& p, const std::function<void(Affine&)>& f) {
    for (Operand& o : p.operands) {
        f(o.at);
        for (Guard& g : o.guards) f(g.at);
    }
    for (Affine& a : p.affines) f(a);
}

// Axes that every address walks as one become one; extents of 1 vanish.
void merge_axes(Program& p) {
    for (size_t i = p.axes.size(); i-- > 0 && p.axes.size() > 1;) {
        if (p.axes[i] != 1) continue;
        p.axes.erase(p.axes.begin() + i);
        each_affine(p, [&](Affine& a) { a.coef.erase(a.coef.begin() + i); });
    }
    for (size_t i = p.axes.size(); i-- > 1;) {
        bool joint = true;
        each_affine(p, [&](Affine& a) { joint &= a.coef[i - 1] == a.coef[i] * p.axes[i]; });
        if (!joint) continue;
        p.axes[i] *= p.axes[i - 1];
        p.axes.erase(p.axes.begin() + (i - 1));
        each_affine(p, [&](Affine& a) { a.coef.erase(a.coef.begin() + (i - 1)); });
    }
}

} // namespace

ProgramPtr reorder_map(const ProgramPtr& program) {
    if (!program->segments.empty() || !program->reduces.empty()) return program;
    int64_t points = 1;
    for (int64_t e : program->axes) points *= e;
    if (points < kFewPoints) return program;
    for (const Inst& inst : program->code)
        if (inst.level != Level::Point && inst.level != Level::Once) return program;

    Program p = *program;
    merge_axes(p);
    const size_t rank = p.axes.size();
    if (rank < 2) return program;
    const size_t last = rank - 1;
    // The axis along which some operand is dense while it is not along the lanes; the longest one.
    size_t cross = last;
    for (const Operand& o : p.operands) {
        if (std::llabs(o.at.coef[last]) <= 1) continue;
        for (size_t i = 0; i < last; ++i)
            if (o.at.coef[i] == 1 && p.axes[i] >= 4 && (cross == last || p.axes[i] > p.axes[cross])) cross = i;
    }
    if (cross == last) return program;
    int64_t lanes = p.axes[last];
    if (lanes > kLongLanes) {
        lanes = 0;
        for (int64_t k = kMostLanes; k >= 16 && lanes == 0; k -= 16)
            if (p.axes[last] % k == 0) lanes = k;
        for (int64_t k = kMostLanes; k >= 16 && lanes == 0; --k)
            if (p.axes[last] % k == 0) lanes = k;
        if (lanes == 0) return program;
    }
    if (lanes == p.axes[last] && cross == last - 1) return program; // as it should be

    const int64_t blocks = p.axes[last] / lanes;
    const auto permute = [&](Ints& v, int64_t outer, int64_t inner) {
        const int64_t moved = v[cross];
        v.erase(v.begin() + cross);
        v.back() = outer;
        v.push_back(moved);
        v.push_back(inner);
    };
    each_affine(p, [&](Affine& a) { permute(a.coef, a.coef[last] * lanes, a.coef[last]); });
    permute(p.axes, blocks, lanes);
    p.num_p = static_cast<int32_t>(p.axes.size()) - 1;
    p.num_a = 0;
    p.num_r = 1;
    return std::make_shared<const Program>(std::move(p));
}

} // namespace ingot::cpu
