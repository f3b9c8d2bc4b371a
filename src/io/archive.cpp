// SPDX-License-Identifier: MIT
#include "io/archive.h"

#include <algorithm>
#include <memory>
#include <string_view>

#include <archive.h>
#include <archive_entry.h>

#include <ingot/error.h>

#include "io/file.h"
#include "io/quote.h"

namespace ingot::io {

bool stays_inside(std::string_view name) {
    if (name.empty() || name.front() == '/' || name.find('\\') != std::string_view::npos) return false;
    for (size_t at = 0; at <= name.size();) {
        const size_t end = std::min(name.find('/', at), name.size());
        if (name.substr(at, end - at) == "..") return false;
        at = end + 1;
    }
    return true;
}

void for_each_entry(const std::string& path, const EntryVisitor& visit, const ArchiveLimits& limits) {
    const MappedFile file(path); // names missing files and folders better than libarchive does
    const std::unique_ptr<archive, int (*)(archive*)> reader(archive_read_new(), archive_read_free);
    archive* a = reader.get();
    const auto fail = [&](const std::string& where, const char* what) {
        throw FileError(path + ": " + where + (what != nullptr ? what : "unknown archive error"));
    };
    archive_read_support_format_tar(a);
    archive_read_support_filter_gzip(a);
    archive_read_support_filter_xz(a);
    archive_read_support_filter_bzip2(a);
    archive_read_support_filter_zstd(a);
    if (archive_read_open_memory(a, file.bytes().data(), file.bytes().size()) != ARCHIVE_OK)
        fail("is not a tar archive: ", archive_error_string(a));

    const int64_t most = limits.free_bytes + limits.max_ratio * static_cast<int64_t>(file.bytes().size());
    int64_t entries = 0;
    for (;;) {
        archive_entry* entry = nullptr;
        const int status = archive_read_next_header(a, &entry);
        if (status == ARCHIVE_EOF) break;
        if (status != ARCHIVE_OK && status != ARCHIVE_WARN)
            fail("damaged or truncated archive after entry " + std::to_string(entries) + ": ", archive_error_string(a));
        if (++entries > limits.max_entries)
            fail("has more than " + std::to_string(limits.max_entries) + " entries", "");
        const char* raw_name = archive_entry_pathname(entry);
        if (raw_name == nullptr) raw_name = archive_entry_pathname_utf8(entry);
        if (raw_name == nullptr) fail("entry " + std::to_string(entries) + ": ", "its name cannot be read");
        const std::string name = raw_name;
        const std::string where = "entry " + quote_name(name) + ": ";
        if (!stays_inside(name)) fail(where, "its name leaves the archive's folder");
        // Checked before skipping too: skipping decompresses.
        const int64_t size = archive_entry_size(entry);
        if (size < 0 || size > limits.max_entry_bytes)
            fail(where, "is larger than the limit for one file in an archive");
        if (archive_filter_bytes(a, 0) + size > limits.max_total_bytes)
            fail(where, "the archive is larger than the limit when uncompressed");
        if (archive_entry_filetype(entry) == AE_IFDIR) continue;
        if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) != nullptr)
            fail(where, "is a link or a device; only files and folders are read");
        constexpr size_t kFirstChunk = 1 << 16;
        std::vector<uint8_t> bytes;
        // Grows with what is really there: a header may announce more than the archive holds.
        while (static_cast<int64_t>(bytes.size()) < size) {
            if (archive_filter_bytes(a, 0) > most) fail(where, "the archive uncompresses to an absurd size");
            const size_t at = bytes.size();
            const auto chunk = std::min(static_cast<size_t>(size) - at, std::max(at, kFirstChunk));
            bytes.resize(at + chunk);
            const la_ssize_t got = archive_read_data(a, bytes.data() + at, chunk);
            if (got < 0) fail(where + "damaged or truncated archive: ", archive_error_string(a));
            if (got == 0) fail(where, "the archive is truncated");
            bytes.resize(at + static_cast<size_t>(got));
        }
        if (!visit(name, std::move(bytes))) return;
    }
    if (entries == 0) fail("", "holds no entries");
}

} // namespace ingot::io
