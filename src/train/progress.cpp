// SPDX-License-Identifier: MIT
#include "train/progress.h"

#include <cmath>
#include <cstdio>

#include <sys/ioctl.h>
#include <unistd.h>

namespace ingot::train {

namespace {

constexpr std::chrono::milliseconds kRedraw{200};
constexpr std::chrono::seconds kLine{60};   ///< between plain lines
constexpr std::chrono::seconds kWindow{10}; ///< that the rate is of

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

bool Progress::due() const {
    const auto since = Clock::now() - drawn_;
    return (style_ == Style::bar && since >= kRedraw) || (style_ == Style::lines && since >= kLine);
}

double Progress::rate(int64_t done) {
    const Clock::time_point now = Clock::now();
    seen_.push_back({now, done});
    while (seen_.size() > 2 && now - seen_[1].at > kWindow) seen_.pop_front();
    const double seconds = std::chrono::duration<double>(now - seen_.front().at).count();
    if (seconds > 0.5) rate_ = static_cast<double>(done - seen_.front().done) / seconds;
    return rate_;
}

void Progress::update(int64_t epoch, int64_t step, double loss) {
    if (style_ == Style::silent) return;
    const int64_t done = (epoch - 1) * steps_ + step, all = epochs_ * steps_;
    if (!first_) first_ = done;
    const double per_second = rate(done) * static_cast<double>(samples_);
    // The remaining time counts everything, validation too, as it was so far.
    const double spent = std::chrono::duration<double>(Clock::now() - start_).count();
    const bool known = done > *first_ && spent > 1;
    const double left = known ? spent / static_cast<double>(done - *first_) * static_cast<double>(all - done) : 0;
    std::string figures = format("  loss %.4f", loss);
    if (val_accuracy_) figures += format("  val %.1f %%", 100 * *val_accuracy_);
    if (per_second > 0) figures += format("  %.0f samples/s", per_second);
    if (known) figures += "  " + duration_text(left) + " left";
    const std::string head = format("epoch %lld/%lld", static_cast<long long>(epoch), static_cast<long long>(epochs_));
    if (style_ == Style::lines) {
        std::fprintf(stderr, "%s  step %lld/%lld%s\n", head.c_str(), static_cast<long long>(step),
                     static_cast<long long>(steps_), figures.c_str());
        drawn_ = Clock::now();
        return;
    }
    const double part = static_cast<double>(step) / static_cast<double>(steps_);
    const std::string tail = format(" %3.0f%%", 100 * part) + figures;
    const int room = terminal_columns() - static_cast<int>(head.size() + tail.size()) - 4;
    draw(head + " " + (room < 5 ? "" : bar(part, room < 30 ? room : 30)) + tail);
}

void Progress::note(const std::string& what) {
    seen_.clear();
    if (style_ == Style::bar) draw(what);
}

void Progress::end_epoch(const EpochMetrics& row, double samples_per_s) {
    clear();
    seen_.clear();
    drawn_ = Clock::now();
    val_accuracy_ = row.val_accuracy;
    if (style_ == Style::silent) return;
    std::string line = format("epoch %lld/%lld  train_loss %.4f", static_cast<long long>(row.epoch),
                              static_cast<long long>(epochs_), row.train_loss);
    if (row.val_loss) line += format("  val_loss %.4f", *row.val_loss);
    if (row.val_accuracy) line += format("  val_accuracy %.4f", *row.val_accuracy);
    line += format("  %.0f samples/s  %s", samples_per_s, duration_text(row.seconds).c_str());
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
