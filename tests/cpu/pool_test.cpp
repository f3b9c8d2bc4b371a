// SPDX-License-Identifier: MIT
// Pooling and its gradients against direct loops, over shapes, paddings and formats.
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

PoolSpec pool(int64_t n, int64_t c, int64_t h, int64_t w, int64_t kh, int64_t kw, int64_t sh, int64_t sw,
              int64_t ph = 0, int64_t pw = 0) {
    PoolSpec s;
    s.n = n, s.c = c, s.h = h, s.w = w, s.kh = kh, s.kw = kw;
    s.stride[0] = sh, s.stride[1] = sw, s.padding[0] = ph, s.padding[1] = pw;
    s.oh = (h + 2 * ph - kh) / sh + 1, s.ow = (w + 2 * pw - kw) / sw + 1;
    return s;
}

/// Calls f(position in the window, input pixel) for what lies inside of output pixel p's window.
template <class F> void for_window(const PoolSpec& s, int64_t p, const F& f) {
    for (int64_t k = 0; k < s.kh * s.kw; ++k) {
        const int64_t y = p / s.ow * s.stride[0] - s.padding[0] + k / s.kw,
                      x = p % s.ow * s.stride[1] - s.padding[1] + k % s.kw;
        if (y >= 0 && y < s.h && x >= 0 && x < s.w) f(k, y * s.w + x);
    }
}

template <class T> bool same(T a, T b) { return a == b || (std::isnan(a) && std::isnan(b)); }

template <class T> void check(PoolSpec s, std::vector<T> x) {
    s.dtype = dtype_of<T>();
    const int64_t xp = s.h * s.w, yp = s.oh * s.ow;
    const auto gy = random_values<T>(s.n * s.c * yp, 2);
    auto y = unset<T>(s.n * s.c * yp), avg = y, gathered = y;
    auto gx = unset<T>(s.n * s.c * xp), avg_gx = gx;
    std::vector<uint8_t> index(gy.size(), 255);
    testing::run(*make_max_pool2d(s), x, y, index);
    testing::run(*make_max_pool2d_grad(s), gy, index, gx);
    testing::run(*make_max_pool2d_gather(s), x, index, gathered);
    testing::run(*make_avg_pool2d(s), x, avg);
    testing::run(*make_avg_pool2d_grad(s), gy, avg_gx);

    std::vector<double> want_gx(gx.size(), 0.), want_avg_gx(gx.size(), 0.);
    const double eps = 16 * std::numeric_limits<T>::epsilon();
    const auto where = [&](int64_t n, int64_t c, int64_t p) {
        return " at " + std::to_string(n) + "," + std::to_string(c) + "," + std::to_string(p) + " window " +
               std::to_string(s.kh) + "x" + std::to_string(s.kw) + " stride " + std::to_string(s.stride[1]) +
               " block " + std::to_string(s.format.block);
    };
    for (int64_t n = 0; n < s.n; ++n)
        for (int64_t c = 0; c < s.c; ++c)
            for (int64_t p = 0; p < yp; ++p) {
                const size_t out = address(s.format, s.c, yp, n, c, p);
                int64_t best_k = -1, best_at = 0, inside = 0;
                T best = 0;
                double sum = 0;
                for_window(s, p, [&](int64_t k, int64_t pixel) {
                    const T v = x[address(s.format, s.c, xp, n, c, pixel)];
                    if (best_k < 0 || v > best || (std::isnan(v) && !std::isnan(best)))
                        best = v, best_k = k, best_at = pixel;
                    sum += double(v);
                    ++inside;
                });
                ASSERT_TRUE(same(y[out], best)) << y[out] << " instead of " << best << where(n, c, p);
                ASSERT_EQ(int64_t{index[out]}, best_k) << where(n, c, p);
                ASSERT_TRUE(same(gathered[out], best)) << where(n, c, p);
                want_gx[address(s.format, s.c, xp, n, c, best_at)] += double(gy[out]);
                const double size = s.count_include_pad ? double(s.kh * s.kw) : double(inside);
                if (std::isfinite(sum)) {
                    ASSERT_NEAR(double(avg[out]), sum / size, eps * (std::fabs(sum) + 1)) << where(n, c, p);
                }
                for_window(s, p, [&](int64_t, int64_t pixel) {
                    want_avg_gx[address(s.format, s.c, xp, n, c, pixel)] += double(gy[out]) / size;
                });
            }
    for (size_t i = 0; i < gx.size(); ++i) {
        ASSERT_NEAR(double(gx[i]), want_gx[i], eps * 8) << "max gradient" << where(0, 0, static_cast<int64_t>(i));
        ASSERT_NEAR(double(avg_gx[i]), want_avg_gx[i], eps * 8)
            << "average gradient" << where(0, 0, static_cast<int64_t>(i));
    }
}

