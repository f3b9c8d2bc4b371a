// SPDX-License-Identifier: MIT
#include "backend/cpu/program_executor.h"

#include <algorithm>
#include <cstring>

#include "backend/cpu/program_plan.h"
#include "backend/cpu/program_run.h"
#include "base/parallel.h"
#include "program/interpret.h"

namespace ingot::cpu {
namespace {

// Element-instructions below which a fork costs more than it gains.
constexpr double kGrainCost = 32768;

int64_t round_up(int64_t v) { return (v + 63) / 64 * 64; }

int64_t grain_of(double unit_cost) {
    return std::max<int64_t>(1, static_cast<int64_t>(kGrainCost / std::max(unit_cost, 1.0)));
}

// The workspace: pointers to operands, values that depend on no axis (both per segment), partial reductions.
struct Layout {
    int64_t bases = 0, once = 0, parts = 0, total = 0;
    explicit Layout(const Plan& plan) {
        const int64_t sets = std::max<int64_t>(1, static_cast<int64_t>(plan.program->segments.size()));
        const int64_t operands = static_cast<int64_t>(plan.program->operands.size());
        once = round_up(sets * operands * static_cast<int64_t>(sizeof(char*)));
        parts = once + sets * plan.once_bytes;
        total = parts;
        if (plan.split())
            total += plan.chunks_a * plan.part_bytes +
                     plan.p * plan.chunks_per_p() * static_cast<int64_t>(plan.accumulators.size() * sizeof(Cell));
        total = round_up(total);
    }
};

int64_t finish_units(const Plan& plan) { return plan.mode == Mode::vertical ? plan.units() / plan.chunks_a : plan.p; }

} // namespace

ProgramExecutor::ProgramExecutor(program::ProgramPtr program) : program_(std::move(program)) {
    // Nothing to walk over (what is left are the neutral elements of reductions): no plan.
    if (std::find(program_->axes.begin(), program_->axes.end(), 0) != program_->axes.end() &&
        program_->segments.empty())
        return;
    plan_ = std::make_unique<Plan>(make_plan(program_, false));
    workspace_bytes_ = static_cast<size_t>(Layout(*plan_).total);
    if (!plan_->hazards.empty()) {
        careful_ = std::make_unique<Plan>(make_plan(program_, true));
        workspace_bytes_ = std::max(workspace_bytes_, static_cast<size_t>(Layout(*careful_).total));
    }
}

ProgramExecutor::~ProgramExecutor() = default;
ProgramExecutor::ProgramExecutor(ProgramExecutor&&) noexcept = default;
ProgramExecutor& ProgramExecutor::operator=(ProgramExecutor&&) noexcept = default;

// In place means identical addressing, hence the same start.
bool ProgramExecutor::aliases(void* const* buffers) const {
    for (const auto& [stored, read] : plan_->hazards) {
        const size_t s = static_cast<size_t>(stored), r = static_cast<size_t>(read);
        if (program_->segments.empty()) {
            if (buffers[program_->operands[s].buffer] == buffers[program_->operands[r].buffer]) return true;
        } else {
            for (const program::Segment& segment : program_->segments)
                if (buffers[segment.buffers[s]] == buffers[segment.buffers[r]]) return true;
        }
    }
    return false;
}

void ProgramExecutor::run(void* const* buffers, void* workspace, program::ErrorWord* error) const {
    if (!plan_) return program::interpret(*program_, buffers, error);
    const Plan& plan = careful_ && aliases(buffers) ? *careful_ : *plan_;
    char* space = static_cast<char*>(workspace);
    if (plan.mode == Mode::segments)
        run_segments(plan, buffers, space, error);
    else
        run_plan(plan, buffers, space, error);
}

void ProgramExecutor::run_plan(const Plan& plan, void* const* buffers, char* workspace,
                               program::ErrorWord* error) const {
    const Layout layout(plan);
    char** bases = reinterpret_cast<char**>(workspace + layout.bases);
    for (size_t i = 0; i < program_->operands.size(); ++i)
        bases[i] = static_cast<char*>(buffers[program_->operands[i].buffer]);
    char* once = workspace + layout.once;
    char* parts = workspace + layout.parts;
    std::memcpy(once, plan.constants.data(), plan.constants.size());

    const int64_t units = plan.units(), grain = grain_of(plan.unit_cost);
    if (units <= grain) { // one worker does it all: the common case of small programs
        Worker worker(plan, bases, once, parts, error);
        worker.run_once();
        worker.run(0, units);
        if (plan.split()) worker.finish(0, finish_units(plan));
        worker.run_once_stores();
        return;
    }
    {
        Worker worker(plan, bases, once, parts, error);
        worker.run_once();
    }
    base::parallel_for(units, grain,
                       [&](int64_t begin, int64_t end) { Worker(plan, bases, once, parts, error).run(begin, end); });
    if (plan.split())
        base::parallel_for(finish_units(plan), 1, [&](int64_t begin, int64_t end) {
            Worker(plan, bases, once, parts, error).finish(begin, end);
        });
    if (!plan.once_stores.stores.empty()) Worker(plan, bases, once, parts, error).run_once_stores();
}

void ProgramExecutor::run_segments(const Plan& plan, void* const* buffers, char* workspace,
                                   program::ErrorWord* error) const {
    const Layout layout(plan);
    const std::vector<program::Segment>& segments = program_->segments;
    const size_t operands = program_->operands.size();
    char** bases = reinterpret_cast<char**>(workspace + layout.bases);
    const auto once = [&](size_t s) { return workspace + layout.once + static_cast<int64_t>(s) * plan.once_bytes; };
    {
        for (size_t s = 0; s < segments.size(); ++s) {
            for (size_t i = 0; i < operands; ++i)
                bases[s * operands + i] = static_cast<char*>(buffers[segments[s].buffers[i]]);
            std::memcpy(once(s), plan.constants.data(), plan.constants.size());
        }
        Worker worker(plan, bases, once(0), nullptr, error);
        for (size_t s = 0; s < segments.size(); ++s) {
            worker.rebase(bases + s * operands, once(s));
            worker.run_once();
        }
    }
    const auto blocks = [&](size_t s) { return (segments[s].extent + plan.tile_lanes - 1) / plan.tile_lanes; };
    base::parallel_for(plan.units(), grain_of(plan.unit_cost), [&](int64_t begin, int64_t end) {
        Worker worker(plan, bases, once(0), nullptr, error);
        int64_t first = 0; // unit of the segment's first block
        for (size_t s = 0; s < segments.size() && first < end; ++s) {
            const int64_t count = blocks(s), from = std::max(begin, first), to = std::min(end, first + count);
            if (from < to) {
                worker.rebase(bases + s * operands, once(s));
                for (int64_t u = from; u < to; ++u) worker.run_segment(u - first, segments[s].extent);
            }
            first += count;
        }
    });
    if (plan.once_stores.stores.empty()) return;
    Worker worker(plan, bases, once(0), nullptr, error);
    for (size_t s = 0; s < segments.size(); ++s) {
        worker.rebase(bases + s * operands, once(s));
        worker.run_once_stores();
    }
}

} // namespace ingot::cpu
