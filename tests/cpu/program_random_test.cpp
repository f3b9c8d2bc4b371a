// SPDX-License-Identifier: MIT
// Thousands of random programs, executor against interpreter: axes, layouts, guards, gathers, levels, reductions, types
// and in-place buffers in combinations that nobody would write by hand. Seeded: a failure prints its seed.
#include <algorithm>
#include <cstdlib>
#include <numeric>

#include "program_testing.h"

namespace ingot::cpu::testing {
namespace {

using namespace program;

struct Made {
    ValueId id;
    Level level;
    int stage;
    bool exact;   // equal bits in executor and interpreter: may be compared and indexed with
    double bound; // |value| is at most about this
};

class Generator {
public:
    explicit Generator(uint32_t seed) : rng_(seed) {}

    void run() {
        const bool large = pick(8) == 0;
        Ints groups[3];
        int64_t total = 1;
        const int64_t limit = large ? 30000 : 3000;
        static const int64_t kExtents[] = {1, 2, 3, 4, 5, 7, 8, 10, 16, 17, 40, 64, 130, 600, 1500, 5000};
        for (int g : {2, 0, 1}) {
            const int axes = static_cast<int>(pick(g == 1 ? 2 : 3));
            for (int i = 0; i < axes; ++i) {
                const int64_t e = kExtents[pick(g == 2 ? 16 : 11)];
                if (total * e > limit) continue;
                total *= e;
                groups[g].push_back(e);
            }
        }
        Builder b(groups[0], groups[1], groups[2]);
        b_ = &b;
        axes_ = groups[0];
        for (int g : {1, 2})
            for (int64_t e : groups[g]) axes_.push_back(e);
        num_p_ = groups[0].size();
        num_a_ = groups[1].size();

        if (pick(3) == 0) {
            b.at(Level::Once);
            load(Level::Once, 0);
            if (pick(2)) b.constant(f32, 0.5);
            arithmetic(Level::Once, 0);
        }
        const int stages = pick(2) ? 1 : 1 + static_cast<int>(pick(3));
        for (int s = 0; s < stages; ++s) {
            b.at(Level::Point, s);
            const int loads = s == 0 ? 1 + static_cast<int>(pick(3)) : static_cast<int>(pick(2));
            for (int i = 0; i < loads; ++i) load(Level::Point, s);
            if (pick(4) == 0) special(Level::Point, s);
            for (int i = static_cast<int>(pick(4)); i > 0; --i) arithmetic(Level::Point, s);
            if (pick(3) == 0 || (s == stages - 1 && pick(2))) store(Level::Point, s, s == stages - 1);
            const bool rows = s + 1 < stages || pick(3) == 0;
            if (rows) reduce(Level::Point, s, Level::Row);
            if (pick(3) == 0) reduce(Level::Point, s, Level::Column);
            if (pick(3) == 0) reduce(Level::Point, s, Level::Final);
            b.at(Level::Row, s);
            if (rows && pick(2)) arithmetic(Level::Row, s);
            if (pick(4) == 0) {
                load(Level::Row, s);
                arithmetic(Level::Row, s);
            }
            if (rows && pick(2)) store(Level::Row, s, false);
            if (rows && pick(2)) reduce(Level::Row, s, Level::Final);
        }
        for (const Level level : {Level::Final, Level::Column}) {
            const bool has =
                std::any_of(values_.begin(), values_.end(), [&](const Made& m) { return m.level == level; });
            if (!has && pick(8)) continue;
            b.at(level);
            if (pick(2)) load(level, 0);
            arithmetic(level, 0);
            arithmetic(level, 0);
            store(level, 0, false);
            store(level, 0, false);
        }
        finish();
    }

private:
    uint32_t pick(uint32_t n) { return rng_() % n; }

    bool has_axis(Level level, size_t i) const {
        const bool p = i < num_p_, a = !p && i < num_p_ + num_a_, r = !p && !a;
        switch (level) {
        case Level::Once: return false;
        case Level::Point: return true;
        case Level::Row: return !r;
        case Level::Final: return p;
        case Level::Column: return !a;
        }
        return false;
    }

