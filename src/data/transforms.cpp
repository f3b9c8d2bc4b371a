// SPDX-License-Identifier: MIT
// Transforms that move pixels or numbers; those of colours are in colour.cpp.
#include <ingot/data/transforms.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <string>

#include <ingot/error.h>

namespace ingot::data {

namespace {

void check_size(const char* who, Int2 size) {
    if (size.h < 1 || size.w < 1)
        throw Error(std::string(who) + ": size " + std::to_string(size.h) + " x " + std::to_string(size.w) +
                    " must be at least 1 x 1");
}

void check_probability(const char* who, double p) {
    if (!(p >= 0 && p <= 1)) throw Error(std::string(who) + ": p must lie between 0 and 1");
}

std::string size_of(const Image& image) {
    return std::to_string(image.height()) + " x " + std::to_string(image.width());
}

double radians(double degrees) { return degrees * std::numbers::pi / 180; }

} // namespace

Resize::Resize(Int2 size) : size_(size) { check_size("Resize", size); }

void Resize::operator()(Sample& sample, Random&) const {
    Image& image = sample.image("Resize");
    image = resize(image, size_);
}

ResizeShorter::ResizeShorter(int64_t side) : side_(side) { check_size("ResizeShorter", Int2(side)); }

void ResizeShorter::operator()(Sample& sample, Random&) const {
    Image& image = sample.image("ResizeShorter");
    const int64_t h = image.height(), w = image.width();
    image = resize(image, h < w ? Int2(side_, side_ * w / h) : Int2(side_ * h / w, side_));
}

CenterCrop::CenterCrop(Int2 size) : size_(size) { check_size("CenterCrop", size); }

void CenterCrop::operator()(Sample& sample, Random&) const {
    Image& image = sample.image("CenterCrop");
    // Rounded down also when the crop is larger than the picture.
    const auto first = [](int64_t have, int64_t want) {
        return have >= want ? (have - want) / 2 : -((want - have) / 2);
    };
    image = image.crop(first(image.height(), size_.h), first(image.width(), size_.w), size_.h, size_.w);
}

RandomCrop::RandomCrop(Int2 size, RandomCropOptions options) : size_(size), padding_(options.padding) {
    check_size("RandomCrop", size);
    if (padding_ < 0) throw Error("RandomCrop: the padding must not be negative");
}

void RandomCrop::operator()(Sample& sample, Random& random) const {
    Image& image = sample.image("RandomCrop");
    const int64_t rows = image.height() + 2 * padding_ - size_.h, columns = image.width() + 2 * padding_ - size_.w;
    if (rows < 0 || columns < 0)
        throw Error("RandomCrop: a picture of " + size_of(image) + " with padding " + std::to_string(padding_) +
                    " is smaller than the crop of " + std::to_string(size_.h) + " x " + std::to_string(size_.w));
    const int64_t top = random.between(0, rows) - padding_, left = random.between(0, columns) - padding_;
    image = image.crop(top, left, size_.h, size_.w);
}

RandomResizedCrop::RandomResizedCrop(Int2 size, RandomResizedCropOptions options) : size_(size), options_(options) {
    check_size("RandomResizedCrop", size);
    if (!(options.min_scale > 0 && options.min_scale <= options.max_scale && options.max_scale <= 1))
        throw Error("RandomResizedCrop: needs 0 < min_scale <= max_scale <= 1");
    if (!(options.min_ratio > 0 && options.min_ratio <= options.max_ratio))
        throw Error("RandomResizedCrop: needs 0 < min_ratio <= max_ratio");
}

void RandomResizedCrop::operator()(Sample& sample, Random& random) const {
    Image& image = sample.image("RandomResizedCrop");
    const int64_t height = image.height(), width = image.width();
    const auto area = static_cast<double>(height * width);
    for (int attempt = 0; attempt < 10; ++attempt) {
        const double part = area * random.uniform(options_.min_scale, options_.max_scale);
        const double ratio = std::exp(random.uniform(std::log(options_.min_ratio), std::log(options_.max_ratio)));
        const auto w = static_cast<int64_t>(std::llround(std::sqrt(part * ratio)));
        const auto h = static_cast<int64_t>(std::llround(std::sqrt(part / ratio)));
        if (w < 1 || w > width || h < 1 || h > height) continue;
        const int64_t top = random.between(0, height - h), left = random.between(0, width - w);
        image = resize(image.crop(top, left, h, w), size_);
        return;
    }
    // The middle, with the nearest allowed proportions.
    const double ratio = static_cast<double>(width) / static_cast<double>(height);
    int64_t w = width, h = height;
    if (ratio < options_.min_ratio)
        h = std::max<int64_t>(1, std::llround(static_cast<double>(w) / options_.min_ratio));
    else if (ratio > options_.max_ratio)
        w = std::max<int64_t>(1, std::llround(static_cast<double>(h) * options_.max_ratio));
    image = resize(image.crop((height - h) / 2, (width - w) / 2, h, w), size_);
}

RandomHorizontalFlip::RandomHorizontalFlip(double p) : p_(p) { check_probability("RandomHorizontalFlip", p); }

void RandomHorizontalFlip::operator()(Sample& sample, Random& random) const {
    Image& image = sample.image("RandomHorizontalFlip");
    if (random.chance(p_)) image = image.mirrored();
}

Image affine(const Image& image, const Affine& m) {
    const int64_t height = image.height(), width = image.width(), channels = image.channels();
    const Image from = image.packed();
    const uint8_t* in = from.line(0, 0);
    std::vector<uint8_t> out(static_cast<size_t>(height * width * channels));
    uint8_t* to = out.data();
    for (int64_t y = 0; y < height; ++y)
        for (int64_t x = 0; x < width; ++x, to += channels) {
            const double px = static_cast<double>(x) + 0.5, py = static_cast<double>(y) + 0.5;
            const double sx = m[0] * px + m[1] * py + m[2], sy = m[3] * px + m[4] * py + m[5];
            if (!(sx >= 0 && sx < static_cast<double>(width) && sy >= 0 && sy < static_cast<double>(height))) continue;
            const double left = std::floor(sx - 0.5), top = std::floor(sy - 0.5);
            const double dx = sx - 0.5 - left, dy = sy - 0.5 - top;
            const auto column = [&](int64_t c) { return std::clamp<int64_t>(c, 0, width - 1) * channels; };
            const auto row = [&](int64_t r) { return in + std::clamp<int64_t>(r, 0, height - 1) * width * channels; };
            const auto x0 = column(static_cast<int64_t>(left)), x1 = column(static_cast<int64_t>(left) + 1);
            const uint8_t* y0 = row(static_cast<int64_t>(top));
            const uint8_t* y1 = row(static_cast<int64_t>(top) + 1);
            for (int64_t c = 0; c < channels; ++c) {
                const double a = y0[x0 + c] + (y0[x1 + c] - y0[x0 + c]) * dx;
                const double b = y1[x0 + c] + (y1[x1 + c] - y1[x0 + c]) * dx;
                to[c] = static_cast<uint8_t>(a + (b - a) * dy);
            }
        }
    return Image(height, width, channels, std::move(out));
}

Affine affine_map(Int2 size, const AffineParameters& p) {
    if (!(p.scale > 0)) throw Error("affine_map: the scale must be positive");
    // Inverse of rotation * shear_y * shear_x * scale, clockwise because rows count downwards.
    const double angle = radians(-p.degrees), sx = radians(p.shear_x), sy = radians(p.shear_y);
    const double a = std::cos(angle - sy) / std::cos(sy);
    const double b = -std::cos(angle - sy) * std::tan(sx) / std::cos(sy) - std::sin(angle);
    const double c = std::sin(angle - sy) / std::cos(sy);
    const double d = -std::sin(angle - sy) * std::tan(sx) / std::cos(sy) + std::cos(angle);
    Affine m{d / p.scale, -b / p.scale, 0, -c / p.scale, a / p.scale, 0};
    const double cx = static_cast<double>(size.w) * 0.5, cy = static_cast<double>(size.h) * 0.5;
    const double x = -cx - p.translate_x, y = -cy - p.translate_y;
    m[2] = m[0] * x + m[1] * y + cx;
    m[5] = m[3] * x + m[4] * y + cy;
    return m;
}

RandomRotation::RandomRotation(double degrees) : degrees_(degrees) {
    if (!(degrees >= 0 && degrees <= 180)) throw Error("RandomRotation: degrees must lie between 0 and 180");
}

void RandomRotation::operator()(Sample& sample, Random& random) const {
    Image& image = sample.image("RandomRotation");
    image =
        affine(image, affine_map({image.height(), image.width()}, {.degrees = random.uniform(-degrees_, degrees_)}));
}

RandomAffine::RandomAffine(RandomAffineOptions options) : options_(options) {
    const RandomAffineOptions& o = options_;
    if (!(o.degrees >= 0 && o.degrees <= 180)) throw Error("RandomAffine: degrees must lie between 0 and 180");
    if (!(o.translate_x >= 0 && o.translate_x <= 1 && o.translate_y >= 0 && o.translate_y <= 1))
        throw Error("RandomAffine: translations are parts of the size, between 0 and 1");
    if (!(o.min_scale > 0 && o.min_scale <= o.max_scale)) throw Error("RandomAffine: needs 0 < min_scale <= max_scale");
    if (!(o.shear_x >= 0 && o.shear_x < 90 && o.shear_y >= 0 && o.shear_y < 90))
        throw Error("RandomAffine: shears must lie between 0 and 90 degrees");
}

void RandomAffine::operator()(Sample& sample, Random& random) const {
    Image& image = sample.image("RandomAffine");
    const RandomAffineOptions& o = options_;
    const double reach_x = o.translate_x * static_cast<double>(image.width());
    const double reach_y = o.translate_y * static_cast<double>(image.height());
    AffineParameters p; // one draw after the other: the order is part of the result
    p.degrees = random.uniform(-o.degrees, o.degrees);
    p.translate_x = std::round(random.uniform(-reach_x, reach_x));
    p.translate_y = std::round(random.uniform(-reach_y, reach_y));
    p.scale = random.uniform(o.min_scale, o.max_scale);
    p.shear_x = random.uniform(-o.shear_x, o.shear_x);
    p.shear_y = random.uniform(-o.shear_y, o.shear_y);
    image = affine(image, affine_map({image.height(), image.width()}, p));
}

Cutout::Cutout(int64_t side, CutoutOptions options) : side_(side), options_(options) {
    check_size("Cutout", Int2(side));
    check_probability("Cutout", options.p);
}

void Cutout::operator()(Sample& sample, Random& random) const {
    Image& image = sample.image("Cutout");
    if (!random.chance(options_.p)) return;
    const int64_t height = image.height(), width = image.width(), channels = image.channels();
    const int64_t top = random.between(0, height - 1) - side_ / 2, left = random.between(0, width - 1) - side_ / 2;
    std::vector<uint8_t> pixels = image.pixels();
    const int64_t x0 = std::max<int64_t>(left, 0), x1 = std::min(left + side_, width);
    for (int64_t y = std::max<int64_t>(top, 0); y < std::min(top + side_, height); ++y)
        std::fill(pixels.begin() + (y * width + x0) * channels, pixels.begin() + (y * width + x1) * channels,
                  options_.fill);
    image = Image(height, width, channels, std::move(pixels));
}

std::shared_ptr<const ByteTable> normalization_table(const std::vector<float>& mean, const std::vector<float>& std) {
    // Only 256 values can occur, so normalizing is a table, and its rounding does not depend on the compiler's choices.
    std::vector<float> values;
    std::vector<double> scale, offset;
    for (size_t c = 0; c < mean.size(); ++c) {
        const auto m = static_cast<double>(mean[c]), s = static_cast<double>(std[c]);
        for (int v = 0; v < 256; ++v) values.push_back(static_cast<float>((static_cast<double>(v) / 255 - m) / s));
        scale.push_back(1 / (255 * s));
        offset.push_back(-m / s);
    }
    return std::make_shared<const ByteTable>(std::move(values), scale, offset);
}

Normalize::Normalize(const std::vector<float>& mean, const std::vector<float>& std) : mean_(mean), std_(std) {
    if (mean.empty() || mean.size() != std.size())
        throw Error("Normalize: mean has " + std::to_string(mean.size()) + " values and std " +
                    std::to_string(std.size()) + "; both need one per channel");
    for (const float s : std)
        if (!(s > 0) || !std::isfinite(s)) throw Error("Normalize: std must be positive");
    table_ = normalization_table(mean, std);
}

void Normalize::operator()(Sample& sample, Random&) const {
    const auto wrong = [&](int64_t channels) {
        return Error("Normalize: has " + std::to_string(mean_.size()) + " means, the sample has " +
                     std::to_string(channels) + " channels");
    };
    if (std::holds_alternative<Image>(sample.x)) {
        Image& image = sample.image("Normalize");
        if (image.channels() != static_cast<int64_t>(mean_.size())) throw wrong(image.channels());
        image.set_table(table_);
        return;
    }
    Array& array = std::get<Array>(sample.x);
    auto* values = array.edit<float>();
    if (array.shape().rank() == 0 || array.shape()[0] != static_cast<int64_t>(mean_.size()))
        throw wrong(array.shape().rank() == 0 ? 0 : array.shape()[0]);
    const auto each = static_cast<size_t>(array.numel()) / mean_.size();
    for (size_t c = 0; c < mean_.size(); ++c)
        for (size_t i = 0; i < each; ++i, ++values) *values = (*values - mean_[c]) / std_[c];
}

Mixup::Mixup(double alpha, int64_t classes) : alpha_(alpha), classes_(classes) {
    if (!(alpha > 0) || !std::isfinite(alpha)) throw Error("Mixup: alpha must be positive");
    if (classes < 1) throw Error("Mixup: needs the number of classes");
}

void Mixup::operator()(HostBatch& batch, Random& random) const {
    if (!batch.y.defined() || batch.y.dtype() != i64 || batch.y.shape().rank() != 1)
        throw Error("Mixup: needs class labels, i64 [N]");
    const auto rows = static_cast<size_t>(batch.y.shape()[0]), classes = static_cast<size_t>(classes_);
    const auto w = static_cast<float>(random.beta(alpha_, alpha_));
    std::vector<size_t> partner(rows);
    for (size_t i = 0; i < rows; ++i) partner[i] = i;
    shuffle(partner.data(), static_cast<int64_t>(rows), random);

    const auto* labels = batch.y.data<int64_t>();
    std::vector<float> targets(rows * classes);
    for (size_t i = 0; i < rows; ++i)
        if (labels[i] < 0 || labels[i] >= classes_)
            throw Error("Mixup: label " + std::to_string(labels[i]) + " is out of range for " +
                        std::to_string(classes_) + " classes");
    for (size_t i = 0; i < rows; ++i) {
        targets[i * classes + static_cast<size_t>(labels[i])] += w;
        targets[i * classes + static_cast<size_t>(labels[partner[i]])] += 1 - w;
    }
    const std::vector<float> before = batch.x.to_vector<float>();
    auto* x = batch.x.edit<float>();
    const size_t each = rows > 0 ? before.size() / rows : 0;
    for (size_t i = 0; i < rows; ++i)
        for (size_t k = 0; k < each; ++k)
            x[i * each + k] = w * before[i * each + k] + (1 - w) * before[partner[i] * each + k];
    batch.y = Array(std::move(targets), {static_cast<int64_t>(rows), classes_});
}

} // namespace ingot::data
