// SPDX-License-Identifier: MIT
#include "backend/codegen/dialect.h"

#include "backend/codegen/text.h"

namespace ingot::codegen {
namespace {

// Self-contained: NVRTC has no include path by default. The error word is {code, value, bound}, see program/program.h.
constexpr const char* kCudaPrelude = R"(__device__ __forceinline__ int ig_thread() { return threadIdx.x; }
__device__ __forceinline__ unsigned ig_block() { return blockIdx.x; }
__device__ __forceinline__ void ig_barrier() { __syncthreads(); }
__device__ __forceinline__ float ig_shuffle_xor(float v, int o, unsigned m) { return __shfl_xor_sync(m, v, o); }
__device__ __forceinline__ double ig_shuffle_xor(double v, int o, unsigned m) { return __shfl_xor_sync(m, v, o); }
__device__ __forceinline__ int ig_shuffle_xor(int v, int o, unsigned m) { return __shfl_xor_sync(m, v, o); }
__device__ __forceinline__ long long ig_shuffle_xor(long long v, int o, unsigned m) { return __shfl_xor_sync(m, v, o); }
__device__ __forceinline__ bool ig_shuffle_xor(bool v, int o, unsigned m) { return __shfl_xor_sync(m, (int)v, o) != 0; }
__device__ __forceinline__ float ig_infinity_f32() { return __int_as_float(0x7f800000); }
__device__ __forceinline__ float ig_nan_f32() { return __int_as_float(0x7fc00000); }
__device__ __forceinline__ double ig_infinity_f64() { return __longlong_as_double(0x7ff0000000000000LL); }
__device__ __forceinline__ double ig_nan_f64() { return __longlong_as_double(0x7ff8000000000000LL); }
__device__ __forceinline__ float ig_f32_from_f16(unsigned short bits) {
    float x;
    asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(bits));
    return x;
}
__device__ __forceinline__ unsigned short ig_f16_from_f32(float x) {
    unsigned short bits;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(x));
    return bits;
}
__device__ __forceinline__ float ig_f32_from_bf16(unsigned short bits) { return __uint_as_float((unsigned)bits << 16); }
__device__ __forceinline__ unsigned short ig_bf16_from_f32(float x) {
#if __CUDA_ARCH__ >= 800
    unsigned short bits;
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(x));
    return bits;
#else
    if (x != x) return 0x7fff;
    const unsigned u = __float_as_uint(x);
    return (unsigned short)((u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
#endif
}
__device__ __noinline__ void ig_bad_index(long long index, long long bound, void* error) {
    unsigned long long* word = (unsigned long long*)error;
    if (atomicCAS(word, 0ull, 1ull) == 0ull) {
        word[1] = (unsigned long long)index;
        word[2] = (unsigned long long)bound;
    }
}
__device__ __forceinline__ long long ig_check_index(long long index, long long bound, void* error) {
    if (index >= 0 && index < bound) return index;
    ig_bad_index(index, bound, error);
    return index < 0 ? 0 : bound - 1;
}
)";

// Helpers in the common subset of the dialects. Bodies below follow: Philox4x32-10 from Salmon et al., "Parallel Random
// Numbers: As Easy as 1, 2, 3" (SC11); Chan, Golub, LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing
// Sample Variances" (1979).
constexpr const char* kOrder =
    R"(// Puts the lower lane's value first, so that both lanes of a pair compute the same bits.
template <class T> $function void ig_order(bool swap, T& a, T& b) {
    const T low = swap ? b : a;
    b = swap ? a : b;
    a = low;
}
)";

constexpr const char* kArg =
    R"(// (v, i) becomes the better of itself and (w, j): NaN wins over all, the smaller index among equals. An index of -1: none.
template <class T> $function void ig_argmax(T& v, long long& i, T w, long long j) {
    const bool same = w == v || (w != w && v != v);
    if (j >= 0 && (i < 0 || (same ? j < i : (w > v || w != w) && v == v))) {
        v = w;
        i = j;
    }
}
template <class T> $function void ig_argmin(T& v, long long& i, T w, long long j) {
    const bool same = w == v || (w != w && v != v);
    if (j >= 0 && (i < 0 || (same ? j < i : (w < v || w != w) && v == v))) {
        v = w;
        i = j;
    }
}
)";

constexpr const char* kWelford = R"(template <class T> $function void ig_welford_add(ig_index& n, T& mean, T& m2, T x) {
    ++n;
    const T delta = x - mean;
    mean += delta / (T)n;
    m2 += delta * (x - mean);
}
template <class T> $function void ig_welford_merge(ig_index& n, T& mean, T& m2, ig_index n2, T mean2, T m22) {
    const ig_index total = n + n2;
    const T share = total > 0 ? (T)n2 / (T)total : (T)0;
    const T delta = mean2 - mean;
    mean += delta * share;
    m2 += m22 + delta * delta * ((T)n * share);
    n = total;
}
)";

