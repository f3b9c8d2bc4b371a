// SPDX-License-Identifier: MIT
#include "backend/cpu/program_access.h"

#include <algorithm>
#include <atomic>
#include <cstring>

namespace ingot::cpu {

using program::ErrorWord;

Access make_access(const program::Program& program, const program::Affine& at,
                   const std::vector<program::Guard>& guards, const std::vector<int32_t>& space,
                   const std::vector<int32_t>& accumulated) {
    Access access;
    std::vector<Strides*> all;
    std::vector<const program::Affine*> from;
    access.guards.resize(guards.size());
    all.push_back(&access.at);
    from.push_back(&at);
    for (size_t g = 0; g < guards.size(); ++g) {
        access.guards[g].lo = guards[g].lo;
        access.guards[g].hi = guards[g].hi;
        all.push_back(&access.guards[g].at);
        from.push_back(&guards[g].at);
    }
    for (size_t k = 0; k < all.size(); ++k) {
        all[k]->base = from[k]->base;
        for (int32_t a : accumulated) all[k]->a_step.push_back(from[k]->coef[static_cast<size_t>(a)]);
    }
    for (int32_t axis : space) {
        const size_t i = static_cast<size_t>(axis);
        const int64_t extent = program.axes[i];
        if (extent == 1) continue;
        bool merge = !access.extent.empty();
        for (size_t k = 0; k < all.size() && merge; ++k) merge = all[k]->step.back() == from[k]->coef[i] * extent;
        if (merge) {
            access.extent.back() *= extent;
            for (size_t k = 0; k < all.size(); ++k) all[k]->step.back() = from[k]->coef[i];
        } else {
            access.extent.push_back(extent);
            for (size_t k = 0; k < all.size(); ++k) all[k]->step.push_back(from[k]->coef[i]);
        }
    }
    if (access.extent.empty()) {
        access.extent.push_back(1);
        for (Strides* s : all) s->step.push_back(0);
    }
    // A dense operand of one element is as good as linear.
    return access;
}

namespace {

// Walks a linear range as runs along the innermost dimension.
class Walk {
public:
    Walk(const Access& access, const Place& place) : x_(access), left_(place.count), a_index_(place.a_index) {
        int64_t rest = place.start;
        index_.resize(x_.extent.size());
        for (size_t d = x_.extent.size(); d-- > 1;) {
            index_[d] = rest % x_.extent[d];
            rest /= x_.extent[d];
        }
        index_[0] = rest;
    }

    bool more() const { return left_ > 0; }
    int64_t inner() const { return index_.back(); }
    /// Elements up to the end of the innermost dimension.
    int64_t run() const { return std::min(left_, x_.extent.back() - index_.back()); }
    /// Whole rows of the innermost dimension from here, within the one before it.
    int64_t rows() const {
        const size_t n = x_.extent.size();
        if (n < 2 || index_.back() != 0) return 0;
        return std::min(left_ / x_.extent[n - 1], x_.extent[n - 2] - index_[n - 2]);
    }

    int64_t value(const Strides& s) const {
        int64_t v = s.base;
        for (size_t i = 0; i < s.a_step.size(); ++i) v += s.a_step[i] * a_index_[i];
        for (size_t i = 0; i < index_.size(); ++i) v += s.step[i] * index_[i];
        return v;
    }

    void advance(int64_t count) {
        left_ -= count;
        const size_t last = index_.size() - 1;
        index_[last] += count;
        carry(last);
    }
    void advance_rows(int64_t rows) {
        left_ -= rows * x_.extent.back();
        const size_t last = index_.size() - 2;
        index_[last] += rows;
        carry(last);
    }

private:
    void carry(size_t d) {
        while (d > 0 && index_[d] >= x_.extent[d]) {
            index_[d] = 0;
            ++index_[--d];
        }
    }

