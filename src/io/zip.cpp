// SPDX-License-Identifier: MIT
// Records and their fields: PKWARE's APPNOTE.TXT, sections 4.3.7 (local header), 4.3.12 (central directory), 4.3.14 to
// 4.3.16 (end records) and 4.5.3 (the ZIP64 extra field).
#include "io/zip.h"

#include <algorithm>
#include <memory>

#include <zlib.h>

#include <ingot/error.h>

#include "io/safetensors_header.h"

namespace ingot::io {

namespace {

constexpr uint32_t kLocal = 0x04034B50, kCentral = 0x02014B50, kEnd = 0x06054B50, kEnd64 = 0x06064B50,
                   kLocator64 = 0x07064B50;
constexpr uint64_t kLocalBytes = 30, kCentralBytes = 46, kEndBytes = 22, kEnd64Bytes = 56, kLocatorBytes = 20;
constexpr uint64_t kIn64 = 0xFFFFFFFF;   // a 32-bit field whose value stands in the ZIP64 extra field
constexpr uint64_t kDeflateRatio = 1032; // the most that deflate can do
constexpr int kStored = 0, kDeflated = 8;
constexpr unsigned kEncrypted = 1;
constexpr uint16_t kExtra64 = 1;

/// Appends `value` to `to` in `bytes` bytes, little-endian.
void put(std::string& to, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) to += static_cast<char>(value >> (8 * i));
}

} // namespace

ZipReader::ZipReader(std::span<const uint8_t> bytes, const std::string& name) : bytes_(bytes), name_(name) {
    if (bytes_.size() < kEndBytes || (number(0, 4) != kLocal && number(0, 4) != kEnd))
        throw FileError(name_ + ": is not a zip archive: wrong magic number at offset 0");
    read_directory();
    // Members that share bytes are how small files announce endless content.
    std::vector<const ZipMember*> order;
    for (const ZipMember& m : members_) order.push_back(&m);
    std::sort(order.begin(), order.end(),
              [](const ZipMember* a, const ZipMember* b) { return a->header_offset < b->header_offset; });
    uint64_t end = 0;
    for (const ZipMember* m : order) {
        if (m->header_offset < end) fail(m->header_offset, "member " + quote_name(m->name) + " overlaps another one");
        end = m->data_offset + m->stored_size;
    }
}

void ZipReader::fail(uint64_t offset, const std::string& what) const {
    throw FileError(name_ + ": damaged zip archive at offset " + std::to_string(offset) + ": " + what);
}

/// The little-endian number at `at`, which the caller knows to lie in the file.
uint64_t ZipReader::number(uint64_t at, int bytes) const {
    uint64_t value = 0;
    for (int i = bytes; i-- > 0;) value = value << 8 | bytes_[at + static_cast<uint64_t>(i)];
    return value;
}

void ZipReader::read_directory() {
    uint64_t end = bytes_.size() - kEndBytes;
    if (number(end, 4) != kEnd || number(end + 20, 2) != 0)
        fail(end, "the end record is missing (truncated, or with a comment, which is not read)");
    if (number(end + 4, 4) != 0 || number(end + 8, 2) != number(end + 10, 2)) fail(end, "it has several parts");
    uint64_t count = number(end + 10, 2), size = number(end + 12, 4), start = number(end + 16, 4);
    if (count == 0xFFFF || size == kIn64 || start == kIn64) {
        if (end < kLocatorBytes + kEnd64Bytes || number(end - kLocatorBytes, 4) != kLocator64)
            fail(end, "the ZIP64 end record is missing");
        const uint64_t record = number(end - kLocatorBytes + 8, 8);
        if (record != end - kLocatorBytes - kEnd64Bytes || number(record, 4) != kEnd64)
            fail(end - kLocatorBytes, "the ZIP64 end record is not at offset " + std::to_string(record));
        count = number(record + 32, 8);
        size = number(record + 40, 8);
        start = number(record + 48, 8);
        end = record;
    }
    if (start > end || size != end - start)
        fail(end, "the directory (offset " + std::to_string(start) + ", " + std::to_string(size) +
                      " bytes) does not end at the end record");
    if (count > kMaxZipMembers || count > size / kCentralBytes)
        fail(end,
             "announces " + std::to_string(count) + " members in a directory of " + std::to_string(size) + " bytes");

    uint64_t at = start;
    for (uint64_t i = 0; i < count; ++i) {
        if (end - at < kCentralBytes || number(at, 4) != kCentral) fail(at, "a directory entry is missing");
        const uint64_t name_bytes = number(at + 28, 2), extra_bytes = number(at + 30, 2),
                       comment_bytes = number(at + 32, 2);
        if (end - at - kCentralBytes < name_bytes + extra_bytes + comment_bytes)
            fail(at, "a directory entry is longer than the directory");
        ZipMember m;
        m.name.assign(reinterpret_cast<const char*>(bytes_.data()) + at + kCentralBytes, name_bytes);
        const std::string who = "member " + quote_name(m.name) + ": ";
        if ((number(at + 8, 2) & kEncrypted) != 0) fail(at, who + "is encrypted");
        const uint64_t method = number(at + 10, 2);
        if (method != kStored && method != kDeflated)
            fail(at, who + "compression method " + std::to_string(method) + "; only stored and deflated are read");
        m.deflated = method == kDeflated;
        m.crc = static_cast<uint32_t>(number(at + 16, 4));
        m.stored_size = number(at + 20, 4);
        m.size = number(at + 24, 4);
        m.header_offset = number(at + 42, 4);

        uint64_t extra = at + kCentralBytes + name_bytes;
        const uint64_t extra_end = extra + extra_bytes;
        while (extra_end - extra >= 4) {
            const uint64_t id = number(extra, 2), length = number(extra + 2, 2);
            extra += 4;
            if (length > extra_end - extra) fail(extra, who + "an extra field is too long");
            uint64_t field = extra;
            extra += length;
            if (id != kExtra64) continue;
            for (uint64_t* value :
                 {&m.size, &m.stored_size, &m.header_offset}) { // only those that say so, in this order
                if (*value != kIn64) continue;
                if (extra - field < 8) fail(field, who + "its ZIP64 field is too short");
                *value = number(field, 8);
                field += 8;
            }
        }
        at = extra_end + comment_bytes;
        check_local_header(m, start);
        members_.push_back(std::move(m));
    }
    if (at != end) fail(at, "the directory has more than its " + std::to_string(count) + " entries");
}

