// SPDX-License-Identifier: MIT
// The lazy graph: nodes are recorded applications of operators, values are their results, cells are places with a stable
// address whose present value changes (parameters, buffers, optimizer state, gradients). See docs/architecture.md, "Rules of
// evaluation". Ownership: tensors and nodes own their inputs by reference count; a cell owns its present value; a node
// points to its cell weakly (CellLink). Nodes are recorded by one thread; evaluation takes the evaluation mutex
// (runtime/evaluate.cpp).
#pragma once

#include <atomic>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <ingot/profiler.h>
#include <ingot/tensor.h>

#include "base/ref.h"
#include "core/buffer.h"
#include "graph/format.h"
#include "graph/op_def.h"

namespace ingot::graph {
class Node;
class Cell;
class Recorder;
} // namespace ingot::graph

namespace ingot {
/// Frees a node and everything that only it kept alive, without recursion.
template <> void dispose<graph::Node>(graph::Node* node);
} // namespace ingot

namespace ingot::graph {

struct Value {
    Ref<Node> node;
    uint32_t index = 0;
    explicit operator bool() const { return static_cast<bool>(node); }
    bool operator==(const Value&) const = default;
    const Type& type() const;
};

/// One result of a node.
struct Output {
    Type type;
    Ref<core::Storage> data; ///< set when evaluated
    Format format;
    std::atomic<uint32_t> handles{0}; ///< Tensors that hold this result
};

/// Lets nodes name their cell without keeping it alive. A thread that does not own the cell may only compare the pointer.
struct CellLink : RefCounted {
    std::atomic<Cell*> cell{nullptr};
};

/// A bool that other threads may look at: whoever sees a change sees what was written before it.
class SharedBool {
public:
    SharedBool& operator=(bool on) {
        on_.store(on, std::memory_order_release);
        return *this;
    }
    operator bool() const { return on_.load(std::memory_order_acquire); }

private:
    std::atomic<bool> on_{false};
};

/// A leaf's accumulated gradient. Compiled steps share it with its leaf.
struct GradSlot : RefCounted {
    Ref<Cell> cell;        ///< made at the first backward()
    bool present = false;  ///< false: none (grad() is undefined); filled() says whether there really is one
    bool elided = false;   ///< a compiled step consumed it without storing it
    void* trace = nullptr; ///< the trace in which its leaf was made: gone with it
    /// There is a gradient. A first one whose submission could not begin never was.
    bool filled() const;
};

/// A number supplied by the host at submission: one f32/f64/i64 value, or the two words of a random key.
struct HostScalar {
    std::function<void(uint64_t words[2])> source; ///< writes the value's bits, in the dtype of the node
    uint64_t words[2] = {0, 0};
};

class Node : public RefCounted {
public:
    Node(const OpDef& op, Device device);
    ~Node();

    const OpDef* op;
    Attrs attrs;
    std::vector<Value> inputs;
    std::unique_ptr<Output[]> outputs;
    uint32_t num_outputs = 0;
    Device device;
    uint64_t sequence = 0; ///< record order, over all threads
    SharedBool pending;    ///< recorded and not evaluated
    bool requires_grad = false;
    bool tape_freed = false; ///< backward() has used it up
    bool leaf = false;       ///< gradients stop here and accumulate (cell values, set_requires_grad)
    profiler::Phase phase = profiler::Phase::forward; ///< what it was recorded for: a label, not part of the structure
    bool postponed = false; ///< a submission that contained it could not begin: evaluated again only when asked for
    /// What its submission failed with. Set once, under the evaluation mutex; read there or when not pending.
    std::exception_ptr failure;
    Ref<CellLink> link;               ///< for values of cells
    Ref<Cell> handle_of;              ///< for handles: tensor().is_cell()
    Ref<GradSlot> grad;               ///< for leaves without a cell
    std::unique_ptr<HostScalar> host; ///< for host scalars
    void* trace = nullptr;            ///< the trace that recorded it (runtime/trace.h), null outside compile()

    // Capture scratch, valid under the evaluation mutex.
    uint64_t mark = 0;
    int32_t local = -1;

    Cell* cell() const { return link ? link->cell.load(std::memory_order_acquire) : nullptr; }
    bool ready() const { return !pending; }
    Recorder* recorder() const { return recorder_; }
    void set_outputs(std::vector<Type>&& types);

private:
    friend class Recorder;
    Recorder* recorder_ = nullptr; ///< in whose pending list it stands
    Node* prev_ = nullptr;
    Node* next_ = nullptr;
};

inline const Type& Value::type() const { return node->outputs[index].type; }

class Cell : public RefCounted {
public:
    Cell(Type type, Device device);
    ~Cell();

