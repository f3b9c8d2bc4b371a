// SPDX-License-Identifier: MIT
#include "train/report/report.h"

#include <fstream>

#include "io/atomic_file.h"
#include "train/report/sections.h"
#include "train/report/style.h"
#include "train/report/text.h"

namespace ingot::train::report {

std::string card(const std::string& title, const std::string& note, const std::string& content,
                 const std::string& css) {
    std::string out = "<div class=\"card" + (css.empty() ? "" : " " + css) + "\">";
    if (!title.empty())
        out += "<h3>" + escape(title) + (note.empty() ? "" : " <small>" + escape(note) + "</small>") + "</h3>";
    return out + content + "</div>";
}

namespace {

/// What the page begins with: how far the run was, and whether that was its end.
std::string opening(int64_t steps, bool interrupted) {
    return "<!doctype html>\n<html lang=en data-steps=" + std::to_string(steps) +
           (interrupted ? " data-stopped" : " data-ended") + ">";
}

} // namespace

std::string report_html(const ReportData& data) {
    const std::string title = escape(data.title);
    std::string out = opening(data.steps, data.interrupted) +
                      "<head><meta charset=utf-8>"
                      "<meta name=viewport content=\"width=device-width,initial-scale=1\"><title>" +
                      title + " · training report</title><style>" + kStyle + "</style></head><body><main>\n";
    out += summary_section(data);
    out += training_section(data);
    out += classes_section(data);
    out += samples_section(data);
    out += numbers_section(data);
    out += text_section(data);
    out += model_section(data);
    out += statistics_section(data);
    out += performance_section(data);
    if (!data.footer.empty()) out += "<footer>" + escape(data.footer) + "</footer>";
    return out + "</main></body></html>\n";
}

void write_report(const std::string& path, const ReportData& data) { io::write_file_atomic(path, report_html(data)); }

bool shows_end(const std::string& path, int64_t steps) {
    const std::string expected = opening(steps, false);
    std::string there(expected.size(), '\0');
    std::ifstream file(path, std::ios::binary);
    file.read(there.data(), static_cast<std::streamsize>(there.size()));
    return file && there == expected;
}

} // namespace ingot::train::report
