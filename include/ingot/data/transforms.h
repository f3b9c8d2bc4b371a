// SPDX-License-Identifier: MIT
// What is done to samples between dataset and batch: data::LoaderOptions::transforms takes these objects, lambdas
// [](Sample& s, Random& r) {...} and mixtures, applied in order. Random choices are drawn from the generator that belongs
// to (seed, epoch, sample). All but Normalize and Mixup work on pictures (Image) and come before Normalize.
// Objects are immutable once made; several threads use one at a time. Sizes are (height, width) in pixels; one number
// means both. Bytes are rounded as PIL rounds them, so results equal PIL's where it has the same operation.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include <ingot/data/images.h>
#include <ingot/data/loader.h>
#include <ingot/data/random.h>
#include <ingot/data/sample.h>
#include <ingot/ops/types.h>

namespace ingot::data {

/// To exactly this size; bilinear with antialiasing when shrinking.
class Resize {
public:
    explicit Resize(Int2 size);
    void operator()(Sample& sample, Random& random) const;

private:
    Int2 size_;
};

/// So that the shorter side has this length and the proportions stay.
class ResizeShorter {
public:
    explicit ResizeShorter(int64_t side);
    void operator()(Sample& sample, Random& random) const;

private:
    int64_t side_;
};

/// The middle of the picture; black where it is smaller.
class CenterCrop {
public:
    explicit CenterCrop(Int2 size);
    void operator()(Sample& sample, Random& random) const;

private:
    Int2 size_;
};

struct RandomCropOptions {
    int64_t padding = 0; ///< black pixels that are added to each side first
};
/// A part of this size at a random place. Errors: Error when the padded picture is smaller.
class RandomCrop {
public:
    explicit RandomCrop(Int2 size, RandomCropOptions options = {});
    void operator()(Sample& sample, Random& random) const;

private:
    Int2 size_;
    int64_t padding_;
};

struct RandomResizedCropOptions {
    double min_scale = 0.08, max_scale = 1;          ///< area of the part by that of the picture
    double min_ratio = 3.0 / 4, max_ratio = 4.0 / 3; ///< width / height of the part
};
/// A random part (Szegedy et al. 2015; ten tries, then the middle), resized to `size`.
class RandomResizedCrop {
public:
    explicit RandomResizedCrop(Int2 size, RandomResizedCropOptions options = {});
    void operator()(Sample& sample, Random& random) const;

private:
    Int2 size_;
    RandomResizedCropOptions options_;
};

/// Left and right exchanged with probability p.
class RandomHorizontalFlip {
public:
    explicit RandomHorizontalFlip(double p = 0.5);
    void operator()(Sample& sample, Random& random) const;

private:
    double p_;
};

/// A map from places of the result to places of the picture, x' = m[0] x + m[1] y + m[2], y' = m[3] x + m[4] y + m[5]; the centre of the
/// top left pixel is at (0.5, 0.5).
using Affine = std::array<double, 6>;
/// The picture seen through the map, bilinear, black outside; the size stays (PIL: transform(AFFINE, BILINEAR)).
Image affine(const Image& image, const Affine& map);

struct AffineParameters {
    double degrees = 0;                      ///< counter-clockwise, around the middle
    double translate_x = 0, translate_y = 0; ///< pixels, right and down
    double scale = 1;                        ///< above 1 enlarges
    double shear_x = 0, shear_y = 0;         ///< degrees
};
/// The map that undoes scaling, shearing, rotating around the middle and then moving a picture of that size.
Affine affine_map(Int2 size, const AffineParameters& parameters);

/// Turned by an angle from [-degrees, degrees].
class RandomRotation {
public:
    explicit RandomRotation(double degrees);
    void operator()(Sample& sample, Random& random) const;

private:
    double degrees_;
};

struct RandomAffineOptions {
    double degrees = 0;                      ///< from [-degrees, degrees]
    double translate_x = 0, translate_y = 0; ///< at most this part of the width and height
    double min_scale = 1, max_scale = 1;
    double shear_x = 0, shear_y = 0; ///< from [-shear, shear] degrees
};
class RandomAffine {
public:
    explicit RandomAffine(RandomAffineOptions options);
    void operator()(Sample& sample, Random& random) const;

private:
    RandomAffineOptions options_;
};

/// Every byte times `factor`.
Image adjust_brightness(const Image& image, double factor);
/// Away from (above 1) or towards the mean grey.
Image adjust_contrast(const Image& image, double factor);
/// Away from (above 1) or towards the grey picture. Grey pictures stay.
Image adjust_saturation(const Image& image, double factor);
/// Colours turned around the circle by `turn` of it, in [-0.5, 0.5]. Grey pictures stay.
Image adjust_hue(const Image& image, double turn);

struct ColorJitterOptions {
    double brightness = 0, contrast = 0, saturation = 0; ///< factors from [max(0, 1 - v), 1 + v]
    double hue = 0;                                      ///< from [-hue, hue], at most 0.5
};
/// The four above with random factors, in random order.
class ColorJitter {
public:
    explicit ColorJitter(ColorJitterOptions options);
    void operator()(Sample& sample, Random& random) const;

private:
    ColorJitterOptions options_;
};

struct CutoutOptions {
    double p = 1;     ///< probability
    uint8_t fill = 0; ///< byte of the square
};
/// A square around a random pixel is filled, as much of it as lies inside (DeVries, Taylor 2017).
class Cutout {
public:
    explicit Cutout(int64_t side, CutoutOptions options = {});
    void operator()(Sample& sample, Random& random) const;

private:
    int64_t side_;
    CutoutOptions options_;
};

/// (x - mean) / std per channel. Pictures: of byte / 255; the last transform. Arrays: f32 [C, ...].
class Normalize {
public:
    /// Errors: Error unless both have the same length and std is positive.
    Normalize(const std::vector<float>& mean, const std::vector<float>& std);
    void operator()(Sample& sample, Random& random) const;

private:
    std::vector<float> mean_, std_;
    std::shared_ptr<const ByteTable> table_;
};

/// The table that Normalize gives pictures: float((byte / 255 - mean) / std), computed in double.
std::shared_ptr<const ByteTable> normalization_table(const std::vector<float>& mean, const std::vector<float>& std);

/// Of a batch: x = w x + (1 - w) x[other], with one w from Beta(alpha, alpha) and a random partner for every sample (Zhang
/// et al. 2018); y of i64 labels becomes f32 [N, classes] with the weights. For LoaderOptions::batch_transforms.
class Mixup {
public:
    Mixup(double alpha, int64_t classes);
    void operator()(HostBatch& batch, Random& random) const;

private:
    double alpha_;
    int64_t classes_;
};

} // namespace ingot::data
