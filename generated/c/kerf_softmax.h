/*
 * Partial softmaxes over some keys: the largest logit, the sum of weights e^(logit - largest), and the
 * weighted values. Two of them meet in one way only, so that merging in place (prefill) and merging what
 * was written (decode) give the same bits.
 */
#pragma once

#include "kerf.h"

/* The logit of a key that is not seen, and the largest of none. Finite: no infinities, no NaN. */
#define KERF_MASKED -1e30f

/* The largest lane of numbers that are not NaN. */
KERF_INLINE float kerf_largest16(f32x16 v)
{
  for (uint32_t half = 8; half > 0; half /= 2) {
    for (uint32_t lane = 0; lane < half; lane++) {
      v[lane] = v[lane] > v[lane + half] ? v[lane] : v[lane + half];
    }
  }
  return v[0];
}

/*
 * Merges the partial softmax `b` into `a`, whose n values (a multiple of 16) are in place. A partial of
 * no keys changes no bit, on either side.
 */
KERF_INLINE void kerf_merge_softmax(
  float *a_largest, float *a_sum, float *a_values,
  float b_largest, float b_sum, const float *b_values, uint32_t n)
{
  const float largest = *a_largest > b_largest ? *a_largest : b_largest;
  const float a_scale = kerf_exp(*a_largest - largest);
  const float b_scale = kerf_exp(b_largest - largest);
  *a_largest = largest;
  *a_sum = *a_sum * a_scale + b_sum * b_scale;
  for (uint32_t i = 0; i < n; i += 16) {
    const f32x16 scaled = kerf_load16(&a_values[i]) * a_scale;
    kerf_store16(&a_values[i], scaled + kerf_load16(&b_values[i]) * b_scale);
  }
}

/* The softmax's output: values over sum; zeros when no key was seen. */
KERF_INLINE void kerf_finish_softmax(float sum, const float *values, float *out, uint32_t n)
{
  for (uint32_t i = 0; i < n; i += 16) {
    const f32x16 value = kerf_load16(&values[i]);
    kerf_store16(&out[i], sum == 0.0f ? kerf_splat16(0.0f) : value / sum);
  }
}
