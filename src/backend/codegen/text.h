// SPDX-License-Identifier: MIT
// Indented source text under construction, used by the kernel printer only. A value; not thread safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ingot::codegen {

/// Joins strings and integers: cat("i", 3, " + 1").
inline void append(std::string& out, std::string_view part) { out += part; }
inline void append(std::string& out, int64_t part) { out += std::to_string(part); }
inline void append(std::string& out, int32_t part) { out += std::to_string(part); }
inline void append(std::string& out, size_t part) { out += std::to_string(part); }
template <class... T> std::string cat(const T&... parts) {
    std::string out;
    (append(out, parts), ...);
    return out;
}

class Text {
public:
    explicit Text(int depth = 0) : depth_(depth) {}
    template <class... T> void line(const T&... parts) {
        out_.append(static_cast<size_t>(depth_) * 4, ' ');
        (append(out_, parts), ...);
        out_ += '\n';
    }
    /// A line that opens a block: "for (...)" gives "for (...) {".
    template <class... T> void open(const T&... parts) {
        out_.append(static_cast<size_t>(depth_) * 4, ' ');
        const size_t before = out_.size();
        (append(out_, parts), ...);
        out_ += out_.size() == before ? "{\n" : " {\n";
        ++depth_;
    }
    void close() {
        --depth_;
        line("}");
    }
    int depth() const { return depth_; }
    const std::string& str() const { return out_; }

private:
    std::string out_;
    int depth_;
};

} // namespace ingot::codegen
