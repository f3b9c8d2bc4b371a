// SPDX-License-Identifier: MIT
#include "io/file.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ingot/error.h>

namespace ingot::io {

namespace {

/// An open read-only descriptor of a regular file.
struct Descriptor {
    int fd = -1;
    int64_t size = 0;
    explicit Descriptor(const std::string& path) {
        // O_NONBLOCK: opening a named pipe must not wait for a writer that never comes.
        fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0) throw FileError(path + ": cannot open: " + errno_text(errno));
        struct stat info {};
        if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
            ::close(fd);
            throw FileError(path + ": is not a regular file");
        }
        size = static_cast<int64_t>(info.st_size);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() { ::close(fd); }
};

} // namespace

std::string errno_text(int code) { return std::generic_category().message(code); }

std::vector<uint8_t> read_file(const std::string& path, int64_t max_bytes) {
    std::vector<uint8_t> bytes;
    read_file(path, max_bytes, bytes);
    return bytes;
}

std::span<const uint8_t> read_file(const std::string& path, int64_t max_bytes, std::vector<uint8_t>& buffer) {
    const Descriptor file(path);
    if (file.size > max_bytes)
        throw FileError(path + ": has " + std::to_string(file.size) + " bytes, more than the limit of " +
                        std::to_string(max_bytes));
    const auto size = static_cast<size_t>(file.size);
    if (buffer.size() < size) buffer.resize(size);
    size_t done = 0;
    while (done < size) {
        const ssize_t got = ::read(file.fd, buffer.data() + done, size - done);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0)
            throw FileError(path + ": cannot read at offset " + std::to_string(done) + ": " + errno_text(errno));
        if (got == 0)
            throw FileError(path + ": ended at offset " + std::to_string(done) + " of " + std::to_string(size));
        done += static_cast<size_t>(got);
    }
    return {buffer.data(), size};
}

std::vector<std::string> list_folder(const std::string& path) {
    namespace fs = std::filesystem;
    std::vector<std::string> names;
    std::error_code code;
    for (fs::directory_iterator it(path, code), end; !code && it != end; it.increment(code)) {
        std::string name = it->path().filename().string();
        if (name.front() != '.') names.push_back(std::move(name));
    }
    if (code) throw FileError(path + ": cannot list the folder: " + code.message());
    std::sort(names.begin(), names.end());
    return names;
}

MappedFile::MappedFile(const std::string& path) {
    const Descriptor file(path);
    size_ = static_cast<size_t>(file.size);
    if (size_ == 0) return; // a mapping of no bytes is an error for mmap, not for us
    void* map = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.fd, 0);
    if (map == MAP_FAILED) throw FileError(path + ": cannot map: " + errno_text(errno));
    data_ = static_cast<const uint8_t*>(map);
}

MappedFile::~MappedFile() {
    if (data_ != nullptr) ::munmap(const_cast<uint8_t*>(data_), size_);
}

} // namespace ingot::io
