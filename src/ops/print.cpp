// SPDX-License-Identifier: MIT
// The rules are those of torch/_tensor_str.py (PyTorch 1.13): four digits, whole numbers as "3.", one notation for all.
#include <ingot/print.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ostream>
#include <string>
#include <vector>

#include <ingot/ops/indexing.h>

namespace ingot {

namespace {

constexpr int64_t kMostElements = 1000, kEdge = 3;
constexpr size_t kLineWidth = 80, kBegin = 7; // "tensor("

std::string formatted(const char* format, double value) {
    char text[400];
    return {text, static_cast<size_t>(std::snprintf(text, sizeof text, format, value))};
}

/// Every value as text of one width.
std::vector<std::string> texts_of(const std::vector<double>& values) {
    double least = INFINITY, most = 0;
    bool whole = true;
    for (const double v : values) {
        if (!std::isfinite(v) || v == 0) continue;
        least = std::min(least, std::abs(v));
        most = std::max(most, std::abs(v));
        whole = whole && v == std::ceil(v);
    }
    const bool exponent = most > 0 && (most / least > 1000 || most > 1e8 || (!whole && least < 1e-4));
    const char* format = exponent ? "%.4e" : whole ? "%.0f" : "%.4f";
    std::vector<std::string> texts;
    for (const double v : values)
        texts.push_back(formatted(format, v) + (whole && !exponent && std::isfinite(v) ? "." : ""));
    return texts;
}

std::vector<std::string> texts_of(const Tensor& t) {
    if (is_float(t.dtype())) return texts_of(t.to_vector<double>());
    std::vector<std::string> texts;
    for (const int64_t v : t.to_vector<int64_t>())
        texts.push_back(t.dtype() == boolean ? (v != 0 ? "true" : "false") : std::to_string(v));
    return texts;
}

class Layout {
public:
    /// `full`: the shape of all; `texts`: of what is shown of it.
    Layout(const Shape& full, std::vector<std::string> texts, bool shortened)
        : full_(full), texts_(std::move(texts)), shortened_(shortened) {
        for (std::string& text : texts_) width_ = std::max(width_, text.size());
        for (std::string& text : texts_) text.insert(0, width_ - text.size(), ' ');
    }

    /// The next part of the texts, from `axis` on.
    std::string str(size_t axis, size_t indent) {
        if (axis == full_.rank()) return texts_[next_++];
        const bool vector = axis + 1 == full_.rank();
        const bool cut = shortened_ && full_[axis] > 2 * kEdge;
        const int64_t shown = cut ? 2 * kEdge : full_[axis];
        const size_t newlines = vector ? 1 : full_.rank() - axis - 1;
        const std::string line = "," + std::string(newlines, '\n') + std::string(indent + 1, ' ');
        const size_t per_line = std::max<size_t>(1, (kLineWidth - std::min(kLineWidth, indent)) / (width_ + 2));
        std::string out = "[";
        size_t items = 0;
        const auto separate = [&] {
            if (items > 0) out += vector && items % per_line != 0 ? ", " : line;
            ++items;
        };
        for (int64_t i = 0; i < shown; ++i) {
            if (cut && i == kEdge) {
                separate();
                out += vector ? " ..." : "...";
            }
            separate();
            out += str(axis + 1, indent + 1);
        }
        return out + "]";
    }

private:
    Shape full_;
    std::vector<std::string> texts_;
    bool shortened_;
    size_t width_ = 0, next_ = 0;
};

} // namespace

std::ostream& operator<<(std::ostream& out, const Tensor& tensor) {
    if (!tensor.defined()) return out << "tensor(undefined)";
    const NoGrad guard;
    const bool shortened = tensor.numel() > kMostElements;
    Tensor shown = tensor;
    for (int64_t axis = 0; shortened && axis < tensor.rank(); ++axis) {
        const int64_t n = tensor.size(axis);
        if (n <= 2 * kEdge) continue;
        const Tensor index = Tensor::from({int64_t{0}, int64_t{1}, int64_t{2}, n - 3, n - 2, n - 1}, {2 * kEdge});
        shown = index_select(shown, axis, index.to(tensor.device()));
    }
    const std::string values =
        tensor.numel() == 0 ? "[]" : Layout(tensor.shape(), texts_of(shown), shortened).str(0, kBegin);
    const std::string device = tensor.device() == Device::cpu() ? "" : " " + tensor.device().str();
    return out << "tensor(" << values << ", " << name(tensor.dtype()) << " " << tensor.shape().str() << device << ")";
}

} // namespace ingot
