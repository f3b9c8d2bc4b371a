// SPDX-License-Identifier: MIT
// The folder of a training run: which files belong to it, one process at a time, what a killed save left behind, older
// checkpoints, and where to go on from. Used by the trainer; `ingot train` asks it what a folder holds before it begins.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "train/checkpoint.h"

namespace ingot::train {

inline constexpr const char* kLastFile = "last.safetensors";
inline constexpr const char* kBestFile = "best.safetensors";
/// Where a run lies that another one is replacing.
inline constexpr const char* kReplacedFolder = "replaced-run";

class RunFolder {
public:
    /// Makes the folder if need be, takes it for this process until the object goes, and removes the temporary files of saves
    /// that were killed. Errors: FileError, also when another process trains there.
    explicit RunFolder(std::string path);
    ~RunFolder();
    RunFolder(const RunFolder&) = delete;
    RunFolder& operator=(const RunFolder&) = delete;

    std::string file(const std::string& name) const;
    /// Removes the files of the run that is there.
    void clear() const;
    /// Moves them to the folder replaced-run instead, so that a run that fails at once does not cost the one before. What
    /// lies there already stays: then the run that is here never finished an epoch, and it is this one that goes.
    void set_aside() const;
    /// Removes what set_aside() moved.
    void drop_replaced() const;
    /// To be called before last.safetensors, which is of step `step`, is replaced: it becomes one of the `keep` older
    /// checkpoints (named by their step); the oldest of those that are too many go. Does nothing for 0.
    void keep_last(int64_t step, int64_t keep) const;
    /// Beside a checkpoint inside an epoch: the seconds of the run until then, which are not in the checkpoint, as equal runs
    /// write equal ones.
    void note_seconds(int64_t step, double seconds) const;
    void forget_seconds() const;
    /// Those of step `step`, or 0.
    double noted_seconds(int64_t step) const;

private:
    std::vector<std::string> files() const;

    std::string path_;
    int lock_ = -1;
};

/// A file that shows that the folder holds a run, for example "metrics.csv"; nothing when it holds none or does not exist.
/// Errors: FileError when the path is not a folder.
std::optional<std::string> run_in(const std::string& folder);

/// The checkpoint to go on from: last.safetensors, or where that is missing the furthest of the others; nothing when there is
/// none. Errors: FileError when it is damaged, naming the tensor and a checkpoint in the folder that is whole.
std::optional<LoadedCheckpoint> checkpoint_in(const std::string& folder);

} // namespace ingot::train
