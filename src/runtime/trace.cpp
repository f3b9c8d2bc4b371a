// SPDX-License-Identifier: MIT
#include "runtime/trace.h"

#include <algorithm>
#include <cstdio>
#include <unordered_map>

#include "base/check.h"
#include "graph/evaluator.h"
#include "passes/pass.h"
#include "runtime/cache.h"
#include "runtime/capture.h"
#include "runtime/evaluate.h"
#include "runtime/submit.h"

namespace ingot::runtime {

using graph::Cell;
using graph::GradSlot;
using graph::Node;
using graph::Recorder;
using graph::SlotEvent;
using graph::Value;

namespace {

/// A gradient slot that the traced function touched.
struct TracedSlot {
    Ref<GradSlot> slot;
    bool present, elided; ///< before the trace
    bool cleared = false; ///< before any use: its state before the call does not matter
    bool used = false;    ///< before it was cleared
    bool read = false;    ///< through Tensor::grad(): must be stored
    bool updated = false; ///< an optimizer took it: it has served
};

struct TracedCell {
    Ref<Cell> cell;
    Value before;
    Value tracer;
    bool ends_write;
};

/// The active recording of one function. One per thread at a time: a nested compiled function records into the outer trace.
class Trace {
public:
    Trace() : recorder_(Recorder::current()) {
        recorder_.trace = this;
        recorder_.cell_hook = [](Cell& c) { active().touch(c); };
        recorder_.slot_hook = [](GradSlot& s, SlotEvent e) { active().touch(s, e); };
        recorder_.trace_scalars = &host_scalars;
    }
    ~Trace() {
        recorder_.trace = nullptr;
        recorder_.cell_hook = nullptr;
        recorder_.slot_hook = nullptr;
        recorder_.trace_scalars = nullptr;
        for (TracedCell& c : cells) {
            c.cell->current = c.before;
            c.cell->trace = nullptr;
            if (c.ends_write) c.cell->end_write();
        }
        for (TracedSlot& s : slots) {
            s.slot->present = s.present;
            s.slot->elided = s.elided;
        }
    }
    Trace(const Trace&) = delete;
    Trace& operator=(const Trace&) = delete;
    static Trace& active() { return *static_cast<Trace*>(Recorder::current().trace); }

    std::vector<TracedCell> cells;
    std::vector<TracedSlot> slots;
    std::vector<Value> arguments; ///< the tracers that stand for them
    std::vector<Value> host_scalars;
    std::vector<std::pair<std::function<uint64_t()>, uint64_t>> guards;

private:
    void touch(Cell& cell) {
        if (cell.trace == this) return;
        const bool begun = cell.begin_write();
        cell.trace = this;
        TracedCell t{Ref<Cell>(&cell), cell.current, {}, begun};
        auto node = make_ref<Node>(graph::kPlaceholder, cell.device);
        node->set_outputs({cell.type});
        node->link = cell.link;
        node->leaf = true;
        node->requires_grad = cell.requires_grad;
        node->pending = true;
        node->trace = this;
        t.tracer = Value{std::move(node), 0};
        cell.current = t.tracer;
        cells.push_back(std::move(t));
    }
    void touch(GradSlot& slot, SlotEvent event) {
        for (size_t i = 0; i < arguments.size(); ++i) {
            if (arguments[i].node->grad.get() != &slot) continue;
            throw Error("compile: backward() reached argument " + std::to_string(i) +
                        ", but gradients do not leave a compiled function through its arguments; return "
                        "grad({loss}, {argument}) instead, or pass argument.detach()");
        }
        auto it = std::find_if(slots.begin(), slots.end(), [&](const TracedSlot& s) { return s.slot.get() == &slot; });
        if (it == slots.end()) it = slots.insert(slots.end(), {Ref<GradSlot>(&slot), slot.filled(), slot.elided});
        if (event == SlotEvent::clear && !it->used) it->cleared = true;
        if (event == SlotEvent::use && !it->cleared) it->used = true;
        if (event == SlotEvent::read) it->read = true;
        if (event == SlotEvent::update) it->updated = true;
    }
    Recorder& recorder_;
};

struct Source {
    enum class From : uint8_t { argument, cell, constant } from = From::constant;
    int32_t index = -1; ///< argument, or position in Variant::cells
    Value value;        ///< for constants: captured tensors and host scalars
};

} // namespace

struct Variant {
    // signature
    struct Argument {
        graph::Type type;
        Device device;
        bool requires_grad;
        Ref<graph::CellLink> link; ///< of a parameter that requires grad: whose gradient the trace writes
    };
    std::vector<Argument> arguments;
    std::vector<std::pair<std::function<uint64_t()>, uint64_t>> guards;
    std::vector<std::pair<Ref<GradSlot>, bool>> slot_guards; ///< slots used without being cleared: were they present?
    bool grad_mode = true;

