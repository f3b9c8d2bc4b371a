// SPDX-License-Identifier: MIT
// The parts of the report, each as HTML; empty where there is no data for it. Used by report.cpp.
#pragma once

#include <string>

#include "train/report/chart.h"
#include "train/report/report.h"

namespace ingot::train::report {

std::string summary_section(const ReportData& data);
std::string training_section(const ReportData& data);
std::string classes_section(const ReportData& data);
std::string samples_section(const ReportData& data);
std::string numbers_section(const ReportData& data);
std::string text_section(const ReportData& data);
std::string model_section(const ReportData& data);
std::string statistics_section(const ReportData& data);
std::string performance_section(const ReportData& data);

/// A chart over the epochs. It begins where there is something: at the start with figures of steps, else with the first epoch.
Chart over_epochs(const ReportData& data);

/// The picture of the layers, from top to bottom; residual connections go around. Part of model_section().
std::string graph_svg(const std::vector<LayerInfo>& layers, const Shape& input);

/// <div class="card css"><h3>title <small>note</small></h3>content</div>
std::string card(const std::string& title, const std::string& note, const std::string& content,
                 const std::string& css = "");

} // namespace ingot::train::report
