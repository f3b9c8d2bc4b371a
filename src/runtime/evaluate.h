// SPDX-License-Identifier: MIT
// Plain style: what happens at a flush (docs/architecture.md, "Rules of evaluation", 1 to 3 and 8). Used through
// graph/evaluator.h by tensors, and by traces for values captured from outside.
#pragma once

#include <vector>

#include "graph/evaluator.h"
#include "graph/node.h"

namespace ingot::runtime {

/// Evaluates `wanted`, this thread's pending cell writes and every pending value that a handle holds. What fails before
/// its submission is thrown (cells keep their old values); what fails later is stored in the results.
void flush(std::vector<graph::Value> wanted);

/// Reading, moving and evaluating of plain values, for graph::Evaluator.
void install_evaluation(graph::Evaluator& e);

} // namespace ingot::runtime
