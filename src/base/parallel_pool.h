// SPDX-License-Identifier: MIT
// What parallel_for needs from a thread pool; only parallel.cpp uses it. There are two: parallel_openmp.cpp (builds
// with INGOT_OPENMP) and parallel_threads.cpp (the others). Both may be called from several threads at once.
#pragma once

namespace ingot::base::pool {

/// Calls part(context, i) once for each i in [0, parts), on up to `parts` threads with the caller among them; returns
/// when all are done. `part` does not throw.
void run(int parts, void (*part)(const void* context, int i), const void* context);

/// Makes OpenMP regions that others open on the calling thread (oneDNN's) use `threads` threads. Nothing without OpenMP.
void set_library_threads(int threads);

} // namespace ingot::base::pool
