// SPDX-License-Identifier: MIT
#include "io/append_file.h"

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include <ingot/error.h>

#include "io/file.h"

namespace ingot::io {

AppendFile::AppendFile(const std::string& path, bool truncate) : path_(path) {
    fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | (truncate ? O_TRUNC : 0), 0666);
    if (fd_ < 0) throw FileError(path + ": cannot open for writing: " + errno_text(errno));
    const off_t end = ::lseek(fd_, 0, SEEK_END);
    if (end < 0) {
        const int code = errno;
        ::close(fd_);
        throw FileError(path + ": cannot append: " + errno_text(code));
    }
    size_ = end;
}

AppendFile::~AppendFile() { ::close(fd_); }

void AppendFile::write(std::string_view bytes) {
    int64_t done = 0;
    while (done < static_cast<int64_t>(bytes.size())) {
        const ssize_t got = ::write(fd_, bytes.data() + done, bytes.size() - static_cast<size_t>(done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            const int code = errno;
            // Readers stop at a torn piece: better none than half of it.
            const bool cut = ::ftruncate(fd_, size_) == 0 && ::lseek(fd_, size_, SEEK_SET) >= 0;
            throw FileError(path_ + ": writing failed after " + std::to_string(size_) + " bytes: " + errno_text(code) +
                            (cut ? "" : " (its end is damaged)"));
        }
        done += got;
    }
    size_ += done;
}

} // namespace ingot::io