void ZipReader::check_local_header(ZipMember& m, uint64_t directory) const {
    const std::string who = "member " + quote_name(m.name) + ": ";
    const uint64_t at = m.header_offset;
    if (at > directory || directory - at < kLocalBytes || number(at, 4) != kLocal)
        fail(at, who + "its local header is missing");
    const uint64_t name_bytes = number(at + 26, 2), skip = kLocalBytes + name_bytes + number(at + 28, 2);
    if (directory - at < skip) fail(at, who + "its local header is cut off");
    const std::string name(reinterpret_cast<const char*>(bytes_.data()) + at + kLocalBytes, name_bytes);
    if (name != m.name || (number(at + 8, 2) == kDeflated) != m.deflated)
        fail(at, who + "its local header contradicts the directory");
    m.data_offset = at + skip;
    if (m.stored_size > directory - m.data_offset)
        fail(m.data_offset, who + "announces " + std::to_string(m.stored_size) + " bytes, " +
                                std::to_string(directory - m.data_offset) + " are left");
    if (m.deflated ? m.size / kDeflateRatio > m.stored_size : m.size != m.stored_size)
        fail(m.data_offset, who + "announces " + std::to_string(m.size) + " bytes of content, which its " +
                                std::to_string(m.stored_size) + " bytes cannot hold");
}

void ZipReader::inflate(const ZipMember& m, std::vector<uint8_t>& out) const {
    const std::string who = "member " + quote_name(m.name) + ": ";
    z_stream stream{};
    if (::inflateInit2(&stream, -MAX_WBITS) != Z_OK) throw Error(name_ + ": zlib could not start");
    const std::unique_ptr<z_stream, int (*)(z_stream*)> release(&stream, ::inflateEnd);
    uint64_t read = 0, written = 0;
    out.clear();
    for (int status = Z_OK; status != Z_STREAM_END;) {
        // Grows with what is really there; one byte more than announced shows a member that holds more.
        if (written == out.size())
            out.resize(std::min<uint64_t>(std::max<uint64_t>(2 * out.size(), 1 << 16), m.size + 1));
        stream.next_in = const_cast<Bytef*>(bytes_.data() + m.data_offset + read);
        stream.avail_in = static_cast<uInt>(std::min<uint64_t>(m.stored_size - read, 1 << 30));
        stream.next_out = out.data() + written;
        stream.avail_out = static_cast<uInt>(std::min<uint64_t>(out.size() - written, 1 << 30));
        const uInt in = stream.avail_in, room = stream.avail_out;
        status = ::inflate(&stream, Z_NO_FLUSH);
        read += in - stream.avail_in;
        written += room - stream.avail_out;
        if (status != Z_OK && status != Z_STREAM_END)
            fail(m.data_offset + read, who + "damaged or truncated deflate data");
        if (written > m.size) fail(m.data_offset + read, who + "holds more than it announces");
    }
    out.resize(written);
    if (written != m.size || read != m.stored_size)
        fail(m.data_offset + read,
             who + "ends after " + std::to_string(written) + " of " + std::to_string(m.size) + " bytes");
}

std::span<const uint8_t> ZipReader::content(const ZipMember& m, std::vector<uint8_t>& scratch) const {
    std::span<const uint8_t> out = bytes_.subspan(m.data_offset, m.stored_size);
    if (m.deflated) {
        inflate(m, scratch);
        out = scratch;
    }
    if (::crc32_z(0, out.data(), out.size()) != m.crc)
        fail(m.data_offset, "member " + quote_name(m.name) + ": its checksum does not match");
    return out;
}

