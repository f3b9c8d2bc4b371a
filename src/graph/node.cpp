// SPDX-License-Identifier: MIT
#include "graph/node.h"

#include "base/check.h"
#include "graph/evaluator.h"

namespace ingot::graph {

namespace {

std::atomic<uint64_t> next_sequence{1};

class SpinLock {
public:
    explicit SpinLock(std::atomic_flag& flag) : flag_(flag) {
        while (flag_.test_and_set(std::memory_order_acquire)) {}
    }
    ~SpinLock() { flag_.clear(std::memory_order_release); }

private:
    std::atomic_flag& flag_;
};

} // namespace

const Evaluator& evaluator() {
    static const auto* hooks = [] {
        auto* e = new Evaluator{};
        install_runtime(*e);
        return e;
    }();
    return *hooks;
}

Node::Node(const OpDef& o, Device d)
    : op(&o), device(d), sequence(next_sequence.fetch_add(1, std::memory_order_relaxed)) {}

Node::~Node() {
    if (recorder_) recorder_->remove(*this);
}

void Node::set_outputs(std::vector<Type>&& types) {
    num_outputs = static_cast<uint32_t>(types.size());
    outputs = std::make_unique<Output[]>(num_outputs);
    for (uint32_t i = 0; i < num_outputs; ++i) outputs[i].type = std::move(types[i]);
}

Cell::Cell(Type t, Device d) : type(std::move(t)), device(d), link(make_ref<CellLink>()) { link->cell = this; }

Cell::~Cell() { link->cell = nullptr; }

Ref<Node> Cell::make_value_node() const {
    auto node = make_ref<Node>(kPlaceholder, device);
    node->set_outputs({type});
    node->outputs[0].data = storage;
    node->outputs[0].format = format;
    node->link = link;
    node->leaf = true;
    node->requires_grad = requires_grad;
    return node;
}

namespace {

[[noreturn]] void refuse_writer(const Cell& cell) {
    throw Error("two threads write one cell (" + cell.type.str() +
                "): let one submit or finish its step before the other begins");
}

} // namespace

std::mutex& writers_mutex() {
    static auto* mutex = new std::mutex; // immortal, as recorders are
    return *mutex;
}

void Cell::assign(const Value& value) {
    INGOT_ASSERT(value.type() == type, "a cell keeps its type");
    Recorder& recorder = Recorder::current();
    if (recorder.cell_hook) recorder.cell_hook(*this);
    if (!recorder.trace && writer != &recorder) { // the trace collects its own writes
        take_over();
        Recorder* other = nullptr;
        if (!writer.compare_exchange_strong(other, &recorder) && other != &recorder) {
            if constexpr (base::kDebugChecks) refuse_writer(*this);
            const std::lock_guard lock(writers_mutex());
            writer = &recorder;
        }
        if (other != &recorder) recorder.writes.push_back(Ref<Cell>(this));
    }
    auto node = make_ref<Node>(kIdentity, device);
    node->inputs.push_back(value);
    node->set_outputs({type});
    node->link = link;
    node->leaf = !keeps_history;
    node->requires_grad = requires_grad;
    node->trace = recorder.trace;
    recorder.add(*node);
    current = Value{std::move(node), 0};
}

void Cell::drop_write() {
    if (!writer) return;
    const std::lock_guard lock(writers_mutex());
    if constexpr (base::kDebugChecks) {
        if (const Recorder* now = writer; now && now != &Recorder::current() && stored) refuse_writer(*this);
    }
    writer = nullptr;
}

void Cell::take_over() {
    Recorder& recorder = Recorder::current();
    if (!writer || writer == &recorder) return;
    const std::lock_guard lock(writers_mutex());
    // Until here the other thread may submit the value. If it has begun to, this thread finds it ready.
    if (stored || !writer) return;
    recorder.writes.push_back(Ref<Cell>(this));
    if (!gradient) recorder.initial.emplace_back(Ref<Cell>(this), current);
    writer = &recorder;
}

bool Cell::begin_write() {
    take_over();
    if constexpr (base::kDebugChecks) {
        Recorder* other = nullptr;
        if (writer.compare_exchange_strong(other, &Recorder::current())) return true;
        if (other != &Recorder::current()) refuse_writer(*this);
    }
    return false;
}

void Cell::end_write() {
    if constexpr (base::kDebugChecks) {
        Recorder* mine = &Recorder::current();
        writer.compare_exchange_strong(mine, nullptr);
    }
}

// ---------------------------------------------------------------------------------------------------- recorder

struct RecorderPool {
    std::mutex mutex;
    std::vector<Recorder*> free;
    Recorder* take() {
        const std::lock_guard lock(mutex);
        if (free.empty()) return new Recorder;
        Recorder* r = free.back();
        free.pop_back();
        return r;
    }
    void give(Recorder* r) {
        // Writes that the thread never submitted are dropped with it; values it left pending stay reachable.
        for (auto& cell : r->writes) {
            Recorder* mine = r;
            cell->writer.compare_exchange_strong(mine, nullptr);
        }
        r->writes.clear();
        r->initial.clear();
        r->since_flush = 0;
        const std::lock_guard lock(mutex);
        free.push_back(r);
    }
    static RecorderPool& get() {
        static RecorderPool* pool = new RecorderPool; // immortal: threads may end after static destruction
        return *pool;
    }
};

Recorder& Recorder::current() {
    struct Slot {
        Recorder* recorder = RecorderPool::get().take();
        ~Slot() { RecorderPool::get().give(recorder); }
    };
    thread_local Slot slot;
    return *slot.recorder;
}

void Recorder::add(Node& node) {
    node.pending = true;
    node.phase = phase;
    node.recorder_ = this;
    const SpinLock lock(lock_);
    node.prev_ = tail_;
    node.next_ = nullptr;
    (tail_ ? tail_->next_ : head_) = &node;
    tail_ = &node;
    ++since_flush;
}

void Recorder::remove(Node& node) {
    if (node.recorder_ != this) return;
    const SpinLock lock(lock_);
    (node.prev_ ? node.prev_->next_ : head_) = node.next_;
    (node.next_ ? node.next_->prev_ : tail_) = node.prev_;
    node.prev_ = node.next_ = nullptr;
    node.recorder_ = nullptr;
}

std::vector<Value> Recorder::held() {
    std::vector<Value> values;
    const SpinLock lock(lock_);
    for (Node* n = head_; n; n = n->next_) {
        if (n->trace) continue;
        for (uint32_t i = 0; i < n->num_outputs; ++i) {
            if (n->outputs[i].handles.load(std::memory_order_acquire) > 0 && n->try_retain()) {
                values.push_back({Ref<Node>::adopt(n), i});
            }
        }
    }
    return values;
}

// ------------------------------------------------------------------------------------------------- gradients

GradSlot* slot_of(Node& node, bool make) {
    if (Cell* cell = node.cell()) return cell->grad.get();
    if (!node.grad && make) {
        node.grad = make_ref<GradSlot>();
        node.grad->trace = node.trace;
    }
    return node.grad.get();
}

GradSlot* slot_of(const Tensor& tensor, bool make) { return slot_of(*resolve(tensor, "grad").node, make); }

Tensor gradient_for_update(const Tensor& tensor) {
    GradSlot* slot = slot_of(tensor, false);
    if (!slot) return {};
    Recorder& recorder = Recorder::current();
    if (recorder.slot_hook) {
        recorder.slot_hook(*slot, SlotEvent::use);
        recorder.slot_hook(*slot, SlotEvent::update);
    }
    if (!slot->filled()) return {};
    if (recorder.cell_hook) recorder.cell_hook(*slot->cell);
    return Tensor(slot->cell->current);
}

void accumulate(GradSlot& slot, const Tensor& gradient, const OpDef& add) {
    Recorder& recorder = Recorder::current();
    if (recorder.slot_hook) recorder.slot_hook(slot, SlotEvent::use);
    Tensor sum = gradient;
    if (slot.filled()) {
        if (recorder.cell_hook) recorder.cell_hook(*slot.cell);
        sum = record(add, {Tensor(slot.cell->current), gradient});
    }
    const Value value = resolve(sum, "backward");
    if (!slot.cell) {
        slot.cell = make_ref<Cell>(value.type(), value.node->device);
        slot.cell->gradient = true;
    }
    slot.cell->requires_grad = slot.cell->keeps_history = value.node->requires_grad; // create_graph
    slot.cell->assign(value);
    slot.present = true;
    slot.elided = false;
}

// ---------------------------------------------------------------------------------------------------- values

Value resolve(const Tensor& tensor, const char* op) {
    Node* node = tensor.node();
    if (!node) throw Error(std::string(op) + ": the tensor is undefined");
    if (!node->handle_of) return {Ref<Node>(node), tensor.output_index()};
    Recorder& recorder = Recorder::current();
    if (recorder.cell_hook) recorder.cell_hook(*node->handle_of);
    return node->handle_of->current;
}

Value make_ready(Type type, Device device, Ref<core::Storage> data) {
    auto node = make_ref<Node>(kPlaceholder, device);
    node->set_outputs({std::move(type)});
    node->outputs[0].data = std::move(data);
    return {std::move(node), 0};
}

Value make_placeholder(Type type, Device device) {
    auto node = make_ref<Node>(kPlaceholder, device);
    node->set_outputs({std::move(type)});
    node->pending = true; // it has no data; never in a recorder's list
    return {std::move(node), 0};
}

Value make_host_scalar(Type type, Device device, std::function<void(uint64_t words[2])> source) {
    auto node = make_ref<Node>(kHostScalar, device);
    node->set_outputs({std::move(type)});
    node->host = std::make_unique<HostScalar>();
    node->host->source = std::move(source);
    Recorder& recorder = Recorder::current();
    if (!recorder.trace) node->host->source(node->host->words); // a compiled step asks when it runs
    node->trace = recorder.trace;
    Value value{std::move(node), 0};
    if (recorder.trace_scalars) recorder.trace_scalars->push_back(value);
    return value;
}

namespace {
void infer_same(Call& call) { *call.outputs = {call.in(0)}; }
std::vector<Tensor> identity_vjp(const Vjp& v) { return {v.grads[0]}; }
} // namespace

const OpDef kPlaceholder{.name = "placeholder", .prim = Prim::placeholder, .kind = Kind::source};
const OpDef kHostScalar{.name = "host_scalar", .prim = Prim::placeholder, .kind = Kind::source};
const OpDef kCellHandle{.name = "cell", .prim = Prim::placeholder, .kind = Kind::source};
const OpDef kIdentity{
    .name = "identity", .prim = Prim::identity, .kind = Kind::elementwise, .infer = infer_same, .vjp = identity_vjp};

} // namespace ingot::graph

namespace ingot {

template <> void dispose<graph::Node>(graph::Node* first) {
    // Long chains: whoever loses its last reference waits in this list instead of recursing.
    thread_local std::vector<graph::Node*>* waiting = nullptr;
    if (waiting) {
        waiting->push_back(first);
        return;
    }
    std::vector<graph::Node*> list{first};
    waiting = &list;
    while (!list.empty()) {
        graph::Node* node = list.back();
        list.pop_back();
        delete node; // its inputs' references end in dispose() and join the list
    }
    waiting = nullptr;
}

} // namespace ingot
