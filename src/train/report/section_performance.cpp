// SPDX-License-Identifier: MIT
// Where the time went, and memory.
#include <algorithm>

#include "train/report/sections.h"
#include "train/report/text.h"

namespace ingot::train::report {

namespace {

/// A bar cut into parts, and their table.
std::string parts(const std::vector<Part>& phases, double whole) {
    std::string bar = "<div class=phases>", table = "<table>";
    for (size_t i = 0; i < phases.size(); ++i) {
        const std::string color = "s" + std::to_string(i % 10);
        const double part = whole > 0 ? phases[i].seconds / whole : 0;
        if (part > 0)
            bar += "<i class=" + color + " style=\"--v:" + number(part, 4) + "\" title=\"" + escape(phases[i].name) +
                   "\"></i>";
        table += "<tr><td><span class=\"key " + color + "\"></span>" + escape(phases[i].name) + "<td class=n>" +
                 duration(phases[i].seconds) + "<td class=n>" + percent(part);
    }
    return bar + "</div>" + table + "</table>";
}

} // namespace

std::string performance_section(const ReportData& data) {
    std::string cards;
    if (!data.phases.empty()) {
        std::vector<Part> phases = data.phases;
        double named = 0;
        for (const Part& p : phases) named += p.seconds;
        const double rest = data.phase_seconds - named;
        if (rest > 0.005 * data.phase_seconds) phases.push_back({"other", rest});
        cards +=
            card("Time", duration(data.phase_seconds) + (data.phase_note.empty() ? " in all" : " " + data.phase_note),
                 parts(phases, std::max(named, data.phase_seconds)));
    }
    if (!data.step_shares.empty()) {
        double whole = 0;
        for (const Part& p : data.step_shares) whole += p.seconds;
        cards += card("Inside a step", duration(whole) + " of computation", parts(data.step_shares, whole));
    }
    if (!data.memory.empty()) {
        std::string table = "<table>";
        for (const auto& [name, value] : data.memory)
            table += "<tr><td>" + escape(name) + "<td class=n>" + bytes(value);
        cards += card("Memory", "", table + "</table>");
    }
    return cards.empty() ? "" : "<h2>Performance</h2><div class=cards>" + cards + "</div>";
}

} // namespace ingot::train::report
