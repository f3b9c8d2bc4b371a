// SPDX-License-Identifier: MIT
// Schedules as the command line writes them.
#include <gtest/gtest.h>

#include <ingot/ops.h>
#include <ingot/optim.h>

#include "train/recipe.h"

namespace ingot::train {

namespace {

/// The rates of all steps, with a base rate of 1.
std::vector<double> rates(const std::string& text, int64_t epochs, int64_t steps_per_epoch) {
    optim::SGD optimizer({Tensor::parameter(zeros({1}))}, {.lr = 1});
    const ScheduleChoice choice = make_schedule(complete_schedule(text, epochs), epochs, steps_per_epoch, 1);
    const auto schedule = choice.schedule ? choice.schedule.make() : nullptr;
    if (schedule) schedule->attach(optimizer);
    std::vector<double> out;
    for (int64_t t = 0; t < epochs * steps_per_epoch; ++t) {
        out.push_back(optimizer.lr());
        if (schedule) schedule->step();
    }
    return out;
}

} // namespace

TEST(RecipeSchedule, DefaultsAreFilledIn) {
    EXPECT_EQ(complete_schedule("cosine", 9), "cosine");
    EXPECT_EQ(complete_schedule("step", 9), "step,every=3");
    EXPECT_EQ(complete_schedule("step,gamma=0.5", 1), "step,every=1,gamma=0.5");
    EXPECT_EQ(complete_schedule("multi-step", 8), "multi-step,at=4:6");
    EXPECT_EQ(complete_schedule("multi-step", 1), "multi-step,at=1:2");
    EXPECT_EQ(complete_schedule("restarts,period=4", 8), "restarts,period=4");
    EXPECT_EQ(complete_schedule("exponential", 2), "exponential,gamma=0.1");
    for (const char* name : {"none", "cosine", "linear", "polynomial", "one-cycle", "restarts", "step", "multi-step",
                             "exponential", "warmup", "plateau"}) {
        const std::string once = complete_schedule(name, 7);
        EXPECT_EQ(complete_schedule(once, 7), once);
        EXPECT_EQ(complete_schedule(once, 20), once) << name;
        for (const int64_t epochs : {1, 2, 5})
            for (const int64_t steps : {1, 3}) make_schedule(complete_schedule(name, epochs), epochs, steps, 0.1);
    }
}

TEST(RecipeSchedule, WhatDependsOnTheNumberOfEpochs) {
    for (const char* name : {"none", "cosine", "linear", "polynomial", "one-cycle", "restarts", "step", "multi-step",
                             "exponential", "warmup,steps=5"}) {
        const std::string schedule = complete_schedule(name, 4);
        const std::vector<double> four = rates(schedule, 4, 6);
        std::vector<double> six = rates(schedule, 6, 6);
        six.resize(four.size());
        EXPECT_EQ(six != four, depends_on_epochs(schedule)) << schedule;
    }
}

TEST(RecipeSchedule, Rates) {
    EXPECT_EQ(rates("none", 1, 3), (std::vector<double>{1, 1, 1}));
    EXPECT_EQ(rates("step,every=1,gamma=0.5", 2, 2), (std::vector<double>{1, 1, 0.5, 0.5}));
    EXPECT_EQ(rates("step,every=2,gamma=0.5,warmup=2", 4, 1), (std::vector<double>{0.5, 0.75, 0.5, 0.5}));
    const std::vector<double> linear = rates("linear,warmup=2", 3, 2);
    const std::vector<double> expected{0.5, 0.75, 1, 0.75, 0.5, 0.25};
    for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(linear[i], expected[i], 1e-12) << i;
    // The default: a twentieth of the steps rises, 200 at most.
    const std::vector<double> cosine = rates("cosine", 10, 10);
    EXPECT_EQ(cosine[0], 0.2);
    EXPECT_EQ(cosine[4], 1);
    EXPECT_EQ(cosine[5], 1);
    EXPECT_LT(cosine[99], 0.001);
    EXPECT_EQ(rates("cosine", 100, 100)[199], 1);
    EXPECT_EQ(make_schedule("plateau", 5, 2, 1).per, Per::epoch);
}

TEST(RecipeSchedule, Errors) {
    const auto message = [](const std::string& text) {
        try {
            complete_schedule(text, 5);
        } catch (const Error& error) { return std::string(error.what()); }
        return std::string("no error");
    };
    for (const auto& [text, part] : std::vector<std::pair<std::string, std::string>>{
             {"zigzag", "'zigzag' is not available; there is cosine, "},
             {"", "'' is not available"},
             {"step,evry=2", "step has no 'evry'; it has every, gamma, warmup"},
             {"none,x=1", "it has no keys"},
             {"step,every", "no value"},
             {"step,every=", "no value"},
             {"step,every=2,every=3", "twice"},
             {"step,every=0", "every=0 must be a whole number of at least 1"},
             {"step,every=1.5", "every=1.5"},
             {"step,gamma=nan", "gamma=nan"},
             {"step,gamma=-1", "gamma=-1"},
             {"step,gamma=0", "gamma=0 must be above 0 and at most 1"},
             {"multi-step,gamma=0", "gamma=0 must be above 0"},
             {"exponential,gamma=0", "gamma=0 must be above 0"},
             {"exponential,gamma=1.5", "gamma=1.5"},
             {"cosine,min=2", "min=2"},
             {"cosine,warmup=-1", "warmup=-1"},
             {"multi-step,at=3:2", "must grow"},
             {"multi-step,at=1:1", "must grow"},
             {"multi-step,at=3:", "at="},
             {"plateau,factor=1", "factor=1"}})
        EXPECT_NE(message(text).find(part), std::string::npos) << text << ": " << message(text);
    EXPECT_EQ(message("exponential,gamma=1"), "no error");
}

TEST(RecipeSchedule, AWarmUpThatIsLongerThanTheRun) {
    for (const std::string text :
         {"cosine,warmup=31", "linear,warmup=31", "step,every=1,warmup=31", "warmup,steps=31"}) {
        EXPECT_EQ(complete_schedule(text, 3), text) << "how many steps there are is not known yet";
        try {
            make_schedule(text, 3, 10, 0.1);
            ADD_FAILURE() << text << " passed";
        } catch (const Error& error) {
            EXPECT_EQ(std::string(error.what()),
                      "schedule '" + text + "': a warm-up of 31 steps is longer than the run of 30 steps");
        }
    }
    for (const char* text :
         {"cosine,warmup=30", "linear,warmup=30", "step,every=1,warmup=30", "warmup,steps=30", "cosine", "warmup"})
        EXPECT_TRUE(make_schedule(text, 3, 10, 0.1).schedule) << text;
}

} // namespace ingot::train
