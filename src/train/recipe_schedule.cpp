// SPDX-License-Identifier: MIT
// Schedules as the command line writes them. All but plateau go by steps, so that a warm-up in steps can come before them.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <map>

#include <ingot/error.h>

#include "train/recipe.h"

namespace ingot::train {

namespace {

struct Parsed {
    std::string name;
    std::map<std::string, std::string> keys;
};

const std::map<std::string, std::vector<std::string>>& known() {
    static const std::map<std::string, std::vector<std::string>> table{
        {"none", {}},
        {"cosine", {"warmup", "min"}},
        {"linear", {"warmup"}},
        {"polynomial", {"power", "warmup"}},
        {"one-cycle", {"rise", "div", "final"}},
        {"restarts", {"period", "mult", "min", "warmup"}},
        {"step", {"every", "gamma", "warmup"}},
        {"multi-step", {"at", "gamma", "warmup"}},
        {"exponential", {"gamma", "warmup"}},
        {"warmup", {"steps"}},
        {"plateau", {"factor", "patience", "cooldown"}}};
    return table;
}

std::string list(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
    return out;
}

std::string text_of(double value) {
    char text[32];
    return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

std::vector<std::string> split(const std::string& text, char separator) {
    std::vector<std::string> out{""};
    for (const char c : text)
        if (c == separator)
            out.emplace_back();
        else
            out.back() += c;
    return out;
}

Parsed parse(const std::string& text) {
    const std::vector<std::string> words = split(text, ',');
    Parsed p{words.front(), {}};
    const auto it = known().find(p.name);
    if (it == known().end()) {
        std::vector<std::string> names;
        for (const auto& entry : known()) names.push_back(entry.first);
        throw Error("schedule '" + p.name + "' is not available; there is " + list(names));
    }
    for (size_t i = 1; i < words.size(); ++i) {
        const size_t equals = words[i].find('=');
        const std::string key = words[i].substr(0, equals);
        if (std::find(it->second.begin(), it->second.end(), key) == it->second.end())
            throw Error("schedule '" + text + "': " + p.name + " has no '" + key + "'; it has " +
                        (it->second.empty() ? "no keys" : list(it->second)));
        if (equals == std::string::npos || equals + 1 == words[i].size())
            throw Error("schedule '" + text + "': '" + key + "' has no value; write " + key + "=VALUE");
        if (!p.keys.emplace(key, words[i].substr(equals + 1)).second)
            throw Error("schedule '" + text + "': '" + key + "' is there twice");
    }
    return p;
}

double real(const std::string& key, const std::string& text, double low, double high) {
    double value = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code != std::errc() || end != text.data() + text.size() || !(value >= low && value <= high))
        throw Error("schedule: " + key + "=" + text + " must be a number from " + text_of(low) + " to " +
                    text_of(high));
    return value;
}

int64_t whole(const std::string& key, const std::string& text, int64_t low) {
    int64_t value = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code != std::errc() || end != text.data() + text.size() || value < low || value > int64_t{1} << 40)
        throw Error("schedule: " + key + "=" + text + " must be a whole number of at least " + std::to_string(low));
    return value;
}

/// The values of a schedule's keys, checked; what is not written has the default.
struct Values {
    const Parsed& p;
    const std::string* find(const std::string& key) const {
        const auto it = p.keys.find(key);
        return it == p.keys.end() ? nullptr : &it->second;
    }
    double real(const std::string& key, double otherwise, double low, double high) const {
        const std::string* text = find(key);
        return text ? train::real(key, *text, low, high) : otherwise;
    }
    int64_t whole(const std::string& key, int64_t otherwise, int64_t low) const {
        const std::string* text = find(key);
        return text ? train::whole(key, *text, low) : otherwise;
    }
    /// What a rate is multiplied by.
    double gamma(double otherwise) const {
        const double value = real("gamma", otherwise, 0, 1);
        if (value == 0) throw Error("schedule: gamma=" + *find("gamma") + " must be above 0 and at most 1");
        return value;
    }
    std::vector<int64_t> epochs(const std::string& key) const {
        std::vector<int64_t> out;
        if (const std::string* text = find(key))
            for (const std::string& word : split(*text, ':')) out.push_back(train::whole(key, word, 1));
        if (std::adjacent_find(out.begin(), out.end(), std::greater_equal<>()) != out.end())
            throw Error("schedule: " + key + "=" + *find(key) + " must grow");
        return out;
    }
};

constexpr double kLarge = 1e9;

/// Steps in which the rate rises, of a run of `total`.
int64_t warmup_steps(const Parsed& p, int64_t total) {
    const int64_t usual = std::min<int64_t>(200, total / 20);
    if (p.name == "warmup") return Values{p}.whole("steps", std::max<int64_t>(1, usual), 1);
    return Values{p}.whole("warmup", p.name == "cosine" ? usual : 0, 0);
}

ScheduleChoice build(const Parsed& p, int64_t epochs, int64_t steps_per_epoch, double lr, int64_t warmup) {
    using namespace optim;
    const Values v{p};
    const int64_t total = epochs * steps_per_epoch;
    const double gamma = v.gamma(p.name == "exponential" ? 0.95 : 0.1);
    const auto rise = [](int64_t steps) {
        return LinearLR({.start_factor = 1 / static_cast<double>(steps), .total_iters = steps});
    };
    const auto then = [&](const Schedule& s) {
        return warmup > 0 ? Schedule(SequentialLR({rise(warmup), s}, {warmup})) : s;
    };
    const auto beside = [&](const Schedule& s) {
        return warmup > 0 ? Schedule(ChainedScheduler({rise(warmup), s})) : s;
    };

    if (p.name == "cosine")
        return {
            CosineWithWarmup({.warmup_steps = warmup, .total_steps = total, .min_lr_ratio = v.real("min", 0, 0, 1)})};
    if (p.name == "linear" || p.name == "polynomial")
        return {then(PolynomialLR({.total_iters = total - warmup, .power = v.real("power", 1, 0, 100)}))};
    if (p.name == "one-cycle")
        return {OneCycleLR({.total_steps = total,
                            .pct_start = v.real("rise", 0.3, 0, 1),
                            .div_factor = v.real("div", 25, 1e-9, kLarge),
                            .final_div_factor = v.real("final", 1e4, 1e-9, kLarge)})};
    if (p.name == "restarts")
        return {then(CosineAnnealingWarmRestarts({.t_0 = v.whole("period", 1, 1) * steps_per_epoch,
                                                  .t_mult = v.whole("mult", 1, 1),
                                                  .eta_min = lr * v.real("min", 0, 0, 1)}))};
    if (p.name == "step")
        return {beside(StepLR({.step_size = v.whole("every", 1, 1) * steps_per_epoch, .gamma = gamma}))};
    if (p.name == "multi-step") {
        std::vector<int64_t> at = v.epochs("at");
        for (int64_t& epoch : at) epoch *= steps_per_epoch;
        return {beside(MultiStepLR({.milestones = at, .gamma = gamma}))};
    }
    if (p.name == "exponential") return {beside(StepLR({.step_size = steps_per_epoch, .gamma = gamma}))};
    if (p.name == "warmup") return {rise(std::max<int64_t>(1, warmup))};
    if (p.name == "plateau")
        return {ReduceLROnPlateau({.factor = v.real("factor", 0.1, 1e-9, 0.999999),
                                   .patience = v.whole("patience", 3, 0),
                                   .cooldown = v.whole("cooldown", 0, 0)}),
                Per::epoch};
    return {};
}

} // namespace

