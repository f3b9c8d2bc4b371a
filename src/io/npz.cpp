// SPDX-License-Identifier: MIT
#include <unordered_set>

#include <ingot/error.h>

#include "io/archive.h"
#include "io/file.h"
#include "io/npy.h"
#include "io/npy_header.h"
#include "io/safetensors_header.h"
#include "io/zip.h"

namespace ingot::io {

namespace {

constexpr const char* kSuffix = ".npy";

} // namespace

std::vector<std::pair<std::string, NpyArray>> parse_npz(std::span<const uint8_t> bytes, const std::string& name) {
    const ZipReader zip(bytes, name);
    std::vector<std::pair<std::string, NpyArray>> arrays;
    std::unordered_set<std::string> keys;
    std::vector<uint8_t> scratch;
    for (const ZipMember& member : zip.members()) {
        const std::string who = name + ": member " + quote_name(member.name);
        if (!member.name.ends_with(kSuffix)) throw FileError(who + " is not an npy file");
        const std::string key = member.name.substr(0, member.name.size() - 4);
        if (!stays_inside(key)) throw FileError(who + ": its name leaves the archive's folder");
        if (!keys.insert(key).second) throw FileError(who + " occurs twice");
        arrays.emplace_back(key, parse_npy(zip.content(member, scratch), who));
    }
    return arrays;
}

std::vector<std::pair<std::string, NpyArray>> read_npz(const std::string& path) {
    const MappedFile file(path);
    return parse_npz(file.bytes(), path);
}

void write_npz(const std::string& path, const std::vector<TensorView>& arrays, bool compress) {
    std::unordered_set<std::string> keys;
    std::vector<std::string> headers;
    for (const TensorView& array : arrays) {
        json_string(array.name, path); // throws unless it is UTF-8
        if (!stays_inside(array.name))
            throw Error(path + ": " + quote_name(array.name) + " cannot be a name in an npz file");
        if (!keys.insert(array.name).second) throw Error(path + ": two arrays are named " + quote_name(array.name));
        headers.push_back(make_npy_header(array, path + ": " + quote_name(array.name)));
    }
    if (keys.size() > kMaxZipMembers) throw Error(path + ": more than " + std::to_string(kMaxZipMembers) + " arrays");
    AtomicFile file(path);
    ZipWriter zip(file, compress);
    for (size_t i = 0; i < arrays.size(); ++i)
        zip.add(arrays[i].name + kSuffix, {{reinterpret_cast<const uint8_t*>(headers[i].data()), headers[i].size()},
                                           {static_cast<const uint8_t*>(arrays[i].data), arrays[i].bytes}});
    zip.finish();
    file.commit();
}

} // namespace ingot::io
