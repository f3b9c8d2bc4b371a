// SPDX-License-Identifier: MIT
// Traces in the JSON array form of the Trace Event Format, which Chrome and Perfetto read: one "X" event per run of
// something, times in microseconds since the measurement began.
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include <unistd.h>

#include <ingot/error.h>

#include "base/profile.h"

namespace ingot::base::profile {

namespace {

/// A JSON string.
std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (static_cast<unsigned char>(c) < 0x20) {
            char code[8];
            std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(c));
            out += code;
        } else {
            out += c;
        }
    }
    return out + '"';
}

struct Close {
    void operator()(std::FILE* f) const { std::fclose(f); }
};

} // namespace

void write_trace(const Snapshot& s, const std::string& path) {
    const std::string temporary = path + ".tmp";
    const auto fail = [&](const std::string& what) {
        return FileError(path + ": cannot write the profile: " + what + ": " + std::strerror(errno));
    };
    std::unique_ptr<std::FILE, Close> file(std::fopen(temporary.c_str(), "wb"));
    if (!file) throw fail("open");
    std::FILE* out = file.get();
    const int pid = static_cast<int>(getpid());
    std::fprintf(
        out,
        "[{\"name\": \"process_name\", \"ph\": \"M\", \"pid\": %d, \"tid\": 0, \"args\": {\"name\": \"ingot\", "
        "\"events_left_out\": %lld}}",
        pid, static_cast<long long>(s.events_left_out));
    for (const Snapshot::Thread& t : s.threads) {
        std::fprintf(
            out, ",\n{\"name\": \"thread_name\", \"ph\": \"M\", \"pid\": %d, \"tid\": %d, \"args\": {\"name\": %s}}",
            pid, t.number, quoted(t.name).c_str());
        for (const Event& e : t.events) {
            std::fprintf(out,
                         ",\n{\"name\": %s, \"cat\": \"%s\", \"ph\": \"X\", \"pid\": %d, \"tid\": %d, \"ts\": %.3f, "
                         "\"dur\": %.3f",
                         quoted(e.label->name).c_str(), profiler::name(e.label->phase), pid, t.number,
                         static_cast<double>(e.begin - s.begin) * 1e-3, static_cast<double>(e.end - e.begin) * 1e-3);
            if (e.label->kernel)
                std::fprintf(out, ", \"args\": {\"ops\": %s, \"bytes\": %.0f, \"flops\": %.0f}",
                             quoted(e.label->ops).c_str(), e.bytes, e.flops);
            std::fputc('}', out);
        }
    }
    std::fputs("\n]\n", out);
    if (std::fflush(out) != 0 || std::ferror(out) != 0) {
        const FileError error = fail("write");
        file.reset();
        std::remove(temporary.c_str());
        throw error;
    }
    file.reset();
    if (std::rename(temporary.c_str(), path.c_str()) != 0) throw fail("rename");
}

} // namespace ingot::base::profile
