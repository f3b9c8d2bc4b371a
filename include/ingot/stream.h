// SPDX-License-Identifier: MIT
// Ordered asynchronous work, below tensors. A Stream runs what is submitted to it one after the other on its own thread;
// streams run beside each other and are ordered by dependencies and events. Everything here is thread safe. Nothing
// grows with the number of finished operations: what an operation captured is destroyed as soon as it has run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <vector>

#include <ingot/device.h>

namespace ingot {

class Stream;
class CommandBuffer;

namespace core {
struct OperationState;
struct StreamState;
} // namespace core

/// Handle of submitted work; copies are the same operation. May outlive its stream.
class Operation {
public:
    enum class Status : uint8_t { queued, running, done, failed };

    /// No operation. Using it, also as a dependency, is an error.
    Operation() = default;
    bool valid() const { return state_ != nullptr; }
    Status status() const;
    /// True when it is done or failed. Never blocks.
    bool finished() const;
    /// Blocks until it is finished; rethrows what its work threw or what the dependency that it failed with threw.
    void wait() const;
    /// The same for at most `seconds`; false when it is not finished by then.
    bool wait_for(double seconds) const;
    /// What wait() would rethrow; null when it is done. Errors: ingot::Error when it is not finished.
    std::exception_ptr error() const;

private:
    friend class Stream;
    friend class CommandBuffer;
    std::shared_ptr<core::OperationState> state_;
};

/// A mark in a stream. Tells about order only: failed work before it does not make waiting for it fail.
class Event {
public:
    /// Marks the end of what has been submitted to `stream` so far; replaces an earlier mark.
    void record(Stream& stream);
    /// True when everything before the mark is finished; also when nothing was recorded.
    bool query() const;
    /// Blocks until query() is true.
    void wait() const;

private:
    friend class Stream;
    Operation mark_;
};

struct StreamOptions {
    /// Unfinished operations that submit() accepts before it blocks.
    size_t max_pending = 1024;
};

/// queued = executed + pending. Marks of events count like operations.
struct StreamStats {
    int64_t queued = 0;   ///< accepted by submit() so far
    int64_t executed = 0; ///< finished, failed ones included
    int64_t failed = 0;   ///< threw, or had a dependency that failed
    int64_t pending = 0;  ///< waiting or running now
};

class Stream {
public:
    /// Errors: DeviceError for a device that this process does not have; ingot::Error for max_pending = 0.
    explicit Stream(Device device = Device::cpu(), StreamOptions options = {});
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    /// Shuts down. Must not run inside work of this stream.
    ~Stream();

    Device device() const;
    /// Queues `work` behind everything submitted before. It starts when all `dependencies` (of any stream) are finished;
    /// if one of them failed, `work` does not run and the operation fails with that same error (the first in the list).
    /// Other operations of the stream are not affected by a failed one.
    /// `on_complete` (may be empty) runs once, on the stream's thread, when the work is over or will never run: its argument is
    /// what wait() will rethrow, null when all went well. The operation counts as finished when it has returned. What it
    /// throws is reported by Stream::wait() and changes nothing else.
    /// Blocks while max_pending operations are unfinished, except on a stream's thread, where blocking could never end.
    /// Errors: ingot::Error for empty work, an empty dependency or after shutdown(); then nothing is queued.
    Operation submit(std::function<void()> work, const std::vector<Operation>& dependencies = {},
                     std::function<void(const std::exception_ptr& error)> on_complete = {});
    /// What is submitted from now on starts after the event's mark.
    void wait(const Event& event);
    /// Blocks until everything submitted so far is finished; rethrows the first error since the last wait().
    void wait();
    /// Refuses new work, finishes what is queued and stops the thread. May be called again.
    void shutdown();
    StreamStats stats() const;

private:
    friend class Event;
    friend class CommandBuffer;
    Operation mark(const std::vector<Operation>& after);
    static Operation enqueue(const std::shared_ptr<core::StreamState>& state,
                             std::shared_ptr<core::OperationState> operation,
                             const std::vector<Operation>& dependencies);
    std::shared_ptr<core::StreamState> state_;
};

} // namespace ingot
