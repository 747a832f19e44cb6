/*
 * Partial softmaxes over some keys: the largest logit, the sum of weights e^(logit - largest), and the
 * weighted values. Two of them meet in one way only, so that merging in place (prefill) and merging what
 * was written (decode) give the same bits.
 */
#pragma once

#include "kerf_cuda.h"

/* The logit of a key that is not seen, and the largest of none. Finite: no infinities, no NaN. */
#define KERF_MASKED -1e30f

/* What the values of two partial softmaxes are multiplied by before they are added. */
struct kerf_scales {
  float a, b;
};

/* The larger of two largest logits. */
KERF_INLINE float kerf_larger_logit(float a, float b) { return a > b ? a : b; }

/* From the largest logits of both. */
KERF_INLINE kerf_scales kerf_softmax_scales(float a_largest, float b_largest)
{
  const float largest = kerf_larger_logit(a_largest, b_largest);
  return {kerf_exp(a_largest - largest), kerf_exp(b_largest - largest)};
}

/*
 * Merges the largest logit and the sum of `b` into those of `a`; the caller does the same to the values.
 * A partial of no keys changes no bit, on either side.
 */
KERF_INLINE kerf_scales kerf_merge_softmax(float *a_largest, float *a_sum, float b_largest, float b_sum)
{
  const kerf_scales scales = kerf_softmax_scales(*a_largest, b_largest);
  *a_largest = kerf_larger_logit(*a_largest, b_largest);
  *a_sum = *a_sum * scales.a + b_sum * scales.b;
  return scales;
}

/* One of the softmax's outputs: a value over the sum; 0 when no key was seen. */
KERF_INLINE float kerf_finish_softmax(float sum, float value)
{
  return sum == 0.0f ? 0.0f : value / sum;
}