    // A dense layout over some of the level's axes, in random order; fills `count` with its elements.
    Ints layout(Level level, bool all, int64_t& count) {
        std::vector<size_t> order;
        for (size_t i = 0; i < axes_.size(); ++i)
            if (has_axis(level, i) && (all || pick(4))) order.push_back(i);
        if (pick(3) == 0) std::shuffle(order.begin(), order.end(), rng_);
        Ints coef(axes_.size(), 0);
        count = 1;
        for (size_t k = order.size(); k-- > 0;) {
            coef[order[k]] = count;
            count *= axes_[order[k]];
        }
        return coef;
    }

    int32_t input(DType t, int64_t count, double low, double high) {
        inputs_.push_back(TestBuffer(t, count).fill(rng_(), low, high));
        if (is_float(t)) // quarters: sums stay exact for long, and equal values occur
            for (int64_t i = 0; i < count; ++i) inputs_.back().set(i, std::round(inputs_.back().at(i) * 4) / 4);
        return static_cast<int32_t>(inputs_.size()) - 1;
    }

    void made(ValueId id, Level level, int stage, bool exact, double bound) {
        values_.push_back({id, level, stage, exact, bound});
    }

    void load(Level level, int stage) {
        static const DType kTypes[] = {f32, f32, f32, f32, f32, f16, bf16, f64, i32, i64, u8, boolean};
        const DType t = kTypes[pick(12)];
        int64_t count;
        const Ints coef = layout(level, pick(2), count);
        const int64_t base = pick(4) == 0 ? static_cast<int64_t>(pick(20)) : 0;
        Operand o = b_->operand(0, t, coef, base);
        int64_t bound = 1;
        if (pick(6) == 0) { // gather: an index first
            int64_t n;
            const Level from = level == Level::Point && pick(2) ? Level::Once : level;
            const bool rows = level == Level::Point && pick(2);
            Ints where = layout(rows && from != Level::Once ? Level::Row : from, pick(2), n);
            if (from == Level::Once) where = Ints(axes_.size(), 0), n = 1;
            bound = 1 + static_cast<int64_t>(pick(9));
            const int32_t buffer = input(i64, n, pick(5) == 0 ? -1 : 0, static_cast<double>(bound - 1));
            o.index = b_->load(buffer, i64, where);
            o.index_coef = count + pick(3);
            o.index_bound = bound;
        }
        if (pick(6) == 0) {
            Ints g(axes_.size(), 0);
            for (size_t i = 0; i < axes_.size(); ++i)
                if (has_axis(level, i)) g[i] = static_cast<int64_t>(pick(5)) - 2;
            o.guards.push_back(b_->guard(g, static_cast<int64_t>(pick(7)) - 3, -3, 5 + static_cast<int64_t>(pick(20))));
            o.fill = t == boolean ? 1 : t == u8 ? 9 : -3;
        }
        const int64_t size = base + count + (bound - 1) * o.index_coef;
        o.buffer = input(t, size, t == u8 || t == boolean ? 0 : -6, t == boolean ? 1 : 6);
        made(b_->load(o), level, stage, true, 9);
        // Remembered for in-place stores: a plain load of everything.
        if (level == Level::Point && o.index == kNone && o.guards.empty() && size == count && t == f32 &&
            count == std::accumulate(axes_.begin(), axes_.end(), int64_t{1}, std::multiplies<>()))
            dense_.push_back(o);
    }

    // Values that code at this place may use.
    std::vector<Made> usable(Level level, int stage) const {
        std::vector<Made> list;
        for (const Made& m : values_) {
            bool ok = m.level == level || m.level == Level::Once;
            if (level == Level::Point) ok |= m.level == Level::Row && m.stage < stage;
            if (level == Level::Column) ok |= m.level == Level::Final;
            if (ok) list.push_back(m);
        }
        return list;
    }

    Made to(DType t, const Made& m, Level level, int stage) {
        if (b_->type(m.id) == t) return m;
        Made r = m;
        r.id = b_->cast(t, m.id);
        r.level = level;
        r.stage = stage;
        return r;
    }

