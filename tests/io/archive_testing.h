// SPDX-License-Identifier: MIT
// Writes tar archives for tests, good and hostile ones, compressed as the file name says.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <archive.h>
#include <archive_entry.h>

#include "io/io_testing.h"

namespace ingot::testing {

struct Entry {
    enum class Kind { file, folder, symlink, hardlink };
    std::string name;
    Bytes content;
    Kind kind = Kind::file;
};

inline void write_archive(const std::string& path, const std::vector<Entry>& entries) {
    const std::unique_ptr<archive, int (*)(archive*)> writer(archive_write_new(), archive_write_free);
    archive* a = writer.get();
    archive_write_set_format_pax_restricted(a);
    if (path.ends_with(".gz")) archive_write_add_filter_gzip(a);
    if (path.ends_with(".xz")) archive_write_add_filter_xz(a);
    if (path.ends_with(".bz2")) archive_write_add_filter_bzip2(a);
    if (path.ends_with(".zst")) archive_write_add_filter_zstd(a);
    ASSERT_EQ(archive_write_open_filename(a, path.c_str()), ARCHIVE_OK);
    for (const Entry& e : entries) {
        const std::unique_ptr<archive_entry, void (*)(archive_entry*)> entry(archive_entry_new(), archive_entry_free);
        archive_entry_set_pathname(entry.get(), e.name.c_str());
        archive_entry_set_perm(entry.get(), 0644);
        archive_entry_set_size(entry.get(), static_cast<la_int64_t>(e.content.size()));
        archive_entry_set_filetype(entry.get(), e.kind == Entry::Kind::folder    ? AE_IFDIR
                                                : e.kind == Entry::Kind::symlink ? AE_IFLNK
                                                                                 : AE_IFREG);
        if (e.kind == Entry::Kind::symlink) archive_entry_set_symlink(entry.get(), "/etc/passwd");
        if (e.kind == Entry::Kind::hardlink) archive_entry_set_hardlink(entry.get(), "good");
        ASSERT_EQ(archive_write_header(a, entry.get()), ARCHIVE_OK);
        ASSERT_EQ(archive_write_data(a, e.content.data(), e.content.size()), static_cast<la_ssize_t>(e.content.size()));
    }
    ASSERT_EQ(archive_write_close(a), ARCHIVE_OK);
}

} // namespace ingot::testing
