// SPDX-License-Identifier: MIT
// The model: a picture of its layers and a table of them.
#include <algorithm>
#include <cstdint>

#include "train/report/sections.h"
#include "train/report/text.h"

namespace ingot::train::report {

namespace {

constexpr double kWidth = 380, kBox = 28, kGap = 16, kInset = 9;

/// A layer with what is inside.
struct Node {
    const LayerInfo* row;
    std::vector<Node> children; ///< of a residual: its layers
    std::vector<Node> shortcut, after;
    int64_t times = 1; ///< equal layers in a row, drawn once
};

bool starts_with_child(const std::string& path, const std::string& parent, const char* part) {
    return path.rfind(parent + "." + part, 0) == 0;
}

std::vector<Node> tree(const std::vector<LayerInfo>& rows, size_t& at, int depth) {
    std::vector<Node> out;
    while (at < rows.size() && rows[at].depth == depth) {
        Node node{&rows[at++], {}, {}, {}};
        for (Node& child : tree(rows, at, depth + 1)) {
            auto& list = starts_with_child(child.row->path, node.row->path, "shortcut.") ? node.shortcut
                         : starts_with_child(child.row->path, node.row->path, "after.")  ? node.after
                                                                                         : node.children;
            list.push_back(std::move(child));
        }
        out.push_back(std::move(node));
    }
    return out;
}

bool same(const std::vector<Node>& a, const std::vector<Node>& b);
bool same(const Node& a, const Node& b) {
    return a.row->type == b.row->type && a.row->options == b.row->options && a.row->output == b.row->output &&
           a.row->input == b.row->input && a.times == b.times && same(a.children, b.children) &&
           same(a.shortcut, b.shortcut) && same(a.after, b.after);
}
bool same(const std::vector<Node>& a, const std::vector<Node>& b) {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [](const Node& x, const Node& y) { return same(x, y); });
}

/// Equal containers that follow each other become one with a number.
std::vector<Node> collapse(std::vector<Node> nodes) {
    std::vector<Node> out;
    for (Node& n : nodes) {
        n.children = collapse(std::move(n.children));
        n.after = collapse(std::move(n.after));
        if (!out.empty() && n.row->container) {
            Node last = out.back();
            last.times = 1;
            if (same(last, n)) {
                ++out.back().times;
                continue;
            }
        }
        out.push_back(std::move(n));
    }
    return out;
}

int color_of(const std::string& type) {
    const auto has = [&](const char* part) { return type.find(part) != std::string::npos; };
    if (has("conv")) return 0;
    if (has("linear")) return 4;
    if (has("norm")) return 7;
    if (has("pool")) return 2;
    if (has("dropout")) return 5;
    if (has("embedding")) return 6;
    if (has("attention") || has("transformer")) return 3;
    if (has("flatten") || has("identity") || has("reshape")) return 9;
    return 1; // activations
}

std::string num(double v) { return number(v, 6); }

class Drawing {
public:
    /// Draws `nodes` one below the other between `left` and `right`, from y on; returns where it ends. Every element is
    /// entered from above through the column's middle.
    double column(const std::vector<Node>& nodes, double left, double right, double y) {
        for (const Node& node : nodes) {
            arrow((left + right) / 2, y, y + kGap);
            y += kGap;
            y = node.row->container ? container(node, left, right, y) : box(*node.row, left, right, y);
        }
        return y;
    }

    void arrow(double x, double from, double to) {
        edges += "M" + num(x) + " " + num(from) + "V" + num(to - 1);
        heads += "M" + num(x - 4) + " " + num(to - 7) + "L" + num(x) + " " + num(to) + "L" + num(x + 4) + " " +
                 num(to - 7) + "z";
    }

    double box(const LayerInfo& row, double left, double right, double y) {
        out += "<g class=\"node s" + std::to_string(color_of(row.type)) + "\"><title>" +
               escape(row.path + " " + row.type + (row.options.empty() ? "" : ": " + row.options) + ", output " +
                      row.output.str() + ", " + count(row.parameters) + " parameters") +
               "</title><rect x=" + num(left) + " y=" + num(y) + " width=" + num(right - left) +
               " height=" + num(kBox) + " rx=7 /><text x=" + num(left + 10) + " y=" + num(y + 18.5) + ">" +
               escape(label(row, right - left)) + "</text><text class=shape x=" + num(right - 10) +
               " y=" + num(y + 18.5) + ">" + escape(row.output.str()) + "</text></g>";
        return y + kBox;
    }

    std::string edges, heads, skips, out;

private:
    /// The type and, where there is room, its options.
    static std::string label(const LayerInfo& row, double width) {
        std::string text = row.type;
        const double free = width - 34 - 6.2 * static_cast<double>(row.output.str().size());
        if (!row.options.empty() && 6.6 * static_cast<double>(text.size() + 2 + row.options.size()) < free)
            text += "  " + row.options;
        return text;
    }

