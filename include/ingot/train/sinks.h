// SPDX-License-Identifier: MIT
// Where figures of a run go while it lasts: a console, CSV or JSON lines files, TensorBoard, a function of one's own. The
// trainer feeds all sinks it is given; programs with loops of their own call them directly. One thread; a sink that writes a
// file owns it. Files are complete after every call: a program that is killed loses nothing that was reported. What is in a
// file already stays until the first figures come or a run begins; then it is replaced, unless the run goes on from a checkpoint.
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ingot/train/evaluate.h>
#include <ingot/train/statistics.h>

namespace ingot::train {

class Sink {
public:
    virtual ~Sink() = default;
    Sink(const Sink&) = delete;
    Sink& operator=(const Sink&) = delete;
    /// A run begins, `step` steps after its beginning where it goes on from a checkpoint. Sinks with a log drop what was told
    /// of later steps, which will come again. Errors: FileError.
    virtual void begin(int64_t step) { (void)step; }
    /// Figures after step `step`: {"train_loss", 0.31}, {"lr", 1e-3}. Steps do not fall from call to call. Errors: FileError.
    virtual void scalars(int64_t step, const std::vector<MetricValue>& values) = 0;
    /// Distributions of tensors after step `step`. Sinks that have no use for them ignore them.
    virtual void histograms(int64_t step, const std::vector<TensorStatistics>& tensors) {
        (void)step;
        (void)tensors;
    }

protected:
    Sink() = default;
};

using SinkList = std::vector<std::shared_ptr<Sink>>;

/// One line per call: "step 450  train_loss 0.3124  lr 0.001".
class ConsoleSink : public Sink {
public:
    /// `stream` is borrowed.
    explicit ConsoleSink(std::FILE* stream = stderr) : stream_(stream) {}
    void scalars(int64_t step, const std::vector<MetricValue>& values) override;

private:
    std::FILE* stream_;
};

/// A table: "step" and one column per name, in the order of their first appearance. Empty where a call had no such figure.
class CsvSink : public Sink {
public:
    explicit CsvSink(const std::string& path);
    ~CsvSink() override;
    /// Errors: FileError, also naming a line that is no row of such a table.
    void begin(int64_t step) override;
    /// Errors also: Error for a name with a comma, quote or line break.
    void scalars(int64_t step, const std::vector<MetricValue>& values) override;

private:
    struct Table;
    std::unique_ptr<Table> table_;
};

/// One object per call: {"step":450,"train_loss":0.3124,"lr":0.001}; for tensors {"step":450,"histogram":"0.weight","min":..,
/// "max":..,"mean":..,"std":..,"finite":..,"not_finite":..,"counts":[..]}. What is not finite is null.
class JsonLinesSink : public Sink {
public:
    explicit JsonLinesSink(const std::string& path);
    ~JsonLinesSink() override;
    /// Errors: FileError, also naming a line that is no such object.
    void begin(int64_t step) override;
    void scalars(int64_t step, const std::vector<MetricValue>& values) override;
    void histograms(int64_t step, const std::vector<TensorStatistics>& tensors) override;

private:
    struct File;
    std::unique_ptr<File> file_;
};

/// An event file for TensorBoard: `tensorboard --logdir FOLDER`. Scalars and histograms; every object makes a file of its own,
/// so that a run that goes on adds to the curves.
class TensorBoardSink : public Sink {
public:
    /// Creates the folder if need be. Errors: FileError.
    explicit TensorBoardSink(const std::string& folder);
    ~TensorBoardSink() override;
    void scalars(int64_t step, const std::vector<MetricValue>& values) override;
    void histograms(int64_t step, const std::vector<TensorStatistics>& tensors) override;
    /// The event file.
    const std::string& path() const;

private:
    struct File;
    std::unique_ptr<File> file_;
};

/// Calls functions; either may be empty.
class CallbackSink : public Sink {
public:
    using Scalars = std::function<void(int64_t step, const std::vector<MetricValue>& values)>;
    using Histograms = std::function<void(int64_t step, const std::vector<TensorStatistics>& tensors)>;
    explicit CallbackSink(Scalars on_scalars, Histograms on_histograms = {})
        : scalars_(std::move(on_scalars)), histograms_(std::move(on_histograms)) {}
    void scalars(int64_t step, const std::vector<MetricValue>& values) override {
        if (scalars_) scalars_(step, values);
    }
    void histograms(int64_t step, const std::vector<TensorStatistics>& tensors) override {
        if (histograms_) histograms_(step, tensors);
    }

private:
    Scalars scalars_;
    Histograms histograms_;
};

} // namespace ingot::train
