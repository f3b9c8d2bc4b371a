// SPDX-License-Identifier: MIT
#include "runtime/submit.h"

#include <cstring>

#include "runtime/cache.h"
#include "runtime/idle_memory.h"

namespace ingot::runtime {

std::recursive_mutex& evaluation_mutex() {
    static auto* mutex = new std::recursive_mutex;
    return *mutex;
}

EvalStats& counters() {
    static EvalStats stats;
    return stats;
}

namespace {
std::shared_ptr<const Executable>& last_of_thread() {
    thread_local std::shared_ptr<const Executable> last;
    return last;
}
} // namespace

void note_submission(std::shared_ptr<const Executable> executable) {
    ++counters().submissions;
    last_of_thread() = std::move(executable);
}

void* address_of(const graph::Value& value) {
    if (value.node->op == &graph::kHostScalar) return value.node->host->words;
    return value.node->outputs[value.index].data->data();
}

void prepare_storage(graph::Cell& cell) {
    if (cell.storage) return;
    const size_t bytes = static_cast<size_t>(cell.type.shape.numel()) * size_of(cell.type.dtype);
    cell.storage = core::Storage::allocate(cell.device, bytes, "parameter or state");
}

void save_if_held(graph::Cell& cell, uint32_t own) {
    graph::Node* node = cell.stored.node.get();
    if (!node) return;
    own += 1 + (cell.current.node.get() == node ? 1 : 0);
    if (node->ref_count() <= own) return;
    graph::Output& output = node->outputs[cell.stored.index];
    if (output.data != cell.storage) return; // saved before
    auto copy = core::Storage::allocate(cell.device, cell.storage->bytes(), "saved value");
    std::memcpy(copy->data(), cell.storage->data(), cell.storage->bytes());
    output.data = std::move(copy);
    ++counters().copied_out;
}

} // namespace ingot::runtime

namespace ingot {

Report last_executable() {
    const auto& last = runtime::last_of_thread();
    return last ? last->report() : Report{};
}

CacheStats cache_stats() {
    const std::lock_guard lock(runtime::evaluation_mutex());
    return runtime::Cache::global().stats();
}

void clear_cache() {
    const std::lock_guard lock(runtime::evaluation_mutex());
    runtime::Cache::global().clear();
    runtime::release_idle_memory();
}

void set_cache_capacity(int64_t executables) {
    const std::lock_guard lock(runtime::evaluation_mutex());
    runtime::Cache::global().set_capacity(executables);
}

EvalStats eval_stats() {
    const std::lock_guard lock(runtime::evaluation_mutex());
    EvalStats stats = runtime::counters();
    stats.recorded += graph::Recorder::current().since_flush;
    return stats;
}

} // namespace ingot