    void arithmetic(Level level, int stage) {
        std::vector<Made> list = usable(level, stage);
        if (list.empty()) return;
        const auto any = [&] { return list[pick(static_cast<uint32_t>(list.size()))]; };
        static const DType kTypes[] = {f32, f32, f32, f32, f64, i32, i64};
        const DType t = kTypes[pick(7)];
        Made a = any(), c = any();
        if (!is_float(t) && (!a.exact || !c.exact)) return;
        a = to(t, a, level, stage);
        c = to(t, c, level, stage);
        const bool exact = a.exact && c.exact;
        const auto done = [&](ValueId v, bool same, double bound) { made(v, level, stage, same, bound); };
        switch (pick(12)) {
        case 0: return done(b_->apply(Scalar::neg, a.id), exact, a.bound);
        case 1: return done(b_->apply(Scalar::relu, a.id), exact, a.bound);
        case 2:
        case 3: return done(b_->apply(Scalar::add, a.id, c.id), exact, a.bound + c.bound);
        case 4: return done(b_->apply(Scalar::sub, a.id, c.id), exact, a.bound + c.bound);
        case 5:
            if (a.bound * c.bound > 1e4) return;
            return done(b_->apply(Scalar::mul, a.id, c.id), exact, a.bound * c.bound);
        case 6: return done(b_->apply(Scalar::maximum, a.id, c.id), exact, std::max(a.bound, c.bound));
        case 7:
            if (!exact) return;
            return done(b_->apply(Scalar::where, b_->apply(Scalar::lt, a.id, c.id), a.id, c.id), true,
                        std::max(a.bound, c.bound));
        case 8:
            if (!is_float(t)) return;
            return done(b_->apply(Scalar::tanh, a.id), false, 1);
        case 9:
            if (!is_float(t)) return;
            return done(b_->apply(Scalar::sigmoid, a.id), false, 1);
        case 10: {
            const Made m = a;
            if (!is_float(t) || m.bound > 1e4) return;
            return done(b_->apply(Scalar::mul, m.id, m.id), m.exact && m.bound < 100, m.bound * m.bound);
        }
        default:
            if (t != f32) return;
            return done(b_->apply(Scalar::mul, a.id, b_->constant(f32, 0.25)), exact, a.bound);
        }
    }

    void special(Level level, int stage) {
        Ints coef(axes_.size(), 0);
        for (size_t i = 0; i < axes_.size(); ++i)
            if (has_axis(level, i)) coef[i] = static_cast<int64_t>(pick(4));
        const ValueId i = b_->iota(coef, static_cast<int64_t>(pick(5)));
        if (pick(2)) return made(i, level, stage, true, 1e5);
        const int32_t key = input(i64, 2, 1, 100000);
        made(b_->random(key, i), level, stage, true, 1);
    }

    void reduce(Level from, int stage, Level to) {
        std::vector<Made> list;
        for (const Made& m : usable(from, stage))
            if ((m.level == from || m.level == Level::Once || m.level == Level::Row) && m.bound < 1e4)
                list.push_back(m);
        if (list.empty()) return;
        Made m = list[pick(static_cast<uint32_t>(list.size()))];
        if (m.level != from) { // an operation at the level itself
            b_->at(from, stage);
            const DType t = b_->type(m.id);
            m.id = t == boolean ? b_->cast(f32, m.id) : b_->apply(Scalar::neg, m.id);
            m.level = from;
            made(m.id, from, stage, m.exact, m.bound);
        }
        Monoid monoid = static_cast<Monoid>(pick(7));
        const DType t = b_->type(m.id);
        if (monoid == Monoid::Prod) monoid = Monoid::Sum; // overflows too easily; tested by hand
        if ((monoid == Monoid::ArgMax || monoid == Monoid::ArgMin) && !m.exact) monoid = Monoid::Max;
        if (monoid == Monoid::Welford && !is_float(t)) monoid = Monoid::Sum;
        double n = 1;
        for (size_t i = 0; i < axes_.size(); ++i)
            if (has_axis(from, i) && !has_axis(to, i)) n *= static_cast<double>(axes_[i]);
        ValueId m2 = kNone;
        const ValueId out =
            b_->reduce(monoid, from, stage, to, m.id, monoid == Monoid::Welford && pick(2) ? &m2 : nullptr);
        const bool arg = monoid == Monoid::ArgMax || monoid == Monoid::ArgMin;
        const bool sums = monoid == Monoid::Sum || monoid == Monoid::Welford;
        const double bound = arg ? n : monoid == Monoid::Sum ? m.bound * n : m.bound;
        made(out, to, stage, m.exact && !(sums && is_float(t)), bound);
        if (m2 != kNone) made(m2, to, stage, false, m.bound * m.bound * n);
    }

