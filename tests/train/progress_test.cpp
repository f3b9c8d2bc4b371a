// SPDX-License-Identifier: MIT
// The progress display: what a bar shows, plain lines elsewhere, silence.
#include <thread>

#include <gtest/gtest.h>

#include "train/progress.h"

namespace ingot::train {

namespace {

/// What `f` writes to standard error.
template <class F> std::string shown(F&& f) {
    testing::internal::CaptureStderr();
    f();
    return testing::internal::GetCapturedStderr();
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

const EpochMetrics kRow{
    .epoch = 1, .step = 100, .train_loss = 0.5, .val_loss = 0.25, .val_accuracy = 0.875, .lr = 1e-3, .seconds = 65};

} // namespace

TEST(Progress, Bar) {
    const std::string text = shown([] {
        Progress progress(Progress::Style::bar, 4, 100, 32);
        progress.update(1, 10, 2.5);
        std::this_thread::sleep_for(std::chrono::milliseconds(1100));
        progress.update(1, 50, 1.25);
        progress.note("validating");
        progress.end_epoch(kRow, 1600);
        progress.update(2, 25, 0.5);
    });
    EXPECT_TRUE(has(text, "\repoch 1/4 [=")) << text;
    EXPECT_TRUE(has(text, "]  50%  loss 1.2500  ")) << text;
    EXPECT_TRUE(has(text, " samples/s  0:0")) << "a rate and the time left: " << text;
    EXPECT_TRUE(has(text, "\rvalidating"));
    EXPECT_TRUE(has(
        text, "\r\033[Kepoch 1/4  train_loss 0.5000  val_loss 0.2500  val_accuracy 0.8750  1600 samples/s  1:05\n"));
    EXPECT_TRUE(has(text, "loss 0.5000  val 87.5 %")) << "the last validation's accuracy: " << text;
    EXPECT_TRUE(text.ends_with("\r\033[K")) << "nothing is left on the terminal";
}

TEST(Progress, RateIsOfTheLastStepsAndOfThisProcess) {
    const std::string text = shown([] {
        Progress progress(Progress::Style::bar, 10, 1000, 1);
        progress.update(9, 0, 1); // a run that goes on
        std::this_thread::sleep_for(std::chrono::milliseconds(1500));
        progress.update(9, 15, 1);
    });
    const size_t at = text.find(" samples/s");
    ASSERT_NE(at, std::string::npos) << text;
    const double rate = std::stod(text.substr(text.rfind("  ", at - 1)));
    EXPECT_LE(rate, 10) << "15 steps in 1.5 seconds or more";
    EXPECT_GE(rate, 2) << "the 8,000 steps of before the resume do not count";
    EXPECT_FALSE(has(text, "  0:0")) << "1,985 steps are left, at this rate for minutes: " << text;
}

TEST(Progress, PlainLines) {
    const std::string text = shown([] {
        Progress progress(Progress::Style::lines, 4, 100, 32);
        EXPECT_FALSE(progress.due()) << "a line a minute is enough";
        progress.note("validating");
        progress.update(1, 50, 1.25);
        progress.end_epoch(kRow, 1600);
    });
    EXPECT_EQ(text, "epoch 1/4  step 50/100  loss 1.2500\n"
                    "epoch 1/4  train_loss 0.5000  val_loss 0.2500  val_accuracy 0.8750  1600 samples/s  1:05\n");
}

TEST(Progress, Silent) {
    EXPECT_EQ(shown([] {
                  Progress progress(Progress::Style::silent, 4, 100, 32);
                  EXPECT_FALSE(progress.due());
                  progress.update(1, 50, 1.25);
                  progress.note("validating");
                  progress.end_epoch(kRow, 1600);
              }),
              "");
}

TEST(Progress, Durations) {
    EXPECT_EQ(duration_text(7), "0:07");
    EXPECT_EQ(duration_text(750), "12:30");
    EXPECT_EQ(duration_text(3723), "1:02:03");
    EXPECT_EQ(duration_text(-1), "0:00");
}

} // namespace ingot::train
