// SPDX-License-Identifier: MIT
// Streams on host threads. Waiting never spins: on a small machine a spinning waiter takes the core from the work.
// No deadlock between streams is possible: an operation waits only for operations that were submitted before it.
#include <ingot/stream.h>

#include <chrono>
#include <string>
#include <thread>
#include <utility>

#include <ingot/error.h>

#include "base/check.h"
#include "base/parallel.h"
#include "base/profile.h"
#include "core/allocator.h"
#include "core/stream.h"

namespace ingot {

namespace core {

namespace {

thread_local const StreamState* t_stream = nullptr; // the stream whose worker this thread is

/// Blocks until `op` is over, or until the deadline; says whether it is over.
bool wait_over(const OperationState& op, const std::chrono::steady_clock::time_point* deadline) {
    StreamState& stream = *op.stream;
    std::unique_lock lock(stream.mutex);
    if (op.over()) return true;
    if (t_stream == &stream)
        throw Error("Operation::wait: work of a stream waits for an unfinished operation of the same stream, which "
                    "cannot run before this work ends; pass the result on, or submit a dependent operation");
    const auto over = [&] { return op.over(); };
    if (deadline) return stream.finished.wait_until(lock, *deadline, over);
    stream.finished.wait(lock, over);
    return true;
}

/// Waits for the dependencies and runs the work; null when all went well.
std::exception_ptr execute(OperationState& op) {
    for (const auto& dependency : op.dependencies) {
        wait_over(*dependency, nullptr);
        const std::lock_guard lock(dependency->stream->mutex);
        if (dependency->error && !op.mark) return dependency->error;
    }
    {
        const std::lock_guard lock(op.stream->mutex);
        op.status = Operation::Status::running;
    }
    if (!op.work) return nullptr;
    try {
        base::sync_library_threads();
        op.work();
    } catch (...) { return std::current_exception(); }
    return nullptr;
}

void run_worker(StreamState& stream) {
    t_stream = &stream;
    if (profiler::running()) base::profile::name_thread("stream");
    for (;;) {
        std::shared_ptr<OperationState> op;
        {
            std::unique_lock lock(stream.mutex);
            stream.arrived.wait(lock, [&] { return stream.closing || !stream.queue.empty(); });
            if (stream.queue.empty()) return; // closing, and drained
            op = std::move(stream.queue.front());
            stream.queue.pop_front();
        }
        std::exception_ptr error = execute(*op), handler_error;
        // What the work captured goes before anybody learns that it is over, and without a lock: destructors may do
        // anything, also submit. The same holds for the completion handler.
        op->work = nullptr;
        op->dependencies.clear();
        if (op->on_complete) {
            try {
                op->on_complete(error);
            } catch (...) { handler_error = std::current_exception(); }
            op->on_complete = nullptr;
        }
        {
            const std::lock_guard lock(stream.mutex);
            op->status = error ? Operation::Status::failed : Operation::Status::done;
            ++stream.executed;
            if (error) {
                ++stream.failed;
                if (!stream.first_error) stream.first_error = error;
            }
            if (handler_error && !stream.first_error) stream.first_error = std::move(handler_error);
            handler_error = nullptr;
            op->error = std::move(error);
            // This thread lets go of the exception under the lock: whoever reads it later is then visibly ordered
            // behind (the reference count of exception_ptr is hidden from the thread sanitizer).
            op.reset();
        }
        stream.finished.notify_all();
    }
}

const OperationState& state_of(const std::shared_ptr<OperationState>& state, const char* what) {
    if (!state) throw Error(std::string("Operation::") + what + ": this handle is empty; submit() returns real ones");
    return *state;
}

} // namespace
} // namespace core

Operation::Status Operation::status() const {
    const core::OperationState& op = core::state_of(state_, "status");
    const std::lock_guard lock(op.stream->mutex);
    return op.status;
}

bool Operation::finished() const {
    const Status now = status();
    return now == Status::done || now == Status::failed;
}

void Operation::wait() const {
    const core::OperationState& op = core::state_of(state_, "wait");
    core::wait_over(op, nullptr);
    if (const std::exception_ptr e = error()) std::rethrow_exception(e);
}

bool Operation::wait_for(double seconds) const {
    const core::OperationState& op = core::state_of(state_, "wait_for");
    // A year is as good as for ever and does not overflow the clock.
    const double bounded = seconds < 0 ? 0 : seconds < 3.15e7 ? seconds : 3.15e7;
    const auto deadline = std::chrono::steady_clock::now() +
                          std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(bounded));
    if (!core::wait_over(op, &deadline)) return false;
    if (const std::exception_ptr e = error()) std::rethrow_exception(e);
    return true;
}

