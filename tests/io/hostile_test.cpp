// SPDX-License-Identifier: MIT
// What every reader owes to files from strangers, tried on all of them, and where each rule of docs/files.md is tested:
//
// | rule | test |
// |---|---|
// | products of sizes and offset + size in checked 64-bit arithmetic | Safetensors.RejectsBadExtents, Npy.RefusesBadSizes, Idx.HostileHeaders, Image.RefusesHugeSizesBeforeDecoding, ModelSpec.ErrorsNameTheLayer |
// | a length is compared with what remains before anything is allocated | HostileFiles.LengthsThatLieAllocateNothing, Npz.RefusesDeclaredSizesThatAreNotThere, Image.RefusesMorePixelsThanTheBytesCanHold, Archive.RefusesBombs |
// | validation is no assert | the tests run in release builds, where assert() does nothing; INGOT_ASSERT aborts, so every EXPECT_ERROR shows that a rule is not one |
// | zero, negative, duplicate and empty values | Safetensors.{AcceptsWhatTheFormatAllows,RejectsDuplicateKeys,RejectsBadEntries}, Npy.{AcceptsWhatTheFormatAllows,RefusesBadHeaders}, Npz.RefusesHostileMembers, Idx.ReadsPlainAndGzip, ModelSpec.ErrorsOutsideLayers |
// | safetensors: header length within 100 MB and the file | Safetensors.RejectsBadLengths |
// | safetensors: UTF-8 JSON that begins with '{', no duplicate keys | Safetensors.{RejectsBadJson,RejectsDuplicateKeys} |
// | safetensors: no overlap, no hole, the file covered, empty tensors only between others | Safetensors.{RejectsOverlapsAndHoles,AcceptsWhatTheFormatAllows} |
// | safetensors: shape x dtype = extent, no overflow; number of tensors | Safetensors.{RejectsBadExtents,RejectsTooManyTensors} |
// | files are written under another name and renamed | AtomicFile.*, Safetensors.WriterRefusesNonsense, Npz.WriterRefusesNonsense |
// | npy: header length, shape product, pickled objects, memory and byte order | Npy.{RefusesBadHeaders,RefusesBadSizes,RefusesWhatItHasNoTypeFor,ReadsWhatNumPyWrote} |
// | npz: sizes that are not there, bombs, members that share bytes | Npz.{RefusesDeclaredSizesThatAreNotThere,RefusesMembersThatShareBytes} |
// | npz: ZIP64, names with '..' or '/', duplicate members | Npz.{Zip64RecordsAreReadAndWritten,RefusesHostileMembers} |
// | pickles are never read: .pt and object arrays | HostileFiles.PicklesAreNeverRead, Npy.RefusesWhatItHasNoTypeFor |
// | images: only JPEG and PNG; caps before decoding; 16 bits; truncated and damaged data | HostileFiles.OtherImageFormats, Image.* |
// | archives: names, links, sizes, bombs, damage | Archive.* |
// | IDX: number of axes, product of sizes, what follows the last byte, gzip's checksum | Idx.{HostileHeaders,TruncatedAtEveryOffset,DamagedGzip} |
// | CIFAR-10: whole records, labels in range | Cifar10.{BadBatches,CutAtEveryByteOfARecord} |
// | CSV: quotes, NUL bytes, rows of other lengths, duplicate and empty names, numbers that are none | Csv.RefusesWithLineAndColumn, Csv.CutAnywhereItNeverCrashes, HostileFiles.AnyBytesAreATableOrAnError, Tables.{BadCellsNameLineAndColumn,NumbersThatOverflowTheirSpreadAreRefused} |
// | model specs: UTF-8 JSON, depth, number and product of sizes, duplicate and unknown keys | ModelSpec.{ErrorsNameTheLayer,ErrorsOutsideLayers,AnyBytesAreAModelOrAnError} |
// | checkpoints: truncated, damaged, swapped; written whole or not at all | CheckpointTest.EveryDamagedByteOfATensorIsFound, BadInput.{CorruptedCheckpoint,CheckpointAndDataDoNotFit}, HostileFiles.CheckpointsOfAnotherModel, AtomicFile.FullDiskKeepsTheOldFile |
// | an HTML page, nothing, one byte, noise, cut at every offset | Hostile.{NothingOfTheKind,TruncatedAtEveryOffset}, HostileFiles.* (commands), fuzz/ |
#include <functional>
#include <random>

#include "io/allocation_watch.h"
#include "io/archive.h"
#include "io/archive_testing.h"
#include "io/csv.h"
#include "io/idx.h"
#include "io/image.h"
#include "io/image_testing.h"
#include "io/npy.h"
#include "io/safetensors.h"
#include "io/zip.h"

