// SPDX-License-Identifier: MIT
// metrics.csv and metrics.jsonl of a run: one row per epoch. Both files are replaced as a whole after every epoch, so a
// reader never sees half a row. Used by the trainer. One object per run; not synchronised.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace ingot::train {

/// What one epoch came to. Without a validation split the two middle columns stay empty (null in the JSON lines).
struct EpochMetrics {
    int64_t epoch = 0;     ///< from 1
    int64_t step = 0;      ///< optimizer steps since the beginning
    double train_loss = 0; ///< mean over the epoch's batches
    std::optional<double> val_loss = {}, val_accuracy = {};
    double lr = 0;      ///< of the epoch's last step
    double seconds = 0; ///< wall time since training began
};

/// A line of metrics.jsonl. Errors: FileError beginning with `source`.
EpochMetrics epoch_from_json(const std::string& line, const std::string& source);

class MetricsLog {
public:
    /// Files in the existing folder `folder`; none are written when it is empty text. Of the rows that are there already
    /// those of the first `epochs` epochs stay: for a run that goes on. Errors: FileError naming the line that is damaged.
    explicit MetricsLog(std::string folder, int64_t epochs = 0);
    /// Adds a row and writes the files. Errors: FileError; the row is kept then, and write() tries again.
    void append(const EpochMetrics& row);
    void write() const;
    /// Of the last row; 0 when there is none.
    double seconds() const { return seconds_; }

private:
    std::string folder_, csv_, json_lines_;
    double seconds_ = 0;
};

} // namespace ingot::train
