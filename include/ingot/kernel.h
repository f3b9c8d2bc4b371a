// SPDX-License-Identifier: MIT
// Kernels: functions that compute one piece of a grid, found by name in a library. On the CPU (and the reference device)
// they are C++ functions whose parameters say what they take; see docs/low_level.md for examples. They run through a
// CommandBuffer (<ingot/command_buffer.h>) or as a differentiable operator (<ingot/custom_op.h>). Kernel and
// KernelLibrary are handles: copies share; a Kernel keeps its function alive. Libraries are thread safe; a kernel's
// function is called from several threads at once, with different groups.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <vector>

#include <ingot/buffer.h>
#include <ingot/device.h>
#include <ingot/dtype.h>
#include <ingot/error.h>

namespace ingot {

/// Extents of a grid (numbers of threads per axis), or a position in one; x is the innermost axis.
struct Dim3 {
    int64_t x = 1, y = 1, z = 1;
    constexpr Dim3() = default;
    constexpr Dim3(int64_t x_, int64_t y_ = 1, int64_t z_ = 1) : x(x_), y(y_), z(z_) {} // NOLINT: implicit by design
    bool operator==(const Dim3&) const = default;
    /// "64 x 2 x 1".
    std::string str() const;
};

/// What one call of a kernel's function computes: the threads from `begin` to before `end`. Groups never reach beyond the
/// grid: those at its borders are smaller.
struct WorkGroup {
    Dim3 grid, begin, end;
    /// f(x), f(x, y) or f(x, y, z) for every thread of the group, x running fastest.
    template <class F> void for_each(const F& f) const {
        for (int64_t z = begin.z; z < end.z; ++z) {
            for (int64_t y = begin.y; y < end.y; ++y) {
                for (int64_t x = begin.x; x < end.x; ++x) {
                    if constexpr (std::is_invocable_v<F, int64_t, int64_t, int64_t>) {
                        f(x, y, z);
                    } else if constexpr (std::is_invocable_v<F, int64_t, int64_t>) {
                        f(x, y);
                    } else {
                        f(x);
                    }
                }
            }
        }
    }
};

/// One parameter of a kernel: std::span<const T> is an input, std::span<T> an output (it may be read as well), anything else
/// that is trivially copyable is a value.
struct KernelParameter {
    enum class Kind : uint8_t { input, output, value } kind = Kind::value;
    std::optional<DType> dtype; ///< of the elements or the value, if it is one of Ingot's
    const std::type_info* type = nullptr;
    size_t size = 0, alignment = 1; ///< of one element or the value, in bytes
    bool arithmetic = false;        ///< any C++ number fits if it can be represented
    /// "const f32[]", "f32[]", "f32".
    std::string str() const;
};

/// An argument as a kernel's function receives it: the first element and their number, or a value's address.
struct KernelSlot {
    void* data = nullptr;
    size_t count = 1;
};

namespace core {
struct KernelState;
struct KernelLibraryState;
} // namespace core

class Kernel {
public:
    /// No kernel; dispatching it is an error.
    Kernel() = default;
    bool valid() const { return state_ != nullptr; }
    const std::string& name() const;
    Device device() const;
    const std::vector<KernelParameter>& parameters() const;
    /// "saxpy(f32, const f32[], f32[])".
    std::string str() const;
    /// For Ingot's own code.
    const core::KernelState* state() const { return state_.get(); }

private:
    friend class KernelLibrary;
    std::shared_ptr<const core::KernelState> state_;
};

/// One argument of a dispatch: a buffer, a part of one, a number, or any other trivially copyable value.
class KernelArg {
public:
    KernelArg(Buffer buffer) : buffer_(std::move(buffer)), bytes_(kWhole), what_(What::buffer) {} // NOLINT: by design
    /// `bytes` bytes of `buffer` from `offset`. Errors: ingot::Error at the dispatch when they do not lie inside.
    KernelArg(Buffer buffer, size_t offset, size_t bytes)
        : buffer_(std::move(buffer)), offset_(offset), bytes_(bytes), what_(What::buffer) {}
    template <class T>
    requires(std::is_trivially_copyable_v<T> && !std::is_pointer_v<T>) KernelArg(const T& v) : type_(&typeid(T)) {
        if constexpr (std::is_floating_point_v<T>) {
            what_ = What::real;
            real_ = static_cast<double>(v);
        } else if constexpr (std::is_same_v<T, uint64_t>) {
            what_ = What::natural;
            natural_ = v;
        } else if constexpr (std::is_integral_v<T>) {
            what_ = What::integer;
            integer_ = static_cast<int64_t>(v);
        } else {
            what_ = What::bytes;
            const auto* first = reinterpret_cast<const std::byte*>(&v);
            value_.assign(first, first + sizeof(T));
        }
    }

