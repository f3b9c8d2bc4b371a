// SPDX-License-Identifier: MIT
#include "train/model_spec.h"
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace ingot;
    return fuzz::run([&] { train::build_model(std::string(data, data + size), "spec.json"); });
}
