// SPDX-License-Identifier: MIT
#include "train/interrupt.h"

#include <csignal>

#include <unistd.h>

#include "base/profile.h"

namespace ingot::train {

namespace {

volatile std::sig_atomic_t requested_flag = 0;

// Only async-signal-safe calls here.
extern "C" void exit_now(int) {
    static const char text[] = "\ningot: error: interrupted\n";
    [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
    if (!base::profile::exit_from_signal(130)) _exit(130);
}

extern "C" void raise_flag(int signal) {
    if (requested_flag) exit_now(signal);
    requested_flag = 1;
}

struct sigaction handler(void (*function)(int)) {
    struct sigaction action = {};
    action.sa_handler = function;
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART; // file writes of a checkpoint are not cut short
    return action;
}

} // namespace

struct InterruptScope::Before {
    struct sigaction interrupt, terminate;
};

InterruptScope::InterruptScope() : before_(new Before) {
    requested_flag = 0;
    const struct sigaction action = handler(raise_flag);
    sigaction(SIGINT, &action, &before_->interrupt);
    sigaction(SIGTERM, &action, &before_->terminate);
}

InterruptScope::~InterruptScope() {
    sigaction(SIGINT, &before_->interrupt, nullptr);
    sigaction(SIGTERM, &before_->terminate, nullptr);
    delete before_;
}

bool InterruptScope::requested() const { return requested_flag != 0; }

void exit_130_on_interrupt() {
    const struct sigaction action = handler(exit_now);
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
}

} // namespace ingot::train
