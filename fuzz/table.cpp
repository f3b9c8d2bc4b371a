// SPDX-License-Identifier: MIT
// Tables as data to train on: the kinds of columns, classes, encoding. The last bit of the size chooses the task.
#include <cmath>
#include <numeric>

#include "data/table.h"
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace ingot;
    static const fuzz::MemoryFile file;
    file.write(data, size);
    return fuzz::run([&] {
        const data::Table table(file.path(), {.label = {}, .regression = size % 2 == 1});
        std::vector<int64_t> rows(static_cast<size_t>(table.rows()));
        std::iota(rows.begin(), rows.end(), 0);
        const data::TableFormat format = table.fit(rows);
        const data::TensorDataset samples = table.encode(format, rows);
        for (int64_t i = 0; i < samples.size(); ++i) {
            const data::Sample sample = samples.get(i);
            const auto& x = std::get<data::Array>(sample.x);
            const auto* values = x.data<float>();
            for (int64_t k = 0; k < x.numel(); ++k)
                if (!std::isfinite(values[k])) std::abort();
        }
    });
}
