// SPDX-License-Identifier: MIT
// The state behind <ingot/stream.h>: one queue per stream, one record per operation. Shared by streams and command
// buffers; fields are guarded as their comments say.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <ingot/stream.h>

namespace ingot::core {

struct OperationState {
    // Set by submit(), given up by the worker when the operation is finished.
    std::function<void()> work;
    std::vector<std::shared_ptr<OperationState>> dependencies;
    std::shared_ptr<StreamState> stream;
    std::function<void(const std::exception_ptr&)> on_complete;
    bool mark = false; ///< of an Event: orders, but does not fail
    // Guarded by stream->mutex.
    Operation::Status status = Operation::Status::queued;
    std::exception_ptr error;

    bool over() const { return status == Operation::Status::done || status == Operation::Status::failed; }
};

struct StreamState {
    Device device;
    size_t max_pending = 0;
    std::mutex mutex;
    std::condition_variable arrived;  // for the worker: work, or closing
    std::condition_variable finished; // for the others: an operation is over, or closing
    std::deque<std::shared_ptr<OperationState>> queue;
    std::exception_ptr first_error; // since the last Stream::wait()
    int64_t queued = 0, executed = 0, failed = 0;
    bool closing = false;
    std::mutex join_mutex; // shutdown() may run on several threads
    std::thread worker;
};

} // namespace ingot::core