namespace ingot::io {
namespace {

using testing::AllocationWatch;
using testing::Bytes;
using testing::ScratchFolder;
using testing::write_bytes;

struct Reader {
    const char* name;
    void (*read)(const std::string& path);
    Bytes (*good)(const std::string& scratch); ///< a file that it reads; `scratch` is a path to write to
};

Bytes big_endian(std::initializer_list<uint32_t> words) {
    Bytes out;
    for (const uint32_t word : words) testing::append_be32(out, word);
    return out;
}

const float kFloats[] = {1, 2, 3, 4};

const Reader kReaders[] = {
    {"safetensors", [](const std::string& path) { verify_checksums(SafetensorsFile::open(path)); },
     [](const std::string& scratch) {
         const std::vector<TensorView> tensors = {{"w", f32, Shape{2, 2}, kFloats, 16}};
         write_safetensors(scratch, tensors, {{"crc32", checksums_json(tensors)}});
         return testing::read_bytes(scratch);
     }},
    {"npy", [](const std::string& path) { read_npy(path); },
     [](const std::string& scratch) {
         write_npy(scratch, {"", f32, Shape{2, 2}, kFloats, 16});
         return testing::read_bytes(scratch);
     }},
    {"npz", [](const std::string& path) { read_npz(path); },
     [](const std::string& scratch) {
         write_npz(scratch, {{"w", f32, Shape{2, 2}, kFloats, 16}}, true);
         return testing::read_bytes(scratch);
     }},
    {"idx", [](const std::string& path) { read_idx(path, 2); },
     [](const std::string&) {
         return big_endian({0x802, 2, 2, 0x01020304});
     }},
    {"archive",
     [](const std::string& path) { for_each_entry(path, [](const std::string&, const Bytes&) { return true; }); },
     [](const std::string& scratch) {
         testing::write_archive(scratch + ".gz", {{"a/b.txt", Bytes(50, 3)}});
         return testing::read_bytes(scratch + ".gz");
     }},
    {"jpeg", [](const std::string& path) { read_image(path); },
     [](const std::string&) { return testing::make_jpeg(8, 8, 3, Bytes(192, 90)); }},
    {"png", [](const std::string& path) { read_image(path); },
     [](const std::string&) {
         return testing::make_png(2, 2, 8, 0, {0, 1, 2, 0, 3, 4});
     }},
};

class Hostile : public ::testing::TestWithParam<Reader> {
protected:
    /// `bytes` are refused with an error that names the file, and nothing much is allocated for them.
    void refuse(const Bytes& bytes) {
        write_bytes(path_, bytes);
        const AllocationWatch watch;
        EXPECT_ERROR(GetParam().read(path_), path_ + ": ");
        EXPECT_LE(watch.largest(), 100'000 + 16 * bytes.size()) << bytes.size() << " bytes";
    }
    const ScratchFolder folder_;
    const std::string path_ = folder_ / "stranger";
};

TEST_P(Hostile, NothingOfTheKind) {
    refuse({});
    const std::string page = "<!DOCTYPE html>\n<html><head><title>404</title></head><body>Not found</body></html>\n";
    refuse(Bytes(page.begin(), page.end()));
    for (const int byte : {0x00, 0x0A, 0x1F, 0x50, 0x7B, 0x89, 0x93, 0xFF}) refuse({static_cast<uint8_t>(byte)});
    std::mt19937 random(1);
    for (const size_t size : {2, 10, 100, 1000, 20'000})
        for (int times = 0; times < 5; ++times) {
            Bytes noise(size);
            for (uint8_t& byte : noise) byte = static_cast<uint8_t>(random());
            refuse(noise);
        }
    for (const Reader& other : kReaders) {
        const std::string mine = GetParam().name, theirs = other.name;
        const bool both_images = (mine == "png" || mine == "jpeg") && (theirs == "png" || theirs == "jpeg");
        if (mine != theirs && !both_images) refuse(other.good(folder_ / "good"));
    }
    std::filesystem::remove(path_);
    EXPECT_ERROR(GetParam().read(path_), path_ + ": cannot open");
    std::filesystem::create_directory(path_);
    EXPECT_ERROR(GetParam().read(path_), path_ + ": is not a regular file");
}

TEST_P(Hostile, TruncatedAtEveryOffset) {
    const Bytes good = GetParam().good(folder_ / "good");
    write_bytes(path_, good);
    GetParam().read(path_);
    for (size_t n = 0; n < good.size(); ++n) refuse(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(n)));
}

INSTANTIATE_TEST_SUITE_P(Readers, Hostile, ::testing::ValuesIn(kReaders),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(HostileFiles, LengthsThatLieAllocateNothing) {
    const ScratchFolder folder;
    const std::string path = folder / "liar";
    const auto refuse = [&](const Bytes& bytes, const std::function<void()>& read) {
        write_bytes(path, bytes);
        const AllocationWatch watch;
        EXPECT_ERROR(read(), "liar: ");
        EXPECT_LE(watch.largest(), 100'000u) << ::testing::PrintToString(bytes).substr(0, 200);
    };
    const auto text = [](const std::string& content) { return Bytes(content.begin(), content.end()); };
    // Twelve bytes that ask for a header of 4 GB; a shape of 4 GB; 4 GB announced in a zip's directory.
    refuse({0x93, 'N', 'U', 'M', 'P', 'Y', 2, 0, 0xFF, 0xFF, 0xFF, 0xFF}, [&] { read_npy(path); });
    Bytes npy = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, 70, 0};
    const Bytes dict = text("{'descr': '|u1', 'fortran_order': True, 'shape': (65536, 65536), }     ");
    npy.insert(npy.end(), dict.begin(), dict.begin() + 70);
    refuse(npy, [&] { read_npy(path); });
    write_npz(path, {{"w", f32, Shape{4}, kFloats, 16}}, true);
    Bytes npz = testing::read_bytes(path);
    const std::string central = "PK\x01\x02";
    const auto entry = std::search(npz.begin(), npz.end(), central.begin(), central.end());
    for (int i = 24; i < 28; ++i) entry[i] = 0xFE;
    refuse(npz, [&] { read_npz(path); });
    Bytes safetensors = {0xFF, 0xFF, 0xF0, 5, 0, 0, 0, 0, '{', '}'}; // a header of 99 MB
    refuse(safetensors, [&] { SafetensorsFile::open(path); });
    refuse(big_endian({0x801, 0xFFFFFFF0}), [&] { read_idx(path, 1); });
    refuse(big_endian({0x803, 60'000, 28, 28}), [&] { read_idx(path, 3); });
    testing::write_archive(path, {{"a", Bytes(3'000'000)}});
    const Bytes tar = testing::read_bytes(path);
    refuse(Bytes(tar.begin(), tar.begin() + 1000),
           [&] { for_each_entry(path, [](const std::string&, const Bytes&) { return true; }); });
    refuse(testing::make_png(8000, 8000, 8, 2, {0, 1, 2, 3}), [&] { read_image(path); });
}

/// Nearly every text is a table of some kind, so that these files may be read; what is read must be a table.
TEST(HostileFiles, AnyBytesAreATableOrAnError) {
    const ScratchFolder folder;
    const std::string path = folder / "t.csv";
    int read = 0, refused = 0;
    const auto try_it = [&](const Bytes& bytes) {
        write_bytes(path, bytes);
        const AllocationWatch watch;
        try {
            const Csv csv = read_csv(path);
            ++read;
            ASSERT_GT(csv.rows(), 0);
            for (int64_t row = 0; row < csv.rows(); ++row)
                for (int64_t column = 0; column < csv.columns(); ++column)
                    ASSERT_LE(csv.cell(row, column).size(), bytes.size());
        } catch (const FileError& error) {
            ++refused;
            EXPECT_EQ(std::string(error.what()).rfind(path + ": ", 0), 0u) << error.what();
        }
        EXPECT_LE(watch.largest(), 100'000 + 64 * bytes.size()) << bytes.size() << " bytes";
    };
    std::mt19937 random(3);
    const std::string letters = "ab1,.\"\n\r\0 ;\xC3\xFF" + std::string(1, '\0');
    for (int times = 0; times < 3000; ++times) {
        Bytes bytes(random() % 60);
        for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(letters[random() % letters.size()]);
        try_it(bytes);
    }
    for (const char same : {',', '\n', '"', 'a'}) try_it(Bytes(100'000, static_cast<uint8_t>(same)));
    try_it(kReaders[0].good(folder / "good"));
    EXPECT_GT(read, 10);
    EXPECT_GT(refused, 1000);
}

TEST(HostileFiles, PicklesAreNeverRead) {
    const ScratchFolder folder;
    const std::string path = folder / "model.pt";
    // The layout of torch.save(): a zip archive with a pickle in it. And the older one: a bare pickle.
    AtomicFile file(path);
    ZipWriter zip(file, false);
    const Bytes pickle = {0x80, 2, '}', 'q', 0, '.'};
    zip.add("archive/data.pkl", {pickle});
    zip.finish();
    file.commit();
    EXPECT_ERROR(read_npz(path), "member 'archive/data.pkl' is not an npy file");
    EXPECT_ERROR(SafetensorsFile::open(path), "model.pt: is not a safetensors file");
    write_bytes(path, pickle);
    EXPECT_ERROR(read_npz(path), "model.pt: is not a zip archive");
    EXPECT_ERROR(read_npy(path), "model.pt: is not an npy file");
}

TEST(HostileFiles, OtherImageFormats) {
    const auto refuse = [](const std::string& magic) {
        Bytes bytes(magic.begin(), magic.end());
        bytes.resize(300);
        EXPECT_ERROR(decode_image(bytes, "x"), "x: is neither a JPEG nor a PNG file");
    };
    for (const char* magic : {"GIF89a", "BM", "P6 3 3 255 ", "II*", "MM", "RIFF....WEBPVP8 ", "8BPS", "#?RADIANCE"})
        refuse(magic);
    refuse(std::string("\0\0\2\0\0\0\0\0\0\0\0\0\xFF\xFF\xFF\xFF\x20\0", 18)); // a TGA of 65,535 x 65,535 pixels
}

} // namespace
} // namespace ingot::io
