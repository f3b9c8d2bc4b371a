// SPDX-License-Identifier: MIT
// Rows of ingot/ops/indexing.h.
#include "ops/op_case.h"

namespace ingot::optest {

namespace {

size_t at(double index) { return static_cast<size_t>(index); }

Tensor ids(std::vector<int64_t> v, Shape shape) { return Tensor::from<int64_t>(v, std::move(shape)); }

/// Data, unlike ones(): constants may be folded.
Tensor data(Shape shape) {
    return Tensor::from<float>(std::vector<float>(static_cast<size_t>(shape.numel()), 1.5F), shape);
}

/// What reading `make()` throws.
Bad bad_index(std::function<Tensor()> make, int64_t value, int64_t bound, const std::string& op) {
    return {[make] { make().eval(); }, "index " + std::to_string(value) + " is out of range [0, " +
                                           std::to_string(bound) + ") in " + op +
                                           "; every value of the same submission fails with it"};
}

} // namespace

Cases indexing_cases() {
    return {
        {.name = "gather",
         .args = {real({3, 4}), integer({2, 6}, 0, 3)},
         .fn = [](const In& in) { return gather(in[0], 1, in[1]); },
         .oracle =
             [](const std::vector<Array>& in) {
                 std::vector<double> out;
                 for (size_t k = 0; k < 12; ++k) out.push_back(in[0][k / 6 * 4 + at(in[1][k])]);
                 return out;
             },
         .integers = true,
         .bad = {bad_index(
                     [] {
                         return gather(data({2, 3}), 1, ids({0, 5}, {2, 1}));
                     },
                     5, 3, "gather"),
                 bad_index(
                     [] {
                         return gather(data({2, 3}), 1, ids({-1, 0}, {2, 1}));
                     },
                     -1, 3, "gather"),
                 {[] {
                      gather(ones({2, 3}), 0, ones({2, 3}));
                  },
                  "gather: indices have dtype f32; they must be i64 or i32"},
                 {[] {
                      gather(ones({2, 3}), 0, ids({0}, {1}));
                  },
                  "gather: index of shape [1] does not fit shape [2, 3] along axis 0"}}},
        {.name = "gather",
         .variant = "first_axis",
         .args = {real({4, 3}), integer({5, 3}, 0, 3, DType::i32)},
         .fn = [](const In& in) { return gather(in[0], 0, in[1]); },
         .oracle =
             [](const std::vector<Array>& in) {
                 std::vector<double> out;
                 for (size_t k = 0; k < 15; ++k) out.push_back(in[0][at(in[1][k]) * 3 + k % 3]);
                 return out;
             }},
        {.name = "take_along_dim",
         .args = {real({3, 1, 4}), integer({1, 2, 5}, 0, 3)},
         .fn = [](const In& in) { return take_along_dim(in[0], in[1], 2); },
         .oracle =
             [](const std::vector<Array>& in) {
                 std::vector<double> out;
                 for (size_t a = 0; a < 3; ++a)
                     for (size_t k = 0; k < 10; ++k) out.push_back(in[0][a * 4 + at(in[1][k])]);
                 return out;
             },
         .bad = {{[] {
                      take_along_dim(ones({2, 3}), ids({0}, {1}), 1);
                  },
                  "take_along_dim: shapes [2, 3] and [1] have different ranks"}}},
        {.name = "scatter", // distinct places, as the gradient of src wants
         .args = {real({3, 4}), real({3, 2})},
         .fn =
             [](const In& in) {
                 return scatter(in[0], 1, ids({0, 3, 2, 1, 1, 3}, {3, 2}).to(in.device), in[1]);
             },
         .oracle =
             [](const std::vector<Array>& in) {
                 std::vector<double> out = in[0].v;
                 const size_t place[] = {0, 3, 6, 5, 9, 11};
                 for (size_t k = 0; k < 6; ++k) out[place[k]] = in[1][k];
                 return out;
             },
         .integers = true,
         .bad = {bad_index([] { return scatter(data({2}), 0, ids({2}, {1}), ones({1})); }, 2, 2, "scatter"),
                 {[] {
                      scatter(ones({2, 3}), 1, ids({0, 1}, {2, 1}), ones({2, 2}));
                  },
                  "scatter: index of shape [2, 1] and source of shape [2, 2] differ"}}},
        {.name = "scatter",
         .variant = "last_wins",
         .args = {real({3}), integer({8}, 0, 2), real({8})},
         .fn = [](const In& in) { return scatter(in[0], 0, in[1], in[2]); },
         .oracle =
             [](const std::vector<Array>& in) {
                 std::vector<double> out = in[0].v;
                 for (size_t k = 0; k < 8; ++k) out[at(in[1][k])] = in[2][k];
                 return out;
             },
         .no_gradient = "several writes to one place all get its gradient, as in PyTorch"},
        {.name = "scatter_add",
         .args = {real({3, 4}), integer({3, 9}, 0, 3), real({3, 9})},
         .fn = [](const In& in) { return scatter_add(in[0], 1, in[1], in[2]); },
         .oracle =
             [](const std::vector<Array>& in) {
                 std::vector<double> out = in[0].v;
                 for (size_t k = 0; k < 27; ++k) out[k / 9 * 4 + at(in[1][k])] += in[2][k];
                 return out;
             },
         .integers = true,
         .factor = 2,
         .factor_reason = "sums of up to nine terms",
         .bad = {bad_index([] { return scatter_add(data({2}), 0, ids({-3}, {1}), ones({1})); }, -3, 2, "scatter_add")}},
        {.name = "index_select",
         .args = {real({2, 5, 3}), integer({4}, 0, 4)},
         .fn = [](const In& in) { return index_select(in[0], 1, in[1]); },
         .oracle =
             [](const std::vector<Array>& in) {
                 std::vector<double> out;
                 for_each_index({2, 4, 3}, [&](const Ints& i) {
                     out.push_back(in[0].at({i[0], static_cast<int64_t>(in[1].at({i[1]})), i[2]}));
                 });
                 return out;
             },
         .integers = true,
         .bad = {bad_index(
             [] {
                 return index_select(data({2, 3}), 0, ids({2}, {1}));
             },
             2, 2, "index_select")}},
        {.name = "index_select",
         .variant = "matrix_of_indices",
         .args = {real({5, 3}), integer({2, 2}, 0, 2)},
         .fn = [](const In& in) { return index_select(in[0], 1, in[1]); },
         .oracle =
             [](const std::vector<Array>& in) {
                 std::vector<double> out;
                 for (size_t row = 0; row < 5; ++row)
                     for (size_t k = 0; k < 4; ++k) out.push_back(in[0][row * 3 + at(in[1][k])]);
                 return out;
             }},
        {.name = "index_add",
         .args = {real({3, 4}), integer({6}, 0, 2), real({6, 4})},
         .fn = [](const In& in) { return index_add(in[0], 0, in[1], in[2]); },
         .oracle =
             [](const std::vector<Array>& in) {
                 std::vector<double> out = in[0].v;
                 for (size_t k = 0; k < 24; ++k) out[at(in[1][k / 4]) * 4 + k % 4] += in[2][k];
                 return out;
             },
         .integers = true,
         .factor = 2,
         .factor_reason = "sums of up to six terms",
         .bad =
             {{[] {
                   index_add(ones({3, 4}), 1, ids({0}, {1}), ones({3, 2}));
               },
               "index_add: shape [3, 4] with index of shape [1] and source of shape [3, 2] do not fit along axis 1"}}},
        {.name = "one_hot",
         .args = {integer({2, 3}, 0, 4)},
         .fn = [](const In& in) { return one_hot(in[0], 5); },
         .oracle =
             [](const std::vector<Array>& in) {
                 std::vector<double> out(30);
                 for (size_t k = 0; k < 6; ++k) out[k * 5 + at(in[0][k])] = 1;
                 return out;
             },
         .no_gradient = "integer input",
         .bad = {bad_index([] { return one_hot(ids({4}, {1}), 4); }, 4, 4, "scatter"),
                 {[] { one_hot(ids({4}, {1}), 0); }, "one_hot: the number of classes 0 is not positive"}}},
        {.name = "embedding",
         .args = {real({7, 4}), integer({2, 5}, 0, 6)},
         .fn = [](const In& in) { return embedding(in[0], in[1]); },
         .oracle =
             [](const std::vector<Array>& in) {
                 std::vector<double> out;
                 for (size_t k = 0; k < 40; ++k) out.push_back(in[0][at(in[1][k / 4]) * 4 + k % 4]);
                 return out;
             },
         .bad = {bad_index(
                     [] {
                         return embedding(data({7, 4}), ids({7}, {1}));
                     },
                     7, 7, "index_select"),
                 {[] { embedding(ones({7}), ids({1}, {1})); },
                  "embedding: the weight has shape [7], not [vocabulary, size]"}}},
    };
}

} // namespace ingot::optest
