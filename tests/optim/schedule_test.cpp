// SPDX-License-Identifier: MIT
// Learning-rate schedules: the rates of PyTorch, going on from a state, and compiled steps that stay compiled.
#include <algorithm>
#include <cmath>
#include <memory>
#include <ostream>

#include <gtest/gtest.h>

#include <ingot/compile.h>
#include <ingot/eval.h>
#include <ingot/nn.h>
#include <ingot/ops.h>
#include <ingot/optim.h>

#include "nn/golden.h"

using namespace ingot;

namespace {

constexpr int kSteps = 40;

struct Case {
    std::string name;
    optim::Schedule schedule;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

/// Two groups, at 0.1 and 0.02, as in the captured values.
std::unique_ptr<optim::Optimizer> two_groups() {
    using Group = optim::ParamGroup<optim::SGDOptions>;
    const auto parameter = [] { return Tensor::parameter(zeros({1})); };
    return std::make_unique<optim::SGD>(
        std::vector<Group>{{{parameter()}, {.lr = 0.1}}, {{parameter()}, {.lr = 0.02}}});
}

std::vector<Case> cases() {
    using namespace optim;
    return {
        {"step", StepLR({.step_size = 7, .gamma = 0.3})},
        {"multi_step", MultiStepLR({.milestones = {3, 10, 10, 25}, .gamma = 0.5})},
        {"exponential", ExponentialLR({.gamma = 0.9})},
        {"constant", ConstantLR({.factor = 0.25, .total_iters = 6})},
        {"linear", LinearLR({.start_factor = 0.1, .total_iters = 8})},
        {"linear.down", LinearLR({.start_factor = 1, .end_factor = 0, .total_iters = 20})},
        {"polynomial", PolynomialLR({.total_iters = 30, .power = 2})},
        {"polynomial.linear", PolynomialLR({.total_iters = 39})},
        {"cosine", CosineAnnealingLR({.t_max = 39, .eta_min = 0.001})},
        {"cosine.again", CosineAnnealingLR({.t_max = 9})},
        {"restarts", CosineAnnealingWarmRestarts({.t_0 = 7, .eta_min = 0.002})},
        {"restarts.longer", CosineAnnealingWarmRestarts({.t_0 = 5, .t_mult = 2})},
        {"one_cycle", OneCycleLR({.total_steps = kSteps})},
        {"one_cycle.linear", OneCycleLR({.total_steps = kSteps,
                                         .max_lr = 0.5,
                                         .pct_start = 0.25,
                                         .anneal = Anneal::linear,
                                         .div_factor = 10,
                                         .final_div_factor = 100})},
        {"one_cycle.three", OneCycleLR({.total_steps = kSteps, .max_lr = 0.5, .three_phase = true})},
        {"sequential", SequentialLR({LinearLR({.start_factor = 0.2, .total_iters = 5}),
                                     CosineAnnealingLR({.t_max = 20}), ExponentialLR({.gamma = 0.8})},
                                    {5, 25})},
        {"chained", ChainedScheduler({LinearLR({.start_factor = 0.2, .total_iters = 5}), ExponentialLR({.gamma = 0.9}),
                                      StepLR({.step_size = 10, .gamma = 0.5})})},
        {"plateau", ReduceLROnPlateau({.factor = 0.5, .patience = 2})},
        {"plateau.cooldown", ReduceLROnPlateau({.factor = 0.2, .patience = 1, .cooldown = 3, .min_lr = 0.001})},
        {"plateau.absolute",
         ReduceLROnPlateau({.factor = 0.5, .patience = 2, .threshold = 0.05, .threshold_mode = ThresholdMode::abs})},
        {"plateau.max", ReduceLROnPlateau({.mode = Mode::max, .factor = 0.5, .patience = 3, .threshold = 0.01})}};
}

class ScheduleGolden : public testing::TestWithParam<Case> {
protected:
    const golden::File file_{"schedules"};
    const std::vector<double> metric_ = file_.at("metric").to_vector<double>();
    void step(optim::LRScheduler& schedule, int t) const { schedule.step(metric_[static_cast<size_t>(t)]); }
};

} // namespace

TEST_P(ScheduleGolden, MatchesPyTorch) {
    const std::vector<double> expected = file_.at(GetParam().name).to_vector<double>();
    const auto optimizer = two_groups();
    const auto schedule = GetParam().schedule.make();
    schedule->attach(*optimizer);
    for (int t = 0; t < kSteps; ++t) {
        for (size_t g = 0; g < 2; ++g) {
            const double want = expected[static_cast<size_t>(t) * 2 + g];
            EXPECT_NEAR(optimizer->lr(g), want, 1e-12 * want + 1e-18) << "step " << t << ", group " << g;
            EXPECT_EQ(schedule->last_lr()[g], optimizer->lr(g));
        }
        EXPECT_EQ(schedule->last_step(), t);
        if (t + 1 < kSteps) step(*schedule, t);
    }
}

TEST_P(ScheduleGolden, GoesOnFromItsState) {
    for (const int stop : {0, 1, 4, 5, 6, 12, 25, 31}) {
        const auto a = two_groups(), b = two_groups();
        const auto first = GetParam().schedule.make(), second = GetParam().schedule.make();
        first->attach(*a);
        for (int t = 0; t < stop; ++t) step(*first, t);
        second->attach(*b);
        b->load_state_dict(a->state_dict());
        second->load_state_dict(first->state_dict());
        for (int t = stop; t + 1 < kSteps; ++t) {
            step(*first, t);
            step(*second, t);
            ASSERT_EQ(first->last_lr(), second->last_lr()) << "stopped at " << stop << ", step " << t;
        }
    }
}

TEST_P(ScheduleGolden, NeverRecompiles) {
    nn::Sequential net{nn::Linear(3, 2)};
    optim::SGD optimizer(net.parameters(), {.lr = 0.1, .momentum = 0.9});
    auto step_function = compile([&](Tensor x) {
        const Tensor loss = sum(net(x));
        optimizer.zero_grad();
        loss.backward();
        optimizer.step();
        return loss;
    });
    const auto schedule = GetParam().schedule.make();
    schedule->attach(optimizer);
    const Tensor x = ones({4, 3}).eval();
    step_function(x).item();
    const int64_t compiles = cache_stats().compiles;
    for (int t = 0; t + 1 < kSteps; ++t) {
        step(*schedule, t);
        step_function(x).item();
    }
    EXPECT_EQ(cache_stats().compiles, compiles);
    EXPECT_EQ(step_function.variants(), 1);
}

INSTANTIATE_TEST_SUITE_P(Kinds, ScheduleGolden, testing::ValuesIn(cases()), [](const auto& info) {
    std::string name = info.param.name;
    std::replace(name.begin(), name.end(), '.', '_');
    return name;
});

TEST(Schedule, TheRateReachesACompiledStep) {
    const Tensor p = Tensor::parameter(zeros({1}));
    optim::SGD optimizer({p}, {.lr = 1});
    auto step_function = compile([&] {
        optimizer.zero_grad();
        sum(p).backward();
        optimizer.step();
        return p.detach();
    });
    optim::StepLR schedule(optimizer, {.step_size = 2, .gamma = 0.5});
    std::vector<double> values;
    for (int t = 0; t < 6; ++t) {
        values.push_back(step_function().item());
        schedule.step();
    }
    EXPECT_EQ(values, (std::vector<double>{-1, -2, -2.5, -3, -3.25, -3.5}));
}

TEST(Schedule, ValuesAreNotAttached) {
    const auto optimizer = two_groups();
    optim::StepLR attached(*optimizer, {.step_size = 1, .gamma = 0.5});
    attached.step();
    // A value made from a schedule in use begins anew elsewhere and leaves the first alone.
    const optim::Schedule value = attached;
    const auto other = two_groups();
    const auto second = value.make();
    second->attach(*other);
    EXPECT_EQ(other->lr(0), 0.1);
    second->step();
    EXPECT_EQ(other->lr(0), 0.05);
    EXPECT_EQ(optimizer->lr(0), 0.05);
    EXPECT_EQ(value->str(), "StepLR step_size=1 gamma=0.5");
    EXPECT_FALSE(optim::Schedule());
}

TEST(Schedule, WorksBesideChangesFromOutside) {
    // What PyTorch calls chainable: a rate set by hand stays set.
    const auto optimizer = two_groups();
    optim::ExponentialLR schedule(*optimizer, {.gamma = 0.5});
    optimizer->set_lr(8);
    schedule.step();
    EXPECT_EQ(optimizer->lr(1), 4);
}

TEST(Schedule, PlateauWithoutANumberIsNoImprovement) {
    const auto optimizer = two_groups();
    optim::ReduceLROnPlateau schedule(*optimizer, {.factor = 0.5, .patience = 0});
    schedule.step(1.0);
    EXPECT_EQ(optimizer->lr(0), 0.1);
    schedule.step(std::nan(""));
    EXPECT_EQ(optimizer->lr(0), 0.05);
}

TEST(Schedule, Errors) {
    using namespace optim;
    const auto optimizer = two_groups();
    const auto expect = [](auto&& f, const std::string& part) {
        try {
            f();
            ADD_FAILURE() << "no error about " << part;
        } catch (const Error& error) {
            EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
        }
    };
    expect([] { StepLR({.step_size = 0}); }, "step_size");
    expect([] { MultiStepLR({.milestones = {5, 3}}); }, "5,3");
    expect([] { ExponentialLR({.gamma = 0}); }, "gamma");
    expect([] { ConstantLR({.factor = 2}); }, "factor");
    expect([] { LinearLR({.start_factor = 0}); }, "start_factor");
    expect([] { PolynomialLR({.total_iters = 0}); }, "total_iters");
    expect([] { CosineAnnealingLR({.t_max = 0}); }, "t_max");
    expect([] { CosineAnnealingWarmRestarts({.t_0 = 0}); }, "t_0");
    expect([] { CosineAnnealingWarmRestarts({.t_mult = 0}); }, "t_mult");
    expect([] { OneCycleLR({.total_steps = 0}); }, "total_steps");
    expect([] { OneCycleLR({.total_steps = 5, .pct_start = 2}); }, "pct_start");
    expect([] { ReduceLROnPlateau({.factor = 1}); }, "factor");
    expect([] { SequentialLR({StepLR({}), StepLR({})}, {}); }, "2 schedules need 1 milestones");
    expect([] { SequentialLR({StepLR({}), StepLR({}), StepLR({})}, {5, 5}); }, "milestone 5");
    expect([] { SequentialLR({}, {}); }, "no schedules");
    expect([] { ChainedScheduler({Schedule()}); }, "empty");
    expect([] { ChainedScheduler({ReduceLROnPlateau({})}); }, "follows a metric");
    expect([] { StepLR({}).step(); }, "attach");
    expect([&] { ReduceLROnPlateau(*optimizer).step(); }, "metric");
    StepLR schedule(*optimizer, {});
    expect([&] { schedule.load_state_dict({}); }, "last_step");
    StateDict state = schedule.state_dict();
    state.add("more", zeros({}));
    expect([&] { schedule.load_state_dict(state); }, "more");
    expect([&] { schedule.load_state_dict(ReduceLROnPlateau(*optimizer).state_dict()); }, "own");
    expect([&] { StepLR({}).load_state_dict({}); }, "attach");
}

TEST(Schedule, OneCycleWithAPhaseWithoutSteps) {
    // A rise of exactly one step ends where it begins.
    const auto optimizer = two_groups();
    optim::OneCycleLR schedule(*optimizer, {.total_steps = 10, .pct_start = 0.1});
    EXPECT_EQ(optimizer->lr(0), 0.1);
    for (int t = 0; t < 20; ++t) schedule.step(); // beyond the end, too
    EXPECT_NEAR(optimizer->lr(0), 0.1 / 25 / 1e4, 1e-12);
}
