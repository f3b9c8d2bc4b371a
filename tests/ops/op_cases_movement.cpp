// SPDX-License-Identifier: MIT
// Rows of ingot/ops/movement.h. Expectations say for each place of the result which element comes there.
#include "ops/op_case.h"

namespace ingot::optest {

namespace {

/// out[i] = in[0][from(i)] for every index i of `shape`; an empty list of indices from `from` means `fill`.
Oracle moved(Shape shape, std::function<Ints(const Ints&)> from, double fill = 0) {
    return [shape, from, fill](const std::vector<Array>& in) {
        std::vector<double> out;
        for_each_index(shape, [&](const Ints& i) {
            const Ints source = from(i);
            out.push_back(source.empty() ? fill : in[0].at(source));
        });
        return out;
    };
}

Oracle unmoved() {
    return [](const std::vector<Array>& in) { return in[0].v; };
}

const std::vector<Arg> kCube = {real({3, 4, 5})};

} // namespace

Cases movement_cases() {
    return {
        {.name = "reshape",
         .args = kCube,
         .fn =
             [](const In& in) {
                 return reshape(in[0], {5, -1, 2});
             },
         .oracle = unmoved(),
         .integers = true,
         .bad = {{[] {
                      reshape(ones({2, 3}), {4, -1});
                  },
                  "reshape: shape [2, 3] has 6 elements, which do not fit shape [4, -1]"},
                 {[] {
                      reshape(ones({2, 3}), {5});
                  },
                  "reshape: shape [2, 3] has 6 elements, which do not fit shape [5]"},
                 {[] {
                      reshape(ones({2, 3}), {-1, -1});
                  },
                  "reshape: shape [-1, -1] has more than one size to work out, or one below -1"}}},
        {.name = "reshape",
         .variant = "scalar",
         .args = {real({1, 1})},
         .fn = [](const In& in) { return reshape(in[0], {}); },
         .oracle = unmoved()},
        {.name = "transpose",
         .args = kCube,
         .fn = [](const In& in) { return transpose(in[0], 0, -1); },
         .oracle = moved({5, 4, 3},
                         [](const Ints& i) {
                             return Ints{i[2], i[1], i[0]};
                         }),
         .integers = true,
         .bad = {{[] { transpose(ones({2}), 0, 1); },
                  "transpose: axis 1 is out of range for shape [2]; allowed are -1 to 0"}}},
        {.name = "permute",
         .args = kCube,
         .fn =
             [](const In& in) {
                 return permute(in[0], {2, 0, 1});
             },
         .oracle = moved({5, 3, 4},
                         [](const Ints& i) {
                             return Ints{i[1], i[2], i[0]};
                         }),
         .integers = true,
         .bad = {{[] {
                      permute(ones({2, 3}), {0});
                  },
                  "permute: shape [2, 3] needs 2 axes, not 1"},
                 {[] {
                      permute(ones({2, 3}), {0, 0});
                  },
                  "permute: axis 0 of shape [2, 3] is named twice"}}},
        {.name = "squeeze",
         .args = {real({1, 4, 1, 3})},
         .fn =
             [](const In& in) {
                 return squeeze(in[0], {0, 1});
             },
         .oracle = unmoved()},
        {.name = "squeeze",
         .variant = "all",
         .args = {real({1, 4, 1, 3})},
         .fn = [](const In& in) { return squeeze(in[0]); },
         .oracle = unmoved()},
        {.name = "unsqueeze",
         .args = kCube,
         .fn = [](const In& in) { return unsqueeze(in[0], -1); },
         .oracle = unmoved(),
         .bad = {{[] { unsqueeze(ones({2}), 3); },
                  "unsqueeze: axis 3 is out of range for shape [2]; allowed are -2 to 1"}}},
        {.name = "flatten",
         .args = kCube,
         .fn = [](const In& in) { return flatten(in[0], 1); },
         .oracle = unmoved(),
         .bad = {{[] {
                      flatten(ones({2, 3}), 1, 0);
                  },
                  "flatten: axis 1 comes after axis 0 of shape [2, 3]"}}},
        {.name = "flatten",
         .variant = "scalar",
         .args = {real({})},
         .fn = [](const In& in) { return flatten(in[0]); },
         .oracle = unmoved()},
        {.name = "expand",
         .args = {real({3, 1, 2})},
         .fn =
             [](const In& in) {
                 return expand(in[0], {2, -1, 4, 2});
             },
         .oracle = moved({2, 3, 4, 2},
                         [](const Ints& i) {
                             return Ints{i[1], 0, i[3]};
                         }),
         .integers = true,
         .bad = {{[] {
                      expand(ones({2, 3}), {2, 4});
                  },
                  "expand: shape [2, 3] does not broadcast to [2, 4]"}}},
        {.name = "broadcast_to",
         .args = {real({4, 1})},
         .fn =
             [](const In& in) {
                 return broadcast_to(in[0], {4, 6});
             },
         .oracle = moved({4, 6},
                         [](const Ints& i) {
                             return Ints{i[0], 0};
                         })},
        {.name = "slice",
         .args = kCube,
         .fn = [](const In& in) { return slice(in[0], 1, 1, -1); },
         .oracle = moved({3, 2, 5},
                         [](const Ints& i) {
                             return Ints{i[0], i[1] + 1, i[2]};
                         }),
         .integers = true,
         .bad = {{[] { slice(ones({3}), 0, 0, 2, 0); }, "slice: the step 0 is not positive; use flip to reverse"}}},
        {.name = "slice",
         .variant = "step",
         .args = {real({3, 11})},
         .fn = [](const In& in) { return slice(in[0], -1, 1, 100, 3); },
         .oracle = moved({3, 4},
                         [](const Ints& i) {
                             return Ints{i[0], 1 + 3 * i[1]};
                         })},
        {.name = "slice",
         .variant = "first_axis_step",
         .args = {real({7, 3})},
         .fn = [](const In& in) { return slice(in[0], 0, 0, 7, 2); },
         .oracle = moved({4, 3},
                         [](const Ints& i) {
                             return Ints{2 * i[0], i[1]};
                         })},
        {.name = "slice",
         .variant = "nothing",
         .args = kCube,
         .fn = [](const In& in) { return slice(in[0], 1, 3, 2); },
         .oracle = moved({3, 0, 5}, [](const Ints& i) { return i; }),
         .no_gradient = "no elements"},
        {.name = "narrow",
         .args = kCube,
         .fn = [](const In& in) { return narrow(in[0], 2, 2, 3); },
         .oracle = moved({3, 4, 3},
                         [](const Ints& i) {
                             return Ints{i[0], i[1], i[2] + 2};
                         }),
         .bad = {{[] { narrow(ones({4}), 0, 2, 3); }, "narrow: 3 elements from 2 are not all in axis 0 of shape [4]"}}},
        {.name = "select",
         .args = kCube,
         .fn = [](const In& in) { return select(in[0], 1, -2); },
         .oracle = moved({3, 5},
                         [](const Ints& i) {
                             return Ints{i[0], 2, i[1]};
                         }),
         .bad = {{[] { select(ones({4}), 0, 4); }, "select: index 4 is out of range for axis 0 of shape [4]"}}},
        {.name = "concat",
         .args = {real({3, 2}), real({3, 4}), real({3, 1})},
         .fn =
             [](const In& in) {
                 return concat({in[0], in[1], in[2], in[0]}, 1);
             },
         .oracle =
             [](const std::vector<Array>& in) {
                 std::vector<double> out;
                 for (size_t row = 0; row < 3; ++row)
                     for (const size_t part : {0, 1, 2, 0}) {
                         const size_t n = in[part].v.size() / 3;
                         for (size_t k = 0; k < n; ++k) out.push_back(in[part][row * n + k]);
                     }
                 return out;
             },
         .integers = true,
         .bad = {{[] { concat({}); }, "concat: no tensors given"},
                 {[] {
                      concat({ones({2, 3}), ones({3, 3})}, 1);
                  },
                  "concat: shapes [2, 3] and [3, 3] differ in more than axis 1"}}},
        {.name = "concat",
         .variant = "first_axis",
         .args = {real({2, 3}), real({0, 3}), real({1, 3})},
         .fn =
             [](const In& in) {
                 return concat({in[0], in[1], in[2]});
             },
         .oracle =
             [](const std::vector<Array>& in) {
                 std::vector<double> out = in[0].v;
                 out.insert(out.end(), in[2].v.begin(), in[2].v.end());
                 return out;
             }},
        {.name = "stack",
         .args = {real({2, 3}), real({2, 3})},
         .fn =
             [](const In& in) {
                 return stack({in[0], in[1]}, -1);
             },
         .oracle =
             [](const std::vector<Array>& in) {
                 std::vector<double> out;
                 for (size_t k = 0; k < 6; ++k) {
                     out.push_back(in[0][k]);
                     out.push_back(in[1][k]);
                 }
                 return out;
             },
         .integers = true,
         .bad = {{[] {
                      stack({ones({2}), ones({3})});
                  },
                  "stack: shapes [2] and [3] differ"}}},
        {.name = "split", // the parts in reverse order
         .args = {real({5, 2})},
         .fn =
             [](const In& in) {
                 const std::vector<Tensor> p = split(in[0], 2);
                 return concat({p.at(2), p.at(1), p.at(0)});
             },
         .oracle =
             [](const std::vector<Array>& in) {
                 std::vector<double> out;
                 for (const size_t row : {4, 2, 3, 0, 1})
                     for (size_t k = 0; k < 2; ++k) out.push_back(in[0][row * 2 + k]);
                 return out;
             },
         .bad = {{[] { split(ones({4}), 0); }, "split: the size 0 is not positive"}}},
        {.name = "split_with_sizes",
         .args = {real({2, 6})},
         .fn =
             [](const In& in) {
                 const std::vector<Tensor> p = split_with_sizes(in[0], {1, 3, 2}, 1);
                 return concat({p.at(1), p.at(2), p.at(0)}, 1);
             },
         .oracle = moved({2, 6},
                         [](const Ints& i) {
                             return Ints{i[0], (i[1] + 1) % 6};
                         }),
         .bad = {{[] {
                      split_with_sizes(ones({4}), {1, 2});
                  },
                  "split_with_sizes: sizes [1, 2] do not add up to axis 0 of shape [4]"}}},
        {.name = "chunk",
         .args = {real({7, 2})},
         .fn =
             [](const In& in) {
                 const std::vector<Tensor> p = chunk(in[0], 3); // 3, 3 and 1 rows
                 return concat({p.at(2), p.at(0), p.at(1)});
             },
         .oracle = moved({7, 2},
                         [](const Ints& i) {
                             return Ints{(i[0] + 6) % 7, i[1]};
                         }),
         .bad = {{[] { chunk(ones({4}), 0); }, "chunk: the count 0 is not positive"}}},
        {.name = "pad",
         .args = {real({3, 4})},
         .fn =
             [](const In& in) {
                 return pad(in[0], {1, 2, 0, 1}, -1);
             },
         .oracle = moved(
             {4, 7},
             [](const Ints& i) {
                 return i[0] < 3 && i[1] >= 1 && i[1] < 5 ? Ints{i[0], i[1] - 1} : Ints{};
             },
             -1),
         .bad =
             {{[] {
                   pad(ones({2}), {1, -1});
               },
               "pad: the amount -1 is negative; use slice to crop"},
              {[] {
                   pad(ones({2}), {1, 1, 1, 1});
               },
               "pad: 4 amounts do not fit shape [2]; give {low, high} of the last axis, then of the one before it"}}},
        {.name = "flip",
         .args = kCube,
         .fn =
             [](const In& in) {
                 return flip(in[0], {0, 2});
             },
         .oracle = moved({3, 4, 5},
                         [](const Ints& i) {
                             return Ints{2 - i[0], i[1], 4 - i[2]};
                         }),
         .integers = true},
        {.name = "flip",
         .variant = "all",
         .args = {real({9})},
         .fn = [](const In& in) { return flip(in[0]); },
         .oracle = moved({9}, [](const Ints& i) { return Ints{8 - i[0]}; })},
    };
}

} // namespace ingot::optest