    const Access& x_;
    int64_t left_;
    const int64_t* a_index_;
    Ints index_;
};

// The part [first, last) of a run of `run` elements where every guard holds.
void guarded_part(const Access& x, const Walk& walk, int64_t run, int64_t& first, int64_t& last) {
    first = 0;
    last = run;
    for (const Access::Range& g : x.guards) {
        const int64_t v = walk.value(g.at), step = g.at.step.back();
        if (step == 0) {
            if (v < g.lo || v >= g.hi) last = 0;
        } else if (step > 0) { // lo <= v + step * j < hi
            const int64_t low = g.lo - v, high = g.hi - v;
            if (low > 0) first = std::max(first, (low + step - 1) / step);
            last = std::min(last, high <= 0 ? 0 : (high + step - 1) / step);
        } else {
            const int64_t down = -step, low = v - g.hi + 1, high = v - g.lo + 1; // low <= down * j < high
            if (low > 0) first = std::max(first, (low + down - 1) / down);
            last = std::min(last, high <= 0 ? 0 : (high + down - 1) / down);
        }
    }
    first = std::min(first, run);
    last = std::max(last, first);
}

int64_t checked(const Access& x, int64_t index, ErrorWord* error) {
    if (index >= 0 && index < x.index_bound) [[likely]]
        return index * x.index_coef;
    if (error) {
        int64_t fine = 0;
        // The first bad index wins; the others leave the word alone.
        if (std::atomic_ref<int64_t>(error->code).compare_exchange_strong(fine, 1)) {
            error->value = index;
            error->bound = x.index_bound;
        }
    }
    return (index < 0 ? 0 : x.index_bound - 1) * x.index_coef;
}

// Calls move(done, offset, count, step) for runs inside the guards and outside(done, count) for the others, where
// `done` counts elements of the block.
template <class Move, class Outside>
void walk_runs(const Access& x, const Place& place, const int64_t* index, ErrorWord* error, const Move& move,
               const Outside& outside) {
    Walk walk(x, place);
    int64_t done = 0;
    const int64_t step = x.at.step.back();
    while (walk.more()) {
        int64_t run = walk.run();
        int64_t row = 0;
        if (x.index_form == IndexForm::per_row) {
            const int64_t position = place.start + done, in_row = position % place.row_length;
            row = position / place.row_length - place.start / place.row_length;
            run = std::min(run, place.row_length - in_row);
        }
        int64_t first, last;
        guarded_part(x, walk, run, first, last);
        if (first > 0) outside(done, first);
        if (last > first) {
            const int64_t offset = walk.value(x.at);
            switch (x.index_form) {
            case IndexForm::none: move(done + first, offset + first * step, last - first, step); break;
            case IndexForm::scalar:
                move(done + first, offset + first * step + checked(x, index[0], error), last - first, step);
                break;
            case IndexForm::per_row:
                move(done + first, offset + first * step + checked(x, index[row], error), last - first, step);
                break;
            case IndexForm::per_element:
                for (int64_t j = first; j < last; ++j)
                    move(done + j, offset + j * step + checked(x, index[done + j], error), 1, 1);
                break;
            }
        }
        if (last < run) outside(done + last, run - last);
        done += run;
        walk.advance(run);
    }
}

void fill_values(const Access& x, char* dst, int64_t count) {
    for (int64_t i = 0; i < count; ++i) std::memcpy(dst + i * x.value_size, x.fill, static_cast<size_t>(x.value_size));
}

} // namespace

int64_t offset_at(const Access& access, const Strides& at, int64_t start, const int64_t* a_index) {
    int64_t v = at.base;
    for (size_t i = 0; i < at.a_step.size(); ++i) v += at.a_step[i] * a_index[i];
    for (size_t d = access.extent.size(); d-- > 1;) {
        v += at.step[d] * (start % access.extent[d]);
        start /= access.extent[d];
    }
    return v + at.step[0] * start;
}

void load_range(const Access& x, const char* base, const Place& place, const int64_t* index, void* block,
                ErrorWord* error) {
    char* dst = static_cast<char*>(block);
    if (!x.plain()) {
        walk_runs(
            x, place, index, error,
            [&](int64_t done, int64_t offset, int64_t count, int64_t step) {
                x.load(dst + done * x.value_size, base + offset * x.size, 1, count, 0, step);
            },
            [&](int64_t done, int64_t count) { fill_values(x, dst + done * x.value_size, count); });
        return;
    }
    if (x.extent.size() == 1) {
        x.load(dst, base + offset_at(x, x.at, place.start, place.a_index) * x.size, 1, place.count, 0, x.at.step[0]);
        return;
    }
    const size_t n = x.extent.size();
    Walk walk(x, place);
    while (walk.more()) {
        const char* src = base + walk.value(x.at) * x.size;
        if (const int64_t rows = walk.rows(); rows > 1) {
            x.load(dst, src, rows, x.extent[n - 1], x.at.step[n - 2], x.at.step[n - 1]);
            dst += rows * x.extent[n - 1] * x.value_size;
            walk.advance_rows(rows);
        } else {
            const int64_t run = walk.run();
            x.load(dst, src, 1, run, 0, x.at.step[n - 1]);
            dst += run * x.value_size;
            walk.advance(run);
        }
    }
}

void store_range(const Access& x, char* base, const Place& place, const int64_t* index, const void* block,
                 ErrorWord* error) {
    const char* src = static_cast<const char*>(block);
    if (!x.plain()) {
        walk_runs(
            x, place, index, error,
            [&](int64_t done, int64_t offset, int64_t count, int64_t step) {
                x.store(src + done * x.value_size, base + offset * x.size, 1, count, 0, step);
            },
            [](int64_t, int64_t) {});
        return;
    }
    if (x.extent.size() == 1) {
        x.store(src, base + offset_at(x, x.at, place.start, place.a_index) * x.size, 1, place.count, 0, x.at.step[0]);
        return;
    }
    const size_t n = x.extent.size();
    Walk walk(x, place);
    while (walk.more()) {
        char* dst = base + walk.value(x.at) * x.size;
        if (const int64_t rows = walk.rows(); rows > 1) {
            x.store(src, dst, rows, x.extent[n - 1], x.at.step[n - 2], x.at.step[n - 1]);
            src += rows * x.extent[n - 1] * x.value_size;
            walk.advance_rows(rows);
        } else {
            const int64_t run = walk.run();
            x.store(src, dst, 1, run, 0, x.at.step[n - 1]);
            src += run * x.value_size;
            walk.advance(run);
        }
    }
}

void iota_range(const Access& x, const Place& place, int64_t* block) {
    Walk walk(x, place);
    const int64_t step = x.at.step.back();
    while (walk.more()) {
        const int64_t run = walk.run(), first = walk.value(x.at);
        for (int64_t j = 0; j < run; ++j) block[j] = first + j * step;
        block += run;
        walk.advance(run);
    }
}

} // namespace ingot::cpu
