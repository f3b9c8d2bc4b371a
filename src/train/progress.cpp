// SPDX-License-Identifier: MIT
#include "train/progress.h"

#include <cmath>
#include <cstdio>

#include <sys/ioctl.h>
#include <unistd.h>

namespace ingot::train {

namespace {

constexpr std::chrono::milliseconds kRedraw{200};

template <class... Args> std::string format(const char* pattern, Args... args) {
    char text[256];
    std::snprintf(text, sizeof text, pattern, args...);
    return text;
}

int terminal_columns() {
    winsize size = {};
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string bar(double part, int width) {
    const int full = static_cast<int>(part * width);
    return "[" + std::string(static_cast<size_t>(full), '=') + std::string(static_cast<size_t>(full < width), '>') +
           std::string(static_cast<size_t>(full < width ? width - full - 1 : 0), ' ') + "]";
}

} // namespace

std::string duration_text(double seconds) {
    const auto s = static_cast<long long>(std::llround(seconds < 0 ? 0 : seconds));
    return s < 3600 ? format("%lld:%02lld", s / 60, s % 60)
                    : format("%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
}

Progress::Style Progress::automatic() { return isatty(STDERR_FILENO) ? Style::bar : Style::lines; }

Progress::Progress(Style style, int64_t epochs, int64_t steps_per_epoch, int64_t samples_per_step)
    : style_(style), epochs_(epochs), steps_(steps_per_epoch), samples_(samples_per_step), start_(Clock::now()),
      drawn_(start_) {}

Progress::~Progress() { clear(); }

bool Progress::due() const { return style_ == Style::bar && Clock::now() - drawn_ >= kRedraw; }

void Progress::update(int64_t epoch, int64_t step, double loss) {
    if (style_ != Style::bar) return;
    const double spent = std::chrono::duration<double>(Clock::now() - start_).count();
    const double done = static_cast<double>((epoch - 1) * steps_ + step);
    const double all = static_cast<double>(epochs_ * steps_);
    const double rate = spent > 0 ? done / spent : 0;
    const std::string head = format("epoch %lld/%lld ", static_cast<long long>(epoch), static_cast<long long>(epochs_));
    const std::string tail = format(
        " %3.0f%%  loss %.4f  %.0f samples/s  %s left", 100 * static_cast<double>(step) / static_cast<double>(steps_),
        loss, rate * static_cast<double>(samples_), duration_text(rate > 0 ? (all - done) / rate : 0).c_str());
    const int room = terminal_columns() - static_cast<int>(head.size() + tail.size()) - 3;
    const std::string middle =
        room < 5 ? "" : bar(static_cast<double>(step) / static_cast<double>(steps_), room < 30 ? room : 30);
    draw(head + middle + tail);
}

void Progress::note(const std::string& what) {
    if (style_ == Style::bar) draw(what);
}

void Progress::end_epoch(const EpochMetrics& row, double seconds) {
    clear();
    if (style_ == Style::silent) return;
    std::string line = format("epoch %lld/%lld  train_loss %.4f", static_cast<long long>(row.epoch),
                              static_cast<long long>(epochs_), row.train_loss);
    if (row.val_loss) line += format("  val_loss %.4f", *row.val_loss);
    if (row.val_accuracy) line += format("  val_accuracy %.4f", *row.val_accuracy);
    line += format("  %.0f samples/s  %s", static_cast<double>(steps_ * samples_) / (seconds > 0 ? seconds : 1e-9),
                   duration_text(row.seconds).c_str());
    std::fprintf(stderr, "%s\n", line.c_str());
}

void Progress::draw(const std::string& line) {
    // \033[K clears what an older, longer line left behind.
    std::fprintf(stderr, "\r%s\033[K", line.substr(0, static_cast<size_t>(terminal_columns() - 1)).c_str());
    std::fflush(stderr);
    drawn_ = Clock::now();
    shown_ = true;
}

void Progress::clear() {
    if (!shown_) return;
    std::fprintf(stderr, "\r\033[K");
    std::fflush(stderr);
    shown_ = false;
}

} // namespace ingot::train
