// SPDX-License-Identifier: MIT
#include "io/atomic_file.h"

#include <csignal>
#include <filesystem>

#include <sys/resource.h>
#include <sys/stat.h>

#include "io/io_testing.h"

namespace ingot::io {
namespace {

using testing::Bytes;
using testing::read_bytes;
using testing::ScratchFolder;
using testing::write_text;

Bytes bytes_of(const std::string& text) { return Bytes(text.begin(), text.end()); }

TEST(AtomicFile, WritesNewAndReplacesOld) {
    const ScratchFolder folder;
    const std::string path = folder / "a.csv";
    write_file_atomic(path, "one");
    EXPECT_EQ(read_bytes(path), bytes_of("one"));
    AtomicFile file(path);
    file.write("tw");
    file.write("o");
    EXPECT_EQ(read_bytes(path), bytes_of("one")); // nothing is visible before commit()
    file.commit();
    EXPECT_EQ(read_bytes(path), bytes_of("two"));
    EXPECT_EQ(folder.entries(), 1u);
}

TEST(AtomicFile, FollowsTheProcessMask) {
    const ScratchFolder folder;
    const mode_t old = ::umask(027);
    write_file_atomic(folder / "a", "x");
    ::umask(old);
    struct stat info {};
    ASSERT_EQ(::stat((folder / "a").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777u, 0640u);
}

TEST(AtomicFile, WithoutCommitNothingRemains) {
    const ScratchFolder folder;
    write_text(folder / "a", "old");
    {
        AtomicFile file(folder / "a");
        file.write("new");
        EXPECT_EQ(folder.entries(), 2u);
    }
    EXPECT_EQ(read_bytes(folder / "a"), bytes_of("old"));
    EXPECT_EQ(folder.entries(), 1u);
}

TEST(AtomicFile, FollowsASymbolicLink) {
    const ScratchFolder folder;
    write_text(folder / "real/a", "old");
    std::filesystem::create_symlink(folder / "real/a", folder / "link");
    write_file_atomic(folder / "link", "new");
    EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
    EXPECT_EQ(read_bytes(folder / "real/a"), bytes_of("new"));
}

TEST(AtomicFile, RelativePathWithoutAFolder) {
    const ScratchFolder folder;
    const std::filesystem::path before = std::filesystem::current_path();
    std::filesystem::current_path(folder.path());
    write_file_atomic("plain", "x");
    std::filesystem::current_path(before);
    EXPECT_EQ(read_bytes(folder / "plain"), bytes_of("x"));
}

TEST(AtomicFile, FullDiskKeepsTheOldFile) {
    const ScratchFolder folder;
    const std::string path = folder / "a";
    write_text(path, "old");
    // The limit on file sizes stands for a full disk: write() fails part way.
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    rlimit small = before;
    small.rlim_cur = 100'000;
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
    const std::string text = testing::error_of([&] { write_file_atomic(path, std::string(200'000, 'x')); });
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
    EXPECT_TRUE(testing::contains(text, path + ": writing failed after 100000 bytes")) << text;
    EXPECT_EQ(read_bytes(path), bytes_of("old"));
    EXPECT_EQ(folder.entries(), 1u);
}

TEST(AtomicFile, RefusesWhatCannotBeReplaced) {
    const ScratchFolder folder;
    std::filesystem::create_directory(folder / "dir");
    EXPECT_ERROR(write_file_atomic(folder / "dir", "x"), "is not a regular file");
    EXPECT_ERROR(write_file_atomic(folder.path() + "/no/such/file", "x"), "cannot create: No such file");
    EXPECT_ERROR(write_file_atomic("/dev/null", "x"), "is not a regular file");
}

} // namespace
} // namespace ingot::io
