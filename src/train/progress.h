// SPDX-License-Identifier: MIT
// What training shows while it runs: on a terminal a bar with loss, last validation accuracy, rate and remaining time,
// redrawn a few times a second; elsewhere plain lines, one per epoch and one per minute of a long one. Always on standard
// error, which keeps standard output for results. Used by the trainer; one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
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
    /// `samples_per_s`: of this epoch's training steps.
    void end_epoch(const EpochMetrics& row, double samples_per_s);
    /// Ends a bar that is being drawn, so that other lines can follow.
    void clear();

private:
    using Clock = std::chrono::steady_clock;
    struct Seen {
        Clock::time_point at;
        int64_t done;
    };
    void draw(const std::string& line);
    /// Steps per second of the last seconds; what interrupts training (validation) does not count.
    double rate(int64_t done);

    Style style_;
    int64_t epochs_, steps_, samples_;
    Clock::time_point start_, drawn_;
    bool shown_ = false;                 ///< an unfinished line stands on the terminal
    std::optional<int64_t> first_;       ///< steps done when this process was first asked: a run may go on
    std::deque<Seen> seen_;              ///< since the last interruption
    double rate_ = 0;                    ///< the last that was known
    std::optional<double> val_accuracy_; ///< of the last epoch
};

/// "0:07", "12:30", "1:02:03".
std::string duration_text(double seconds);

} // namespace ingot::train
