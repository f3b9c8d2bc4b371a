// SPDX-License-Identifier: MIT
// Fused programs with data, as fusion makes them and as corner cases: for tests of executors, printers and passes.
// all_samples() lists every one; each function takes sizes, so that tests can ask for others. Header only; values.
#pragma once

#include <vector>

#include "program/samples_maps.h"
#include "program/samples_reductions.h"
#include "program/samples_rows.h"

namespace ingot::samples {

inline std::vector<Sample> all_samples() {
    std::vector<Sample> s;
    for (const DType t : {DType::f32, DType::f16, DType::bf16}) s.push_back(broadcast_map(3, 7, 33, t));
    s.push_back(chain(1));
    s.push_back(chain(5000));
    for (const DType t : {DType::f32, DType::f64, DType::i32, DType::i64, DType::boolean}) s.push_back(functions(t));
    s.push_back(transpose(5, 6, 7));
    s.push_back(casts(100));
    s.push_back(dropout(1024));
    s.push_back(embedding(20, 33, 11, false));
    s.push_back(embedding(20, 33, 11, true));
    s.push_back(pad(9, 13, 3));
    s.push_back(adam({5, 1000, 0, 4097, 1}));
    s.push_back(once_store(100));
    s.push_back(once_only());
    s.push_back(single_point());
    s.push_back(scatter(17, 9));
    s.push_back(wide_addresses());
    for (const int64_t n : {1, 3, 33, 300, 2000}) s.push_back(softmax(n == 2000 ? 3 : 7, n));
    s.push_back(softmax(2, 9000));
    s.push_back(softmax(5, 100, DType::f16));
    s.push_back(softmax(5, 100, DType::bf16));
    s.push_back(layer_norm(9, 48));
    s.push_back(layer_norm(3, 1025));
    s.push_back(layer_norm(4, 50, DType::f64));
    s.push_back(layer_norm_backward(37, 48));
    s.push_back(layer_norm_backward(20, 700));
    s.push_back(cross_entropy(50, 10));
    s.push_back(cross_entropy(9, 700));
    s.push_back(max_pool(3, 9, 11, 3, 2, 1));
    s.push_back(small_conv(6, 7, 3, 5));
    s.push_back(max_pool(1, 33, 33, 3, 1, 1));
    s.push_back(row_logic(33, 5));
    s.push_back(row_logic(3, 600));
    s.push_back(many_stages(2, 21, 40));
    s.push_back(many_stages(3, 10, 3));
    s.push_back(batch_norm_stats(4, 50, 16));
    s.push_back(batch_norm_stats(3, 100, 3));
    s.push_back(batch_norm_stats(2, 9, 100));
    s.push_back(batch_norm_stats_nchw(4, 6, 100));
    s.push_back(batch_norm_stats_nchw(3, 40, 9));
    s.push_back(column_reductions(2, 300, 40));
    s.push_back(column_reductions(3, 5, 7, DType::f64));
    s.push_back(final_reductions(1, 100, 200));
    s.push_back(final_reductions(50, 1, 30));
    s.push_back(final_reductions(3, 50, 100));
    s.push_back(arg_rows(7, 90));
    s.push_back(arg_rows(4, 3));
    // Nothing to do, and reductions of nothing.
    s.push_back(chain(0));
    s.push_back(softmax(0, 10));
    s.push_back(final_reductions(3, 0, 5));
    s.push_back(column_reductions(2, 0, 5));
    return s;
}

} // namespace ingot::samples