    // For Ingot's own code.
    static constexpr size_t kWhole = ~size_t{0}; ///< bytes(): everything from the offset
    enum class What : uint8_t { buffer, real, integer, natural, bytes };
    What what() const { return what_; }
    const Buffer& buffer() const { return buffer_; }
    size_t offset() const { return offset_; }
    size_t bytes() const { return bytes_; }
    double real() const { return real_; }
    int64_t integer() const { return integer_; }
    uint64_t natural() const { return natural_; }
    const std::vector<std::byte>& value() const { return value_; }
    const std::type_info* type() const { return type_; }

private:
    Buffer buffer_;
    size_t offset_ = 0, bytes_ = 0;
    double real_ = 0;
    int64_t integer_ = 0;
    uint64_t natural_ = 0;
    std::vector<std::byte> value_;
    const std::type_info* type_ = nullptr;
    What what_ = What::buffer;
};

namespace detail {

/// A function of any signature in one form.
struct KernelFunction {
    std::vector<KernelParameter> parameters;
    std::function<void(const WorkGroup&, const KernelSlot*)> call;
};

template <class T> struct IsSpan : std::false_type {};
template <class T> struct IsSpan<std::span<T>> : std::true_type { using Element = T; };

template <class T> constexpr std::optional<DType> kernel_dtype() {
    if constexpr (std::is_same_v<T, float> || std::is_same_v<T, double> || std::is_same_v<T, int32_t> ||
                  std::is_same_v<T, int64_t> || std::is_same_v<T, long long> || std::is_same_v<T, uint8_t> ||
                  std::is_same_v<T, bool>) {
        return dtype_of<T>();
    } else {
        return std::nullopt;
    }
}

template <class P> KernelParameter kernel_parameter() {
    using T = std::remove_cvref_t<P>;
    KernelParameter p;
    auto describe = [&]<class E>(std::type_identity<E>) {
        static_assert(std::is_trivially_copyable_v<E>, "kernels take spans of, or plain, trivially copyable types");
        static_assert(!std::is_pointer_v<E>, "kernels take std::span, not pointers");
        static_assert(alignof(E) <= alignof(std::max_align_t), "kernels take no over-aligned types");
        p.dtype = kernel_dtype<E>();
        p.type = &typeid(E);
        p.size = sizeof(E);
        p.alignment = alignof(E);
        p.arithmetic = std::is_arithmetic_v<E>;
    };
    if constexpr (IsSpan<T>::value) {
        using E = typename IsSpan<T>::Element;
        p.kind = std::is_const_v<E> ? KernelParameter::Kind::input : KernelParameter::Kind::output;
        describe(std::type_identity<std::remove_const_t<E>>{});
    } else {
        static_assert(!std::is_lvalue_reference_v<P> || std::is_const_v<std::remove_reference_t<P>>,
                      "kernels take values by value or const reference; results go into a std::span");
        describe(std::type_identity<T>{});
    }
    return p;
}

template <class P> decltype(auto) kernel_argument(const KernelSlot& slot) {
    using T = std::remove_cvref_t<P>;
    if constexpr (IsSpan<T>::value) {
        using E = typename IsSpan<T>::Element;
        return std::span<E>(static_cast<E*>(slot.data), slot.count);
    } else {
        return *static_cast<const T*>(slot.data);
    }
}

template <class F, class... P> KernelFunction kernel_function(F f, void (*)(const WorkGroup&, P...)) {
    KernelFunction result;
    result.parameters = {kernel_parameter<P>()...};
    result.call = [f = std::move(f)]<size_t... I>(std::index_sequence<I...>) {
        return [f](const WorkGroup& group, [[maybe_unused]] const KernelSlot* slots) {
            f(group, kernel_argument<P>(slots[I])...);
        };
    }
    (std::index_sequence_for<P...>{});
    return result;
}

/// The signature of a callable's operator() as a function pointer type.
template <class M> struct CallSignature;
template <class C, class R, class... P> struct CallSignature<R (C::*)(P...) const> { using Type = R (*)(P...); };
template <class C, class R, class... P> struct CallSignature<R (C::*)(P...) const noexcept> {
    using Type = R (*)(P...);
};
template <class R, class... P> struct CallSignature<R (*)(P...)> { using Type = R (*)(P...); };

template <class F> KernelFunction make_kernel_function(F f) {
    if constexpr (std::is_pointer_v<F>) {
        if (!f) throw Error("KernelLibrary::add: the function pointer is null");
        return kernel_function(f, f);
    } else {
        return kernel_function(std::move(f), typename CallSignature<decltype(&F::operator())>::Type{});
    }
}

/// One instance of a templated lambda.
template <class T, class F> KernelFunction make_kernel_function_for(const F& f) {
    return kernel_function(f, typename CallSignature<decltype(&F::template operator()<T>)>::Type{});
}

} // namespace detail

class KernelLibrary {
public:
    /// An empty library. Errors: DeviceError for a device that does not run C++ functions.
    explicit KernelLibrary(Device device = Device::cpu());
    /// The kernels that Ingot brings along (docs/low_level.md lists them with their arguments), on the CPU.
    static const KernelLibrary& standard();

    /// Registers `function(const WorkGroup&, parameters...)`: a function pointer, or a lambda that is not mutable. It should
    /// write nothing but its output spans. Errors: ingot::Error for an empty name or one that is taken.
    template <class F> Kernel add(const std::string& name, F function) {
        return add_function(name, detail::make_kernel_function(std::move(function)));
    }
    /// Registers []<class T>(const WorkGroup&, ...) for every T given, as name_f32, name_f64 and so on.
    template <class... T, class F> std::vector<Kernel> add_for(const std::string& name, const F& function) {
        return {
            add_function(name + "_" + ingot::name(dtype_of<T>()), detail::make_kernel_function_for<T>(function))...};
    }

    /// Errors: ingot::Error that lists the names there are.
    Kernel kernel(const std::string& name) const;
    bool contains(const std::string& name) const;
    /// Sorted.
    std::vector<std::string> names() const;
    Device device() const;

private:
    Kernel add_function(const std::string& name, detail::KernelFunction function);
    std::shared_ptr<core::KernelLibraryState> state_;
};

} // namespace ingot
