// SPDX-License-Identifier: MIT
#include "train/report/report.h"

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

std::string report_html(const ReportData& data) {
    const std::string title = escape(data.title);
    std::string out = "<!doctype html>\n<html lang=en><head><meta charset=utf-8>"
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

} // namespace ingot::train::report
