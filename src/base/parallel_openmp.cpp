// SPDX-License-Identifier: MIT
#ifdef INGOT_OPENMP

#include <omp.h>

#include "base/parallel_pool.h"

namespace ingot::base::pool {

void run(int parts, void (*part)(const void* context, int i), const void* context) {
    // The team may come out smaller than asked (OMP_THREAD_LIMIT, a region of somebody else around us), so every
    // thread walks over the parts in steps of the team's size.
#pragma omp parallel num_threads(parts)
    {
        const int team = omp_get_num_threads();
        for (int i = omp_get_thread_num(); i < parts; i += team) part(context, i);
    }
}

void set_library_threads(int threads) { omp_set_num_threads(threads); }

} // namespace ingot::base::pool

#endif
