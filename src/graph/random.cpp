// SPDX-License-Identifier: MIT
#include "graph/random.h"

#include "graph/node.h"

namespace ingot::graph {

RandomState& random_state() {
    thread_local RandomState state;
    return state;
}

Tensor random_key(int64_t count, Device device) {
    return Tensor(make_host_scalar({i64, {2}}, device, [count](uint64_t words[2]) {
        RandomState& state = random_state();
        words[0] = static_cast<uint64_t>(state.seed);
        words[1] = static_cast<uint64_t>(state.next);
        state.next += count;
    }));
}

} // namespace ingot::graph