    std::shared_ptr<const Executable> executable;
    struct UsedCell {
        Ref<Cell> cell;
        Device device;
        bool requires_grad;
    };
    std::vector<UsedCell> cells;     ///< everything that is read or written, and what the trace relied on
    std::vector<Source> inputs;      ///< per executable input
    std::vector<Value> host_scalars; ///< in recording order: renewed before each call
    struct Output {
        int32_t result = -1;   ///< executable result; -1: an argument or captured value handed through
        int32_t cell = -1;     ///< >= 0: written to cells[cell]
        bool has_tape = false; ///< gradients would go on inside the compiled function, where they cannot
        Source through;
    };
    std::vector<Output> results;  ///< per executable result
    std::vector<Output> returned; ///< per returned tensor
    struct SlotEffect {
        Ref<GradSlot> slot;
        bool present, elided;
    };
    std::vector<SlotEffect> slot_effects;
    std::vector<Ref<core::Storage>> made; ///< per result of the present call
    std::vector<void*> in_pointers, out_pointers;

    bool fits(const std::vector<Value>& args) const {
        if (args.size() != arguments.size() || grad_mode != Recorder::current().grad_mode) return false;
        for (size_t i = 0; i < args.size(); ++i) {
            if (args[i].type() != arguments[i].type || args[i].node->device != arguments[i].device ||
                args[i].node->requires_grad != arguments[i].requires_grad) {
                return false;
            }
            if (arguments[i].requires_grad && !(args[i].node->link == arguments[i].link)) return false;
        }
        for (const UsedCell& c : cells) {
            if (c.cell->requires_grad != c.requires_grad || c.cell->device != c.device) return false;
        }
        for (const auto& [state, expected] : guards) {
            if (state() != expected) return false;
        }
        for (const auto& [slot, present] : slot_guards) {
            if (slot->filled() != present) return false;
        }
        return true;
    }
};

namespace {

/// What the tape of such a result leads to.
Value tape_inside() {
    auto node = make_ref<Node>(graph::kPlaceholder, Device::cpu());
    node->set_outputs({{f32, {}}});
    node->requires_grad = node->leaf = true;
    return {std::move(node), 0};
}

/// What a result with a tape stands for outside: its gradients would have to go on inside.
const graph::OpDef kCompiledResult{.name = "compile",
                                   .prim = graph::Prim::placeholder,
                                   .kind = graph::Kind::opaque,
                                   .infer = nullptr,
                                   .vjp = [](const graph::Vjp&) -> std::vector<Tensor> {
                                       throw Error("backward: the tensor was computed by a compiled function, and "
                                                   "gradients do not go back into one; call backward() inside it, or "
                                                   "detach() the result");
                                   }};

} // namespace

CompiledStep::CompiledStep(Compiled::Function f) : f_(std::move(f)) {}
CompiledStep::~CompiledStep() = default;

Report CompiledStep::report() const { return last_ ? last_->executable->report() : Report{}; }

std::vector<Tensor> CompiledStep::call(const std::vector<Tensor>& arguments) {
    Recorder& recorder = Recorder::current();
    if (recorder.trace) return f_(arguments); // nested: inlined into the outer trace
    std::vector<Value> values;
    for (const Tensor& t : arguments) values.push_back(graph::resolve(t, "compile"));
    const bool all_ready = recorder.initial.empty() && recorder.writes.empty() &&
                           std::all_of(values.begin(), values.end(), [](const Value& v) { return v.node->ready(); });
    if (!all_ready) flush(values);
    for (const Value& v : values) {
        if (v.node->failure) std::rethrow_exception(v.node->failure);
    }
    for (const auto& v : variants_) {
        if (v->fits(values)) return run(*v, values);
    }
    variants_.push_back(trace(arguments));
    if (variants_.size() > 8 && !warned_) {
        warned_ = true;
        std::fprintf(stderr,
                     "ingot: warning: a compiled function has %zu variants; its arguments change shape or its modules "
                     "change mode\n",
                     variants_.size());
    }
    return run(*variants_.back(), values);
}

std::unique_ptr<Variant> CompiledStep::trace(const std::vector<Tensor>& arguments) {
    const profiler::Scope scope("trace", profiler::Phase::compile);
    auto variant = std::make_unique<Variant>();
    variant->grad_mode = Recorder::current().grad_mode;
    Device device = Device::cpu();
    std::vector<Value> tracers;
    std::vector<Value> outputs;
    std::vector<Root> roots;
    std::vector<std::pair<Ref<Cell>, Value>> before;
    {
        Trace t;
        std::vector<Tensor> inside;
        for (const Tensor& a : arguments) {
            const Value v = graph::resolve(a, "compile");
            device = v.node->device;
            variant->arguments.push_back(
                {v.type(), device, v.node->requires_grad, v.node->requires_grad ? v.node->link : nullptr});
            Value tracer = graph::make_placeholder(v.type(), device);
            tracer.node->requires_grad = v.node->requires_grad;
            tracer.node->leaf = v.node->requires_grad;
            tracer.node->trace = &t;
            // A parameter as argument collects its gradient in its own cell.
            tracer.node->link = v.node->link;
            tracers.push_back(tracer);
            inside.emplace_back(tracer);
        }
        t.arguments = tracers;
        const std::vector<Tensor> returned = f_(inside);
        for (const Tensor& r : returned) outputs.push_back(graph::resolve(r, "compile"));
        inside.clear();

        variant->guards = t.guards;
        variant->host_scalars = t.host_scalars;
        for (TracedSlot& s : t.slots) {
            if (s.slot->trace == &t) { // of a leaf made inside: its gradient goes with it
                for (TracedCell& c : t.cells) {
                    if (c.cell == s.slot->cell) c.cell->current = c.tracer;
                }
                continue;
            }
            if (s.used) variant->slot_guards.emplace_back(s.slot, s.present);
            const bool written = s.slot->present && s.slot->cell && s.slot->cell->trace == &t;
            const bool elide = written && s.cleared && s.updated && !s.read;
            if (elide) {
                // Not a result: what the optimizer consumed is enough.
                for (TracedCell& c : t.cells) {
                    if (c.cell == s.slot->cell) c.cell->current = c.tracer;
                }
            }
            variant->slot_effects.push_back({s.slot, s.slot->present && !elide, elide});
        }
        for (TracedCell& c : t.cells) {
            variant->cells.push_back({c.cell, c.cell->device, c.cell->requires_grad});
            before.emplace_back(c.cell, c.tracer);
            if (!(c.cell->current == c.tracer)) roots.push_back({c.cell->current, c.cell.get()});
        }
    } // cells have their own values again
    for (const Value& v : outputs) {
        if (v.node->trace && v.node->op->prim != graph::Prim::placeholder) {
            if (v.node->num_outputs == 1) {
                roots.push_back({v, nullptr});
            } else {
                for (uint32_t i = 0; i < v.node->num_outputs; ++i) roots.push_back({{v.node, i}, nullptr});
            }
        }
    }
    if (!roots.empty()) device = roots.front().value.node->device;
    for (const Root& r : roots) {
        if (r.value.node->device == device) continue;
        throw DeviceError("compile: the function computes values on " + device.str() + " and on " +
                          r.value.node->device.str() + "; a compiled step runs on one device");
    }
    // Values recorded before the trace and not yet evaluated become bound inputs: evaluate them first.
    {
        std::vector<Value> outside;
        std::vector<Node*> stack;
        for (const Root& r : roots) stack.push_back(r.value.node.get());
        std::unordered_map<Node*, bool> visited;
        while (!stack.empty()) {
            Node* n = stack.back();
            stack.pop_back();
            if (!visited.emplace(n, true).second) continue;
            if (!n->pending) continue;
            for (const Value& v : n->inputs) {
                if (v.node->trace) {
                    stack.push_back(v.node.get());
                } else if (v.node->pending) {
                    outside.push_back(v);
                }
            }
        }
        if (!outside.empty()) flush(outside);
    }

    const std::lock_guard lock(evaluation_mutex());
    std::vector<Value> inputs = tracers;
    for (const auto& [cell, tracer] : before) {
        inputs.push_back(tracer);
        tracer.node->outputs[0].data = cell->storage; // so that overwrites are seen
    }
    const ReadyTracers ready(std::move(inputs));
    std::stable_sort(roots.begin(), roots.end(), [](const Root& a, const Root& b) {
        return std::pair(a.value.node->sequence, a.value.index) < std::pair(b.value.node->sequence, b.value.index);
    });
    roots.erase(std::unique(roots.begin(), roots.end(),
                            [](const Root& a, const Root& b) { return a.value == b.value && a.cell == b.cell; }),
                roots.end());
    Capture c = capture(device, roots);
    if (c.roots.size() != roots.size()) {
        for (const Root& r : roots) {
            if (r.value.node->failure) std::rethrow_exception(r.value.node->failure);
        }
    }
    if (!c.roots.empty()) {
        c.words.push_back(static_cast<int64_t>(passes::pass_switches()));
        c.hash.add(passes::pass_switches());
        variant->executable = Cache::global().find(c.hash, c.words);
        if (!variant->executable) {
            variant->executable = std::make_shared<Executable>(to_graph(c), device);
            Cache::global().insert(c.hash, c.words, variant->executable);
        }
    }

    auto source_of = [&](const Value& v) {
        for (size_t i = 0; i < tracers.size(); ++i) {
            if (v == tracers[i]) return Source{Source::From::argument, static_cast<int32_t>(i), {}};
        }
        for (size_t i = 0; i < before.size(); ++i) {
            if (v == before[i].second) return Source{Source::From::cell, static_cast<int32_t>(i), {}};
        }
        return Source{Source::From::constant, -1, v};
    };
    for (const Value& v : c.inputs) variant->inputs.push_back(source_of(v));
    for (size_t i = 0; i < c.roots.size(); ++i) {
        Variant::Output o;
        o.result = static_cast<int32_t>(i);
        for (size_t k = 0; k < variant->cells.size(); ++k) {
            if (variant->cells[k].cell.get() == c.roots[i].cell) o.cell = static_cast<int32_t>(k);
        }
        variant->results.push_back(o);
    }
    for (const Value& v : outputs) {
        Variant::Output o;
        for (size_t i = 0; i < c.roots.size(); ++i) {
            if (c.roots[i].value == v) o = variant->results[i];
        }
        if (o.result < 0) o.through = source_of(v);
        o.has_tape = o.result >= 0 && o.cell < 0 && v.node->requires_grad && !v.node->tape_freed;
        variant->returned.push_back(o);
    }
    variant->made.resize(c.roots.size());
    variant->in_pointers.resize(c.inputs.size());
    variant->out_pointers.resize(c.roots.size());
    return variant;
}

namespace {

/// Other threads may have given the cells their values and not submitted them.
void submit_others(const Variant& v) {
    std::vector<Value> pending;
    for (const auto& c : v.cells) {
        c.cell->take_over();
        if (c.cell->current && c.cell->current.node->pending) pending.push_back(c.cell->current);
    }
    if (!pending.empty() || !Recorder::current().writes.empty()) flush(pending);
}

/// Debug builds: this thread writes the variant's cells while it lives.
class Writing {
public:
    ~Writing() {
        for (Cell* cell : cells_) cell->end_write();
    }
    void add(Cell& cell) {
        if (cell.begin_write()) cells_.push_back(&cell);
    }

private:
    std::vector<Cell*> cells_;
};

} // namespace

std::vector<Tensor> CompiledStep::run(Variant& v, const std::vector<Value>& arguments) {
    last_ = &v;
    submit_others(v);
    Writing writing;
    if constexpr (base::kDebugChecks) {
        for (const auto& r : v.results) {
            if (r.cell >= 0) writing.add(*v.cells[static_cast<size_t>(r.cell)].cell);
        }
    }
    auto value_of = [&](const Source& s) -> const Value& {
        switch (s.from) {
        case Source::From::argument: return arguments[static_cast<size_t>(s.index)];
        case Source::From::cell: return v.cells[static_cast<size_t>(s.index)].cell->current;
        case Source::From::constant: break;
        }
        return s.value;
    };
    const std::lock_guard lock(evaluation_mutex());
    std::exception_ptr failure;
    for (size_t i = 0; i < v.inputs.size(); ++i) {
        const Value& in = value_of(v.inputs[i]);
        if (in.node->failure) failure = in.node->failure;
    }
    std::vector<Value> made(v.results.size());
    if (v.executable && !failure) {
        // Whatever can fail comes first: then nothing has happened. Counting steps and drawing numbers come after it.
        const Ref<core::Storage> arena = v.executable->reserve();
        for (size_t i = 0; i < v.results.size(); ++i) {
            if (v.results[i].cell >= 0) {
                prepare_storage(*v.cells[static_cast<size_t>(v.results[i].cell)].cell);
            } else {
                v.made[i] = v.executable->result_storage(i);
            }
        }
        for (size_t i = 0; i < v.results.size(); ++i) {
            if (v.results[i].cell >= 0) {
                Cell& cell = *v.cells[static_cast<size_t>(v.results[i].cell)].cell;
                save_if_held(cell, 0);
                v.out_pointers[i] = cell.storage->data();
            } else {
                v.out_pointers[i] = v.made[i]->data();
            }
        }
        // After the old values were saved: an argument may be one of them.
        for (size_t i = 0; i < v.inputs.size(); ++i) v.in_pointers[i] = address_of(value_of(v.inputs[i]));
        for (const Value& s : v.host_scalars) s.node->host->source(s.node->host->words);
        note_submission(v.executable);
        failure = v.executable->run(v.in_pointers.data(), v.out_pointers.data(), arena);
    }
    for (size_t i = 0; i < v.results.size(); ++i) {
        if (v.results[i].cell >= 0) {
            Cell& cell = *v.cells[static_cast<size_t>(v.results[i].cell)].cell;
            Node* node = cell.current.node.get();
            // Nobody else sees the old value's node: it stands for the new contents.
            const bool mine = node && cell.current == cell.stored && node->ref_count() == 2 &&
                              node->outputs[0].data == cell.storage && node->inputs.empty();
            if (!mine) {
                cell.current = Value{cell.make_value_node(), 0};
                const std::lock_guard looked_at(graph::writers_mutex());
                cell.stored = cell.current;
            }
            cell.current.node->failure = failure;
            made[i] = cell.current;
        } else {
            const graph::Type& t = v.executable->result_types()[i];
            made[i] = graph::make_ready(t, v.executable->device(), std::move(v.made[i]));
            made[i].node->failure = failure;
        }
    }
    for (const auto& e : v.slot_effects) {
        e.slot->present = e.present;
        e.slot->elided = e.elided;
    }
    std::vector<Tensor> returned;
    returned.reserve(v.returned.size());
    for (const auto& o : v.returned) {
        const Value& value = o.result >= 0 ? made[static_cast<size_t>(o.result)] : value_of(o.through);
        if (o.has_tape) {
            value.node->op = &kCompiledResult;
            value.node->inputs.push_back(tape_inside());
            value.node->requires_grad = true;
        }
        returned.emplace_back(value);
    }
    return returned;
}

// ---------------------------------------------------------------------------------------------------- hooks

void check_readable(const Value& value) {
    const Node& n = *value.node;
    if (!n.trace) return;
    if (n.op == &graph::kHostScalar && !n.pending && !Recorder::current().trace) return;
    const Node* named = &n; // views say less than what they look at
    while (named->op->kind == graph::Kind::view && !named->inputs.empty()) named = named->inputs[0].node.get();
    throw Error(
        std::string("'") + named->op->name + "' " + value.type().str() +
        " is being traced by compile() and has no value; return it from the compiled function and read it outside");
}

} // namespace ingot::runtime

namespace ingot {

Compiled::Compiled(Function f) : step_(std::make_unique<runtime::CompiledStep>(std::move(f))) {}
Compiled::~Compiled() = default;
Compiled::Compiled(Compiled&&) noexcept = default;
Compiled& Compiled::operator=(Compiled&&) noexcept = default;
std::vector<Tensor> Compiled::call(const std::vector<Tensor>& arguments) { return step_->call(arguments); }
int64_t Compiled::variants() const { return step_->variants(); }
Report Compiled::report() const { return step_->report(); }

void compile_guard(std::function<uint64_t()> state) {
    if (!graph::Recorder::current().trace) return;
    const uint64_t now = state();
    runtime::Trace::active().guards.emplace_back(std::move(state), now);
}

bool compiling() { return graph::Recorder::current().trace != nullptr; }

} // namespace ingot
