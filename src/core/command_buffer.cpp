// SPDX-License-Identifier: MIT
#include <ingot/command_buffer.h>

#include <chrono>
#include <utility>

#include <ingot/error.h>

#include "base/profile.h"
#include "core/kernel.h"
#include "core/stream.h"

namespace ingot {

namespace core {

struct Command {
    std::string name;
    double bytes = 0;
    std::function<void()> run;
};

struct Recording {
    std::string label;
    std::vector<Command> commands;
    std::vector<std::function<void(const std::exception_ptr&)>> handlers;
};

namespace {

void check_range(const char* op, const char* which, const Buffer& buffer, size_t offset, size_t count) {
    if (offset <= buffer.bytes() && count <= buffer.bytes() - offset) return;
    throw Error(std::string("CommandBuffer::") + op + ": " + std::to_string(count) + " bytes at offset " +
                std::to_string(offset) + " do not lie inside the " + which + " buffer of " +
                std::to_string(buffer.bytes()) + " bytes");
}

void check_device(const char* op, const Buffer& buffer, Device device) {
    if (buffer.device() == device) return;
    throw DeviceError(std::string("CommandBuffer::") + op + ": a buffer is on " + buffer.device().str() +
                      ", the stream on " + device.str());
}

void run(const Command& command) {
    if (!profiler::running()) return command.run();
    namespace profile = base::profile;
    const profile::Label* label = profile::label(command.name, "", profiler::Phase::other, command.bytes > 0);
    const int64_t begin = profile::now();
    command.run();
    profile::add(label, begin, profile::now(), command.bytes);
}

/// All handlers, also when one throws; the first such error is passed on.
void run_handlers(const std::vector<std::function<void(const std::exception_ptr&)>>& handlers,
                  const std::exception_ptr& error) {
    std::exception_ptr thrown;
    for (const auto& handler : handlers) {
        try {
            handler(error);
        } catch (...) {
            if (!thrown) thrown = std::current_exception();
        }
    }
    if (thrown) std::rethrow_exception(thrown);
}

} // namespace
} // namespace core

CommandBuffer::CommandBuffer(Stream& stream, std::string label)
    : stream_(stream.state_), recording_(std::make_unique<core::Recording>()),
      nanoseconds_(std::make_shared<std::atomic<int64_t>>(0)) {
    recording_->label = std::move(label);
}

CommandBuffer::CommandBuffer(CommandBuffer&&) noexcept = default;
CommandBuffer& CommandBuffer::operator=(CommandBuffer&&) noexcept = default;
CommandBuffer::~CommandBuffer() = default;

core::Recording& CommandBuffer::recording(const char* what) {
    if (recording_) return *recording_;
    throw Error(std::string("CommandBuffer::") + what +
                (operation_.valid() ? ": it was committed; command buffers are used once, make a new one"
                                    : ": it was moved from"));
}

CommandBuffer& CommandBuffer::record(std::string name, double bytes, std::function<void()> run) {
    recording_->commands.push_back({std::move(name), bytes, std::move(run)});
    ++size_;
    return *this;
}

CommandBuffer& CommandBuffer::dispatch(const Kernel& kernel, const Dim3& grid, const Dim3& group,
                                       const std::vector<KernelArg>& args) {
    recording("dispatch");
    auto bound = std::make_shared<core::BoundArguments>(core::bind_arguments(kernel, args));
    core::check_grid(kernel.str(), grid, group);
    if (kernel.device() != stream_->device)
        throw DeviceError("dispatch of " + kernel.str() + ": the kernel is on " + kernel.device().str() +
                          ", the stream on " + stream_->device.str());
    const double bytes = bound->bytes;
    return record(kernel.name(), bytes, [kernel, grid, group, bound = std::move(bound)] {
        core::run_kernel(*kernel.state(), grid, group, bound->slots.data());
    });
}

CommandBuffer& CommandBuffer::dispatch(const Kernel& kernel, const Dim3& grid, const std::vector<KernelArg>& args) {
    return dispatch(kernel, grid, core::choose_group(grid), args);
}

CommandBuffer& CommandBuffer::fill(Buffer target, uint8_t value) {
    const size_t bytes = target.bytes();
    return fill(std::move(target), value, 0, bytes);
}

CommandBuffer& CommandBuffer::fill(Buffer target, uint8_t value, size_t offset, size_t count) {
    recording("fill");
    core::check_range("fill", "target", target, offset, count);
    core::check_device("fill", target, stream_->device);
    return record("fill", static_cast<double>(count),
                  [target = std::move(target), value, offset, count]() mutable { target.fill(value, offset, count); });
}

CommandBuffer& CommandBuffer::copy(Buffer target, const Buffer& source) {
    if (source.bytes() != target.bytes())
        throw Error("CommandBuffer::copy: the source has " + std::to_string(source.bytes()) + " bytes, the target " +
                    std::to_string(target.bytes()) + "; give a count to copy a part");
    return copy(std::move(target), source, source.bytes());
}

CommandBuffer& CommandBuffer::copy(Buffer target, const Buffer& source, size_t count, size_t offset,
                                   size_t source_offset) {
    recording("copy");
    core::check_range("copy", "target", target, offset, count);
    core::check_range("copy", "source", source, source_offset, count);
    core::check_device("copy", target, stream_->device);
    core::check_device("copy", source, stream_->device);
    return record("copy", 2 * static_cast<double>(count),
                  [target = std::move(target), source, count, offset, source_offset]() mutable {
                      target.copy_from(source, count, offset, source_offset);
                  });
}

CommandBuffer& CommandBuffer::call(std::function<void()> function) {
    recording("call");
    if (!function) throw Error("CommandBuffer::call: the function is empty");
    return record("call", 0, std::move(function));
}

CommandBuffer& CommandBuffer::add_completed_handler(std::function<void(const std::exception_ptr& error)> handler) {
    core::Recording& r = recording("add_completed_handler");
    if (!handler) throw Error("CommandBuffer::add_completed_handler: the handler is empty");
    r.handlers.push_back(std::move(handler));
    return *this;
}

Operation CommandBuffer::commit(const std::vector<Operation>& dependencies) {
    recording("commit");
    // Shared with the operation until it is certain that the stream takes it.
    auto taken = std::make_shared<std::unique_ptr<core::Recording>>();
    auto op = std::make_shared<core::OperationState>();
    op->work = [taken, nanoseconds = nanoseconds_] {
        using Clock = std::chrono::steady_clock;
        const auto start = Clock::now();
        const auto stop = [&] {
            *nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count();
        };
        const profiler::Scope scope((*taken)->label.c_str());
        try {
            for (core::Command& command : (*taken)->commands) {
                core::run(command);
                command.run = nullptr; // what it held goes now, not with the last command
            }
        } catch (...) {
            stop();
            throw;
        }
        stop();
    };
    op->on_complete = [taken](const std::exception_ptr& error) {
        (*taken)->commands.clear();
        core::run_handlers((*taken)->handlers, error);
    };
    *taken = std::move(recording_);
    try {
        operation_ = Stream::enqueue(stream_, std::move(op), dependencies);
    } catch (...) {
        recording_ = std::move(*taken);
        throw;
    }
    return operation_;
}

namespace {
void require_result(CommandBuffer::Status status, const char* what) {
    if (status == CommandBuffer::Status::recording)
        throw Error(std::string("CommandBuffer::") + what +
                    ": it was not committed, so there is no result; commit() it and wait() for it first");
}
} // namespace

const Operation& CommandBuffer::operation(const char* what) const {
    if (!operation_.valid())
        throw Error(std::string("CommandBuffer::") + what + ": it was not committed, so this would never end");
    return operation_;
}

CommandBuffer::Status CommandBuffer::status() const {
    if (!operation_.valid()) return Status::recording;
    switch (operation_.status()) {
    case Operation::Status::queued: return Status::committed;
    case Operation::Status::running: return Status::running;
    case Operation::Status::done: return Status::completed;
    case Operation::Status::failed: break;
    }
    return Status::failed;
}

void CommandBuffer::wait() const { operation("wait").wait(); }
bool CommandBuffer::wait_for(double seconds) const { return operation("wait_for").wait_for(seconds); }

std::exception_ptr CommandBuffer::error() const {
    require_result(status(), "error");
    return operation_.error();
}

double CommandBuffer::seconds() const {
    require_result(status(), "seconds");
    if (!operation_.finished()) throw Error("CommandBuffer::seconds: it is not finished; wait() for it first");
    return static_cast<double>(nanoseconds_->load()) * 1e-9;
}

} // namespace ingot
