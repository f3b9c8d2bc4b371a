// SPDX-License-Identifier: MIT
// Results go to standard output through here, so that a full disk or a closed pipe is an error and not a silent loss.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace ingot::cli {

using Json = nlohmann::ordered_json;

void print(const std::string& text);
/// One line of JSON.
void print_json(const Json& object);
/// Flushes. Errors: Error when something could not be written.
void finish_output();

/// A line on standard error.
void remark(const std::string& text);

} // namespace ingot::cli
