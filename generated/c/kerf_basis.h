/*
 * The Walsh-Hadamard basis of a head's channels: a symmetric matrix of ±1/√n that is its own inverse, so
 * that turning twice gives back what there was.
 */
#pragma once

#include "kerf.h"

/* Turns n channels, a power of two and a multiple of 16, in place. */
KERF_INLINE void kerf_turn(float *x, uint32_t n)
{
  for (uint32_t half = 1; half < n; half *= 2) {
    for (uint32_t first = 0; first < n; first += 2 * half) {
      for (uint32_t i = first; i < first + half; i++) {
        const float a = x[i], b = x[i + half];
        x[i] = a + b;
        x[i + half] = a - b;
      }
    }
  }
  const f32x16 scale = 1.0f / kerf_sqrt16(kerf_splat16((float)n));
  for (uint32_t i = 0; i < n; i += 16) kerf_store16(&x[i], kerf_load16(&x[i]) * scale);
}
