// SPDX-License-Identifier: MIT
// The clock of phases: nothing counts twice, the parts add up, exceptions end scopes.
#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>

#include <ingot/train/phases.h>

namespace ingot::train {

namespace {

void wait_ms(int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

} // namespace

TEST(Phases, InnerScopesPauseOuterOnes) {
    PhaseClock clock;
    {
        const auto steps = clock.measure(&PhaseTimes::steps);
        wait_ms(20);
        {
            const auto saving = clock.measure(&PhaseTimes::checkpoints);
            wait_ms(40);
        }
        wait_ms(20);
    }
    wait_ms(10); // nobody's
    const PhaseTimes t = clock.times();
    EXPECT_GE(t.steps, 0.04);
    EXPECT_GE(t.checkpoints, 0.04);
    EXPECT_GE(t.other(), 0.01);
    EXPECT_EQ(t.data, 0);
    EXPECT_NEAR(t.steps + t.checkpoints + t.other(), t.total, 1e-12);
    EXPECT_LT(t.steps, t.total - t.checkpoints - 0.009) << "the inner scope is not the outer one's time";
}

TEST(Phases, OpenScopesCountAndExceptionsEndThem) {
    PhaseClock clock;
    {
        const auto data = clock.measure(&PhaseTimes::data);
        wait_ms(15);
        EXPECT_GE(clock.times().data, 0.015);
    }
    try {
        const auto validation = clock.measure(&PhaseTimes::validation);
        wait_ms(5);
        throw std::runtime_error("x");
    } catch (const std::runtime_error&) { wait_ms(30); }
    const PhaseTimes t = clock.times();
    EXPECT_GE(t.validation, 0.005);
    EXPECT_GE(t.other(), 0.03) << "after the exception nothing counts for the phase";
}

} // namespace ingot::train
