// SPDX-License-Identifier: MIT
// Ctrl-C and SIGTERM during training. While an InterruptScope lives, the first signal only raises a flag that the loop
// looks at between steps; a second one ends the process at once, so that a stuck program can still be stopped. One scope
// at a time; the handlers that were there before come back afterwards.
#pragma once

namespace ingot::train {

class InterruptScope {
public:
    InterruptScope();
    ~InterruptScope();
    InterruptScope(const InterruptScope&) = delete;
    InterruptScope& operator=(const InterruptScope&) = delete;
    /// Whether a signal has arrived since the scope began.
    bool requested() const;

private:
    struct Before;
    Before* before_; ///< the handlers to restore
};

/// For programs: from now on Ctrl-C and SIGTERM outside any InterruptScope end the process with exit status 130.
void exit_130_on_interrupt();

} // namespace ingot::train