std::exception_ptr Operation::error() const {
    const core::OperationState& op = core::state_of(state_, "error");
    const std::lock_guard lock(op.stream->mutex);
    if (!op.over()) throw Error("Operation::error: the operation is not finished; wait() for it first");
    return op.error;
}

void Event::record(Stream& stream) { mark_ = stream.mark({}); }

bool Event::query() const { return !mark_.valid() || mark_.finished(); }

void Event::wait() const {
    if (mark_.valid()) mark_.wait();
}

Stream::Stream(Device device, StreamOptions options) : state_(std::make_shared<core::StreamState>()) {
    core::allocator(device); // throws DeviceError for a device that is not there
    if (options.max_pending == 0) throw Error("Stream: max_pending must be at least 1");
    state_->device = device;
    state_->max_pending = options.max_pending;
    state_->worker = std::thread([state = state_.get()] { core::run_worker(*state); });
}

Stream::~Stream() {
    INGOT_ASSERT(core::t_stream != state_.get(), "a Stream destroyed inside its own work cannot wait for that work");
    shutdown();
}

Device Stream::device() const { return state_->device; }

Operation Stream::submit(std::function<void()> work, const std::vector<Operation>& dependencies,
                         std::function<void(const std::exception_ptr&)> on_complete) {
    if (!work) throw Error("Stream::submit: the work is empty");
    auto op = std::make_shared<core::OperationState>();
    op->work = std::move(work);
    op->on_complete = std::move(on_complete);
    return enqueue(state_, std::move(op), dependencies);
}

Operation Stream::mark(const std::vector<Operation>& after) {
    auto op = std::make_shared<core::OperationState>();
    op->mark = true;
    return enqueue(state_, std::move(op), after);
}

Operation Stream::enqueue(const std::shared_ptr<core::StreamState>& state, std::shared_ptr<core::OperationState> op,
                          const std::vector<Operation>& dependencies) {
    for (size_t i = 0; i < dependencies.size(); ++i) {
        if (!dependencies[i].valid())
            throw Error("Stream::submit: dependency " + std::to_string(i) + " is an empty Operation; only operations " +
                        "that submit() returned can be waited for");
        op->dependencies.push_back(dependencies[i].state_);
    }
    op->stream = state;
    Operation handle;
    handle.state_ = op;
    {
        std::unique_lock lock(state->mutex);
        if (!core::t_stream) {
            state->finished.wait(lock, [&] {
                return state->closing || state->queued - state->executed < static_cast<int64_t>(state->max_pending);
            });
        }
        if (state->closing) throw Error("Stream::submit: the stream was shut down");
        state->queue.push_back(std::move(op));
        ++state->queued;
    }
    state->arrived.notify_one();
    return handle;
}

void Stream::wait(const Event& event) {
    if (event.mark_.valid()) mark({event.mark_});
}

void Stream::wait() {
    if (core::t_stream == state_.get()) throw Error("Stream::wait: called inside the stream's own work");
    std::exception_ptr error;
    {
        std::unique_lock lock(state_->mutex);
        // One worker in order: when so many are over, all that were queued before are.
        const int64_t target = state_->queued;
        state_->finished.wait(lock, [&] { return state_->executed >= target; });
        error = std::exchange(state_->first_error, nullptr);
    }
    if (error) std::rethrow_exception(error);
}

void Stream::shutdown() {
    if (core::t_stream == state_.get()) throw Error("Stream::shutdown: called inside the stream's own work");
    {
        const std::lock_guard lock(state_->mutex);
        state_->closing = true;
    }
    state_->arrived.notify_all();
    state_->finished.notify_all();
    const std::lock_guard lock(state_->join_mutex);
    if (state_->worker.joinable()) state_->worker.join();
}

StreamStats Stream::stats() const {
    const std::lock_guard lock(state_->mutex);
    return {state_->queued, state_->executed, state_->failed, state_->queued - state_->executed};
}

} // namespace ingot
