// SPDX-License-Identifier: MIT
// Checkpoints: safetensors files that are enough by themselves. Weights and buffers stand under their PyTorch names, what
// training on needs under names beginning "train."; `__metadata__` holds `ingot` (the version), `model.json` (its text)
// and `crc32` (a JSON map from tensor to checksum). No time, host or path is inside, so equal runs write equal bytes.
// Used by the trainer (writing) and the commands (reading).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <ingot/nn.h>
#include <ingot/optim.h>

#include "train/model_info.h"
#include "train/weights.h"

namespace ingot::train {

/// Where a run stands, apart from weights and optimizer.
struct Position {
    int64_t epoch = 0;                   ///< finished epochs
    int64_t step = 0;                    ///< optimizer steps since the beginning
    uint64_t seed = 0;                   ///< of the order of the samples and of augmentation
    double epoch_loss = 0;               ///< sum of the batch losses of the unfinished epoch
    std::optional<double> best_val_loss; ///< when there is a validation split
};

/// A copy of everything, taken at once: it does not change when training goes on. Taking it waits for the device.
class Checkpoint {
public:
    /// Errors: Error when a weight's name begins with "train.".
    Checkpoint(const nn::Module& model, const optim::Optimizer& optimizer, const Position& position,
               const std::string& model_json);
    /// Atomic. Errors: FileError.
    void write(const std::string& path) const;
    /// Puts the weights and buffers (not the optimizer's state) back into the model.
    void restore_weights(nn::Module& model) const;

private:
    HostCopy tensors_;
    std::string model_json_;
};

struct LoadedCheckpoint {
    ModelInfo info;
    StateDict weights; ///< on the CPU
    StateDict train;   ///< the rest, without "train."
};

/// Errors: FileError naming the file, and tensor and offset where a checksum is wrong, or saying that the file is not a
/// checkpoint of Ingot.
LoadedCheckpoint read_checkpoint(const std::string& path);

} // namespace ingot::train
