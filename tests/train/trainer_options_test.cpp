// SPDX-License-Identifier: MIT
// What the trainer does besides plain steps: several batches to an update, clipping, averages, early stopping, limits,
// callbacks, one step at a time. Each is compared with the same thing written out in plain style.
#include <cmath>
#include <functional>

#include <gtest/gtest.h>

#include <ingot/eval.h>
#include <ingot/nn.h>
#include <ingot/ops.h>
#include <ingot/optim.h>
#include <ingot/train.h>

#include "train/checkpoint.h"
#include "train/ema.h"
#include "train/trainer_testing.h"

namespace ingot::train {

namespace {

/// Updates in plain style: `accumulate` batches each, the rest of an epoch together.
void plain_training(nn::Module& model, optim::Optimizer& optimizer, data::Batches& data, int64_t epochs,
                    int64_t accumulate, const std::function<void()>& before_update = {},
                    const std::function<void()>& after_update = {}) {
    for (int64_t epoch = 0; epoch < epochs; ++epoch) {
        data.start(epoch);
        for (int64_t left = data.steps(); left > 0;) {
            const int64_t count = std::min(accumulate, left);
            optimizer.zero_grad();
            for (int64_t i = 0; i < count; ++i) {
                Tensor x, y;
                ASSERT_TRUE(data.next(x, y));
                (nn::cross_entropy(model(x), y) * (1 / static_cast<double>(count))).backward();
            }
            if (before_update) before_update();
            optimizer.step();
            if (after_update) after_update();
            left -= count;
        }
    }
}

} // namespace

TEST(TrainerOptions, SeveralBatchesToAnUpdate) {
    nn::Sequential a = small_net(), b = small_net();
    optim::Adam oa(a.parameters(), {.lr = 0.02}), ob(b.parameters(), {.lr = 0.02});
    Clusters data(8, 1); // updates of 3, 3 and 2 batches
    Trainer trainer(a, oa, nn::cross_entropy, {.epochs = 3, .accumulate = 3, .progress = false});
    const int64_t compiles = cache_stats().compiles;
    const TrainResult result = trainer.fit(data);
    EXPECT_EQ(result.steps, 9);
    EXPECT_EQ(data.handed_out, 24);
    EXPECT_LE(cache_stats().compiles - compiles, 6) << "first, middle and last, and what copies and looks at weights";
    plain_training(b, ob, data, 3, 3);
    expect_near(a.state_dict(), b.state_dict(), 1e-6);
    EXPECT_FALSE(a.parameters()[0].grad().defined()) << "no gradient is left for the next update";
}

TEST(TrainerOptions, AnUpdateOfBatchesIsThatOfOneLargeBatch) {
    /// The batches of Clusters, four at a time.
    class Large : public data::Batches {
    public:
        int64_t steps() const override { return 2; }
        int64_t batch_size() const override { return 64; }
        void start(int64_t epoch, int64_t first) override { small_.start(epoch, 4 * first); }
        bool next(Tensor& x, Tensor& y) override {
            std::vector<Tensor> xs(4), ys(4);
            for (size_t i = 0; i < 4; ++i)
                if (!small_.next(xs[i], ys[i])) return false;
            x = concat(xs, 0);
            y = concat(ys, 0);
            return true;
        }
        Clusters small_{8, 1};
    } large;
    nn::Sequential a = small_net(), b = small_net();
    optim::SGD oa(a.parameters(), {.lr = 0.1, .momentum = 0.9}), ob(b.parameters(), {.lr = 0.1, .momentum = 0.9});
    Clusters data(8, 1);
    const TrainResult ra =
        Trainer(a, oa, nn::cross_entropy, {.epochs = 2, .accumulate = 4, .progress = false}).fit(data);
    const TrainResult rb = Trainer(b, ob, nn::cross_entropy, {.epochs = 2, .progress = false}).fit(large);
    expect_near(a.state_dict(), b.state_dict(), 1e-6);
    EXPECT_NEAR(ra.train_loss, rb.train_loss, 1e-6);
    EXPECT_EQ(ra.steps, rb.steps);
}

TEST(TrainerOptions, Clipping) {
    const auto expect_same = [](const TrainerOptions& options, const std::function<void(const nn::Module&)>& clip) {
        nn::Sequential a = small_net(), b = small_net(), c = small_net();
        optim::SGD oa(a.parameters(), {.lr = 0.5}), ob(b.parameters(), {.lr = 0.5}), oc(c.parameters(), {.lr = 0.5});
        Clusters data(6, 1);
        Trainer(a, oa, nn::cross_entropy, options).fit(data);
        plain_training(b, ob, data, 1, 1, [&] { clip(b); });
        plain_training(c, oc, data, 1, 1);
        expect_near(a.state_dict(), b.state_dict(), 1e-6);
        EXPECT_NE(values(b.state_dict()), values(c.state_dict())) << "nothing was clipped";
    };
    expect_same({.clip_norm = 0.1, .progress = false},
                [](const nn::Module& m) { optim::clip_grad_norm_(m.parameters(), 0.1); });
    expect_same({.clip_value = 0.01, .progress = false},
                [](const nn::Module& m) { optim::clip_grad_value_(m.parameters(), 0.01); });
    expect_same({.clip_value = 0.01, .clip_norm = 0.02, .progress = false}, [](const nn::Module& m) {
        optim::clip_grad_value_(m.parameters(), 0.01);
        optim::clip_grad_norm_(m.parameters(), 0.02);
    });
}

TEST(ClipGradValue, CutsBothSides) {
    const Tensor p = Tensor::parameter(zeros({4})), q = Tensor::parameter(zeros({1}));
    sum(p * Tensor::from(std::vector<float>{-3, -0.5, 0.25, 7}, {4})).backward();
    optim::clip_grad_value_({p, q}, 0.5);
    EXPECT_EQ(p.grad().to_vector<float>(), (std::vector<float>{-0.5, -0.5, 0.25, 0.5}));
    EXPECT_FALSE(q.grad().defined());
    EXPECT_THROW(optim::clip_grad_value_({p}, -1), Error);
}

TEST(TrainerOptions, Averages) {
    ScratchFolder folder;
    const auto make = [] {
        manual_seed(5);
        return nn::Sequential{nn::Linear(4, 8), nn::BatchNorm1d(8), nn::ReLU(), nn::Linear(8, 2)};
    };
    nn::Sequential a = make(), b = make();
    optim::SGD oa(a.parameters(), {.lr = 0.2}), ob(b.parameters(), {.lr = 0.2});
    Clusters data(12, 1), validation(3, 2), test(3, 3);
    double validated = 0;
    Trainer trainer(a, oa, nn::cross_entropy,
                    {.out = folder / "run",
                     .ema = 0.5,
                     .model_json = kModelJson,
                     .progress = false,
                     .callbacks = {{.on_validation = [&](const ValidationEvent& e) { validated = e.result.loss; }}}});
    const TrainResult result = trainer.fit(data, &validation, &test);

    // The same by hand: min(0.5, (1 + n) / (10 + n)) after n updates, running statistics too.
    std::vector<std::vector<double>> average = values(b.state_dict());
    const StateDict state = b.state_dict();
    double n = 0;
    plain_training(b, ob, data, 1, 1, {}, [&] {
        const double d = std::min(0.5, (n + 2) / (n + 11));
        ++n;
        for (size_t t = 0; t < average.size(); ++t) {
            const std::vector<double> now = state.tensors()[t].to_vector<double>();
            for (size_t i = 0; i < now.size(); ++i) average[t][i] += (1 - d) * (now[i] - average[t][i]);
        }
    });
    const StateDict got = a.state_dict();
    size_t compared = 0;
    for (size_t t = 0; t < average.size(); ++t) {
        if (!is_float(got.tensors()[t].dtype())) continue; // the count of batches is no average
        const std::vector<double> x = got.tensors()[t].to_vector<double>();
        for (size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(x[i], average[t][i], 1e-5) << got.names()[t];
        compared += x.size();
    }
    EXPECT_EQ(compared, 32u + 8 + 4 * 8 + 16 + 2);
    // Validation, test and files are about the averages; what training goes on with is there as well.
    EXPECT_NEAR(evaluate(a, nn::cross_entropy, validation).loss, validated, 1e-6);
    EXPECT_NEAR(evaluate(a, nn::cross_entropy, test).loss, result.test->loss, 1e-6);
    const LoadedCheckpoint last = read_checkpoint(folder / "run/last.safetensors");
    EXPECT_EQ(values(last.weights), values(a.state_dict()));
    EXPECT_NE(last.train.at("weights.0.weight").to_vector<double>(), last.weights.at("0.weight").to_vector<double>());
    const auto raw = last.train.at("weights.0.weight").to_vector<double>();
    const auto plain = state.at("0.weight").to_vector<double>();
    for (size_t i = 0; i < raw.size(); ++i) EXPECT_NEAR(raw[i], plain[i], 1e-5);
    EXPECT_THROW(Ema(a, 1), Error);
}

TEST(TrainerOptions, AveragesAreOnlyLentToTheModel) {
    nn::Sequential model = small_net();
    Ema ema(model, 0.9);
    const auto before = values(model.state_dict());
    no_grad([&] {
        for (const Tensor& p : model.parameters()) p.assign(p * 2);
    });
    const auto after = values(model.state_dict());
    ASSERT_NE(before, after);
    {
        const Ema::Scope scope(&ema);
        EXPECT_EQ(values(model.state_dict()), before);
    }
    EXPECT_EQ(values(model.state_dict()), after);
}

TEST(TrainerOptions, Patience) {
    // Validation labels are the opposite of the training labels, so every epoch is worse than the one before.
    ScratchFolder folder;
    const auto run = [&](TrainerOptions options, bool swapped = true) {
        nn::Sequential model = small_net();
        optim::SGD optimizer(model.parameters(), {.lr = 0.3});
        Clusters train(20, 1), validation(5, 2, swapped);
        options.epochs = 6;
        options.model_json = kModelJson;
        options.progress = false;
        return Trainer(model, optimizer, nn::cross_entropy, options).fit(train, &validation, nullptr);
    };
    const TrainResult two = run({.out = folder / "run", .patience = 2});
    EXPECT_EQ(two.stop, Stop::patience);
    EXPECT_EQ(two.epochs, 3);
    EXPECT_EQ(read_checkpoint(folder / "run/best.safetensors").position().epoch, 1);
    // It stays stopped.
    const TrainResult again = run({.out = folder / "run", .resume = true, .patience = 2});
    EXPECT_EQ(again.stop, Stop::patience);
    EXPECT_EQ(again.epochs, 3);
    // A loss that falls goes on to the end, unless it does not fall by enough.
    EXPECT_EQ(run({.patience = 2}, false).stop, Stop::finished);
    const TrainResult little = run({.patience = 2, .min_delta = 10}, false);
    EXPECT_EQ(little.stop, Stop::patience);
    EXPECT_EQ(little.epochs, 3) << "the first epoch always counts";
    nn::Sequential model = small_net();
    optim::SGD optimizer(model.parameters(), {});
    Clusters train(2, 1);
    EXPECT_THROW(Trainer(model, optimizer, nn::cross_entropy, {.patience = 1}).fit(train), Error);
}

TEST(TrainerOptions, LastWeightsIfOneLikes) {
    nn::Sequential model = small_net();
    optim::SGD optimizer(model.parameters(), {.lr = 0.3});
    Clusters train(20, 1), validation(5, 2, true);
    ScratchFolder folder;
    Trainer(model, optimizer, nn::cross_entropy,
            {.epochs = 3, .out = folder / "run", .restore_best = false, .model_json = kModelJson, .progress = false})
        .fit(train, &validation, nullptr);
    EXPECT_EQ(values(model.state_dict()), values(read_checkpoint(folder / "run/last.safetensors").weights));
}

TEST(TrainerOptions, TimeLimit) {
    ScratchFolder folder;
    const auto run = [&](TrainerOptions options) {
        nn::Sequential model = small_net();
        optim::SGD optimizer(model.parameters(), {.lr = 0.3});
        Clusters train(50, 1), test(2, 2);
        options.epochs = 4;
        options.out = folder / "run";
        options.model_json = kModelJson;
        options.progress = false;
        return Trainer(model, optimizer, nn::cross_entropy, options).fit(train, test);
    };
    const TrainResult first = run({.time_limit = 1e-6});
    EXPECT_EQ(first.stop, Stop::time_limit);
    EXPECT_FALSE(first.interrupted);
    EXPECT_LT(first.steps, 50);
    EXPECT_TRUE(first.test) << "a limit is not an interruption";
    const TrainResult second = run({.resume = true});
    EXPECT_EQ(second.stop, Stop::finished);
    EXPECT_EQ(second.steps, 200);
}

TEST(TrainerOptions, CallbacksTellWhatHappens) {
    ScratchFolder folder;
    nn::Sequential model = small_net();
    optim::SGD optimizer(model.parameters(), {.lr = 0.3});
    Clusters train(6, 1), validation(2, 2);
    std::string log;
    std::vector<double> losses, read;
    double sum = 0;
    const auto add = [&](const char* what, int64_t a, int64_t b) {
        log += std::string(what) + std::to_string(a) + "." + std::to_string(b) + " ";
    };
    const Callbacks callbacks{.on_step =
                                  [&](const StepEvent& e) {
                                      add("s", e.epoch, e.step);
                                      EXPECT_EQ(e.lr, 0.3);
                                      losses.push_back(e.loss.item());
                                  },
                              .on_loss =
                                  [&](const LossEvent& e) {
                                      read.push_back(e.loss);
                                      if (e.epoch == 2) sum += e.loss;
                                      EXPECT_EQ(static_cast<size_t>((e.epoch - 1) * 6 + e.batch), read.size());
                                  },
                              .on_validation =
                                  [&](const ValidationEvent& e) {
                                      add("v", e.epoch, e.step);
                                      EXPECT_EQ(e.result.samples, 32);
                                      EXPECT_TRUE(e.best);
                                  },
                              .on_epoch =
                                  [&](const EpochEvent& e) {
                                      add("e", e.epoch, e.step);
                                      ASSERT_NE(e.validation, nullptr);
                                      if (e.epoch == 2) { EXPECT_DOUBLE_EQ(e.train_loss, sum / 6); }
                                  },
                              .on_checkpoint =
                                  [&](const CheckpointEvent& e) {
                                      add("c", 0, e.step);
                                      EXPECT_EQ(e.error, "");
                                      EXPECT_TRUE(fs::exists(e.path));
                                  }};
    Trainer(model, optimizer, nn::cross_entropy,
            {.epochs = 2,
             .out = folder / "run",
             .accumulate = 2,
             .checkpoint_steps = 2,
             .model_json = kModelJson,
             .progress = false,
             .callbacks = {callbacks, {}}})
        .fit(train, &validation, nullptr);
    EXPECT_EQ(log, "s1.1 s1.2 c0.2 s1.3 v1.3 e1.3 c0.3 s2.4 c0.4 s2.5 s2.6 v2.6 e2.6 c0.6 ");
    ASSERT_EQ(read.size(), 12u);
    ASSERT_EQ(losses.size(), 6u);
    for (size_t i = 0; i < 6; ++i) EXPECT_EQ(losses[i], read[2 * i + 1]) << "of the last batch of a step";
}

TEST(TrainerOptions, CallbacksStopTheTraining) {
    const auto run = [](const Callbacks& callbacks) {
        nn::Sequential model = small_net();
        optim::SGD optimizer(model.parameters(), {.lr = 0.3});
        Clusters train(6, 1), validation(2, 2), test(2, 3);
        const TrainResult result =
            Trainer(model, optimizer, nn::cross_entropy, {.epochs = 3, .progress = false, .callbacks = {callbacks}})
                .fit(train, &validation, &test);
        EXPECT_EQ(result.stop, Stop::callback);
        EXPECT_FALSE(result.interrupted);
        EXPECT_TRUE(result.test);
        return result.steps;
    };
    EXPECT_EQ(run({.on_step =
                       [](const StepEvent& e) {
                           if (e.step == 4) e.training.stop();
                       }}),
              4);
    EXPECT_EQ(run({.on_epoch = [](const EpochEvent& e) { e.training.stop(); }}), 6);
    EXPECT_EQ(run({.on_validation =
                       [](const ValidationEvent& e) {
                           if (e.epoch == 2) e.training.stop();
                       }}),
              12);
    struct Mine : std::runtime_error {
        using std::runtime_error::runtime_error;
    };
    EXPECT_THROW(run({.on_step = [](const StepEvent&) { throw Mine("enough"); }}), Mine);
}

TEST(TrainerOptions, OneStepAtATime) {
    nn::Sequential a = small_net(), b = small_net();
    optim::AdamW oa(a.parameters(), {.lr = 0.01}), ob(b.parameters(), {.lr = 0.01});
    const TrainerOptions options{.schedule = optim::ExponentialLR({.gamma = 0.9}),
                                 .accumulate = 2,
                                 .clip_norm = 0.5,
                                 .ema = 0.9,
                                 .progress = false};
    Clusters data(7, 1);
    Trainer whole(a, oa, nn::cross_entropy, options), single(b, ob, nn::cross_entropy, options);
    Clusters six(6, 1); // step() does not know where an epoch ends
    whole.fit(six);
    data.start(0);
    Tensor x, y, loss;
    for (int i = 0; i < 6; ++i) {
        ASSERT_TRUE(data.next(x, y));
        x.eval();
        y.eval();
        const EvalStats before = eval_stats();
        loss = single.step(x, y);
        EXPECT_LE(eval_stats().submissions - before.submissions, i < 2 ? 3 : 1) << "one submission per batch";
    }
    EXPECT_LT(loss.item(), 1);
    EXPECT_EQ(oa.lr(), ob.lr());
    EXPECT_EQ(values(oa.state_dict()), values(ob.state_dict()));
}

TEST(TrainerOptions, Errors) {
    nn::Sequential model = small_net();
    optim::SGD optimizer(model.parameters(), {});
    const auto message = [&](const TrainerOptions& options) {
        try {
            Trainer(model, optimizer, nn::cross_entropy, options);
        } catch (const Error& error) { return std::string(error.what()); }
        return std::string("no error");
    };
    for (const auto& [options, part] :
         std::vector<std::pair<TrainerOptions, std::string>>{{{.epochs = 0}, "epochs is 0"},
                                                             {{.accumulate = 0}, "accumulate is 0"},
                                                             {{.clip_value = -1}, "clip_value"},
                                                             {{.clip_norm = -1}, "clip_norm"},
                                                             {{.ema = 1}, "ema is 1"},
                                                             {{.patience = -1}, "patience"},
                                                             {{.min_delta = std::nan("")}, "min_delta"},
                                                             {{.time_limit = -1}, "time_limit"},
                                                             {{.max_nonfinite = -1}, "max_nonfinite"},
                                                             {{.checkpoint_steps = -1}, "checkpoint_steps"},
                                                             {{.checkpoint_seconds = -1}, "checkpoint_seconds"},
                                                             {{.keep = -1}, "keep"},
                                                             {{.resume = true, .force = true}, "contradict"}})
        EXPECT_NE(message(options).find(part), std::string::npos) << part << ": " << message(options);
}

TEST(TrainerOptions, AnOptimizerOfAnotherModelTrainsNothing) {
    nn::Sequential model = small_net(), other = small_net();
    optim::Adam wrong(other.parameters(), {}), head(model[2].parameters(), {});
    try {
        Trainer(model, wrong, nn::cross_entropy, {});
        FAIL() << "nothing was thrown";
    } catch (const Error& error) {
        EXPECT_EQ(std::string(error.what()),
                  "Trainer: the Adam optimizer has none of the model's parameters, so nothing "
                  "would be trained; make it with model.parameters()");
    }
    Trainer(model, head, nn::cross_entropy, {}); // some of them are enough
}

TEST(TrainerOptions, ABatchThatLacksSomethingIsAnErrorThatSaysWhat) {
    /// Batches whose x, or y, is undefined.
    class Without : public Clusters {
    public:
        Without(bool x, bool y) : Clusters(3, 1), x_(x), y_(y) {}
        bool next(Tensor& x, Tensor& y) override {
            if (!Clusters::next(x, y)) return false;
            if (!x_) x = Tensor();
            if (!y_) y = Tensor();
            return true;
        }

    private:
        bool x_, y_;
    } no_x(false, true), no_y(true, false);
    Clusters whole(3, 1);
    nn::Sequential model = small_net();
    optim::SGD optimizer(model.parameters(), {});
    Trainer trainer(model, optimizer, nn::cross_entropy, {.progress = false});
    const auto expect = [](const std::string& text, const std::function<void()>& f) {
        try {
            f();
            ADD_FAILURE() << "nothing was thrown, not " << text;
        } catch (const Error& error) { EXPECT_EQ(std::string(error.what()).find(text), 0u) << error.what(); }
    };
    expect("Trainer: the training data: a batch has no y: ", [&] { trainer.fit(no_y); });
    expect("Trainer: the training data: a batch has no x: ", [&] { trainer.fit(no_x); });
    expect("evaluation: a batch has no y: ", [&] { trainer.fit(whole, &no_y, nullptr); });
    expect("evaluation: a batch has no y: ", [&] { evaluate(model, nn::cross_entropy, no_y); });
    expect("evaluation: a batch has no x: ", [&] { evaluate(model, nn::cross_entropy, no_x); });
    expect("Trainer: step(): a batch has no y: ", [&] { trainer.step(zeros({2, 4}), Tensor()); });
}

TEST(TrainerOptions, SinksAndMetricsThatAreNullOrOfOneName) {
    nn::Sequential model = small_net();
    optim::SGD optimizer(model.parameters(), {});
    Clusters train(2, 1), validation(1, 2);
    const auto message = [&](const TrainerOptions& options) {
        try {
            Trainer(model, optimizer, nn::cross_entropy, options).fit(train, &validation, nullptr);
        } catch (const Error& error) { return std::string(error.what()); }
        return std::string("no error");
    };
    const auto metric = [](const std::string& name) {
        return std::make_shared<MeanOf>(name, [](const Tensor& o, const Tensor&) { return o; });
    };
    EXPECT_EQ(message({.progress = false, .sinks = {nullptr}}), "Trainer: one of the sinks is a null pointer");
    EXPECT_EQ(message({.progress = false, .metrics = {metric("a"), nullptr}}),
              "metrics: one of them is a null pointer");
    EXPECT_EQ(message({.progress = false, .metrics = {metric("a"), metric("b"), metric("a")}}),
              "metrics: two of them are called 'a'; give one another name");
    EXPECT_EQ(message({.progress = false, .metrics = {metric(""), metric("a"), metric("")}}), "no error")
        << "without a name they only look";
    EXPECT_THROW(evaluate(model, nn::cross_entropy, validation, {nullptr}), Error);
}

} // namespace ingot::train
