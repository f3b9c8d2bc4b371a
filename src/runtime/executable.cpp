// SPDX-License-Identifier: MIT
#include "runtime/executable.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include <ingot/error.h>

#include "base/parallel.h"
#include "passes/pass.h"
#include "runtime/dump.h"

namespace ingot::runtime {

namespace {

/// "gather or cross_entropy": the operators that may have been given a bad index. Gradients use the forward pass's indices.
std::string indexing_ops(const ir::Graph& g) {
    std::vector<std::string> names;
    for (const profiler::Phase last : {profiler::Phase::forward, profiler::Phase::optimizer}) {
        for (const ir::Node& n : g.nodes) {
            const bool takes_integers = std::any_of(n.inputs.begin(), n.inputs.end(), [&](ir::ValueId v) {
                return g.type(v).dtype == DType::i64 || g.type(v).dtype == DType::i32;
            });
            const bool indexes =
                n.op->kind == graph::Kind::indexing || (n.op->kind == graph::Kind::composite && takes_integers);
            if (indexes && n.phase <= last && std::find(names.begin(), names.end(), n.op->name) == names.end())
                names.emplace_back(n.op->name);
        }
        if (!names.empty()) break;
    }
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : " or ") + name;
    return text;
}

std::atomic<bool> stubbed{false};

} // namespace

void stub_execution(bool on) { stubbed = on; }

Executable::Executable(const ir::Graph& captured, Device device) : device_(device) {
    const profiler::Scope scope("compile", profiler::Phase::compile);
    for (const ir::Result& r : captured.results) result_types_.push_back(captured.type(r.value));
    indexing_ops_ = indexing_ops(captured);
    num_inputs_ = captured.inputs.size();
    const backend::Backend& backend = backend::backend_of(device);
    if (backend.takes_whole_graphs()) {
        const ir::Graph g = passes::dce(passes::expand(captured));
        kernels_.push_back(backend.lower_whole(g));
        const auto count = static_cast<uint32_t>(num_inputs_ + result_types_.size());
        launches_.push_back({kernels_[0].get(), 0, count, -1});
        for (uint32_t i = 0; i < count; ++i) args_.push_back({i, 0});
        profiler::Phase phase = profiler::Phase::other;
        for (const ir::Node& n : g.nodes) phase = std::max(phase, n.phase);
        report_.kernels.push_back({kernels_[0]->name, "", 0, 0, 1, phase});
    } else {
        const ir::Graph g = passes::optimize(captured, backend.target());
        for (const ir::Node& n : g.nodes) {
            kernels_.push_back(n.prim() == graph::Prim::reshape ? nullptr : backend.lower(g, n));
        }
        build(g);
    }
    spare_.resize(result_types_.size());
    base_.resize(num_inputs_ + result_types_.size() + 1);
    pointers_.resize(args_.size());
}

uint32_t Executable::table_of(const Place& p) const {
    switch (p.in) {
    case Place::In::input: return static_cast<uint32_t>(p.index);
    case Place::In::result: return static_cast<uint32_t>(num_inputs_) + static_cast<uint32_t>(p.index);
    default: return static_cast<uint32_t>(num_inputs_ + result_types_.size());
    }
}

void Executable::build(const ir::Graph& g) {
    const std::vector<int32_t> order = schedule(g);
    Plan p = plan(g, order, kernels_);
    for (const Step& s : p.steps) {
        const backend::Kernel& k = *kernels_[static_cast<size_t>(s.node)];
        launches_.push_back(
            {&k, static_cast<uint32_t>(args_.size()), static_cast<uint32_t>(s.args.size()), s.workspace});
        for (const Place& a : s.args) args_.push_back({table_of(a), a.in == Place::In::arena ? a.offset : 0});
        report_.kernels.push_back(
            {k.name, k.ops, k.bytes, k.flops, k.launches, g.nodes[static_cast<size_t>(s.node)].phase});
        int64_t inside = 1;
        for (const char c : k.ops) inside += c == ' ';
        if (inside > 1) report_.fused += inside;
    }
    copies_ = std::move(p.copies);
    for (const Copy& c : copies_)
        report_.kernels.push_back({"copy", "copy", 2.0 * static_cast<double>(c.bytes), 0, 1, profiler::Phase::other});
    arena_bytes_ = p.arena_bytes;
    report_.arena_bytes = p.arena_bytes;
    dump_plan(g, p, kernels_, report_);
}

