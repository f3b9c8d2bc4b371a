// SPDX-License-Identifier: MIT
#include "nn/move_cell.h"

#include "base/check.h"
#include "graph/evaluator.h"
#include "graph/node.h"

namespace ingot::nn {

void move_cell(const Tensor& handle, Device device) {
    if (handle.device() == device) return;
    INGOT_ASSERT(handle.is_cell(), "only cells are registered with modules");
    if (graph::Recorder::current().trace) throw Error("to: a model cannot be moved inside compile(); move it before");
    graph::Node& node = *handle.node();
    graph::Cell& cell = *node.handle_of;
    cell.take_over();
    handle.eval(); // pending writes still belong to the old device
    const graph::Value moved = graph::evaluator().transfer(cell.current, device);
    // Values of before keep the old storage, but this cell's writes no longer concern them.
    cell.link->cell = nullptr;
    cell.link = make_ref<graph::CellLink>();
    cell.link->cell = &cell;
    cell.storage = {};
    cell.format = {};
    cell.current = {};
    cell.stored = {};
    cell.drop_write();
    cell.grad = make_ref<graph::GradSlot>();
    cell.device = node.device = device;
    cell.assign(moved);
}

} // namespace ingot::nn