std::string complete_schedule(const std::string& text, int64_t epochs) {
    Parsed p = parse(text);
    const auto fill = [&](const std::string& key, const std::string& value) { p.keys.emplace(key, value); };
    const std::string third = std::to_string(std::max<int64_t>(1, epochs / 3));
    if (p.name == "restarts") fill("period", third);
    if (p.name == "step") fill("every", third);
    if (p.name == "exponential") fill("gamma", text_of(std::pow(0.01, 1 / static_cast<double>(epochs))));
    if (p.name == "multi-step") {
        const int64_t half = std::max<int64_t>(1, epochs / 2);
        fill("at", std::to_string(half) + ":" + std::to_string(std::max(half + 1, epochs * 3 / 4)));
    }
    std::string out = p.name;
    for (const auto& [key, value] : p.keys) out += "," + key + "=" + value;
    // Finds values that make no sense. How many steps the run has is not known here.
    build(p, epochs, 1, 1, std::min(warmup_steps(p, epochs), epochs - 1));
    return out;
}

bool depends_on_epochs(const std::string& completed) {
    const std::string name = parse(completed).name;
    return name == "cosine" || name == "linear" || name == "polynomial" || name == "one-cycle";
}

ScheduleChoice make_schedule(const std::string& completed, int64_t epochs, int64_t steps_per_epoch, double lr) {
    const Parsed p = parse(completed);
    const int64_t total = epochs * steps_per_epoch, warmup = warmup_steps(p, total);
    const bool given = p.keys.contains("warmup") || p.keys.contains("steps");
    if (given && warmup > total)
        throw Error("schedule '" + completed + "': a warm-up of " + std::to_string(warmup) +
                    " steps is longer than the run of " + std::to_string(total) + " steps");
    return build(p, epochs, steps_per_epoch, lr, p.name == "warmup" ? warmup : std::min(warmup, total - 1));
}

} // namespace ingot::train
