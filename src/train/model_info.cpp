// SPDX-License-Identifier: MIT
#include "train/model_info.h"

#include <cmath>

#include <nlohmann/json.hpp>

#include <ingot/error.h>

namespace ingot::train {

namespace {
using Json = nlohmann::ordered_json;
}

std::string to_json(const ModelInfo& info) {
    Json json;
    json["name"] = info.name;
    json["spec"] = Json::parse(info.spec);
    json["class_names"] = info.class_names;
    json["mean"] = info.mean;
    json["std"] = info.std;
    // Names of classes come from folders, which need not be UTF-8.
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

ModelInfo model_info_from_json(const std::string& text, const std::string& source) {
    ModelInfo info;
    try {
        const Json json = Json::parse(text);
        info.name = json.at("name").get<std::string>();
        info.spec = json.at("spec").dump();
        info.class_names = json.at("class_names").get<std::vector<std::string>>();
        info.mean = json.at("mean").get<std::vector<float>>();
        info.std = json.at("std").get<std::vector<float>>();
    } catch (const nlohmann::json::exception& error) {
        throw FileError(source + ": the description of the model is damaged: " + error.what());
    }
    if (info.mean.size() != info.std.size())
        throw FileError(source + ": the description of the model is damaged: mean and std differ in length");
    for (const float deviation : info.std)
        if (!(deviation > 0) || !std::isfinite(deviation))
            throw FileError(source + ": the description of the model is damaged: std must be above 0");
    return info;
}

} // namespace ingot::train
