// SPDX-License-Identifier: MIT
// ROC and precision-recall curves: points by hand, areas against counting pairs, ties, undefined cases.
#include <cmath>
#include <limits>
#include <random>

#include <gtest/gtest.h>

#include <ingot/error.h>
#include <ingot/train/curves.h>

namespace ingot::train {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

using Scores = std::vector<double>;
using Positive = std::vector<uint8_t>;

/// P(positive above negative) + P(equal) / 2, over all pairs.
double auc_by_pairs(const Scores& s, const Positive& p) {
    double good = 0, pairs = 0;
    for (size_t i = 0; i < s.size(); ++i)
        for (size_t j = 0; j < s.size(); ++j) {
            if (p[i] == 0 || p[j] != 0) continue;
            good += s[i] > s[j] ? 1 : s[i] == s[j] ? 0.5 : 0;
            ++pairs;
        }
    return good / pairs;
}

/// The mean over positives of the precision at their own score: the same sum, read by samples.
double ap_by_samples(const Scores& s, const Positive& p) {
    double sum = 0, positives = 0;
    for (size_t i = 0; i < s.size(); ++i) {
        if (p[i] == 0) continue;
        double above = 0, right = 0;
        for (size_t j = 0; j < s.size(); ++j)
            if (s[j] >= s[i]) ++above, right += p[j] != 0;
        sum += right / above;
        ++positives;
    }
    return sum / positives;
}

} // namespace

TEST(Curves, PointsByHand) {
    const Scores s{0.9, 0.8, 0.8, 0.3, 0.1};
    const Positive p{1, 0, 1, 1, 0};
    const auto roc = roc_curve(s, p);
    ASSERT_EQ(roc.size(), 5u) << "one point per distinct score, and the one for nothing";
    EXPECT_EQ(roc[0].threshold, kInfinity);
    EXPECT_EQ(roc[0].x, 0);
    EXPECT_EQ(roc[0].y, 0);
    EXPECT_DOUBLE_EQ(roc[1].y, 1.0 / 3);
    EXPECT_DOUBLE_EQ(roc[2].x, 0.5) << "equal scores enter together";
    EXPECT_DOUBLE_EQ(roc[2].y, 2.0 / 3);
    EXPECT_DOUBLE_EQ(roc[2].threshold, 0.8);
    EXPECT_DOUBLE_EQ(roc[4].x, 1);
    EXPECT_DOUBLE_EQ(roc[4].y, 1);
    const auto pr = precision_recall_curve(s, p);
    ASSERT_EQ(pr.size(), 5u);
    EXPECT_DOUBLE_EQ(pr[0].y, 1);
    EXPECT_DOUBLE_EQ(pr[2].x, 2.0 / 3);
    EXPECT_DOUBLE_EQ(pr[2].y, 2.0 / 3);
    EXPECT_DOUBLE_EQ(pr[4].y, 3.0 / 5);
}

TEST(Curves, AreasAgainstCounting) {
    std::mt19937 random(11);
    for (int round = 0; round < 200; ++round) {
        const size_t n = 2 + random() % 40;
        const uint32_t levels = 1 + random() % 12; // few levels: many ties
        Scores s(n);
        Positive p(n);
        for (size_t i = 0; i < n; ++i) {
            s[i] = static_cast<double>(random() % levels) / 7;
            p[i] = random() % 3 == 0;
        }
        p[0] = 1;
        p[1] = 0;
        EXPECT_NEAR(roc_auc(s, p), auc_by_pairs(s, p), 1e-12) << "round " << round;
        EXPECT_NEAR(average_precision(s, p), ap_by_samples(s, p), 1e-12) << "round " << round;
    }
}

TEST(Curves, EdgeCases) {
    EXPECT_DOUBLE_EQ(roc_auc(Scores{1, 1, 1, 1}, Positive{1, 0, 0, 1}), 0.5) << "scores that say nothing";
    EXPECT_DOUBLE_EQ(roc_auc(Scores{1, 2}, Positive{0, 1}), 1);
    EXPECT_DOUBLE_EQ(roc_auc(Scores{2, 1}, Positive{0, 1}), 0);
    EXPECT_DOUBLE_EQ(roc_auc(Scores{-kInfinity, kInfinity}, Positive{0, 1}), 1);
    EXPECT_TRUE(std::isnan(roc_auc(Scores{1, 2}, Positive{1, 1}))) << "no negatives";
    EXPECT_DOUBLE_EQ(average_precision(Scores{1, 2}, Positive{1, 1}), 1);
    EXPECT_TRUE(std::isnan(average_precision(Scores{1, 2}, Positive{0, 0}))) << "no positives";
    EXPECT_TRUE(std::isnan(roc_auc(Scores{}, Positive{})));
    EXPECT_TRUE(std::isnan(roc_auc(Scores{1, NAN}, Positive{1, 0})));
    EXPECT_THROW(roc_auc(Scores{1}, Positive{1, 0}), Error);
}

} // namespace ingot::train
