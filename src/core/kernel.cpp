// SPDX-License-Identifier: MIT
#include "core/kernel.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <mutex>

#include <ingot/error.h>

#include "base/parallel.h"
#include "core/allocator.h"

namespace ingot {

namespace core {

struct KernelLibraryState {
    Device device;
    mutable std::mutex mutex;
    std::map<std::string, std::shared_ptr<const KernelState>> kernels;
};

namespace {

/// Threads per group when nobody says otherwise: enough to hide the cost of a call.
constexpr int64_t kGroupThreads = 4096;

int64_t groups_along(int64_t grid, int64_t group) { return (grid + group - 1) / group; }

std::string shortest(double value) {
    char text[32];
    return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

std::string given(const KernelArg& arg) {
    switch (arg.what()) {
    case KernelArg::What::buffer: return "a buffer";
    case KernelArg::What::real: return "the number " + shortest(arg.real());
    case KernelArg::What::integer: return "the number " + std::to_string(arg.integer());
    case KernelArg::What::natural: return "the number " + std::to_string(arg.natural());
    case KernelArg::What::bytes: return "a value of another type";
    }
    return {};
}

/// Casts to T if the value survives.
template <class T> bool store_as(const KernelArg& n, std::byte* out) {
    T v{};
    switch (n.what()) {
    case KernelArg::What::real:
        if constexpr (std::is_floating_point_v<T>) {
            if (std::isfinite(n.real()) && std::abs(n.real()) > static_cast<double>(std::numeric_limits<T>::max()))
                return false;
            v = static_cast<T>(n.real());
        } else {
            // Both bounds are powers of two, hence exact.
            const double low = static_cast<double>(std::numeric_limits<T>::min());
            const double high = std::ldexp(1.0, std::numeric_limits<T>::digits);
            if (!(n.real() >= low && n.real() < high) || n.real() != std::floor(n.real())) return false;
            v = static_cast<T>(n.real());
        }
        break;
    case KernelArg::What::integer:
        if constexpr (std::is_integral_v<T>) {
            if (!std::in_range<std::conditional_t<std::is_same_v<T, bool>, uint8_t, T>>(n.integer())) return false;
            if (std::is_same_v<T, bool> && n.integer() > 1) return false;
        }
        v = static_cast<T>(n.integer());
        break;
    case KernelArg::What::natural:
        if constexpr (std::is_integral_v<T>) {
            if (n.natural() > static_cast<uint64_t>(std::numeric_limits<T>::max())) return false;
        }
        v = static_cast<T>(n.natural());
        break;
    default: return false;
    }
    std::memcpy(out, &v, sizeof v);
    return true;
}

} // namespace

bool store_number(const KernelParameter& p, const KernelArg& n, std::byte* out) {
    const std::type_info& t = *p.type;
    if (t == typeid(float)) return store_as<float>(n, out);
    if (t == typeid(double)) return store_as<double>(n, out);
    if (t == typeid(bool)) return store_as<bool>(n, out);
    if (t == typeid(int8_t)) return store_as<int8_t>(n, out);
    if (t == typeid(uint8_t)) return store_as<uint8_t>(n, out);
    if (t == typeid(int16_t)) return store_as<int16_t>(n, out);
    if (t == typeid(uint16_t)) return store_as<uint16_t>(n, out);
    if (t == typeid(int32_t)) return store_as<int32_t>(n, out);
    if (t == typeid(uint32_t)) return store_as<uint32_t>(n, out);
    if (t == typeid(long)) return store_as<long>(n, out);
    if (t == typeid(unsigned long)) return store_as<unsigned long>(n, out);
    if (t == typeid(long long)) return store_as<long long>(n, out);
    if (t == typeid(unsigned long long)) return store_as<unsigned long long>(n, out);
    return false;
}

BoundArguments bind_arguments(const Kernel& kernel, const std::vector<KernelArg>& args) {
    if (!kernel.valid()) throw Error("dispatch: the kernel is empty; KernelLibrary::kernel() finds one by its name");
    const std::vector<KernelParameter>& parameters = kernel.parameters();
    const std::string head = "dispatch of " + kernel.str() + ": ";
    if (args.size() != parameters.size())
        throw Error(head + std::to_string(args.size()) + " arguments were given, it takes " +
                    std::to_string(parameters.size()));
    BoundArguments bound;
    for (size_t i = 0; i < args.size(); ++i) {
        const KernelParameter& p = parameters[i];
        const KernelArg& a = args[i];
        const auto fail = [&](const std::string& why) {
            return Error(head + "argument " + std::to_string(i) + " " + why);
        };
        const bool wants_buffer = p.kind != KernelParameter::Kind::value;
        if (wants_buffer != (a.what() == KernelArg::What::buffer))
            throw fail("is " + given(a) + ", not " + (wants_buffer ? "a buffer" : "a value of type " + p.str()));
        if (!wants_buffer) {
            auto value = std::make_unique<std::byte[]>(p.size);
            if (a.what() == KernelArg::What::bytes) {
                if (*a.type() != *p.type) throw fail("is " + given(a) + ", not of type " + p.str());
                std::memcpy(value.get(), a.value().data(), p.size);
            } else if (!p.arithmetic) {
                throw fail("is " + given(a) + ", which is no " + p.str());
            } else if (!store_number(p, a, value.get())) {
                throw fail("is " + given(a) + ", which does not fit " + p.str());
            }
            bound.slots.push_back({value.get(), 1});
            bound.values.push_back(std::move(value));
            continue;
        }
        const Buffer& b = a.buffer();
        if (b.device() != kernel.device())
            throw DeviceError(head + "argument " + std::to_string(i) + " is on " + b.device().str() +
                              ", the kernel on " + kernel.device().str());
        const bool inside = a.offset() <= b.bytes();
        const size_t bytes = a.bytes() != KernelArg::kWhole ? a.bytes() : inside ? b.bytes() - a.offset() : 0;
        if (!inside || bytes > b.bytes() - a.offset())
            throw fail("covers " + std::to_string(bytes) + " bytes at offset " + std::to_string(a.offset()) +
                       " of a buffer of " + std::to_string(b.bytes()) + " bytes");
        if (bytes % p.size != 0)
            throw fail("has " + std::to_string(bytes) + " bytes, which is no whole number of elements of " +
                       std::to_string(p.size));
        char* first = static_cast<char*>(b.data()) + a.offset();
        if (bytes > 0 && reinterpret_cast<uintptr_t>(first) % p.alignment != 0)
            throw fail("begins at an address that is no multiple of " + std::to_string(p.alignment) + ", as " +
                       p.str() + " needs");
        bound.slots.push_back({first, bytes / p.size});
        bound.buffers.push_back(b);
        bound.bytes += static_cast<double>(bytes);
    }
    return bound;
}

void check_grid(const std::string& kernel, const Dim3& grid, const Dim3& group) {
    if (grid.x < 0 || grid.y < 0 || grid.z < 0)
        throw Error("dispatch of " + kernel + ": the grid " + grid.str() + " has a negative extent");
    if (group.x < 1 || group.y < 1 || group.z < 1)
        throw Error("dispatch of " + kernel + ": the group " + group.str() + " must have at least one thread per axis");
    int64_t threads = 0;
    if (__builtin_mul_overflow(grid.x, grid.y, &threads) || __builtin_mul_overflow(threads, grid.z, &threads))
        throw Error("dispatch of " + kernel + ": the grid " + grid.str() + " has more threads than 63 bits can count");
}

Dim3 choose_group(const Dim3& grid) {
    Dim3 group;
    group.x = std::clamp<int64_t>(grid.x, 1, kGroupThreads);
    group.y = std::clamp<int64_t>(grid.y, 1, kGroupThreads / group.x);
    group.z = std::clamp<int64_t>(grid.z, 1, kGroupThreads / (group.x * group.y));
    return group;
}

void run_kernel(const KernelState& kernel, const Dim3& grid, const Dim3& wanted, const KernelSlot* slots) {
    if (grid.x == 0 || grid.y == 0 || grid.z == 0) return;
    const Dim3 group{std::min(wanted.x, grid.x), std::min(wanted.y, grid.y), std::min(wanted.z, grid.z)};
    const int64_t nx = groups_along(grid.x, group.x), ny = groups_along(grid.y, group.y);
    const int64_t count = nx * ny * groups_along(grid.z, group.z);
    base::parallel_for(count, 1, [&](int64_t first, int64_t last) {
        for (int64_t i = first; i < last; ++i) {
            WorkGroup g;
            g.grid = grid;
            g.begin = {i % nx * group.x, i / nx % ny * group.y, i / (nx * ny) * group.z};
            g.end = {std::min(g.begin.x + group.x, grid.x), std::min(g.begin.y + group.y, grid.y),
                     std::min(g.begin.z + group.z, grid.z)};
            kernel.function.call(g, slots);
        }
    });
}

} // namespace core

std::string Dim3::str() const { return std::to_string(x) + " x " + std::to_string(y) + " x " + std::to_string(z); }

std::string KernelParameter::str() const {
    const std::string element = dtype ? ingot::name(*dtype) : std::to_string(size) + "-byte";
    switch (kind) {
    case Kind::input: return "const " + element + "[]";
    case Kind::output: return element + "[]";
    case Kind::value: break;
    }
    return element;
}

namespace {
const core::KernelState& state_of(const core::KernelState* state) {
    if (!state) throw Error("Kernel: this handle is empty; KernelLibrary::kernel() finds one by its name");
    return *state;
}
} // namespace

const std::string& Kernel::name() const { return state_of(state()).name; }
Device Kernel::device() const { return state_of(state()).device; }
const std::vector<KernelParameter>& Kernel::parameters() const { return state_of(state()).function.parameters; }

std::string Kernel::str() const {
    std::string text = name() + "(";
    for (size_t i = 0; i < parameters().size(); ++i) text += (i ? ", " : "") + parameters()[i].str();
    return text + ")";
}

KernelLibrary::KernelLibrary(Device device) : state_(std::make_shared<core::KernelLibraryState>()) {
    core::allocator(device); // both devices of this build compute in host memory; others throw
    state_->device = device;
}

Kernel KernelLibrary::add_function(const std::string& name, detail::KernelFunction function) {
    if (name.empty()) throw Error("KernelLibrary::add: the name is empty");
    auto state = std::make_shared<core::KernelState>();
    state->name = name;
    state->device = state_->device;
    state->function = std::move(function);
    const std::lock_guard lock(state_->mutex);
    if (!state_->kernels.emplace(name, state).second)
        throw Error("KernelLibrary::add: there is a kernel '" + name + "' already");
    Kernel kernel;
    kernel.state_ = std::move(state);
    return kernel;
}

Kernel KernelLibrary::kernel(const std::string& name) const {
    std::string known;
    {
        const std::lock_guard lock(state_->mutex);
        const auto it = state_->kernels.find(name);
        if (it != state_->kernels.end()) {
            Kernel kernel;
            kernel.state_ = it->second;
            return kernel;
        }
        for (const auto& [other, unused] : state_->kernels) known += (known.empty() ? "" : ", ") + other;
    }
    throw Error("KernelLibrary: there is no kernel '" + name + "'; " +
                (known.empty() ? "the library is empty" : "there are " + known));
}

bool KernelLibrary::contains(const std::string& name) const {
    const std::lock_guard lock(state_->mutex);
    return state_->kernels.contains(name);
}

std::vector<std::string> KernelLibrary::names() const {
    const std::lock_guard lock(state_->mutex);
    std::vector<std::string> result;
    for (const auto& [name, unused] : state_->kernels) result.push_back(name);
    return result;
}

Device KernelLibrary::device() const { return state_->device; }

} // namespace ingot
