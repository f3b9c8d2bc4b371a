// SPDX-License-Identifier: MIT
#include "train/model_info.h"

#include "io/json.h"
#include "train/json_keys.h"

namespace ingot::train {

namespace {

// Means and deviations of real data; an f32 of more would overflow where it is squared.
constexpr double kMost = 1e30;
constexpr Range kMean{-kMost, kMost}, kDeviation{0, kMost, false, true};

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
    Keys keys(json);
    data::TableFormat table;
    const Json& columns = keys.value("columns");
    if (!columns.is_array()) throw Error("\"columns\" must be a list, not " + show(columns));
    for (const Json& entry : columns) {
        Keys of(entry);
        data::TableColumn column;
        column.name = of.text("name");
        column.numeric = of.optional("words") == nullptr;
        if (column.numeric) {
            column.mean = of.number("mean", {}, kFinite);
            column.std = of.number("std", {}, {0, kFinite.high, false, true});
        } else {
            column.words = of.texts("words");
        }
        table.columns.push_back(std::move(column));
    }
    table.label = keys.text("label");
    if (const Json* target = keys.optional("target")) {
        Keys of(*target);
        table.regression = true;
        table.target_mean = of.number("mean", {}, kFinite);
        table.target_std = of.number("std", {}, {0, kFinite.high, false, true});
    }
    return table;
}

} // namespace

std::string to_json(const ModelInfo& info) {
    Json json;
    json["name"] = info.name;
    json["spec"] = io::parse_json<Json>(info.spec, "the model's spec");
    json["class_names"] = info.class_names;
    json["mean"] = info.mean;
    json["std"] = info.std;
    if (info.table) json["table"] = table_json(*info.table);
    // Names of classes come from folders, which need not be UTF-8.
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

ModelInfo model_info_from_json(const std::string& text, const std::string& source) {
    const std::string damaged = source + ": the description of the model is damaged";
    const Json json = io::parse_json<Json>(text, damaged);
    ModelInfo info;
    try {
        Keys keys(json);
        info.name = keys.text("name");
        info.spec = keys.value("spec").dump();
        info.class_names = keys.texts("class_names");
        info.mean = keys.numbers("mean", kMean);
        info.std = keys.numbers("std", kDeviation);
        if (info.mean.size() != info.std.size()) throw Error("\"mean\" and \"std\" differ in length");
        if (const Json* table = keys.optional("table")) {
            info.table = table_from_json(*table);
            info.table->class_names = info.class_names;
            if (info.table->features() != static_cast<int64_t>(info.mean.size()))
                throw Error("\"table\" does not fit \"mean\" and \"std\"");
        }
    } catch (const Error& error) { throw FileError(damaged + ": " + error.what()); }
    return info;
}

} // namespace ingot::train