void ZipWriter::write(const std::string& record) {
    file_.write(record);
    at_ += record.size();
}

std::string ZipWriter::header(const ZipMember& m, bool central) const {
    std::string extra;
    const bool sizes64 = m.size >= zip64_from_ || m.stored_size >= zip64_from_;
    const bool offset64 = central && m.header_offset >= zip64_from_;
    if (sizes64 || offset64) {
        put(extra, kExtra64, 2);
        put(extra, (sizes64 ? 16 : 0) + (offset64 ? 8 : 0), 2);
        if (sizes64) put(extra, m.size, 8);
        if (sizes64) put(extra, m.stored_size, 8);
        if (offset64) put(extra, m.header_offset, 8);
    }
    std::string out;
    put(out, central ? kCentral : kLocal, 4);
    if (central) put(out, 3 << 8 | 45, 2); // made on Unix by version 4.5
    put(out, 45, 2);                       // needs version 4.5 (ZIP64)
    put(out, 1 << 11, 2);                  // the name is UTF-8
    put(out, m.deflated ? kDeflated : kStored, 2);
    put(out, 0x0021'0000, 4); // 1980-01-01 0:00, the first that zip knows: equal arrays give equal bytes
    put(out, m.crc, 4);
    put(out, sizes64 ? kIn64 : m.stored_size, 4);
    put(out, sizes64 ? kIn64 : m.size, 4);
    put(out, m.name.size(), 2);
    put(out, extra.size(), 2);
    if (central) {
        put(out, 0, 6);              // no comment, disk 0, no internal attributes
        put(out, 0100644u << 16, 4); // a regular file, rw-r--r--
        put(out, offset64 ? kIn64 : m.header_offset, 4);
    }
    return out + m.name + extra;
}

void ZipWriter::add(const std::string& name, const std::vector<std::span<const uint8_t>>& parts) {
    ZipMember m;
    m.name = name;
    m.header_offset = at_;
    for (const auto& part : parts) {
        if (part.empty()) continue; // a null pointer would set zlib's sum back
        m.crc = static_cast<uint32_t>(::crc32_z(m.crc, part.data(), part.size()));
        m.size += part.size();
    }
    if (name.size() > 0xFFFF) throw Error("zip: the name " + quote_name(name) + " is too long");
    m.deflated = deflate_;
    m.stored_size = m.size;
    std::vector<uint8_t> packed;
    if (deflate_) {
        z_stream stream{};
        if (::deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
            throw Error("zip: zlib could not start");
        const std::unique_ptr<z_stream, int (*)(z_stream*)> release(&stream, ::deflateEnd);
        // zlib counts in 32 bits: fed piece by piece, the output grows as it fills.
        const auto feed = [&](std::span<const uint8_t> piece, int flush) {
            stream.next_in = const_cast<Bytef*>(piece.data());
            stream.avail_in = static_cast<uInt>(piece.size());
            do {
                constexpr size_t kRoom = 1 << 16;
                const size_t used = packed.size();
                packed.resize(used + kRoom);
                stream.next_out = packed.data() + used;
                stream.avail_out = kRoom;
                ::deflate(&stream, flush);
                packed.resize(used + kRoom - stream.avail_out);
            } while (stream.avail_out == 0);
        };
        for (std::span<const uint8_t> part : parts)
            for (; !part.empty(); part = part.subspan(std::min<size_t>(part.size(), 1 << 30)))
                feed(part.first(std::min<size_t>(part.size(), 1 << 30)), Z_NO_FLUSH);
        feed({}, Z_FINISH);
        m.stored_size = packed.size();
    }
    write(header(m, false));
    for (const auto& part : deflate_ ? std::vector<std::span<const uint8_t>>{packed} : parts)
        file_.write(part.data(), part.size());
    at_ += m.stored_size;
    members_.push_back(std::move(m));
}

void ZipWriter::finish() {
    const uint64_t start = at_;
    for (const ZipMember& m : members_) write(header(m, true));
    const uint64_t size = at_ - start, count = members_.size();
    const bool large = start >= zip64_from_ || size >= zip64_from_ || count >= std::min<uint64_t>(zip64_from_, 0xFFFF);
    std::string end;
    if (large) {
        put(end, kEnd64, 4);
        put(end, kEnd64Bytes - 12, 8); // of the rest of this record
        put(end, 3 << 8 | 45, 2);
        put(end, 45, 2);
        put(end, 0, 8); // disk 0
        for (const uint64_t value : {count, count, size, start}) put(end, value, 8);
        put(end, kLocator64, 4);
        put(end, 0, 4);
        put(end, at_, 8);
        put(end, 1, 4); // disks
    }
    put(end, kEnd, 4);
    put(end, 0, 4);
    put(end, large ? 0xFFFF : count, 2);
    put(end, large ? 0xFFFF : count, 2);
    put(end, large ? kIn64 : size, 4);
    put(end, large ? kIn64 : start, 4);
    put(end, 0, 2); // no comment
    write(end);
}

} // namespace ingot::io
