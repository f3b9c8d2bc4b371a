// SPDX-License-Identifier: MIT
// What `ingot train --resume` does with a checkpoint: read it, build the model that it describes, put everything back.
#include <ingot/optim.h>

#include "fuzz.h"
#include "train/checkpoint.h"
#include "train/model_info.h"
#include "train/model_spec.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace ingot;
    static const fuzz::MemoryFile file;
    file.write(data, size);
    return fuzz::run([&] {
        const train::LoadedCheckpoint checkpoint = train::read_checkpoint(file.path());
        checkpoint.position();
        checkpoint.texts();
        const train::ModelInfo info = train::model_info_from_json(checkpoint.model_json, "f.safetensors");
        train::Model model = train::build_model(info.spec, "f.safetensors");
        optim::SGD optimizer(model.net.parameters(), {.lr = 0.1, .momentum = 0.9});
        checkpoint.restore({model.net, optimizer});
    });
}
