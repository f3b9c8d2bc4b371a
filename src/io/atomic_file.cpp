// SPDX-License-Identifier: MIT
#include "io/atomic_file.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ingot/error.h>

#include "base/check.h"
#include "io/file.h"

namespace ingot::io {

namespace fs = std::filesystem;

AtomicFile::AtomicFile(const std::string& path) : path_(path) {
    std::error_code code;
    if (fs::is_symlink(path_, code)) {
        const fs::path target = fs::weakly_canonical(path_, code);
        if (code) throw FileError(path + ": cannot follow the symbolic link: " + code.message());
        path_ = target.string();
    }
    const fs::file_status status = fs::status(path_, code);
    if (fs::exists(status) && !fs::is_regular_file(status))
        throw FileError(path + ": cannot write: is not a regular file");

    const fs::path target(path_);
    if (target.filename().empty()) throw FileError(path + ": cannot write: names no file");
    static std::atomic<uint32_t> counter{0};
    // Own names rather than mkstemp: that one makes files of mode 0600, which the rename would keep.
    for (;;) {
        const std::string name = "." + target.filename().string() + ".tmp-" + std::to_string(::getpid()) + "-" +
                                 std::to_string(counter.fetch_add(1));
        temporary_ = (target.parent_path() / name).string();
        fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd_ >= 0) break;
        if (errno != EEXIST) throw FileError(path_ + ": cannot create: " + errno_text(errno));
    }
}

AtomicFile::~AtomicFile() {
    if (fd_ >= 0) ::close(fd_);
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::fail(const char* action, int code) {
    throw FileError(path_ + ": " + action + " failed after " + std::to_string(written_) +
                    " bytes: " + errno_text(code));
}

void AtomicFile::write(const void* data, size_t bytes) {
    INGOT_ASSERT(fd_ >= 0, "write after commit");
    const char* from = static_cast<const char*>(data);
    while (bytes > 0) {
        // Some systems refuse a single write of 2 GB and more.
        const ssize_t got = ::write(fd_, from, std::min<size_t>(bytes, size_t{1} << 30));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) fail("writing", errno);
        from += got;
        bytes -= static_cast<size_t>(got);
        written_ += got;
    }
}

void AtomicFile::commit() {
    INGOT_ASSERT(fd_ >= 0, "commit twice");
    if (::fsync(fd_) != 0) fail("syncing", errno);
    const int fd = fd_;
    fd_ = -1;
    if (::close(fd) != 0) fail("closing", errno);
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail("renaming", errno);
    temporary_.clear();
    const fs::path folder = fs::path(path_).parent_path();
    const int dir = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    if (dir < 0) fail("opening the folder", errno);
    const int synced = ::fsync(dir);
    const int code = errno;
    ::close(dir);
    // Some file systems cannot sync folders and say EINVAL; the rename itself has been done.
    if (synced != 0 && code != EINVAL && code != ENOTSUP) fail("syncing the folder", code);
}

void write_file_atomic(const std::string& path, std::string_view text) {
    AtomicFile file(path);
    file.write(text);
    file.commit();
}

} // namespace ingot::io
