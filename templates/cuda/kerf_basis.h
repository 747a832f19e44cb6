/*
 * The Walsh-Hadamard basis of a head's channels: a symmetric matrix of ±1/√head_dim that is its own inverse,
 * so that turning twice gives back what there was.
 */
#pragma once

#include "kerf_cuda.h"

/*
 * Turns heads of head_dim channels, a power of two, in place: n channels of shared memory, one head behind the
 * other. Every thread of the block takes part, before others' channels are read and after they were written.
 */
KERF_INLINE void kerf_turn(float *x, u32 n, u32 head_dim, u32 n_threads)
{
  for (u32 half = 1; half < head_dim; half *= 2) {
    kerf_sync_threads();
    for (u32 i = kerf_thread(); i < n / 2; i += n_threads) {
      const u32 first = i / half * 2 * half + i % half;
      const float a = x[first], b = x[first + half];
      x[first] = a + b;
      x[first + half] = a - b;
    }
  }
  const float scale = 1.0f / kerf_sqrt((float)head_dim);
  kerf_sync_threads();
  for (u32 i = kerf_thread(); i < n; i += n_threads) x[i] *= scale;
  kerf_sync_threads();
}
