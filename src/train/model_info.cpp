// SPDX-License-Identifier: MIT
#include "train/model_info.h"

#include <cmath>

#include <nlohmann/json.hpp>

#include <ingot/error.h>

#include "io/quote.h"

namespace ingot::train {

namespace {
using Json = nlohmann::ordered_json;

Json table_json(const data::TableFormat& table) {
    Json columns = Json::array();
    for (const data::TableColumn& column : table.columns) {
        if (column.numeric)
            columns.push_back({{"name", column.name}, {"mean", column.mean}, {"std", column.std}});
        else
            columns.push_back({{"name", column.name}, {"words", column.words}});
    }
    Json json{{"columns", columns}, {"label", table.label}};
    if (table.regression) json["target"] = {{"mean", table.target_mean}, {"std", table.target_std}};
    return json;
}

data::TableFormat table_from_json(const Json& json) {
    data::TableFormat table;
    for (const Json& entry : json.at("columns")) {
        data::TableColumn column;
        column.name = entry.at("name").get<std::string>();
        column.numeric = !entry.contains("words");
        if (column.numeric) {
            column.mean = entry.at("mean").get<double>();
            column.std = entry.at("std").get<double>();
        } else {
            column.words = entry.at("words").get<std::vector<std::string>>();
        }
        table.columns.push_back(std::move(column));
    }
    table.label = json.at("label").get<std::string>();
    table.regression = json.contains("target");
    if (table.regression) {
        table.target_mean = json.at("target").at("mean").get<double>();
        table.target_std = json.at("target").at("std").get<double>();
    }
    return table;
}

} // namespace

std::string to_json(const ModelInfo& info) {
    Json json;
    json["name"] = info.name;
    json["spec"] = Json::parse(info.spec);
    json["class_names"] = info.class_names;
    json["mean"] = info.mean;
    json["std"] = info.std;
    if (info.table) json["table"] = table_json(*info.table);
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
        if (json.contains("table")) {
            info.table = table_from_json(json.at("table"));
            info.table->class_names = info.class_names;
        }
    } catch (const nlohmann::json::exception& error) {
        throw FileError(source + ": the description of the model is damaged: " + error.what());
    }
    if (info.mean.size() != info.std.size())
        throw FileError(source + ": the description of the model is damaged: mean and std differ in length");
    for (const float deviation : info.std)
        if (!(deviation > 0) || !std::isfinite(deviation))
            throw FileError(source + ": the description of the model is damaged: std must be above 0");
    for (const float mean : info.mean)
        if (!std::isfinite(mean))
            throw FileError(source + ": the description of the model is damaged: mean must be finite");
    if (!info.table) return info;
    for (const data::TableColumn& column : info.table->columns)
        if (!(column.std > 0) || !std::isfinite(column.std) || !std::isfinite(column.mean))
            throw FileError(source + ": the description of the model is damaged: column " +
                            io::quote_name(column.name));
    if (info.table->features() != static_cast<int64_t>(info.mean.size()) || !(info.table->target_std > 0) ||
        !std::isfinite(info.table->target_std))
        throw FileError(source + ": the description of the model is damaged: its table does not fit mean and std");
    return info;
}

} // namespace ingot::train
