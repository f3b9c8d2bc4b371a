// SPDX-License-Identifier: MIT
// Minimum, maximum, mean, standard deviation and a histogram of tensors: how weights and gradients develop. The work is
// done on the tensors' device; one small tensor is read. Used by the trainer every N steps, by reports and TensorBoard
// files. TensorStatistics is plain data; functions may be called inside compile().
// Letters: T tensors, B bins.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ingot/state_dict.h>
#include <ingot/tensor.h>

namespace ingot::train {

/// Of the finite elements of one tensor.
struct TensorStatistics {
    std::string name;
    int64_t finite = 0, not_finite = 0; ///< numbers of elements; the rest describes the finite ones
    double min = 0, max = 0;            ///< NaN when there are none, like mean and std
    double mean = 0, std = 0;           ///< std with divisor n
    std::vector<int64_t> counts = {};   ///< [B]: [min, max] in equal parts; a constant stands in the first
    double sum() const { return finite > 0 ? mean * static_cast<double>(finite) : 0; }
    double sum_of_squares() const { return finite > 0 ? (std * std + mean * mean) * static_cast<double>(finite) : 0; }
};

inline constexpr int64_t kHistogramBins = 40;

/// One row per tensor, to be read when convenient and handed to read_statistics(). tensors: float, any shapes, one device.
/// Result: [T, 6 + bins] (f64 where the device has it). Errors: DTypeError for integers, Error for no tensors.
Tensor summarize_tensors(const std::vector<Tensor>& tensors, int64_t bins = kHistogramBins);

/// `names`: of the tensors, in the same order. Waits for the summary.
std::vector<TensorStatistics> read_statistics(const std::vector<std::string>& names, const Tensor& summary);

/// Both at once. Waits.
std::vector<TensorStatistics> tensor_statistics(const StateDict& tensors, int64_t bins = kHistogramBins);

} // namespace ingot::train