    Type type;
    Device device;
    Format format;              ///< physical format of the storage; changes only at a flush
    Ref<core::Storage> storage; ///< null until first evaluated; the address is stable afterwards
    Value current;
    /// The ready value whose contents lie in storage (often == current). Changes under the evaluation mutex and writers_mutex().
    Value stored;
    bool requires_grad = false;
    bool keeps_history = false; ///< gradients made with create_graph: differentiation goes on behind the value
    /// In whose list of writes the present value stands, recorded and not yet in storage; null: nothing is pending. Debug
    /// builds also name who traces the cell or runs a compiled step that writes it.
    std::atomic<Recorder*> writer{nullptr};
    bool gradient = false; ///< of a GradSlot: may have no value at all
    Ref<GradSlot> grad = make_ref<GradSlot>();
    Ref<CellLink> link;
    void* trace = nullptr; ///< the trace that has swapped it

    /// Makes `value` (of the cell's type) the present value; evaluated at the next flush. Errors: Error in debug builds when
    /// another thread is writing the cell.
    void assign(const Value& value);
    /// Forgets a pending write. Errors: as assign().
    void drop_write();
    /// A first value that another thread recorded and did not submit (it made the model) becomes a write of this thread.
    void take_over();
    /// Debug builds: this thread writes the cell until end_write(), by tracing it or by a compiled step; false: it has a
    /// pending write of this thread, which ends by itself. Errors: as assign().
    bool begin_write();
    void end_write();
    /// A ready node that stands for the contents of `storage`.
    Ref<Node> make_value_node() const;
};

/// Held for a moment while a thread looks at, or changes, who writes a cell.
std::mutex& writers_mutex();

inline bool GradSlot::filled() const { return present && cell && cell->current; }

/// Called when a cell is used or assigned inside compile(), before it happens.
using CellHook = void (*)(Cell&);

/// The same for gradient slots; `event` says what is about to happen.
enum class SlotEvent : uint8_t { use, clear, read, update };
using SlotHook = void (*)(GradSlot&, SlotEvent event);

/// What one thread has recorded and not yet evaluated. Recorders are pooled and never freed, so nodes may outlive threads.
class Recorder {
public:
    static Recorder& current();

    void add(Node& node);    ///< node becomes pending
    void remove(Node& node); ///< no longer pending (any thread)

    /// Pending results that a tensor still holds, in record order.
    std::vector<Value> held();
    std::vector<Ref<Cell>> writes; ///< cells whose writer this is (or was), in order of first assignment
    std::vector<std::pair<Ref<Cell>, Value>> initial; ///< first values of new cells: evaluated before anything else
    int64_t since_flush = 0;                          ///< nodes recorded since the last flush
    bool grad_mode = true;
    profiler::Phase phase = profiler::Phase::forward; ///< of what is recorded now
    int internal = 0;                                 ///< > 0: Ingot records for itself (decompositions): never flush
    void* trace = nullptr;                            ///< the active trace of compile(), or null
    CellHook cell_hook = nullptr;                     ///< set while a trace is active
    SlotHook slot_hook = nullptr;                     ///< likewise
    std::vector<Value>* trace_scalars = nullptr; ///< where the active trace collects host scalars, in recording order

private:
    std::atomic_flag lock_ = ATOMIC_FLAG_INIT;
    Node* head_ = nullptr;
    Node* tail_ = nullptr;
    friend struct RecorderPool;
};

/// The value that a tensor stands for: a cell's present value for handles. Errors: Error for undefined tensors, naming `op`.
Value resolve(const Tensor& tensor, const char* op);

/// The gradient slot of a leaf; null when there is none and `make` is false.
GradSlot* slot_of(Node& node, bool make);
/// The same of the leaf that `tensor` stands for.
GradSlot* slot_of(const Tensor& tensor, bool make);
/// The accumulated gradient for an optimizer's update, undefined when there is none: unlike Tensor::grad(), a compiled step may
/// then drop the gradient without storing it.
Tensor gradient_for_update(const Tensor& tensor);
/// Adds `gradient` to the slot (or starts it).
void accumulate(GradSlot& slot, const Tensor& gradient, const OpDef& add);

/// A value that exists already.
Value make_ready(Type type, Device device, Ref<core::Storage> data);
/// A graph input without data.
Value make_placeholder(Type type, Device device);
/// A host scalar or random key; source is called once now.
Value make_host_scalar(Type type, Device device, std::function<void(uint64_t words[2])> source);

/// What this thread records while it lives belongs to `phase`.
class RecordPhase {
public:
    explicit RecordPhase(profiler::Phase phase) : before_(std::exchange(Recorder::current().phase, phase)) {}
    ~RecordPhase() { Recorder::current().phase = before_; }
    RecordPhase(const RecordPhase&) = delete;
    RecordPhase& operator=(const RecordPhase&) = delete;

private:
    profiler::Phase before_;
};

extern const OpDef kPlaceholder, kHostScalar, kIdentity, kCellHandle;

} // namespace ingot::graph
