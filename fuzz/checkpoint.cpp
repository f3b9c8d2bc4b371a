// SPDX-License-Identifier: MIT
// What `ingot eval` does with a file before it looks at the data: read it, build the model that it describes, fill it.
#include "train/checkpoint.h"
#include "fuzz.h"
#include "train/model_spec.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace ingot;
    static const fuzz::MemoryFile file;
    file.write(data, size);
    return fuzz::run([&] {
        const train::LoadedCheckpoint checkpoint = train::read_checkpoint(file.path());
        train::Model model = train::build_model(checkpoint.info.spec, "f.safetensors");
        model.net.load_state_dict(checkpoint.weights);
    });
}
