// SPDX-License-Identifier: MIT
#include "runtime/evaluate.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>

#include <ingot/eval.h>

#include "base/check.h"
#include "graph/convert.h"
#include "graph/evaluator.h"
#include "passes/pass.h"
#include "runtime/cache.h"
#include "runtime/capture.h"
#include "runtime/submit.h"

namespace ingot::runtime {

using graph::Cell;
using graph::Node;
using graph::Recorder;
using graph::Value;

namespace {

/// Nobody will differentiate through it: its inputs are not needed once it is ready.
bool drops_inputs(const Node& n) { return !n.requires_grad || n.tape_freed || n.leaf; }

/// Per input of the capture: how many references to its node end when the roots drop the inputs that nobody needs any more
/// (and the nodes behind them go). Known before anything is dropped, so that what may still fail can come first.
std::vector<uint32_t> ending_references(const Capture& c) {
    std::vector<uint32_t> ending(c.nodes.size()), of_inputs(c.inputs.size());
    std::vector<bool> is_root(c.nodes.size());
    for (const Root& r : c.roots) is_root[static_cast<size_t>(r.value.node->local)] = true;
    for (size_t i = c.nodes.size(); i-- > 0;) { // users come after what they use
        const Node& n = *c.nodes[i];
        if (is_root[i] ? !drops_inputs(n) : n.ref_count() > ending[i]) continue;
        for (const Value& v : n.inputs) {
            if (v.node->pending) {
                ++ending[static_cast<size_t>(v.node->local)];
            } else if (v.index == 0) { // values of cells are their node's only result
                ++of_inputs[static_cast<size_t>(v.node->local)];
            }
        }
    }
    return of_inputs;
}

/// A cell whose write could not begin has its old value again: a gradient perhaps none. Others without a value have their
/// first one still to come; they try again at the next flush.
void revert(const Ref<Cell>& cell) {
    if (cell->stored || cell->gradient) {
        cell->writer = nullptr;
        cell->current = cell->stored;
    } else {
        Recorder::current().writes.push_back(cell);
    }
}

/// New cells that only wait here for their first value, such as those of a model that was made and dropped: nobody can read
/// them, so they are not evaluated and not kept.
void forget_unreachable(std::vector<Ref<Cell>>& writes, std::vector<std::pair<Ref<Cell>, Value>>& initial) {
    if (initial.empty()) return;
    std::unordered_map<const Cell*, uint32_t> alone; // how often each of them stands here
    for (const auto& cell : writes) ++alone[cell.get()];
    for (const auto& [cell, value] : initial) ++alone[cell.get()];
    std::vector<Ref<Cell>> going; // their destructors run without the lock
    {
        const std::lock_guard lock(graph::writers_mutex());
        std::erase_if(alone, [](const auto& entry) { return entry.first->ref_count() > entry.second; });
        if (alone.empty()) return;
        for (const auto& cell : writes) {
            Recorder* mine = &Recorder::current();
            if (!alone.contains(cell.get()) || !cell->writer.compare_exchange_strong(mine, nullptr)) continue;
            going.push_back(cell);
        }
    }
    std::erase_if(initial, [&](const auto& first) { return alone.contains(first.first.get()); });
    std::erase_if(writes, [&](const Ref<Cell>& cell) { return alone.contains(cell.get()); });
}

void mark_ready(Node& node) {
    node.pending = false;
    if (Recorder* r = node.recorder()) r->remove(node);
}

void submit(Capture& c) {
    if (c.roots.empty()) return;
    c.words.push_back(static_cast<int64_t>(passes::pass_switches()));
    c.hash.add(passes::pass_switches());
    std::vector<Ref<core::Storage>> storages(c.roots.size());
    std::shared_ptr<const Executable> executable;
    std::vector<void*> inputs, results;
    Ref<core::Storage> arena;
    try {
        executable = Cache::global().find(c.hash, c.words);
        if (!executable) {
            executable = std::make_shared<Executable>(to_graph(c), c.device);
            Cache::global().insert(c.hash, c.words, executable);
        }
        arena = executable->reserve();
        for (const Value& v : c.inputs) inputs.push_back(address_of(v));
        for (size_t i = 0; i < c.roots.size(); ++i) {
            const Root& r = c.roots[i];
            if (r.cell) {
                prepare_storage(*r.cell);
                storages[i] = r.cell->storage;
            } else {
                storages[i] = executable->result_storage(i);
            }
            results.push_back(storages[i]->data());
        }
        const std::vector<uint32_t> ending = ending_references(c);
        for (size_t i = 0; i < c.roots.size(); ++i) {
            const Root& r = c.roots[i];
            if (!r.cell || !r.cell->stored) continue;
            const int32_t old = c.overwrites[i]; // the input that is the cell's old value
            save_if_held(*r.cell, old >= 0 ? 1 + ending[static_cast<size_t>(old)] : 0);
        }
    } catch (...) {
        // It never began: the values stay pending, for whoever asks again.
        for (const Root& r : c.roots) r.value.node->postponed = true;
        throw;
    }
    // Nothing can fail any more. The nodes themselves are not needed: whoever drops its inputs may free them.
    c.nodes.clear();
    for (const Root& r : c.roots) {
        if (drops_inputs(*r.value.node)) r.value.node->inputs.clear();
    }
    note_submission(executable);
    const std::exception_ptr failure = executable->run(inputs.data(), results.data(), arena);
    for (size_t i = 0; i < c.roots.size(); ++i) {
        const Root& r = c.roots[i];
        r.value.node->failure = failure;
        r.value.node->outputs[r.value.index].data = std::move(storages[i]);
    }
    for (const Root& r : c.roots) { // with all their results: other threads may look
        if (r.value.node->pending) mark_ready(*r.value.node);
    }
    const std::lock_guard lock(graph::writers_mutex());
    for (const Root& r : c.roots) {
        if (!r.cell) continue;
        r.cell->stored = r.value;
        // At once: another thread may be waiting with a write of its own.
        if (r.cell->writer == &Recorder::current() && r.cell->current == r.value) r.cell->writer = nullptr;
    }
}

void flush_locked(std::vector<Value> wanted) {
    Recorder& recorder = Recorder::current();
    ++counters().flushes;
    counters().recorded += recorder.since_flush;
    recorder.since_flush = 0;
    std::vector<Root> roots;
    auto add = [&](const Value& v, Cell* cell) {
        if (!v.node->pending || v.node->failure || v.node->op->prim == graph::Prim::placeholder) return;
        if (v.node->num_outputs == 1) {
            roots.push_back({v, cell});
            return;
        }
        for (uint32_t i = 0; i < v.node->num_outputs; ++i) roots.push_back({{v.node, i}, nullptr});
    };
    auto run = [&] {
        // One root per result; a cell's write wins over a handle on the same value. Record order.
        std::stable_sort(roots.begin(), roots.end(), [](const Root& a, const Root& b) {
            const auto ka = std::pair(a.value.node->sequence, a.value.index);
            const auto kb = std::pair(b.value.node->sequence, b.value.index);
            return ka != kb ? ka < kb : (a.cell != nullptr) > (b.cell != nullptr);
        });
        roots.erase(
            std::unique(roots.begin(), roots.end(), [](const Root& a, const Root& b) { return a.value == b.value; }),
            roots.end());
        while (!roots.empty()) {
            const Device device = roots.front().value.node->device;
            const auto rest = std::stable_partition(roots.begin(), roots.end(),
                                                    [&](const Root& r) { return r.value.node->device == device; });
            std::vector<Root> mine(std::make_move_iterator(roots.begin()), std::make_move_iterator(rest));
            roots.erase(roots.begin(), rest);
            Capture c = capture(device, std::move(mine));
            submit(c);
        }
    };
    std::vector<Ref<Cell>> writes = std::exchange(recorder.writes, {});
    std::vector<std::pair<Ref<Cell>, Value>> initial = std::exchange(recorder.initial, {});
    forget_unreachable(writes, initial);
    try {
        // New cells first, by themselves: the structure of the first step is then that of the second.
        {
            const std::lock_guard lock(graph::writers_mutex());
            for (const auto& [cell, value] : initial) {
                if (cell->writer == &recorder && !cell->stored) add(value, cell.get());
            }
        }
        if (!roots.empty()) run();
        initial.clear();
        {
            const std::lock_guard lock(graph::writers_mutex());
            for (const auto& cell : writes) {
                if (cell->writer == &recorder) add(cell->current, cell.get());
            }
        }
        for (const Value& v : recorder.held()) {
            if (!v.node->postponed) add(v, nullptr);
        }
        for (const Value& v : wanted) add(v, nullptr);
        wanted.clear();
        if (!roots.empty()) run();
        // Failed, or evaluated before by a thread that only read it.
        for (const auto& cell : writes) {
            Recorder* mine = &recorder;
            cell->writer.compare_exchange_strong(mine, nullptr);
        }
    } catch (...) {
        const std::lock_guard lock(graph::writers_mutex());
        for (auto& [cell, value] : initial) {
            if (cell->writer != &recorder || cell->stored) continue;
            if (!(cell->current == value)) cell->current = value;
            recorder.initial.emplace_back(std::move(cell), std::move(value));
        }
        for (const auto& cell : writes) {
            if (cell->writer == &recorder) revert(cell);
        }
        throw;
    }
}

// ---------------------------------------------------------------------------------------------- evaluator hooks

void evaluate(const std::vector<Value>& values) {
    const auto all = [&](auto is) {
        return std::all_of(values.begin(), values.end(), [&](const Value& v) { return is(*v.node); });
    };
    if (all([](const Node& n) { return n.ready(); })) return;
    const std::lock_guard lock(evaluation_mutex());
    if (!all([](const Node& n) { return n.ready() || n.failure; })) flush_locked(values);
}

/// Held while a ready value's memory is read. Values of cells may lie in the cell's storage, which any thread's submission may
/// overwrite after copying them elsewhere; the memory of others does not change.
class ReadLock {
public:
    explicit ReadLock(const Value& value) {
        if (value.node->link) lock_ = std::unique_lock(evaluation_mutex());
    }

private:
    std::unique_lock<std::recursive_mutex> lock_;
};

void flush_all() {
    if (!Recorder::current().trace) flush({});
}

std::vector<Tensor> transfer_vjp(const graph::Vjp& v) { return {v.grads[0].to(v.inputs[0].device())}; }

const graph::OpDef kTransfer{
    .name = "to", .prim = graph::Prim::placeholder, .kind = graph::Kind::opaque, .infer = nullptr, .vjp = transfer_vjp};

Value transfer(const Value& value, Device device) {
    backend::backend_of(device); // names a device that is not there
    graph::evaluator().check_readable(value);
    evaluate({value});
    if (value.node->failure) std::rethrow_exception(value.node->failure);
    const graph::Type& type = value.type();
    const size_t bytes = static_cast<size_t>(type.shape.numel()) * size_of(type.dtype);
    auto storage = core::Storage::allocate(device, bytes, "tensor");
    if (bytes > 0) {
        const ReadLock lock(value);
        std::memcpy(storage->data(), address_of(value), bytes); // cpu and reference share the host's memory
    }
    Value moved = graph::make_ready(type, device, std::move(storage));
    if (value.node->requires_grad && Recorder::current().grad_mode) {
        moved.node->op = &kTransfer;
        moved.node->inputs.push_back(value);
        moved.node->requires_grad = true;
    }
    return moved;
}

void read(const Value& value, void* out, DType dtype) {
    const graph::Type& type = value.type();
    INGOT_ASSERT(value.node->outputs[value.index].format.is_row_major(), "only row-major values are read");
    const ReadLock lock(value);
    graph::convert_elements(out, dtype, address_of(value), type.dtype, type.shape.numel());
}

} // namespace

void flush(std::vector<Value> wanted) {
    const std::lock_guard lock(evaluation_mutex());
    flush_locked(std::move(wanted));
}

void install_evaluation(graph::Evaluator& e) {
    e.evaluate = evaluate;
    e.flush = flush_all;
    e.transfer = transfer;
    e.read = read;
}

} // namespace ingot::runtime

namespace ingot {

void submit_pending() { runtime::flush_all(); }

void eval(const std::vector<Tensor>& tensors) {
    std::vector<graph::Value> values;
    for (const Tensor& t : tensors) {
        values.push_back(graph::resolve(t, "eval"));
        graph::evaluator().check_readable(values.back());
    }
    runtime::evaluate(values);
    for (const graph::Value& v : values) {
        if (v.node->failure) std::rethrow_exception(v.node->failure);
    }
}

void synchronize(Device device) { backend::backend_of(device); } // the CPU runs a submission before it returns

} // namespace ingot
