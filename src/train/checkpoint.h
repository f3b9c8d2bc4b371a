// SPDX-License-Identifier: MIT
// Checkpoints: safetensors files that are enough by themselves. Weights and buffers stand under their PyTorch names, what
// training on needs under names beginning "train."; `__metadata__` holds `ingot` (the text of model.json),
// `ingot_version`, `crc32` (a JSON map from tensor to checksum) and `metadata_crc32` (the same of the two texts). No time,
// host or path is inside, so equal runs write equal bytes.
// Used by the trainer (writing) and the commands (reading).
#pragma once

#include <cstdint>
#include <limits>
#include <string>

#include <ingot/nn.h>
#include <ingot/optim.h>

#include "train/ema.h"
#include "train/weights.h"

namespace ingot::train {

/// Where a run stands, apart from weights, optimizer and random state. All of it is in every checkpoint.
struct Position {
    int64_t epoch = 0;   ///< finished epochs, validation included
    int64_t batch = 0;   ///< batches of the next epoch that are trained on; all of them while its validation is missing
    int64_t step = 0;    ///< optimizer steps since the beginning
    uint64_t seed = 0;   ///< of the order of the samples and of augmentation
    int64_t batches = 0; ///< of a pass
    int64_t batch_size = 0; ///< samples
    double epoch_loss = 0;  ///< sum of the losses of the unfinished epoch's batches
    double train_loss = 0;  ///< mean of the last finished epoch
    double lr = 0;          ///< of the last step
    int64_t best_epoch = 0; ///< of the lowest validation loss, from 1; 0: none yet
    double best_val_loss = 0;
    int64_t bad_epochs = 0; ///< since the validation loss fell below patience_loss by enough to count
    double patience_loss = std::numeric_limits<double>::infinity();
    int64_t skipped = 0;   ///< batches of the unfinished epoch that were left out
    int64_t nonfinite = 0; ///< steps of the run that were left out
};

/// What a run trains, and with what: where the state in a checkpoint comes from and goes to.
struct TrainingParts {
    nn::Module& model;
    optim::Optimizer& optimizer;
    optim::LRScheduler* schedule = nullptr;
    Ema* ema = nullptr;
};

/// What does not change while a run lasts: texts that its checkpoints carry.
struct RunTexts {
    std::string model_json = {}; ///< of model.json
    std::string settings = {};   ///< of the caller: what the run was started with
    std::string method = {};     ///< of the trainer: what its steps do besides the optimizer's
};

struct LoadedCheckpoint {
    std::string path;
    std::string model_json; ///< for model_info_from_json()
    StateDict weights;      ///< on the CPU
    StateDict train;        ///< the rest, without "train."

    /// Errors: FileError naming what is missing.
    Position position() const;
    RunTexts texts() const;
    /// Errors: FileError when restore() would not find what it needs. Nothing is changed.
    void check(const TrainingParts& parts) const;
    /// Puts everything back, this thread's random state too. Errors: those of check(), before anything is changed.
    void restore(const TrainingParts& parts) const;
};

/// A copy of everything, taken at once: it does not change when training goes on. Taking it waits for the device.
class Checkpoint {
public:
    /// Errors: Error when a weight's name begins with "train.".
    Checkpoint(const TrainingParts& parts, const Position& position, const RunTexts& texts);
    /// Atomic. Errors: FileError.
    void write(const std::string& path) const;
    /// As if it had been written and read.
    LoadedCheckpoint loaded() const;

private:
    HostCopy tensors_;
    std::string model_json_;
};

/// Errors: FileError naming the file, and tensor and offset where a checksum is wrong, or saying that the file is not a
/// checkpoint of Ingot.
LoadedCheckpoint read_checkpoint(const std::string& path);

} // namespace ingot::train
