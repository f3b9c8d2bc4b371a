// SPDX-License-Identifier: MIT
#include "io/csv.h"
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace ingot;
    return fuzz::run([&] {
        const io::Csv csv({data, data + size}, "f.csv");
        for (int64_t row = 0; row < csv.rows(); ++row)
            for (int64_t column = 0; column < csv.columns(); ++column) {
                const std::string_view cell = csv.cell(row, column);
                fuzz::touch(cell.data(), cell.size());
                csv.where(row, column);
            }
    });
}