constexpr const char* kPhilox = R"($function float ig_philox(const void* state, long long element) {
    const unsigned long long seed = ((const unsigned long long*)state)[0];
    const unsigned long long word = ((const unsigned long long*)state)[1] + (unsigned long long)element;
    const unsigned long long counter = word >> 2;
    unsigned x0 = (unsigned)counter, x1 = (unsigned)(counter >> 32), x2 = 0u, x3 = 0u;
    unsigned k0 = (unsigned)seed, k1 = (unsigned)(seed >> 32);
    for (int round = 0; round < 10; ++round) {
        const unsigned long long a = (unsigned long long)x0 * 0xD2511F53u, b = (unsigned long long)x2 * 0xCD9E8D57u;
        x0 = (unsigned)(b >> 32) ^ x1 ^ k0;
        x1 = (unsigned)b;
        x2 = (unsigned)(a >> 32) ^ x3 ^ k1;
        x3 = (unsigned)a;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    const unsigned lane = (unsigned)word & 3u;
    const unsigned x = lane == 0u ? x0 : lane == 1u ? x1 : lane == 2u ? x2 : x3;
    return (float)(x >> 8) * 5.9604644775390625e-8f;
}
)";

constexpr const char* kIntegerDivision =
    R"(// Rounds toward minus infinity; dividing by zero gives 0, and the smallest integer by -1 wraps.
template <class T, class U> $function T ig_floor_divide(T a, T b, U) {
    if (b == 0) return 0;
    if (b == -1) return (T)((U)0 - (U)a);
    const T q = a / b;
    return q * b != a && (a < 0) != (b < 0) ? q - 1 : q;
}
template <class T> $function T ig_remainder(T a, T b) {
    if (b == 0 || b == -1) return 0;
    const T r = a % b;
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
)";

constexpr const char* kFloatToInteger = R"(// Toward zero, saturating; NaN gives 0.
template <class T> $function int ig_to_i32(T x) {
    if (!(x > (T)-2147483648.0)) return x != x ? 0 : -2147483647 - 1;
    return x >= (T)2147483648.0 ? 2147483647 : (int)x;
}
template <class T> $function long long ig_to_i64(T x) {
    if (!(x > (T)-9223372036854775808.0)) return x != x ? 0 : -9223372036854775807LL - 1;
    return x >= (T)9223372036854775808.0 ? 9223372036854775807LL : (long long)x;
}
)";

std::string replaced(std::string text, const std::string& what, const std::string& by) {
    for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
        text.replace(at, what.size(), by);
    return text;
}

} // namespace

const Dialect& cuda() {
    static const Dialect dialect = {
        .name = "CUDA C++",
        .prelude = kCudaPrelude,
        .function = "__device__ __forceinline__",
        .kernel = "extern \"C\" __global__ void __launch_bounds__($threads)",
        .shared = "__shared__",
        .unroll = "#pragma unroll",
        .f32 = "float",
        .f64 = "double",
        .i32 = "int",
        .i64 = "long long",
        .boolean = "bool",
        .u8 = "unsigned char",
        .u16 = "unsigned short",
        .spelling = nullptr,
    };
    return dialect;
}

std::string spelling(const Dialect& dialect, Scalar function, DType type) {
    if (dialect.spelling)
        if (const char* own = dialect.spelling(function, type)) return own;
    if (is_integer(type)) {
        const char* wide = type == DType::i64 ? "0ull" : "0u";
        switch (function) {
        case Scalar::abs: return "(a < 0 ? -a : a)";
        case Scalar::floor_divide: return cat("ig_floor_divide(a, b, ", wide, ")");
        case Scalar::remainder: return "ig_remainder(a, b)";
        default: break;
        }
    } else if (is_float(type) && function == Scalar::sign) {
        return "(a != a ? a : (a > 0) - (a < 0))"; // the row's spelling loses NaN
    }
    return info(function).spelling;
}

std::string helper_text(const Dialect& dialect, const Helpers& helpers) {
    std::string text = kOrder;
    if (helpers.arg) text += kArg;
    if (helpers.welford) text += kWelford;
    if (helpers.philox) text += kPhilox;
    if (helpers.integer_division) text += kIntegerDivision;
    if (helpers.float_to_integer) text += kFloatToInteger;
    return replaced(text, "$function", dialect.function);
}

} // namespace ingot::codegen
