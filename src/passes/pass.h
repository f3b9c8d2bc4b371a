// SPDX-License-Identifier: MIT
// What every pass is: a function from graph to graph that keeps the meaning. One file each; passes.cpp lists them in order,
// switches the optional ones (INGOT_PASSES) and dumps (INGOT_DUMP). Passes know the primitives and the Target, no backend.
#pragma once

#include <string>

#include "graph/ir.h"
#include "target/target.h"

namespace ingot::passes {

ir::Graph expand(const ir::Graph& g); ///< composites become primitives (always)
ir::Graph
widen(const ir::Graph& g,
      const target::Target& target);    ///< half-precision contractions run in f32 where kernels lack them (always)
ir::Graph simplify(const ir::Graph& g); ///< algebra and views: x * 1, reshape of reshape, permute into matmul
ir::Graph fold(const ir::Graph& g);     ///< operators on constants
ir::Graph cse(const ir::Graph& g);      ///< equal nodes once
ir::Graph dce(ir::Graph g);             ///< what no result needs (always)
ir::Graph layout(const ir::Graph& g, const target::Target& target); ///< physical formats
ir::Graph epilogue(const ir::Graph& g,
                   const target::Target& target); ///< bias and activation into matmul and convolution
ir::Graph fuse(const ir::Graph& g, const target::Target& target,
               bool merge);          ///< programs; merge = false: one operator each
ir::Graph batch(const ir::Graph& g); ///< the same map over many tensors becomes one launch

/// All passes in order, for lowering. `disabled_all`: INGOT_PASSES=none.
ir::Graph optimize(const ir::Graph& g, const target::Target& target);

/// Which optional passes run: text as INGOT_PASSES has it ("", "none", "-fuse,-cse"). Errors: Error for an unknown name.
void set_passes(const std::string& text);
/// The present switches as one word, part of every executable's key.
uint64_t pass_switches();

} // namespace ingot::passes
