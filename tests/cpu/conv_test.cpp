// SPDX-License-Identifier: MIT
// Convolutions and their gradients, by every library, against a direct loop in double precision, over shapes and formats.
#include "backend/cpu/conv.h"

#include <cmath>
#include <cstring>

#include <gtest/gtest.h>

#include "base/parallel.h"
#include "cpu/kernel_testing.h"

namespace ingot::cpu {
namespace {

using testing::address;
using testing::random_values;
using testing::unset;

ConvSpec conv(int64_t n, int64_t c, int64_t hw, int64_t o, int64_t k, int64_t stride = 1, int64_t padding = 0,
              int64_t dilation = 1, int64_t groups = 1) {
    ConvSpec s;
    s.n = n, s.c = c, s.h = s.w = hw, s.o = o, s.kh = s.kw = k;
    s.stride[0] = s.stride[1] = stride;
    s.padding[0] = s.padding[1] = padding;
    s.dilation[0] = s.dilation[1] = dilation;
    s.groups = groups;
    return s;
}

void set_output(ConvSpec& s) {
    s.oh = (s.h + 2 * s.padding[0] - s.dilation[0] * (s.kh - 1) - 1) / s.stride[0] + 1;
    s.ow = (s.w + 2 * s.padding[1] - s.dilation[1] * (s.kw - 1) - 1) / s.stride[1] + 1;
}

/// Calls f(n, o, output pixel, c within the group, tap, input channel, input pixel) for every product of the convolution.
template <class F> void for_each_product(const ConvSpec& s, const F& f) {
    const int64_t cg = s.c / s.groups, og = s.o / s.groups;
    for (int64_t n = 0; n < s.n; ++n)
        for (int64_t o = 0; o < s.o; ++o)
            for (int64_t p = 0; p < s.oh * s.ow; ++p)
                for (int64_t c = 0; c < cg; ++c)
                    for (int64_t t = 0; t < s.kh * s.kw; ++t) {
                        const int64_t y = p / s.ow * s.stride[0] - s.padding[0] + t / s.kw * s.dilation[0];
                        const int64_t x = p % s.ow * s.stride[1] - s.padding[1] + t % s.kw * s.dilation[1];
                        if (y < 0 || y >= s.h || x < 0 || x >= s.w) continue;
                        f(n, o, p, c, t, o / og * cg + c, y * s.w + x);
                    }
}

double activated(double x, Activation act) {
    switch (act) {
    case Activation::none: return x;
    case Activation::relu: return x > 0 ? x : 0;
    case Activation::sigmoid: return 1 / (1 + std::exp(-x));
    case Activation::tanh: return std::tanh(x);
    }
    return x;
}

/// Images in logical order -> in `f`, and back.
template <class T> std::vector<T> formatted(const std::vector<T>& images, Format f, int64_t channels, int64_t pixels) {
    std::vector<T> out(images.size());
    size_t i = 0;
    for (int64_t n = 0; i < images.size(); ++n)
        for (int64_t c = 0; c < channels; ++c)
            for (int64_t p = 0; p < pixels; ++p) out[address(f, channels, pixels, n, c, p)] = images[i++];
    return out;
}
template <class T> std::vector<T> logical(const std::vector<T>& images, Format f, int64_t channels, int64_t pixels) {
    std::vector<T> out(images.size());
    size_t i = 0;
    for (int64_t n = 0; i < images.size(); ++n)
        for (int64_t c = 0; c < channels; ++c)
            for (int64_t p = 0; p < pixels; ++p) out[i++] = images[address(f, channels, pixels, n, c, p)];
    return out;
}

template <class T>
void expect_near(const std::vector<T>& got, const std::vector<double>& want, const std::vector<double>& size,
                 const std::string& what) {
    ASSERT_EQ(got.size(), want.size());
    for (size_t i = 0; i < got.size(); ++i)
        ASSERT_NEAR(double(got[i]), want[i], 8 * std::numeric_limits<T>::epsilon() * (size[i] + 1))
            << what << " element " << i;
}

std::string text(const ConvSpec& s, Library library, const Primitive& p) {
    return p.name + " library " + std::to_string(static_cast<int>(library)) + " x [" + std::to_string(s.n) + "," +
           std::to_string(s.c) + "," + std::to_string(s.h) + "," + std::to_string(s.w) + "] o " + std::to_string(s.o) +
           " k " + std::to_string(s.kh) + "x" + std::to_string(s.kw) + " stride " + std::to_string(s.stride[0]) +
           " padding " + std::to_string(s.padding[0]) + " dilation " + std::to_string(s.dilation[0]) + " groups " +
           std::to_string(s.groups) + " formats " + std::to_string(s.x_format.block) + " " +
           std::to_string(s.y_format.block);
}

/// How often each library served, so that a test can tell that it tested something.
struct Served {
    int own = 0, onednn = 0;
};

/// Operands and expected results of one convolution, all in logical order, with the sums of absolute terms (for tolerances).
template <class T> struct Case {
    ConvSpec s;
    std::vector<T> x, w, bias, gy;
    std::vector<double> y, y_size, gx, gx_size, gw, gw_size, gb, gb_size;

    explicit Case(const ConvSpec& spec) : s(spec) {
        set_output(s);
        s.dtype = dtype_of<T>();
        const int64_t xp = s.h * s.w, yp = s.oh * s.ow, taps = s.kh * s.kw, k = s.c / s.groups * taps;
        x = random_values<T>(s.n * s.c * xp, 1), w = random_values<T>(s.o * k, 2), bias = random_values<T>(s.o, 3);
        gy = random_values<T>(s.n * s.o * yp, 4);
        y.resize(gy.size()), y_size.resize(gy.size()), gx.resize(x.size()), gx_size.resize(x.size());
        gw.resize(w.size()), gw_size.resize(w.size()), gb.resize(bias.size()), gb_size.resize(bias.size());
        for_each_product(s, [&](int64_t n, int64_t o, int64_t p, int64_t c, int64_t t, int64_t ic, int64_t ip) {
            const auto xi = static_cast<size_t>((n * s.c + ic) * xp + ip),
                       yi = static_cast<size_t>((n * s.o + o) * yp + p), wi = static_cast<size_t>(o * k + c * taps + t);
            const double xv = double(x[xi]), wv = double(w[wi]), gv = double(gy[yi]);
            y[yi] += xv * wv, y_size[yi] += std::fabs(xv * wv);
            gx[xi] += gv * wv, gx_size[xi] += std::fabs(gv * wv);
            gw[wi] += gv * xv, gw_size[wi] += std::fabs(gv * xv);
        });
        for (size_t i = 0; i < y.size(); ++i) {
            const size_t o = i / static_cast<size_t>(yp) % static_cast<size_t>(s.o);
            y[i] = activated(y[i] + (s.bias ? double(bias[o]) : 0), s.act);
            gb[o] += double(gy[i]), gb_size[o] += std::fabs(double(gy[i]));
        }
    }

    void check(int32_t x_block, int32_t y_block, Served* served) {
        s.x_format = {x_block}, s.y_format = {y_block};
        const auto xf = formatted(x, s.x_format, s.c, s.h * s.w), gyf = formatted(gy, s.y_format, s.o, s.oh * s.ow);
        const auto count = [&](Library library) {
            if (served) ++(library == Library::onednn ? served->onednn : served->own);
        };
        // Two threads often enough; threads that wait for each other are slow where several tests run at once.
        base::set_num_threads(x_block == y_block ? 2 : 1);
        for (Library library : {Library::automatic, Library::own, Library::onednn}) {
            if (library == Library::automatic && x_block != y_block) continue; // one of the other two
            if (const PrimitivePtr p = make_conv(s, ConvKind::forward, library)) {
                auto out = unset<T>(static_cast<int64_t>(y.size()));
                if (s.bias)
                    testing::run(*p, xf, w, bias, out);
                else
                    testing::run(*p, xf, w, out);
                expect_near(logical(out, s.y_format, s.o, s.oh * s.ow), y, y_size, text(s, library, *p));
                count(library);
            } else {
                ASSERT_EQ(library, Library::onednn);
            }
            ConvSpec g = s;
            g.act = Activation::none;
            if (const PrimitivePtr p = make_conv(g, ConvKind::weight_grad, library)) {
                auto out = unset<T>(static_cast<int64_t>(w.size())), out_b = unset<T>(s.o);
                testing::run(*p, xf, gyf, out, out_b);
                expect_near(out, gw, gw_size, text(s, library, *p));
                if (s.bias) expect_near(out_b, gb, gb_size, text(s, library, *p) + " bias");
                count(library);
            } else {
                ASSERT_EQ(library, Library::onednn);
            }
            g.bias = false;
            if (const PrimitivePtr p = make_conv(g, ConvKind::input_grad, library)) {
                auto out = unset<T>(static_cast<int64_t>(x.size()));
                testing::run(*p, w, gyf, out);
                expect_near(logical(out, s.x_format, s.c, s.h * s.w), gx, gx_size, text(s, library, *p));
                count(library);
            } else {
                ASSERT_EQ(library, Library::onednn);
            }
        }
    }
};

/// Both dtypes, every pair of formats in `blocks` that divide the channels.
void check_formats(const ConvSpec& s, std::initializer_list<int32_t> blocks = {1, Format::kAll, 4, 8, 16},
                   Served* served = nullptr) {
    Case<float> single(s);
    Case<double> wide(s);
    for (int32_t xb : blocks)
        for (int32_t yb : blocks) {
            if ((xb > 0 && s.c % xb != 0) || (yb > 0 && s.o % yb != 0)) continue;
            single.check(xb, yb, served);
            wide.check(xb, yb, served);
        }
}

TEST(Conv, ShapesAndFormats) {
    Served served;
    for (const ConvSpec& s :
         {conv(2, 16, 8, 16, 3, 1, 1), conv(3, 8, 9, 24, 3, 2, 1), conv(1, 16, 7, 32, 1, 2), conv(2, 5, 6, 7, 2),
          conv(2, 4, 11, 16, 5, 3, 2), conv(1, 16, 12, 8, 3, 1, 2, 2), conv(2, 32, 4, 16, 4), conv(1, 1, 1, 1, 1)})
        check_formats(s, {1, Format::kAll, 4, 8, 16}, &served);
    EXPECT_GT(served.own, 0);
    EXPECT_EQ(served.onednn > 20, onednn::available());
}

TEST(Conv, Groups) {
    for (const ConvSpec& s :
         {conv(2, 16, 6, 32, 3, 1, 1, 1, 2), conv(2, 8, 7, 8, 3, 2, 1, 1, 8), conv(1, 12, 9, 6, 3, 1, 2, 2, 3),
          conv(1, 16, 6, 16, 3, 1, 1, 1, 16), conv(1, 8, 5, 16, 3, 1, 0, 1, 8), conv(1, 6, 5, 4, 1, 1, 0, 1, 2)})
        check_formats(s);
}

TEST(Conv, UnequalSides) {
    ConvSpec s = conv(2, 8, 0, 16, 0);
    s.h = 7, s.w = 12, s.kh = 2, s.kw = 5;
    s.stride[0] = 3, s.stride[1] = 2, s.padding[0] = 1, s.padding[1] = 2, s.dilation[0] = 2;
    check_formats(s);
    s.c = 3;
    check_formats(s);
}

TEST(Conv, BiasAndActivations) {
    for (Activation act : {Activation::none, Activation::relu, Activation::sigmoid, Activation::tanh})
        for (int64_t c : {3, 16}) {
            ConvSpec s = conv(2, c, 17, 16, 3, 1, 1);
            s.bias = true;
            s.act = act;
            check_formats(s, {1, Format::kAll, 8});
        }
}

void check_narrow(const ConvSpec& s) {
    Case<float> single(s);
    for (int32_t xb : {1, Format::kAll})
        for (int32_t yb : {1, Format::kAll}) single.check(xb, yb, nullptr);
}

// What conv_narrow.cpp takes: few input channels, rows of at least one vector.
// As PyTorch's activations do, and ours outside of convolutions.
TEST(Conv, ActivationsKeepNaNAndTakeInfinities) {
    constexpr float kInf = std::numeric_limits<float>::infinity(), kNaN = std::numeric_limits<float>::quiet_NaN();
    const auto check = [&](const ConvSpec& s, Library library) {
        auto x = random_values<float>(s.n * s.c * s.h * s.w, 1), bias = random_values<float>(s.o, 3);
        const auto w = random_values<float>(s.o * s.c * s.kh * s.kw, 2);
        const int64_t image = s.c * s.h * s.w, pixels = s.oh * s.ow;
        std::fill(x.begin() + image, x.begin() + 2 * image, kNaN); // the second image
        bias[1] = kNaN, bias[2] = kInf, bias[3] = -kInf;
        const PrimitivePtr p = make_conv(s, ConvKind::forward, library);
        if (!p) return; // no oneDNN in this build
        const auto in = formatted(x, s.x_format, s.c, s.h * s.w);
        auto out = unset<float>(s.n * s.o * pixels);
        testing::run(*p, in, w, bias, out);
        const auto y = logical(out, s.y_format, s.o, pixels);
        for (size_t i = 0; i < y.size(); ++i) {
            const int64_t n = static_cast<int64_t>(i) / pixels / s.o, o = static_cast<int64_t>(i) / pixels % s.o;
            const auto where = [&] {
                return p->name + ", c " + std::to_string(s.c) + ", act " + std::to_string(static_cast<int>(s.act)) +
                       ", image " + std::to_string(n) + ", channel " + std::to_string(o);
            };
            ASSERT_EQ(std::isnan(y[i]), n == 1 || o == 1) << where();
            if (n != 1 && (o == 2 || o == 3)) { ASSERT_EQ(y[i], activated(o == 2 ? kInf : -kInf, s.act)) << where(); }
        }
    };
    for (const Library library : {Library::own, Library::onednn, Library::automatic})
        for (ConvSpec s :
             {conv(5, 16, 9, 32, 3, 1, 1), conv(5, 3, 12, 32, 3, 1, 1), conv(2, 3, 9, 8, 3), conv(3, 7, 9, 5, 3, 2, 1)})
            for (const Format format : {Format::row_major(), Format::channels_last()})
                for (const Activation act :
                     {Activation::none, Activation::relu, Activation::sigmoid, Activation::tanh}) {
                    set_output(s);
                    s.x_format = s.y_format = format;
                    s.bias = true;
                    s.act = act;
                    check(s, library);
                }
}

TEST(Conv, FewInputChannels) {
    for (int64_t c : {1, 3, 4})
        for (int64_t o : {1, 6, 9, 16, 40})
            for (bool bias : {false, true}) {
                ConvSpec s = conv(3, c, 19, o, 3, 1, bias ? 1 : 0);
                s.bias = bias;
                check_narrow(s);
            }
    for (ConvSpec s :
         {conv(5, 3, 32, 8, 3), conv(2, 1, 28, 6, 5, 1, 2), conv(17, 3, 18, 32, 3, 1, 1), conv(2, 3, 40, 64, 7, 2, 3),
          conv(1, 3, 33, 16, 5, 1, 4, 2), conv(2, 3, 35, 24, 3, 3), conv(1, 4, 16, 16, 1), conv(20, 1, 17, 3, 2),
          conv(1, 3, 70, 8, 11, 4, 2), conv(2, 2, 50, 48, 3, 1, 1)}) {
        s.bias = true;
        s.act = Activation::relu;
        check_narrow(s);
    }
}

TEST(Conv, EmptyBatch) {
    for (ConvSpec s : {conv(0, 8, 6, 16, 3, 1, 1), conv(0, 3, 20, 8, 3)}) {
        s.bias = true;
        check_formats(s, {1, Format::kAll, 8});
    }
}

TEST(Conv, OwnKernelsGiveTheSameBitsForAnyNumberOfThreads) {
    const int before = base::num_threads();
    for (ConvSpec s : {conv(5, 16, 13, 24, 3, 1, 1), conv(1, 16, 30, 8, 3, 2, 1), conv(32, 3, 32, 8, 3),
                       conv(32, 3, 18, 32, 3, 1, 1), conv(1, 3, 64, 16, 3, 1, 1), conv(7, 1, 28, 6, 5, 1, 2)})
        for (int32_t b : {1, Format::kAll})
            for (ConvKind kind : {ConvKind::forward, ConvKind::input_grad, ConvKind::weight_grad}) {
                set_output(s);
                s.x_format = s.y_format = {b};
                s.bias = kind != ConvKind::input_grad;
                const auto x = random_values<float>(s.n * s.c * s.h * s.w, 1),
                           w = random_values<float>(s.o * s.c * s.kh * s.kw, 2), bias = random_values<float>(s.o, 3),
                           gy = random_values<float>(s.n * s.o * s.oh * s.ow, 4);
                std::vector<float> first;
                for (int threads : {1, 2, 3, 7}) {
                    base::set_num_threads(threads);
                    const PrimitivePtr p = make_conv(s, kind, Library::own);
                    auto out = kind == ConvKind::forward      ? unset<float>(static_cast<int64_t>(gy.size()))
                               : kind == ConvKind::input_grad ? unset<float>(static_cast<int64_t>(x.size()))
                                                              : unset<float>(static_cast<int64_t>(w.size()));
                    auto gb = unset<float>(s.o);
                    if (kind == ConvKind::forward) testing::run(*p, x, w, bias, out);
                    if (kind == ConvKind::input_grad) testing::run(*p, w, gy, out);
                    if (kind == ConvKind::weight_grad)
                        testing::run(*p, x, gy, out, gb), out.insert(out.end(), gb.begin(), gb.end());
                    if (first.empty()) first = out;
                    EXPECT_EQ(0, std::memcmp(first.data(), out.data(), out.size() * sizeof(float)))
                        << text(s, Library::own, *p) << " with " << threads << " threads";
                }
            }
    base::set_num_threads(before);
}

TEST(Conv, SurvivesAChangeOfTheNumberOfThreads) {
    const int before = base::num_threads();
    for (ConvSpec s : {conv(4, 16, 15, 32, 3, 1, 1), conv(4, 3, 20, 8, 3)})
        for (int32_t b : {1, Format::kAll})
            for (Library library : {Library::own, Library::onednn})
                for (auto [made, ran] : {std::pair(1, 5), {5, 1}, {2, 3}}) {
                    set_output(s);
                    s.x_format = s.y_format = {b};
                    const auto x = random_values<float>(s.n * s.c * s.h * s.w, 1),
                               w = random_values<float>(s.o * s.c * s.kh * s.kw, 2),
                               gy = random_values<float>(s.n * s.o * s.oh * s.ow, 4);
                    base::set_num_threads(made);
                    const PrimitivePtr forward = make_conv(s, ConvKind::forward, library),
                                       data = make_conv(s, ConvKind::input_grad, library),
                                       weights = make_conv(s, ConvKind::weight_grad, library);
                    if (!forward || !data || !weights) continue; // no oneDNN in this build
                    auto y = unset<float>(static_cast<int64_t>(gy.size())),
                         gx = unset<float>(static_cast<int64_t>(x.size())),
                         gw = unset<float>(static_cast<int64_t>(w.size()));
                    auto y2 = y, gx2 = gx, gw2 = gw;
                    testing::run(*forward, x, w, y), testing::run(*data, w, gy, gx), testing::run(*weights, x, gy, gw);
                    base::set_num_threads(ran);
                    testing::run(*forward, x, w, y2), testing::run(*data, w, gy, gx2),
                        testing::run(*weights, x, gy, gw2);
                    for (size_t i = 0; i < y.size(); ++i) ASSERT_NEAR(y[i], y2[i], 1e-4) << forward->name;
                    for (size_t i = 0; i < gx.size(); ++i) ASSERT_NEAR(gx[i], gx2[i], 1e-4) << data->name;
                    for (size_t i = 0; i < gw.size(); ++i) ASSERT_NEAR(gw[i], gw2[i], 1e-3) << weights->name;
                }
    base::set_num_threads(before);
}

TEST(Conv, ReportsWhatItDoes) {
    ConvSpec s = conv(2, 16, 8, 32, 3, 1, 1);
    set_output(s);
    s.bias = true;
    const PrimitivePtr p = make_conv(s, ConvKind::forward, Library::automatic);
    EXPECT_EQ(p->flops, 2.0 * 2 * 32 * 64 * 16 * 9);
    EXPECT_EQ(p->bytes, 4.0 * (2 * 16 * 64 + 2 * 32 * 64 + 32 * 16 * 9 + 32));
    EXPECT_GE(p->kernels, 1);
    EXPECT_FALSE(p->name.empty());
}

} // namespace
} // namespace ingot::cpu
