// SPDX-License-Identifier: MIT
#include "io/archive.h"

#include <map>

#include "io/archive_testing.h"

namespace ingot::io {
namespace {

using testing::Bytes;
using testing::Entry;
using testing::read_bytes;
using testing::ScratchFolder;
using testing::write_archive;
using testing::write_bytes;

std::map<std::string, Bytes> read_all(const std::string& path, const ArchiveLimits& limits = {}) {
    std::map<std::string, Bytes> files;
    for_each_entry(
        path,
        [&](const std::string& name, Bytes content) {
            files[name] = std::move(content);
            return true;
        },
        limits);
    return files;
}

TEST(Archive, ReadsEveryCompression) {
    const ScratchFolder folder;
    const std::vector<Entry> entries = {{"a/", {}, Entry::Kind::folder},
                                        {"a/one.txt", Bytes(3000, 7)},
                                        {"./two", {}},
                                        {"a/three", Bytes(5'000'000, 9)}};
    for (const char* name : {"t.tar", "t.tar.gz", "t.tar.xz", "t.tar.bz2", "t.tar.zst"}) {
        write_archive(folder / name, entries);
        const auto files = read_all(folder / name);
        ASSERT_EQ(files.size(), 3u) << name;
        EXPECT_EQ(files.at("a/one.txt"), Bytes(3000, 7));
        EXPECT_EQ(files.at("a/three").size(), 5'000'000u);
    }
}

TEST(Archive, StopsWhenTold) {
    const ScratchFolder folder;
    write_archive(folder / "t.tar", {{"a", {1}}, {"b", {2}}, {"c", {3}}});
    int seen = 0;
    for_each_entry(folder / "t.tar", [&](const std::string&, const Bytes&) { return ++seen < 2; });
    EXPECT_EQ(seen, 2);
}

TEST(Archive, RefusesHostileEntries) {
    const ScratchFolder folder;
    const auto reject = [&](const Entry& entry, const std::string& part) {
        write_archive(folder / "t.tar", {{"good", {1}}, entry});
        EXPECT_ERROR(read_all(folder / "t.tar"), part);
    };
    reject({"../evil", {1}}, "entry '../evil': its name leaves the archive's folder");
    reject({"a/../../evil", {1}}, "leaves the archive's folder");
    reject({"a/..", {1}}, "leaves the archive's folder");
    reject({"/etc/evil", {1}}, "leaves the archive's folder");
    reject({"link", {}, Entry::Kind::symlink}, "entry 'link': is a link or a device");
    reject({"hard", {}, Entry::Kind::hardlink}, "entry 'hard': is a link or a device");
    write_archive(folder / "ok.tar", {{"a..b/..c", {1}}});
    EXPECT_EQ(read_all(folder / "ok.tar").size(), 1u);
}

TEST(Archive, EnforcesItsLimits) {
    const ScratchFolder folder;
    write_archive(folder / "t.tar.gz", {{"a", Bytes(1'000'000)}, {"b", Bytes(1'000'000)}, {"c", Bytes(1'000'000)}});
    EXPECT_EQ(read_all(folder / "t.tar.gz").size(), 3u);
    EXPECT_ERROR(read_all(folder / "t.tar.gz", {.max_entries = 2}), "has more than 2 entries");
    EXPECT_ERROR(read_all(folder / "t.tar.gz", {.max_entry_bytes = 999'999}), "entry 'a': is larger than the limit");
    EXPECT_ERROR(read_all(folder / "t.tar.gz", {.max_total_bytes = 2'500'000}), "entry 'c': the archive is larger");
}

TEST(Archive, RefusesBombs) {
    const ScratchFolder folder;
    write_archive(folder / "t.tar.xz", {{"a", Bytes(3'000'000)}, {"b", Bytes(3'000'000)}});
    EXPECT_ERROR(read_all(folder / "t.tar.xz", {.free_bytes = 1000}), "the archive uncompresses to an absurd size");
    EXPECT_EQ(read_all(folder / "t.tar.xz").size(), 2u); // small enough not to matter
}

TEST(Archive, DamagedArchivesAreErrors) {
    const ScratchFolder folder;
    Bytes noise(3000);
    for (size_t i = 0; i < noise.size(); ++i) noise[i] = static_cast<uint8_t>(i * i >> 3);
    for (const char* name : {"t.tar.gz", "t.tar.xz"}) {
        write_archive(folder / name, {{"a", noise}, {"b", noise}});
        const Bytes whole = read_bytes(folder / name);
        for (size_t n = 0; n < whole.size(); n += n < 40 ? 1 : 13) {
            write_bytes(folder / "cut", Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n)));
            EXPECT_ERROR(read_all(folder / "cut"), "cut: ");
        }
    }
    write_archive(folder / "t.tar", {{"a", noise}});
    const Bytes whole = read_bytes(folder / "t.tar");
    write_bytes(folder / "cut", Bytes(whole.begin(), whole.begin() + 2000)); // in the middle of the content
    EXPECT_ERROR(read_all(folder / "cut"), "cut: entry 'a': ");
    testing::write_text(folder / "page.tar", "<html><body>404</body></html>");
    EXPECT_ERROR(read_all(folder / "page.tar"), "page.tar: ");
    EXPECT_ERROR(read_all(folder / "none"), "none: cannot open");
    EXPECT_ERROR(read_all(folder.path()), "is not a regular file");
}

} // namespace
} // namespace ingot::io
