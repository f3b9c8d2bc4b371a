// SPDX-License-Identifier: MIT
#include "io/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <unordered_set>

#include <nlohmann/json.hpp>
#include <zlib.h>

#include <ingot/error.h>

#include "io/atomic_file.h"
#include "io/file.h"
#include "io/json.h"
#include "io/safetensors_header.h"

static_assert(std::endian::native == std::endian::little, "safetensors data is little-endian; swapping is not written");

namespace ingot::io {

struct SafetensorsFile::Storage {
    std::unique_ptr<MappedFile> map;
    std::vector<uint8_t> memory;
    std::span<const uint8_t> bytes() const { return map ? map->bytes() : std::span<const uint8_t>(memory); }
};

namespace {

struct DTypeName {
    DType dtype;
    const char* name;
};
constexpr DTypeName kDTypeNames[] = {{DType::f32, "F32"},   {DType::f64, "F64"},     {DType::f16, "F16"},
                                     {DType::bf16, "BF16"}, {DType::i32, "I32"},     {DType::i64, "I64"},
                                     {DType::u8, "U8"},     {DType::boolean, "BOOL"}};

const DType* dtype_named(const std::string& text) {
    for (const DTypeName& row : kDTypeNames)
        if (text == row.name) return &row.dtype;
    return nullptr;
}

const char* name_of(DType dtype) {
    for (const DTypeName& row : kDTypeNames)
        if (dtype == row.dtype) return row.name;
    return "?";
}

/// Bytes of a tensor, false on overflow. Zero sizes do not excuse an absurd size elsewhere in the shape.
bool extent(const std::vector<uint64_t>& shape, size_t element, uint64_t* bytes) {
    uint64_t nonzero = element;
    bool empty = false;
    for (const uint64_t d : shape) {
        if (d == 0) {
            empty = true;
            continue;
        }
        if (__builtin_mul_overflow(nonzero, d, &nonzero)) return false;
    }
    *bytes = empty ? 0 : nonzero;
    return nonzero <= static_cast<uint64_t>(INT64_MAX);
}

/// Offsets must be a partition of [0, data_bytes): no overlap, no hole, nothing left over.
void check_layout(const std::vector<HeaderEntry>& entries, uint64_t data_bytes, const std::string& path) {
    std::vector<const HeaderEntry*> order;
    order.reserve(entries.size());
    for (const HeaderEntry& e : entries) order.push_back(&e);
    std::sort(order.begin(), order.end(), [](const HeaderEntry* a, const HeaderEntry* b) {
        return a->begin != b->begin ? a->begin < b->begin : a->end < b->end;
    });
    uint64_t at = 0;
    for (const HeaderEntry* e : order) {
        if (e->begin != at)
            throw FileError(path + ": tensor " + quote_name(e->name) + " begins at data offset " +
                            std::to_string(e->begin) +
                            (e->begin < at ? ", inside the tensor before it, which ends at "
                                           : ", leaving a hole after the tensor before it, which ends at ") +
                            std::to_string(at));
        at = e->end;
    }
    if (at != data_bytes)
        throw FileError(path + ": the tensors end at data offset " + std::to_string(at) + " but the file has " +
                        std::to_string(data_bytes) + " bytes of data");
}

} // namespace

SafetensorsFile::SafetensorsFile(std::shared_ptr<const Storage> storage, const std::string& path)
    : storage_(std::move(storage)), path_(path) {
    const std::span<const uint8_t> bytes = storage_->bytes();
    if (bytes.size() < 8)
        throw FileError(path + ": has " + std::to_string(bytes.size()) + " bytes, too short for a safetensors file");
    uint64_t header_bytes = 0;
    std::memcpy(&header_bytes, bytes.data(), 8);
    if (header_bytes > bytes.size() - 8 || header_bytes > kMaxSafetensorsHeader)
        throw FileError(path + ": is not a safetensors file or is truncated: the header length at offset 0 is " +
                        std::to_string(header_bytes) + " but the file has " + std::to_string(bytes.size()) +
                        " bytes and at most " + std::to_string(kMaxSafetensorsHeader) + " are allowed");
    const std::string_view header(reinterpret_cast<const char*>(bytes.data()) + 8, static_cast<size_t>(header_bytes));
    HeaderContent content = parse_safetensors_header(header, path);
    metadata_ = std::move(content.metadata);

    const uint64_t data_bytes = bytes.size() - 8 - header_bytes;
    const uint8_t* data = bytes.data() + 8 + header_bytes;
    tensors_.reserve(content.entries.size());
    for (const HeaderEntry& e : content.entries) {
        const std::string who = path + ": tensor " + quote_name(e.name) + " at data offset " + std::to_string(e.begin);
        const DType* dtype = dtype_named(e.dtype);
        if (dtype == nullptr)
            throw FileError(who + " has dtype " + quote_name(e.dtype) +
                            "; Ingot reads F32, F64, F16, BF16, I32, I64, U8 and BOOL");
        if (e.begin > e.end || e.end > data_bytes)
            throw FileError(who + " ends at " + std::to_string(e.end) + ", outside the file's " +
                            std::to_string(data_bytes) + " bytes of data");
        uint64_t need = 0;
        if (!extent(e.shape, size_of(*dtype), &need)) throw FileError(who + " has a shape whose size overflows");
        TensorView view{e.name, *dtype, Shape{}, data + e.begin, static_cast<size_t>(e.end - e.begin)};
        for (const uint64_t d : e.shape) view.shape.push_back(static_cast<int64_t>(d));
        if (need != e.end - e.begin)
            throw FileError(who + " has " + std::to_string(e.end - e.begin) + " bytes; its shape and dtype need " +
                            std::to_string(need));
        tensors_.push_back(std::move(view));
        index_.emplace(e.name, tensors_.size() - 1);
    }
    check_layout(content.entries, data_bytes, path);
    // A C++ bool must hold 0 or 1; anything else is undefined behaviour later on.
    for (const TensorView& t : tensors_) {
        if (t.dtype != DType::boolean) continue;
        const uint8_t* values = static_cast<const uint8_t*>(t.data);
        for (size_t i = 0; i < t.bytes; ++i)
            if (values[i] > 1)
                throw FileError(path + ": tensor " + quote_name(t.name) + ": the BOOL at offset " +
                                std::to_string(offset(t) + i) + " is " + std::to_string(values[i]));
    }
}

SafetensorsFile SafetensorsFile::open(const std::string& path) {
    auto storage = std::make_shared<Storage>();
    storage->map = std::make_unique<MappedFile>(path);
    return SafetensorsFile(std::move(storage), path);
}

SafetensorsFile SafetensorsFile::parse(std::vector<uint8_t> bytes, const std::string& name) {
    auto storage = std::make_shared<Storage>();
    storage->memory = std::move(bytes);
    return SafetensorsFile(std::move(storage), name);
}

const TensorView* SafetensorsFile::find(std::string_view name) const {
    const auto it = index_.find(std::string(name));
    return it == index_.end() ? nullptr : &tensors_[it->second];
}

size_t SafetensorsFile::offset(const TensorView& tensor) const {
    return static_cast<size_t>(static_cast<const uint8_t*>(tensor.data) - storage_->bytes().data());
}

void write_safetensors(const std::string& path, const std::vector<TensorView>& tensors,
                       const std::map<std::string, std::string>& metadata) {
    if (tensors.size() > kMaxSafetensorsTensors)
        throw Error(path + ": " + std::to_string(tensors.size()) + " tensors are more than the limit of " +
                    std::to_string(kMaxSafetensorsTensors));
    std::unordered_set<std::string> names;
    std::string header = "{";
    if (!metadata.empty()) {
        header += "\"__metadata__\":{";
        bool first = true;
        for (const auto& [key, value] : metadata) {
            if (!first) header += ',';
            first = false;
            header += json_string(key, path) + ":" + json_string(value, path);
        }
        header += '}';
    }
    uint64_t at = 0;
    for (const TensorView& t : tensors) {
        if (t.name == "__metadata__") throw Error(path + ": a tensor cannot be named __metadata__");
        if (!names.insert(t.name).second) throw Error(path + ": two tensors are named " + quote_name(t.name));
        if (t.shape.rank() > kMaxSafetensorsRank)
            throw Error(path + ": tensor " + quote_name(t.name) + " has more than " +
                        std::to_string(kMaxSafetensorsRank) + " axes");
        std::vector<uint64_t> dims;
        std::string shape;
        for (const int64_t d : t.shape) {
            if (d < 0) throw Error(path + ": tensor " + quote_name(t.name) + " has a negative size in its shape");
            dims.push_back(static_cast<uint64_t>(d));
            if (!shape.empty()) shape += ',';
            shape += std::to_string(d);
        }
        uint64_t need = 0;
        if (!extent(dims, size_of(t.dtype), &need) || need != t.bytes)
            throw Error(path + ": tensor " + quote_name(t.name) + " has " + std::to_string(t.bytes) +
                        " bytes, which do not fit its shape [" + shape + "] and dtype " + name_of(t.dtype));
        if (header.size() > 1) header += ',';
        header += json_string(t.name, path) + ":{\"dtype\":\"" + name_of(t.dtype) + "\",\"shape\":[" + shape +
                  "],\"data_offsets\":[" + std::to_string(at) + "," + std::to_string(at + t.bytes) + "]}";
        at += t.bytes;
    }
    header += '}';
    header.append((8 - header.size() % 8) % 8, ' ');
    if (header.size() > kMaxSafetensorsHeader) throw Error(path + ": the header is larger than the format allows");

    AtomicFile file(path);
    const uint64_t header_bytes = header.size();
    file.write(&header_bytes, 8);
    file.write(header);
    for (const TensorView& t : tensors) file.write(t.data, t.bytes);
    file.commit();
}

uint32_t crc32(const TensorView& tensor) {
    return static_cast<uint32_t>(::crc32_z(0, static_cast<const Bytef*>(tensor.data), tensor.bytes));
}

namespace {

uint32_t crc32(const std::string& text) {
    return static_cast<uint32_t>(::crc32_z(0, reinterpret_cast<const Bytef*>(text.data()), text.size()));
}

constexpr const char* kTensorSums = "crc32";
constexpr const char* kMetadataSums = "metadata_crc32";

/// The JSON object under `key`, null when there is none.
nlohmann::json checksums(const SafetensorsFile& file, const char* key) {
    const auto entry = file.metadata().find(key);
    if (entry == file.metadata().end()) return nullptr;
    const std::string source = file.path() + ": the metadata key " + key;
    auto list = parse_json<nlohmann::json>(entry->second, source);
    if (!list.is_object()) throw FileError(source + " is not a JSON object");
    return list;
}

/// `who` is whose checksum the list must have.
void verify_checksum(const nlohmann::json& list, const std::string& name, uint32_t sum, const std::string& who,
                     const char* key) {
    const auto it = list.find(name);
    if (it == list.end() || !it->is_number_unsigned())
        throw FileError(who + " has no checksum in the " + key + " list");
    if (it->get<uint64_t>() != sum) throw FileError(who + " is damaged: its checksum does not match");
}

} // namespace

std::string checksums_json(const std::map<std::string, std::string>& metadata) {
    std::string text = "{";
    for (const auto& [key, value] : metadata) {
        if (text.size() > 1) text += ',';
        text += json_string(key, "metadata_crc32 list") + ":" + std::to_string(crc32(value));
    }
    return text + "}";
}

std::string checksums_json(const std::vector<TensorView>& tensors) {
    std::string text = "{";
    for (const TensorView& t : tensors) {
        if (text.size() > 1) text += ',';
        text += json_string(t.name, "crc32 list") + ":" + std::to_string(crc32(t));
    }
    return text + "}";
}

void verify_checksums(const SafetensorsFile& file) {
    if (const auto list = checksums(file, kMetadataSums); !list.is_null()) {
        for (const auto& [key, text] : file.metadata()) {
            const std::string who = file.path() + ": metadata " + quote_name(key);
            if (key != kTensorSums && key != kMetadataSums) verify_checksum(list, key, crc32(text), who, kMetadataSums);
        }
        for (const auto& [key, sum] : list.items())
            if (!file.metadata().contains(key))
                throw FileError(file.path() + ": metadata " + quote_name(key) + " is missing");
    }
    const auto list = checksums(file, kTensorSums);
    if (list.is_null()) return;
    for (const TensorView& t : file.tensors()) {
        const std::string who =
            file.path() + ": tensor " + quote_name(t.name) + " at offset " + std::to_string(file.offset(t));
        verify_checksum(list, t.name, crc32(t), who, kTensorSums);
    }
    for (const auto& [name, value] : list.items())
        if (file.find(name) == nullptr) throw FileError(file.path() + ": tensor " + quote_name(name) + " is missing");
}

} // namespace ingot::io
