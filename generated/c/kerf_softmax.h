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
#if defined(__SSE2__) && !defined(__AVX512F__)
  /* The same pairs meet. Compilers move lane by lane what is wider than a register. */
  __m128 x[4];
  memcpy(x, &v, sizeof x);
  const __m128 of4 = _mm_max_ps(_mm_max_ps(x[0], x[2]), _mm_max_ps(x[1], x[3]));
  const __m128 of2 = _mm_max_ps(of4, _mm_movehl_ps(of4, of4));
  return _mm_cvtss_f32(_mm_max_ss(of2, _mm_shuffle_ps(of2, of2, 1)));
#else
  v = kerf_larger16(v, KERF_LANES_BEHIND(v, 8));
  v = kerf_larger16(v, KERF_LANES_BEHIND(v, 4));
  v = kerf_larger16(v, KERF_LANES_BEHIND(v, 2));
  return kerf_larger16(v, KERF_LANES_BEHIND(v, 1))[0];
#endif
}

/* e · 2ⁿ of a whole n, where x is above -87; else exactly 0. */
KERF_INLINE f32x16 kerf_scale_weight16(f32x16 x, f32x16 e, f32x16 n)
{
#if defined(__AVX512F__)
  const __mmask16 weighs = _mm512_cmp_ps_mask((__m512)x, _mm512_set1_ps(-87.0f), _CMP_NLE_UQ);
  return (f32x16)_mm512_maskz_scalef_ps(weighs, (__m512)e, (__m512)n);
#else
  const i32x16 weighs = ~kerf_at_most16(x, kerf_splat16(-87.0f));
  const i32x16 whole = __builtin_convertvector((f32x16)((i32x16)n & weighs), i32x16);
  return (f32x16)((i32x16)(e * (f32x16)((whole + 127) << 23)) & weighs);
#endif
}

/*
 * e^x for x = logit - largest, which is not above 0; up to -87 exactly 0, so that a key that is not seen
 * weighs nothing and every weight is a normal number. Above, and of NaN, what kerf_exp16 gives.
 */
KERF_INLINE f32x16 kerf_weight16(f32x16 x)
{
  const f32x16 n = kerf_round16(x * 1.442695f);
  return kerf_scale_weight16(x, kerf_reduced_exp16(x, n), n);
}

/*
 * The same for weights that are rounded behind: within 4e-6 of e^x, in two thirds of the operations, none of them a
 * conversion. Up to -44, which is about 2⁻⁶⁴, exactly 0; e^0 is exactly 1.
 */
KERF_INLINE f32x16 kerf_near_weight16(f32x16 x)
{
  /* 1.5 · 2²³: in a sum with it the exponent is whole, and stands in the last bits. */
  const f32x16 whole = kerf_splat16(12582912.0f), log2_e = kerf_splat16(1.442695f);
  const f32x16 shifted = kerf_fma16(x, log2_e, whole);
  const f32x16 r = kerf_fma16(x, log2_e, whole - shifted);
  /* 2ʳ for |r| ≤ ½, a minimax fit with 1 at 0. */
  f32x16 p = kerf_splat16(0.0095828529f);
  p = kerf_fma16(p, r, kerf_splat16(0.055906426f));
  p = kerf_fma16(p, r, kerf_splat16(0.24024099f));
  p = kerf_fma16(p, r, kerf_splat16(0.69312418f));
  p = kerf_fma16(p, r, kerf_splat16(1.0f));
  return (f32x16)(((i32x16)p + ((i32x16)shifted << 23)) & ~kerf_at_most16(x, kerf_splat16(-44.0f)));
}

/* Merges n values (a multiple of 16) of two partial softmaxes, in place of `a`. */
KERF_INLINE void kerf_merge_values(float *a, float a_scale, const float *b, float b_scale, uint32_t n)
{
  for (uint32_t i = 0; i < n; i += 16) {
    const f32x16 scaled = kerf_load16(&a[i]) * a_scale;
    kerf_store16(&a[i], scaled + kerf_load16(&b[i]) * b_scale);
  }
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
  const f32x16 scales = kerf_weight16((f32x16){*a_largest - largest, b_largest - largest});
  const float a_scale = scales[0], b_scale = scales[1];
  *a_largest = largest;
  *a_sum = *a_sum * a_scale + b_sum * b_scale;
  kerf_merge_values(a_values, a_scale, b_values, b_scale, n);
}

/* The same of n_rows partials, at most sixteen; the values of each are f32 [n_rows, n]. */
KERF_INLINE void kerf_merge_softmaxes(
  float *a_largest, float *a_sum, float *a_values,
  const float *b_largest, const float *b_sum, const float *b_values, uint32_t n_rows, uint32_t n)
{
  const f32x16 a = kerf_load16_first(a_largest, n_rows), b = kerf_load16_first(b_largest, n_rows);
  const f32x16 largest = kerf_larger16(a, b);
  const f32x16 a_scales = kerf_weight16(a - largest), b_scales = kerf_weight16(b - largest);
  const f32x16 scaled = kerf_load16_first(a_sum, n_rows) * a_scales;
  kerf_store16_first(a_largest, largest, n_rows);
  kerf_store16_first(a_sum, scaled + kerf_load16_first(b_sum, n_rows) * b_scales, n_rows);
  for (uint32_t r = 0; r < n_rows; r++) {
    kerf_merge_values(&a_values[r * n], a_scales[r], &b_values[r * n], b_scales[r], n);
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
