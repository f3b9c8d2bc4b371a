// SPDX-License-Identifier: MIT
#include "backend/cpu/matmul.h"

#include <algorithm>
#include <cmath>

#include "backend/cpu/matmul_kernels.h"
#include "base/check.h"
#include "base/parallel.h"

namespace ingot::cpu {

namespace {

/// Fewer, longer axes for the same product: batch axes of extent 1 go, neighbours that are one axis in A and B merge, and the
/// last one joins m when B does not vary along it.
MatmulSpec simplified(const MatmulSpec& spec) {
    MatmulSpec s = spec;
    s.batch.clear();
    s.a_batch.clear();
    s.b_batch.clear();
    for (size_t i = 0; i < spec.batch.size(); ++i) {
        const int64_t extent = spec.batch[i], a = spec.a_batch[i], b = spec.b_batch[i];
        if (extent == 1) continue;
        if (!s.batch.empty() && s.a_batch.back() == a * extent && s.b_batch.back() == b * extent) {
            s.batch.back() *= extent;
            s.a_batch.back() = a;
            s.b_batch.back() = b;
            continue;
        }
        s.batch.push_back(extent);
        s.a_batch.push_back(a);
        s.b_batch.push_back(b);
    }
    while (!s.batch.empty() && s.b_batch.back() == 0 && (s.m == 1 || s.a_batch.back() == s.a_row * s.m)) {
        if (s.m == 1) s.a_row = s.a_batch.back();
        s.m *= s.batch.back();
        s.batch.pop_back();
        s.a_batch.pop_back();
        s.b_batch.pop_back();
    }
    return s;
}

int64_t product(const Ints& ints) {
    int64_t p = 1;
    for (int64_t i : ints) p *= i;
    return p;
}

/// How many different matrices a batched operand holds.
double distinct(const Ints& batch, const Ints& strides) {
    double count = 1;
    for (size_t i = 0; i < batch.size(); ++i)
        if (strides[i] != 0) count *= double(batch[i]);
    return count;
}

/// How the own kernel cuts a product: parts along m and n (free), and along k (fixed by the shapes: it decides rounding).
struct Cut {
    int64_t m_step, n_step, m_parts, n_parts, k_parts, k_step;
};

Cut cut(const MatmulSpec& s, int64_t batch, int threads) {
    constexpr int64_t kMGrain = 8, kNGrain = 48;
    Cut best{};
    best.k_parts = 1;
    best.k_step = s.k;
    // Few elements of C and a long sum: only k gives every thread something to do.
    if (batch == 1 && s.m > 4 && s.m * s.n <= 64 * 64 && s.k >= 4096) {
        best.k_step = (std::max<int64_t>(1024, s.k / 16) + 255) / 256 * 256;
        best.k_parts = (s.k + best.k_step - 1) / best.k_step;
        best.m_step = s.m, best.n_step = s.n, best.m_parts = best.n_parts = 1;
        return best;
    }
    const double flops = 2.0 * double(s.m) * double(s.n) * double(s.k);
    // A part should be worth waking a thread for (about 10 us), and there should be a few per thread.
    const double worth = std::max(1.0, flops * double(batch) / 5e5);
    const int64_t wanted =
        batch == 0
            ? 1
            : static_cast<int64_t>(std::min(worth, double(threads) * (worth > 100 ? 4 : 1)) / double(batch) + 0.999);
    double least = 1e300;
    for (int64_t mp = 1; mp <= std::max<int64_t>(wanted, 1); ++mp) {
        const int64_t np = (wanted + mp - 1) / mp;
        Cut c = best;
        c.m_step = std::max((s.m + mp * kMGrain - 1) / (mp * kMGrain) * kMGrain, kMGrain);
        c.n_step = std::max((s.n + np * kNGrain - 1) / (np * kNGrain) * kNGrain, kNGrain);
        c.m_parts = (s.m + c.m_step - 1) / c.m_step;
        c.n_parts = (s.n + c.n_step - 1) / c.n_step;
        // Time of the busiest thread, in units of one multiply: its blocks, and packing B (and A) again for each.
        const double rounds = std::ceil(double(c.m_parts * c.n_parts * batch) / threads);
        const double m = double(std::min(c.m_step, s.m)), n = double(std::min(c.n_step, s.n));
        const double cost = rounds * (m * n + 32 * n + 16 * m);
        if (cost < least) least = cost, best = c;
    }
    return best;
}

template <class T> class OwnMatmul final : public Primitive {
public:
    explicit OwnMatmul(const MatmulSpec& s) : s_(s), batch_(product(s.batch)), slots_(base::num_threads()) {
        cut_ = cut(s, batch_, slots_);
        slots_ = static_cast<int>(std::min<int64_t>(slots_, tasks()));
        scratch_ = gemm_scratch_bytes(s.dtype, cut_.m_step, cut_.n_step, cut_.k_step);
        workspace_bytes = scratch_ * static_cast<size_t>(std::max(slots_, 1));
        if (cut_.k_parts > 1) workspace_bytes += static_cast<size_t>(cut_.k_parts * s.m * s.n) * sizeof(T);
        // Packing B would cost more than the product itself.
        dots_ = s.m <= 4 && s.a_col == 1 && s.b_row == 1 && cut_.k_parts == 1;
        name = "matmul";
    }

    void run(void* const* args, void* workspace) const override {
        char* const scratch = static_cast<char*>(workspace);
        const int64_t count = tasks();
        // One slot of scratch memory per thread; each takes a contiguous share of the tasks.
        base::parallel_for(slots_, 1, [&](int64_t begin, int64_t end) {
            for (int64_t slot = begin; slot < end; ++slot)
                for (int64_t t = slot * count / slots_; t < (slot + 1) * count / slots_; ++t)
                    run_task(t, args, scratch + static_cast<size_t>(slot) * scratch_, partials(workspace));
        });
        if (cut_.k_parts > 1) add_partials(args, partials(workspace));
    }

private:
    int64_t tasks() const { return batch_ * cut_.m_parts * cut_.n_parts * cut_.k_parts; }
    T* partials(void* workspace) const {
        return reinterpret_cast<T*>(static_cast<char*>(workspace) + scratch_ * static_cast<size_t>(slots_));
    }

    void run_task(int64_t t, void* const* args, void* scratch, T* partial) const {
        const int64_t kp = t % cut_.k_parts, np = t / cut_.k_parts % cut_.n_parts,
                      mp = t / cut_.k_parts / cut_.n_parts % cut_.m_parts,
                      item = t / cut_.k_parts / cut_.n_parts / cut_.m_parts;
        int64_t a_at = 0, b_at = 0, rest = item;
        for (size_t i = s_.batch.size(); i-- > 0;) {
            a_at += rest % s_.batch[i] * s_.a_batch[i];
            b_at += rest % s_.batch[i] * s_.b_batch[i];
            rest /= s_.batch[i];
        }
        const int64_t i0 = mp * cut_.m_step, j0 = np * cut_.n_step, k0 = kp * cut_.k_step;
        Gemm<T> g;
        g.m = std::min(cut_.m_step, s_.m - i0);
        g.n = std::min(cut_.n_step, s_.n - j0);
        g.k = std::min(cut_.k_step, s_.k - k0);
        g.a = static_cast<const T*>(args[0]) + a_at + i0 * s_.a_row + k0 * s_.a_col;
        g.a_row = s_.a_row, g.a_col = s_.a_col;
        g.b = static_cast<const T*>(args[1]) + b_at + k0 * s_.b_row + j0 * s_.b_col;
        g.b_row = s_.b_row, g.b_col = s_.b_col;
        g.c_row = s_.n;
        if (cut_.k_parts > 1) {
            g.c = partial + kp * s_.m * s_.n;
        } else {
            g.c = static_cast<T*>(args[s_.bias ? 3 : 2]) + (item * s_.m + i0) * s_.n + j0;
            g.bias = s_.bias ? static_cast<const T*>(args[2]) + j0 : nullptr;
            g.act = s_.act;
        }
        g.dots = dots_;
        gemm(g, scratch);
    }

    void add_partials(void* const* args, const T* partial) const {
        const T* bias = s_.bias ? static_cast<const T*>(args[2]) : nullptr;
        T* c = static_cast<T*>(args[s_.bias ? 3 : 2]);
        for (int64_t i = 0; i < s_.m; ++i, partial += s_.n, c += s_.n) {
            for (int64_t j = 0; j < s_.n; ++j) c[j] = partial[j];
            for (int64_t p = 1; p < cut_.k_parts; ++p) add_into(c, partial + p * s_.m * s_.n, s_.n);
            if (bias) add_into(c, bias, s_.n);
            activate(c, s_.n, s_.act);
        }
    }

    MatmulSpec s_;
    int64_t batch_;
    int slots_;
    Cut cut_;
    size_t scratch_ = 0;
    bool dots_ = false;
};

/// Whether the own kernel is expected to win over oneDNN. Measured on AVX-512 (bench/primitives.cpp): oneDNN is 1.1 to 1.4 times
/// faster on layers of any real size, transposes included; what it costs to enter it shows below some thousand products; and
/// it packs B even for a single row.
bool prefer_own(const MatmulSpec& s) {
    if (product(s.batch) * s.m * s.n * s.k <= 16 * 1024) return true;
    if (product(s.batch) != 1 || s.a_col != 1) return false;
    return s.b_row == 1 ? s.m <= 4 : s.b_col == 1 && s.m <= 2;
}

} // namespace

PrimitivePtr make_matmul(const MatmulSpec& spec, Library library) {
    INGOT_ASSERT(spec.dtype == DType::f32 || spec.dtype == DType::f64, "matmul of a dtype that has no kernel");
    INGOT_ASSERT(spec.batch.size() == spec.a_batch.size() && spec.batch.size() == spec.b_batch.size(),
                 "matmul batch strides do not match the batch");
    const MatmulSpec s = simplified(spec);
    const int64_t batch = product(s.batch);
    const bool empty = batch * s.m * s.n * s.k == 0;
    PrimitivePtr p;
    if (library == Library::onednn || (library == Library::automatic && !prefer_own(s)))
        if (!empty) p = onednn::make_matmul(s);
    if (!p && (library != Library::onednn || empty)) {
        if (s.dtype == DType::f32)
            p = std::make_unique<OwnMatmul<float>>(s);
        else
            p = std::make_unique<OwnMatmul<double>>(s);
    }
    if (!p) return nullptr;
    p->flops = 2.0 * double(batch) * double(s.m) * double(s.n) * double(s.k);
    double elements = double(batch) * double(s.m) * double(s.n) + (s.bias ? double(s.n) : 0);
    elements += distinct(s.batch, s.a_batch) * double(s.m) * double(s.k) +
                distinct(s.batch, s.b_batch) * double(s.k) * double(s.n);
    p->bytes = double(size_of(s.dtype)) * elements;
    return p;
}

PrimitivePtr make_matmul(const MatmulSpec& spec) { return make_matmul(spec, Library::automatic); }

} // namespace ingot::cpu