    void store(Level level, int stage, bool last) {
        std::vector<Made> list;
        for (const Made& m : usable(level, stage))
            if (m.bound < 1e6 || m.exact) list.push_back(m);
        if (list.empty()) return;
        Made m = list[pick(static_cast<uint32_t>(list.size()))];
        if (last && level == Level::Point && !dense_.empty() && alias_of_.empty() && pick(3) == 0) {
            m = to(f32, m, level, stage);
            Operand o = dense_[pick(static_cast<uint32_t>(dense_.size()))];
            alias_of_.push_back({outputs_.size(), static_cast<size_t>(o.buffer)});
            outputs_.push_back(TestBuffer(f32, inputs_[static_cast<size_t>(o.buffer)].count));
            store_at(o, m.id);
            return;
        }
        DType t = b_->type(m.id);
        const DType value = t;
        if (t == f32 && m.exact && pick(5) == 0) t = pick(2) ? f16 : bf16;
        if (t == i32 && pick(2)) t = u8;
        if (value == f32 && !m.exact && pick(4) == 0 && m.bound < 100) t = bf16;
        int64_t count;
        const Ints coef = layout(level, true, count);
        const int64_t base = pick(4) == 0 ? 3 : 0;
        Operand o = b_->operand(0, t, coef, base);
        if (pick(8) == 0) {
            Ints g(axes_.size(), 0);
            for (size_t i = 0; i < axes_.size(); ++i)
                if (has_axis(level, i)) g[i] = 1;
            o.guards.push_back(b_->guard(g, 0, 1, 30));
        }
        outputs_.push_back(TestBuffer(t, base + count));
        store_at(o, m.id);
    }

    void store_at(Operand o, ValueId v) {
        o.buffer = -static_cast<int32_t>(outputs_.size()); // its place is known when all inputs are
        b_->store(o, v);
    }

    void finish() {
        Buffers buffers = inputs_;
        const int32_t inputs = static_cast<int32_t>(inputs_.size());
        for (const TestBuffer& o : outputs_) buffers.push_back(o);
        for (Operand& o : b_->raw().operands)
            if (o.buffer < 0) o.buffer = inputs - o.buffer - 1;
        if (outputs_.empty()) return;
        std::vector<int> alias(buffers.size(), -1);
        for (const auto& [out, in] : alias_of_) alias[static_cast<size_t>(inputs) + out] = static_cast<int>(in);
        if (std::getenv("INGOT_TEST_SEED")) std::fputs(print(b_->raw()).c_str(), stderr);
        const ProgramPtr program = b_->build(inputs, static_cast<int32_t>(outputs_.size()));
        check(program, buffers, {2e-4, 0.05}, alias);
    }

    std::mt19937 rng_;
    Builder* b_ = nullptr;
    Ints axes_;
    size_t num_p_ = 0, num_a_ = 0;
    Buffers inputs_, outputs_;
    std::vector<Made> values_;
    std::vector<Operand> dense_;
    std::vector<std::pair<size_t, size_t>> alias_of_;
};

TEST(ProgramRandom, ExecutorAgreesWithInterpreter) {
    const char* only = std::getenv("INGOT_TEST_SEED");
    const char* more = std::getenv("INGOT_TEST_PROGRAMS");
    const uint32_t first = only ? static_cast<uint32_t>(std::atoi(only)) : 1;
    const uint32_t count = only ? 1 : more ? static_cast<uint32_t>(std::atoi(more)) : 4000;
    for (uint32_t seed = first; seed < first + count; ++seed) {
        Generator(seed).run();
        if (HasFailure()) {
            ADD_FAILURE() << "INGOT_TEST_SEED=" << seed;
            return;
        }
    }
}

} // namespace
} // namespace ingot::cpu::testing