Ref<core::Storage> Executable::reserve() const { return arena_memory(device_, arena_bytes_); }

Ref<core::Storage> Executable::result_storage(size_t result) const {
    const graph::Type& t = result_types_[result];
    return spare_.take(result, device_, static_cast<size_t>(t.shape.numel()) * size_of(t.dtype));
}

std::exception_ptr Executable::run(void* const* inputs, void* const* results,
                                   const Ref<core::Storage>& arena_storage) const {
    char* arena = arena_storage ? static_cast<char*>(arena_storage->data()) : nullptr;
    base::sync_library_threads();
    for (size_t i = 0; i < num_inputs_; ++i) base_[i] = inputs[i];
    for (size_t i = 0; i < result_types_.size(); ++i) base_[num_inputs_ + i] = results[i];
    base_.back() = arena;
    for (size_t i = 0; i < args_.size(); ++i) {
        pointers_[i] = static_cast<char*>(base_[args_[i].table]) + args_[i].offset;
    }
    if (stubbed.load(std::memory_order_relaxed)) return nullptr;
    program::ErrorWord word;
    try {
        if (profiler::running()) {
            launch_profiled(results, arena, &word);
        } else {
            launch(results, arena, &word);
        }
    } catch (...) {
        return std::current_exception(); // belongs to the results: the submission has begun
    }
    if (word.code == 0) return nullptr;
    return std::make_exception_ptr(Error("index " + std::to_string(word.value) + " is out of range [0, " +
                                         std::to_string(word.bound) + ") in " + indexing_ops_ +
                                         "; every value of the same submission fails with it"));
}

void Executable::copy_out(const Copy& c, void* const* results, const char* arena) const {
    if (c.bytes == 0) return;
    const char* from = c.saved >= 0 ? arena + c.saved
                                    : static_cast<const char*>(base_[table_of(c.from)]) +
                                          (c.from.in == Place::In::arena ? c.from.offset : 0);
    std::memcpy(results[c.result], from, static_cast<size_t>(c.bytes));
}

void Executable::launch(void* const* results, char* arena, program::ErrorWord* word) const {
    for (const Copy& c : copies_) {
        if (c.saved >= 0) std::memcpy(arena + c.saved, base_[table_of(c.from)], static_cast<size_t>(c.bytes));
    }
    for (const Launch& l : launches_) {
        l.kernel->run(pointers_.data() + l.first_arg, l.workspace >= 0 ? arena + l.workspace : nullptr, word);
    }
    for (const Copy& c : copies_) copy_out(c, results, arena);
}

void Executable::launch_profiled(void* const* results, char* arena, program::ErrorWord* word) const {
    namespace profile = base::profile;
    const profiler::Scope scope("submission");
    if (labels_.empty()) {
        std::vector<const profile::Label*> labels;
        for (const Report::Kernel& k : report_.kernels) labels.push_back(profile::label(k.name, k.ops, k.phase, true));
        labels_ = std::move(labels); // all of them or, when memory runs out, none
    }
    // The same as launch(), kernel by kernel.
    int64_t begin = 0;
    size_t at = 0;
    const auto done = [&] {
        const int64_t end = profile::now();
        const Report::Kernel& k = report_.kernels[at];
        profile::add(labels_[at++], begin, end, k.bytes, k.flops);
        begin = end;
    };
    for (const Copy& c : copies_) {
        if (c.saved >= 0) std::memcpy(arena + c.saved, base_[table_of(c.from)], static_cast<size_t>(c.bytes));
    }
    begin = profile::now();
    for (const Launch& l : launches_) {
        l.kernel->run(pointers_.data() + l.first_arg, l.workspace >= 0 ? arena + l.workspace : nullptr, word);
        done();
    }
    for (const Copy& c : copies_) {
        copy_out(c, results, arena);
        done();
    }
}

} // namespace ingot::runtime
