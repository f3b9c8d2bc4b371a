// SPDX-License-Identifier: MIT
#include "io/idx.h"

#include <algorithm>
#include <memory>

#include <zlib.h>

#include <ingot/error.h>

#include "io/file.h"

namespace ingot::io {

namespace {

/// Bytes of a plain or gzipped file, in order.
class Reader {
public:
    explicit Reader(const std::string& path) : path_(path), map_(path) {
        const auto bytes = map_.bytes();
        compressed_ = bytes.size() >= 2 && bytes[0] == 0x1F && bytes[1] == 0x8B;
        file_.reset(::gzopen(path.c_str(), "rb"));
        if (!file_) throw FileError(path + ": cannot open");
        ::gzbuffer(file_.get(), 1 << 18);
    }

    /// The most bytes that the file can hold: its size, or what deflate's best ratio (1032) makes of it.
    int64_t capacity() const { return static_cast<int64_t>(map_.bytes().size()) * (compressed_ ? 1032 : 1); }

    /// Up to `bytes` bytes; fewer only at the end of the data.
    int64_t read(uint8_t* to, int64_t bytes) {
        int64_t done = 0;
        while (done < bytes) {
            const auto chunk = static_cast<unsigned>(std::min<int64_t>(bytes - done, 1 << 24));
            const int got = ::gzread(file_.get(), to + done, chunk);
            if (got < 0) {
                int code = 0;
                const char* text = ::gzerror(file_.get(), &code);
                // Out of input in the middle of the stream: the caller reports a truncated file with both sizes.
                if (code == Z_BUF_ERROR) break;
                throw FileError(path_ + ": damaged gzip data after " + std::to_string(at_ + done) + " bytes: " + text);
            }
            if (got == 0) break;
            done += got;
        }
        at_ += done;
        return done;
    }

    /// True when nothing follows and, for gzip, the stream ended properly.
    bool at_end() {
        uint8_t byte = 0;
        if (read(&byte, 1) != 0) return false;
        int code = 0;
        ::gzerror(file_.get(), &code);
        return code != Z_BUF_ERROR;
    }

private:
    struct Close {
        void operator()(gzFile_s* f) const { ::gzclose(f); }
    };
    std::string path_;
    MappedFile map_;
    bool compressed_ = false;
    std::unique_ptr<gzFile_s, Close> file_;
    int64_t at_ = 0;
};

} // namespace

IdxArray read_idx(const std::string& path, int rank) {
    Reader reader(path);
    const auto truncated = [&](int64_t expected, int64_t actual) {
        throw FileError(path + ": is truncated: expected " + std::to_string(expected) + " bytes, found " +
                        std::to_string(actual));
    };
    uint8_t magic[4] = {};
    if (const int64_t got = reader.read(magic, 4); got != 4) truncated(4, got);
    if (magic[0] != 0 || magic[1] != 0) throw FileError(path + ": is not an IDX file: wrong magic number at offset 0");
    if (magic[2] != 0x08)
        throw FileError(path + ": IDX element type " + std::to_string(magic[2]) +
                        " is not supported, only unsigned bytes (8)");
    if (magic[3] != rank)
        throw FileError(path + ": IDX array has " + std::to_string(magic[3]) + " axes, expected " +
                        std::to_string(rank));

    IdxArray array;
    int64_t header = 4, total = 1;
    for (int i = 0; i < rank; ++i) {
        uint8_t be[4] = {};
        const int64_t got = reader.read(be, 4);
        if (got != 4) truncated(4 + 4 * int64_t{rank}, header + got);
        header += 4;
        const int64_t dim = int64_t{be[0]} << 24 | int64_t{be[1]} << 16 | int64_t{be[2]} << 8 | be[3];
        array.dims.push_back(dim);
        if (__builtin_mul_overflow(total, dim, &total) || total > kMaxIdxBytes)
            throw FileError(path + ": the IDX header asks for more than " + std::to_string(kMaxIdxBytes) + " bytes");
    }
    if (header + total > reader.capacity()) truncated(header + total, std::min(reader.capacity(), header + total));

    array.data.resize(static_cast<size_t>(total));
    if (const int64_t got = reader.read(array.data.data(), total); got != total)
        truncated(header + total, header + got);
    if (!reader.at_end())
        throw FileError(path + ": does not end after the " + std::to_string(header + total) +
                        " bytes its header announces");
    return array;
}

} // namespace ingot::io
