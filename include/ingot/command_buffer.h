// SPDX-License-Identifier: MIT
// A list of commands that a stream runs as one operation: record, commit, wait. Commands run in the order in which they
// were recorded, each after the one before it is complete; the first that fails ends the list. A command buffer is used
// once. It keeps what its commands use alive until it is finished. Recording and commit() belong to one thread at a time;
// after commit() everything is thread safe. Movable, not copyable; dropping one that was not committed drops its commands.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <ingot/buffer.h>
#include <ingot/kernel.h>
#include <ingot/stream.h>

namespace ingot {

namespace core {
struct Recording;
}

class CommandBuffer {
public:
    enum class Status : uint8_t { recording, committed, running, completed, failed };

    /// For one stream, which may end before the command buffer does. `label` names it in profiles.
    explicit CommandBuffer(Stream& stream, std::string label = "command buffer");
    CommandBuffer(CommandBuffer&&) noexcept;
    CommandBuffer& operator=(CommandBuffer&&) noexcept;
    ~CommandBuffer();

    // Recording. Everything is checked here and now; nothing runs before commit(). All throw ingot::Error after commit().

    /// Runs `kernel` on `grid` threads, `group` threads per call of its function (without `group`: some thousands). An empty
    /// grid runs nothing. Buffers may be given twice; a kernel that writes one that it also reads elsewhere sees its own writes.
    /// Errors: ingot::Error naming the kernel and the argument that does not fit, or a bad grid; DeviceError.
    CommandBuffer& dispatch(const Kernel& kernel, const Dim3& grid, const Dim3& group,
                            const std::vector<KernelArg>& args);
    CommandBuffer& dispatch(const Kernel& kernel, const Dim3& grid, const std::vector<KernelArg>& args);
    /// Sets `count` bytes from `offset` to `value`. Errors: ingot::Error for a range outside.
    CommandBuffer& fill(Buffer target, uint8_t value);
    CommandBuffer& fill(Buffer target, uint8_t value, size_t offset, size_t count);
    /// `count` bytes of `source` from `source_offset` to `target` at `offset`; they may overlap. Errors: ingot::Error for
    /// ranges outside, and without a count for different sizes.
    CommandBuffer& copy(Buffer target, const Buffer& source);
    CommandBuffer& copy(Buffer target, const Buffer& source, size_t count, size_t offset = 0, size_t source_offset = 0);
    /// Runs host code between the other commands. Errors: ingot::Error for an empty function.
    CommandBuffer& call(std::function<void()> function);
    /// `handler` runs once, on the stream's thread, when all commands are complete, one failed, or a dependency did: `error` is
    /// then what wait() rethrows, else null. Handlers run in the order in which they were added, all of them; wait() returns
    /// after them. What one throws is reported by Stream::wait(). They may use streams and other command buffers.
    CommandBuffer& add_completed_handler(std::function<void(const std::exception_ptr& error)> handler);
    /// Commands recorded so far.
    size_t size() const { return size_; }

    /// Queues the commands behind everything that the stream was given before. Returns at once (or when the stream has room, see
    /// Stream::submit). If one of `dependencies` fails, nothing runs and the command buffer fails with that same error.
    /// Errors: ingot::Error when it was committed before, an empty dependency, or a stream that was shut down; after the
    /// latter two it can be committed again.
    Operation commit(const std::vector<Operation>& dependencies = {});

    Status status() const;
    /// Blocks until it is finished and its handlers have run; rethrows its error. Errors: ingot::Error before commit().
    void wait() const;
    /// The same for at most `seconds`; false when it is not finished by then.
    bool wait_for(double seconds) const;
    /// What wait() would rethrow; null when it is complete. Errors: ingot::Error when it is not finished.
    std::exception_ptr error() const;
    /// How long the commands ran (not: waited). Errors: ingot::Error when it is not finished.
    double seconds() const;

private:
    const Operation& operation(const char* what) const;
    core::Recording& recording(const char* what);
    CommandBuffer& record(std::string name, double bytes, std::function<void()> run);
    std::shared_ptr<core::StreamState> stream_;
    std::unique_ptr<core::Recording> recording_; ///< null after commit()
    std::shared_ptr<std::atomic<int64_t>> nanoseconds_;
    Operation operation_;
    size_t size_ = 0;
};

} // namespace ingot
