// SPDX-License-Identifier: MIT
// What training shows while it runs: on a terminal a bar with rate, remaining time and loss, redrawn a few times a
// second; elsewhere one plain line per epoch. Always on standard error, which keeps standard output for results. Used by
// the trainer; one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "train/metrics_log.h"

namespace ingot::train {

class Progress {
public:
    enum class Style : uint8_t { silent, lines, bar };
    /// bar when standard error is a terminal, else lines.
    static Style automatic();

    /// `samples_per_step` turns steps into the rate shown.
    Progress(Style style, int64_t epochs, int64_t steps_per_epoch, int64_t samples_per_step);
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    /// Whether the display is due: ask before reading a loss for it, because reading waits for the device.
    bool due() const;
    /// `step` steps of epoch `epoch` (from 1) are done; `loss`: their mean so far.
    void update(int64_t epoch, int64_t step, double loss);
    /// Says what happens instead of steps ("validating").
    void note(const std::string& what);
    /// `seconds`: of this epoch's training steps.
    void end_epoch(const EpochMetrics& row, double seconds);
    /// Ends a bar that is being drawn, so that other lines can follow.
    void clear();

private:
    using Clock = std::chrono::steady_clock;
    void draw(const std::string& line);

    Style style_;
    int64_t epochs_, steps_, samples_;
    Clock::time_point start_, drawn_;
    bool shown_ = false; ///< an unfinished line stands on the terminal
};

/// "0:07", "12:30", "1:02:03".
std::string duration_text(double seconds);

} // namespace ingot::train