void check_formats(PoolSpec s) {
    for (int32_t block : {1, Format::kAll, 4, 8, 16})
        for (bool include : {true, false}) {
            if (block > 0 && s.c % block != 0) continue;
            s.format = {block};
            s.count_include_pad = include;
            check<float>(s, random_values<float>(s.n * s.c * s.h * s.w, 1));
            check<double>(s, random_values<double>(s.n * s.c * s.h * s.w, 1));
        }
}

TEST(Pool, Shapes) {
    for (const PoolSpec& s :
         {pool(2, 16, 8, 8, 2, 2, 2, 2), pool(2, 6, 28, 28, 2, 2, 2, 2), pool(1, 5, 9, 11, 3, 3, 2, 2, 1, 1),
          pool(2, 8, 37, 70, 3, 3, 1, 1, 1, 1), pool(1, 4, 7, 40, 2, 3, 1, 2, 0, 1), pool(1, 3, 10, 10, 3, 3, 3, 3),
          pool(3, 16, 4, 4, 4, 4, 4, 4), pool(1, 2, 40, 90, 5, 4, 2, 2, 2, 2), pool(1, 17, 6, 6, 2, 2, 3, 3),
          pool(1, 1, 1, 1, 1, 1, 1, 1), pool(1, 2, 16, 16, 16, 16, 16, 16), pool(1, 2, 50, 67, 1, 2, 1, 2),
          pool(1, 2, 33, 66, 2, 2, 2, 2), pool(1, 24, 8, 5, 3, 2, 1, 1), pool(1, 2, 33, 66, 2, 2, 3, 2),
          pool(2, 20, 3, 2, 2, 2, 1, 1, 1, 1)})
        check_formats(s);
}

TEST(Pool, EmptyBatch) { check_formats(pool(0, 16, 8, 8, 2, 2, 2, 2)); }

TEST(Pool, TiesAndSpecialValues) {
    for (int32_t block : {1, Format::kAll, 8}) {
        PoolSpec s = pool(2, 8, 20, 70, 3, 3, 2, 2, 1, 1);
        s.format = {block};
        std::vector<float> x(static_cast<size_t>(s.n * s.c * s.h * s.w), 1.f); // ties everywhere: the first one wins
        check<float>(s, x);
        x = random_values<float>(s.n * s.c * s.h * s.w, 5);
        for (size_t i = 0; i < x.size(); i += 3) x[i] = -std::numeric_limits<float>::infinity();
        check<float>(s, x);
        for (size_t i = 0; i < x.size(); i += 7) x[i] = std::numeric_limits<float>::quiet_NaN(); // the first NaN wins
        check<float>(s, x);
        s.stride[1] = 1;
        s.ow = 70;
        check<float>(s, x);
        std::vector<double> wide(x.begin(), x.end());
        check<double>(s, wide);
    }
}

TEST(Pool, SameBitsForAnyNumberOfThreads) {
    const int before = base::num_threads();
    for (int32_t block : {1, Format::kAll}) {
        PoolSpec s = pool(3, 8, 30, 30, 3, 3, 1, 1, 1, 1);
        s.format = {block};
        const auto gy = random_values<float>(s.n * s.c * s.oh * s.ow, 2);
        std::vector<float> first;
        for (int threads : {1, 2, 5}) {
            base::set_num_threads(threads);
            auto gx = unset<float>(s.n * s.c * s.h * s.w);
            testing::run(*make_avg_pool2d_grad(s), gy, gx);
            if (first.empty()) first = gx;
            EXPECT_EQ(0, std::memcmp(first.data(), gx.data(), gx.size() * sizeof(float)));
        }
    }
    base::set_num_threads(before);
}

} // namespace
} // namespace ingot::cpu