    double container(const Node& node, double left, double right, double y) {
        const double top = y;
        const bool residual = node.row->type == "residual" || !node.shortcut.empty();
        const double lane = residual ? 26 : 0, inner_left = left + kInset + lane, inner_right = right - kInset - lane;
        const double middle = (left + right) / 2, inner = (inner_left + inner_right) / 2;
        const size_t frame_at = out.size();
        y += 17; // the frame's title
        edges += "M" + num(middle) + " " + num(top) + "V" + num(y) + "H" + num(inner) + "V" + num(y);
        const double fork = y;
        y = column(node.children, inner_left, inner_right, y);
        if (residual) {
            const double plus = y + kGap + 8;
            arrow(inner, y, plus - 8);
            const double x = right - kInset - 8;
            skips += "M" + num(middle) + " " + num(fork) + "H" + num(x) + "V" + num(plus) + "H" + num(inner + 9);
            out += "<circle class=\"edge skip\" cx=" + num(inner) + " cy=" + num(plus) +
                   " r=8 /><path class=\"edge skip\" d=\"M" + num(inner - 4) + " " + num(plus) + "h8m-4 -4v8\"/>";
            if (!node.shortcut.empty()) {
                std::string names;
                for (const Node& s : node.shortcut) names += (names.empty() ? "" : ", ") + s.row->type;
                out += "<text class=note transform=\"translate(" + num(x + 11) + " " + num((fork + plus) / 2) +
                       ") rotate(-90)\" text-anchor=middle>" + escape(names) + "</text>";
            }
            y = plus + 8;
            y = column(node.after, inner_left, inner_right, y);
        }
        edges +=
            "M" + num(inner) + " " + num(y) + "V" + num(y + kInset) + "H" + num(middle) + "V" + num(y + kInset + 1);
        y += kInset + 1;
        const std::string title =
            (node.times > 1 ? count(node.times) + " \u00D7 " : "") + node.row->type +
            (node.row->name.empty() || node.row->name == node.row->path ? "" : " " + node.row->name);
        out.insert(frame_at, "<g class=node><rect x=" + num(left) + " y=" + num(top) + " width=" + num(right - left) +
                                 " height=" + num(y - top) + " rx=9 /><text x=" + num(left + 10) +
                                 " y=" + num(top + 14) + ">" + escape(title) + "</text></g>");
        return y;
    }
};

/// The layer's name, with the branch of a residual that it is in.
std::string row_name(const LayerInfo& row) {
    const size_t end = row.path.rfind('.');
    for (const std::string branch : {"shortcut", "after"})
        if (end != std::string::npos && row.path.substr(0, end).ends_with("." + branch)) return branch + " " + row.name;
    return row.name.empty() ? row.path : row.name;
}

std::string table(const ReportData& data) {
    int64_t total = 0, largest = 1;
    for (const LayerInfo& row : data.layers) {
        if (row.depth == 0) total += row.parameters;
        if (!row.container) largest = std::max(largest, row.parameters);
    }
    std::string out = "<div class=tall><table><thead><tr><th>Layer<th>Type<th>Output<th class=n>Parameters</thead>";
    out += "<tr><td><td>input<td class=shape>" + escape(data.input.str()) + "<td class=n>";
    for (const LayerInfo& row : data.layers) {
        out += "<tr><td class=deep style=\"--d:" + std::to_string(row.depth) + "\">" + escape(row_name(row)) +
               "<td><span class=nowrap><span class=\"key s" + std::to_string(row.container ? 9 : color_of(row.type)) +
               "\"></span>" + escape(row.type) + "</span>";
        if (!row.options.empty()) out += " <span class=soft>" + escape(row.options) + "</span>";
        out += "<td class=shape>" + escape(row.output.str());
        if (row.container || row.parameters == 0)
            out += "<td class=n>" + (row.container ? "<span class=soft>" + count(row.parameters) + "</span>" : "");
        else
            out += "<td class=\"n bar\" style=\"--v:" +
                   number(static_cast<double>(row.parameters) / static_cast<double>(largest), 3) + "\"><span>" +
                   count(row.parameters) + "</span>";
    }
    out += "<tr><td class=total>Total<td><td><td class=\"n total\">" + count(total);
    return out + "</table></div>";
}

} // namespace

std::string graph_svg(const std::vector<LayerInfo>& layers, const Shape& input) {
    size_t at = 0;
    const std::vector<Node> nodes = collapse(tree(layers, at, 0));
    Drawing d;
    const LayerInfo in{.path = "", .name = "", .type = "input", .options = "", .input = input, .output = input};
    const double left = 4, right = kWidth - 4;
    double y = d.box(in, left + 60, right - 60, 4);
    y = d.column(nodes, left, right, y);
    return "<svg viewBox=\"0 0 " + num(kWidth) + " " + num(y + 6) +
           "\" role=img aria-label=\"The layers of the model from input to output\">" + d.out +
           "<path class=edge d=\"" + d.edges + "\"/><path class=\"edge skip\" d=\"" + d.skips +
           "\"/><path class=arrow d=\"" + d.heads + "\"/></svg>";
}

std::string model_section(const ReportData& data) {
    if (data.layers.empty()) return "";
    return "<h2>Model</h2><div class=cards>" +
           card("Graph", "shapes without the batch",
                "<div class=graph>" + graph_svg(data.layers, data.input) + "</div>") +
           card("Layers", "", table(data)) + "</div>";
}

} // namespace ingot::train::report
