// SPDX-License-Identifier: MIT
#include "backend/cpu/pool_kernels.h"

#include <algorithm>

#include "base/check.h"
#include "base/parallel.h"

namespace ingot::cpu {

namespace {

template <class T> class Pool final : public Primitive {
public:
    Pool(const PoolSpec& s, PoolKind kind) : s_(s), kind_(kind) {
        block_ = s.format.is_channels_last() ? s.c : s.format.block;
        static constexpr const char* kNames[] = {"max_pool2d", "max_pool2d_grad", "max_pool2d_gather", "avg_pool2d",
                                                 "avg_pool2d_grad"};
        name = kNames[static_cast<int>(kind)];
        planes_ = s.n == 0 || s.c == 0 ? 0 : s.n * (s.c / block_);
        const double x = double(s.n) * double(s.c) * double(s.h) * double(s.w);
        const double y = double(s.n) * double(s.c) * double(s.oh) * double(s.ow);
        const bool has_index = kind != PoolKind::avg && kind != PoolKind::avg_grad;
        flops = y * double(s.kh) * double(s.kw);
        bytes = (kind == PoolKind::max_gather ? 2 * y : x + y) * sizeof(T) + (has_index ? y : 0);
    }

    void run(void* const* args, void*) const override {
        const bool grad = kind_ == PoolKind::max_grad || kind_ == PoolKind::avg_grad;
        const int64_t x_plane = s_.h * s_.w * block_, y_plane = s_.oh * s_.ow * block_, rows = grad ? s_.h : s_.oh;
        const int64_t row_work = (grad ? s_.w : s_.ow) * block_ * s_.kh * s_.kw;
        const int64_t grain = std::max<int64_t>(1, (1 << 14) / std::max<int64_t>(row_work, 1));
        base::parallel_for(planes_ * rows, grain, [&](int64_t begin, int64_t end) {
            PoolRow<T> r;
            r.spec = &s_;
            r.kind = kind_;
            r.block = block_;
            for (int64_t i = begin; i < end; ++i) {
                const int64_t plane = i / rows;
                r.row = i % rows;
                r.in = static_cast<const T*>(args[0]) + plane * (grad ? y_plane : x_plane);
                const int out = kind_ == PoolKind::max_grad || kind_ == PoolKind::max_gather ? 2 : 1;
                r.out = static_cast<T*>(args[out]) + plane * (grad ? x_plane : y_plane);
                if (kind_ == PoolKind::max) r.index = static_cast<uint8_t*>(args[2]) + plane * y_plane;
                if (out == 2) r.index = static_cast<uint8_t*>(args[1]) + plane * y_plane;
                pool_row(r);
            }
        });
    }

private:
    PoolSpec s_;
    PoolKind kind_;
    int64_t block_ = 1, planes_ = 0;
};

PrimitivePtr make_pool(const PoolSpec& s, PoolKind kind) {
    INGOT_ASSERT(s.dtype == DType::f32 || s.dtype == DType::f64, "pooling of a dtype that has no kernel");
    INGOT_ASSERT(s.format.is_channels_last() || (s.format.block > 0 && s.c % s.format.block == 0),
                 "a block must divide the channels");
    INGOT_ASSERT(kind == PoolKind::avg || kind == PoolKind::avg_grad || s.kh * s.kw <= 256,
                 "a max pooling window has more than 256 elements");
    for (int i = 0; i < 2; ++i) {
        const int64_t in = i == 0 ? s.h : s.w, k = i == 0 ? s.kh : s.kw, out = i == 0 ? s.oh : s.ow;
        INGOT_ASSERT(s.padding[i] < k, "padding must be smaller than the window");
        INGOT_ASSERT(out == 0 || (out - 1) * s.stride[i] - s.padding[i] < in, "a pooling window holds padding only");
    }
    if (s.dtype == DType::f64) return std::make_unique<Pool<double>>(s, kind);
    return std::make_unique<Pool<float>>(s, kind);
}

} // namespace

PrimitivePtr make_max_pool2d(const PoolSpec& s) { return make_pool(s, PoolKind::max); }
PrimitivePtr make_max_pool2d_grad(const PoolSpec& s) { return make_pool(s, PoolKind::max_grad); }
PrimitivePtr make_max_pool2d_gather(const PoolSpec& s) { return make_pool(s, PoolKind::max_gather); }
PrimitivePtr make_avg_pool2d(const PoolSpec& s) { return make_pool(s, PoolKind::avg); }
PrimitivePtr make_avg_pool2d_grad(const PoolSpec& s) { return make_pool(s, PoolKind::avg_grad); }

} // namespace ingot::cpu
