// SPDX-License-Identifier: MIT
// The safetensors format (github.com/huggingface/safetensors): 8 bytes of header length, a JSON header, the tensors'
// bytes. Used for checkpoints and for exchanging weights with PyTorch. Reading is strict: a file whose header lies in
// any way is refused with the file, the tensor and the offset named. Works on plain memory, little-endian machines.
// SafetensorsFile is an immutable value (copies share the bytes) and may be read by several threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <ingot/dtype.h>
#include <ingot/shape.h>

namespace ingot::io {

/// A named tensor in row-major memory that somebody else owns.
struct TensorView {
    std::string name;
    DType dtype = DType::f32;
    Shape shape;
    const void* data = nullptr; ///< may be unaligned when it points into a file
    size_t bytes = 0;
};

/// Limits of the reader and the writer.
inline constexpr uint64_t kMaxSafetensorsHeader = 100'000'000;
inline constexpr size_t kMaxSafetensorsTensors = 100'000;
inline constexpr size_t kMaxSafetensorsRank = 32;

class SafetensorsFile {
public:
    /// Maps and checks the file `path`. Errors: FileError.
    static SafetensorsFile open(const std::string& path);
    /// The same for bytes in memory; `name` stands for the file in error messages.
    static SafetensorsFile parse(std::vector<uint8_t> bytes, const std::string& name);

    /// The tensors in the order of the header. Their data stays valid as long as this object or a copy of it lives.
    const std::vector<TensorView>& tensors() const { return tensors_; }
    /// The tensor of that name, or null.
    const TensorView* find(std::string_view name) const;
    const std::map<std::string, std::string>& metadata() const { return metadata_; }
    const std::string& path() const { return path_; }
    /// Where `tensor` (one of tensors()) begins in the file, in bytes.
    size_t offset(const TensorView& tensor) const;

private:
    struct Storage;
    explicit SafetensorsFile(std::shared_ptr<const Storage> storage, const std::string& path);

    std::shared_ptr<const Storage> storage_;
    std::string path_;
    std::vector<TensorView> tensors_;
    std::map<std::string, std::string> metadata_;
    std::unordered_map<std::string, size_t> index_;
};

/// Writes `tensors` in the given order, atomically (io/atomic_file.h); the same arguments give the same bytes.
/// Errors: Error for a duplicate or reserved name, a name that is not UTF-8, or bytes that do not fit shape and dtype;
/// FileError when writing fails (the old file is then untouched).
void write_safetensors(const std::string& path, const std::vector<TensorView>& tensors,
                       const std::map<std::string, std::string>& metadata = {});

/// zlib's CRC-32 of the tensor's bytes.
uint32_t crc32(const TensorView& tensor);

/// A JSON object from tensor name to crc32(), in the given order: the value of the metadata key `crc32`.
std::string checksums_json(const std::vector<TensorView>& tensors);
/// The same of the metadata's texts: the value of the metadata key `metadata_crc32`.
std::string checksums_json(const std::map<std::string, std::string>& metadata);

/// Compares the tensors with the metadata key `crc32` and the other metadata with `metadata_crc32`, those that the file has.
/// Errors: FileError naming the first damaged tensor and its offset or the damaged text, or what a list leaves out or has alone.
void verify_checksums(const SafetensorsFile& file);

} // namespace ingot::io
