// SPDX-License-Identifier: MIT
#include <ingot/optim/schedule.h>

#include <algorithm>

#include <ingot/error.h>

namespace ingot::optim {

void LRScheduler::attach(Optimizer& optimizer) {
    optimizer_ = &optimizer;
    base_lr_.clear();
    for (size_t g = 0; g < optimizer.num_groups(); ++g) base_lr_.push_back(optimizer.lr(g));
    last_step_ = 0;
    begin();
}

void LRScheduler::step() { advance_checked(nullptr); }
void LRScheduler::step(double metric) { advance_checked(&metric); }

void LRScheduler::advance_checked(const double* metric) {
    if (!optimizer_) throw Error(str() + ": step() before attach(): the schedule has no optimizer");
    if (follows_metric() && !metric) throw Error(str() + ": step() needs the metric that the schedule follows");
    ++last_step_;
    advance(metric);
}

void LRScheduler::begin_part(LRScheduler& part) const {
    part.optimizer_ = optimizer_;
    part.base_lr_ = base_lr_;
    part.last_step_ = 0;
    part.begin();
}

void LRScheduler::advance_part(LRScheduler& part, const double* metric) {
    ++part.last_step_;
    part.advance(metric);
}

void LRScheduler::reset_rates() const {
    for (size_t g = 0; g < base_lr_.size(); ++g) optimizer_->set_lr(base_lr_[g], g);
}

std::vector<double> LRScheduler::last_lr() const {
    std::vector<double> out;
    for (size_t g = 0; g < base_lr_.size(); ++g) out.push_back(optimizer_->lr(g));
    return out;
}

void LRScheduler::collect(StateDict& out, const std::string& prefix) const {
    out.add(prefix + "last_step", Tensor::from(std::vector<int64_t>{last_step_}, {}));
    // Parts have the base of the whole.
    if (prefix.empty()) out.add("base_lr", Tensor::from(base_lr_, {static_cast<int64_t>(base_lr_.size())}));
    const std::vector<double> own = own_state();
    if (!own.empty()) out.add(prefix + "own", Tensor::from(own, {static_cast<int64_t>(own.size())}));
    const std::vector<LRScheduler*> all = parts();
    for (size_t i = 0; i < all.size(); ++i) all[i]->collect(out, prefix + std::to_string(i) + ".");
}

void LRScheduler::load(const StateDict& state, const std::string& prefix) {
    last_step_ = state.at(prefix + "last_step").item<int64_t>();
    if (prefix.empty()) base_lr_ = state.at("base_lr").to_vector<double>();
    if (const Tensor* own = state.find(prefix + "own")) set_own_state(own->to_vector<double>());
    const std::vector<LRScheduler*> all = parts();
    for (size_t i = 0; i < all.size(); ++i) {
        all[i]->optimizer_ = optimizer_;
        all[i]->base_lr_ = base_lr_;
        all[i]->load(state, prefix + std::to_string(i) + ".");
    }
}

StateDict LRScheduler::state_dict() const {
    StateDict out;
    collect(out, "");
    return out;
}

void LRScheduler::load_state_dict(const StateDict& state) {
    const std::string where = str() + ".load_state_dict: ";
    if (!optimizer_) throw Error(where + "the schedule has no optimizer: attach() comes first");
    const StateDict own = state_dict();
    for (const auto& [key, tensor] : own) {
        const Tensor* value = state.find(key);
        if (!value || !value->defined()) throw Error(where + "'" + key + "' is missing");
        if (value->shape() != tensor.shape() || value->dtype() != tensor.dtype())
            throw Error(where + "'" + key + "' is " + value->str() + ", needed is " + tensor.str());
    }
    for (const auto& entry : state)
        if (!own.contains(entry.first)) throw Error(where + "'" + entry.first + "' is unexpected");
    load(state, "");
}

namespace {

std::vector<std::unique_ptr<LRScheduler>> make_all(const std::vector<Schedule>& schedules, const char* who) {
    if (schedules.empty()) throw Error(std::string(who) + ": there are no schedules");
    std::vector<std::unique_ptr<LRScheduler>> out;
    for (const Schedule& s : schedules) {
        if (!s) throw Error(std::string(who) + ": a schedule is empty");
        if (s->follows_metric()) throw Error(std::string(who) + ": " + s->str() + " follows a metric, use it alone");
        out.push_back(s.make());
    }
    return out;
}

std::vector<LRScheduler*> pointers(const std::vector<std::unique_ptr<LRScheduler>>& parts) {
    std::vector<LRScheduler*> out;
    for (const auto& part : parts) out.push_back(part.get());
    return out;
}

} // namespace

SequentialLR::SequentialLR(std::vector<Schedule> schedules, std::vector<int64_t> milestones)
    : schedules_(std::move(schedules)), milestones_(std::move(milestones)),
      parts_(make_all(schedules_, "SequentialLR")) {
    if (milestones_.size() + 1 != parts_.size())
        throw Error("SequentialLR: " + std::to_string(parts_.size()) + " schedules need " +
                    std::to_string(parts_.size() - 1) + " milestones, there are " + std::to_string(milestones_.size()));
    for (size_t i = 0; i < milestones_.size(); ++i)
        if (milestones_[i] <= (i == 0 ? 0 : milestones_[i - 1]))
            throw Error("SequentialLR: milestone " + std::to_string(milestones_[i]) + " must be above " +
                        std::to_string(i == 0 ? 0 : milestones_[i - 1]));
}

void SequentialLR::begin() { begin_part(*parts_.front()); }

void SequentialLR::advance(const double* metric) {
    const auto after = std::upper_bound(milestones_.begin(), milestones_.end(), last_step());
    LRScheduler& part = *parts_[static_cast<size_t>(after - milestones_.begin())];
    if (after == milestones_.begin() || *(after - 1) != last_step()) return advance_part(part, metric);
    reset_rates();
    begin_part(part);
}

std::vector<LRScheduler*> SequentialLR::parts() const { return pointers(parts_); }

std::string SequentialLR::str() const {
    std::string out = "SequentialLR(" + schedules_.front()->str();
    for (size_t i = 0; i < milestones_.size(); ++i)
        out += "; from " + std::to_string(milestones_[i]) + ": " + schedules_[i + 1]->str();
    return out + ")";
}

ChainedScheduler::ChainedScheduler(std::vector<Schedule> schedules)
    : schedules_(std::move(schedules)), parts_(make_all(schedules_, "ChainedScheduler")) {}

void ChainedScheduler::begin() {
    for (const auto& part : parts_) begin_part(*part);
}

void ChainedScheduler::advance(const double* metric) {
    for (const auto& part : parts_) advance_part(*part, metric);
}

std::vector<LRScheduler*> ChainedScheduler::parts() const { return pointers(parts_); }

std::string ChainedScheduler::str() const {
    std::string out = "ChainedScheduler(";
    for (size_t i = 0; i < schedules_.size(); ++i) out += (i ? "; " : "") + schedules_[i]->str();
    return out + ")";
}

} // namespace ingot::optim
