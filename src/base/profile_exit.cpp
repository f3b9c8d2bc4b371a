// SPDX-License-Identifier: MIT
// INGOT_PROFILE: measuring begins when the program is loaded; the trace is written and the table printed when the process
// exits, or when Ctrl-C or SIGTERM is about to end it. Signal handlers may not write files, so they wake a thread that
// does, and that then lets the signal have its way. Programs that handle these signals themselves exit as usual.
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

#include <ingot/error.h>

#include "base/env.h"
#include "base/profile.h"

namespace ingot::base::profile {

namespace {

std::string read_environment() {
    std::string path = env("INGOT_PROFILE").value_or("");
    for (size_t at = 0; (at = path.find("%p", at)) != std::string::npos;) path.replace(at, 2, std::to_string(getpid()));
    return path;
}

/// Begins with the program, before main() where the linker sees to that.
[[maybe_unused]] const bool begun = [] {
    if (environment_path().empty()) return false;
    begin_measurement();
    return true;
}();

pid_t owner = 0; ///< a child that was forked off writes nothing
std::atomic_flag flushed = ATOMIC_FLAG_INIT;
int wake[2] = {-1, -1}; ///< pipe from the handler to the thread
std::atomic<bool> listening{false};

void flush() {
    if (getpid() != owner || flushed.test_and_set()) return;
    end_measurement();
    std::fprintf(stderr, "\n%s", profiler::summary().str().c_str());
    try {
        write_trace(snapshot(true), environment_path());
        std::fprintf(stderr, "the trace is in %s\n", environment_path().c_str());
    } catch (const Error& error) { std::fprintf(stderr, "ingot: error: INGOT_PROFILE: %s\n", error.what()); }
}

extern "C" void tell_thread(int signal) {
    const auto byte = static_cast<unsigned char>(signal);
    [[maybe_unused]] const ssize_t written = write(wake[1], &byte, 1);
}

void catch_signal(int signal) {
    struct sigaction before;
    if (sigaction(signal, nullptr, &before) != 0 || before.sa_handler != SIG_DFL) return;
    struct sigaction action = {};
    action.sa_handler = tell_thread;
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    sigaction(signal, &action, nullptr);
}

} // namespace

const std::string& environment_path() {
    static const auto* path = new std::string(read_environment()); // immortal: flush() runs at the very end
    return *path;
}

void arrange_exit() {
    owner = getpid();
    std::atexit(flush);
    if (pipe(wake) != 0) return; // no descriptors left: then at exit only
    fcntl(wake[0], F_SETFD, FD_CLOEXEC);
    fcntl(wake[1], F_SETFD, FD_CLOEXEC);
    std::thread([] {
        unsigned char code = 0; // a signal, or the exit status that somebody asked for
        while (read(wake[0], &code, 1) != 1) {
            if (errno != EINTR) return;
        }
        flush();
        if (code >= 128) _exit(code);
        std::signal(code, SIG_DFL);
        kill(getpid(), code);
    }).detach();
    catch_signal(SIGINT);
    catch_signal(SIGTERM);
    listening = true;
}

bool exit_from_signal(int status) {
    if (!listening || getpid() != owner) return false;
    const auto byte = static_cast<unsigned char>(status);
    return write(wake[1], &byte, 1) == 1;
}

} // namespace ingot::base::profile
