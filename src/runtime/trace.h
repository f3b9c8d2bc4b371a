// SPDX-License-Identifier: MIT
// compile(): recording a function once, and running what was recorded. A Trace swaps every cell that the function touches
// for a tracer and puts everything back when it ends, however it ends. See docs/architecture.md, rule 7.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include <ingot/compile.h>

#include "graph/node.h"
#include "runtime/executable.h"

namespace ingot::runtime {

/// One traced signature of a function.
struct Variant;

class CompiledStep {
public:
    explicit CompiledStep(Compiled::Function f);
    ~CompiledStep();
    std::vector<Tensor> call(const std::vector<Tensor>& arguments);
    int64_t variants() const { return static_cast<int64_t>(variants_.size()); }
    Report report() const;

private:
    std::unique_ptr<Variant> trace(const std::vector<Tensor>& arguments);
    std::vector<Tensor> run(Variant& v, const std::vector<graph::Value>& arguments);
    Compiled::Function f_;
    std::vector<std::unique_ptr<Variant>> variants_;
    Variant* last_ = nullptr;
    bool warned_ = false;
};

/// Tracers and placeholders stand as ready inputs while the graph is captured, and only then.
class ReadyTracers {
public:
    explicit ReadyTracers(std::vector<graph::Value> tracers) : tracers_(std::move(tracers)) { set_pending(false); }
    ~ReadyTracers() { set_pending(true); }
    ReadyTracers(const ReadyTracers&) = delete;
    ReadyTracers& operator=(const ReadyTracers&) = delete;

private:
    void set_pending(bool pending) {
        for (const graph::Value& v : tracers_) v.node->pending = pending;
    }
    std::vector<graph::Value> tracers_;
};

/// Throws when the value is being traced and so cannot be read.
void check_readable(const graph::Value& value);

} // namespace ingot::runtime
