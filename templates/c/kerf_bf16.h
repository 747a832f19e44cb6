/*
 * Sums of products of two numbers at a time, each rounded to bf16 (8 bits of significand), in f32. One
 * instruction where there is one; elsewhere two fused multiply-adds, the second product first: the same bits.
 *
 * That instruction takes and makes no subnormals. There are none: a factor below 2⁻⁶⁴ in size counts as 0, what
 * it meets was a half, and a sum of multiples of 2⁻⁹⁵ is 0 or a normal number. Include after kerf_native.h.
 */
#pragma once

#if defined(__AVX512BF16__) && KERF_N == 16
#define KERF_BF16_DOTS 1
#else
#define KERF_BF16_DOTS 0
#endif

/* A factor as kerf_dot2 reads it, and a vector of pairs of elements that two factors meet. */
#if KERF_BF16_DOTS
typedef kerf_bf16 kerf_factor;
typedef i32xn kerf_pairsn; /* the first element in the low half of a word */
#else
typedef float kerf_factor;
typedef struct {
  f32xn first, second;
} kerf_pairsn;
#endif

/* A vector of factors, rounded to the nearest, ties to even. */
KERF_INLINE void kerf_storen_factors(kerf_factor *to, f32xn x)
{
  const i32xn bits = (i32xn)x;
  const i32xn counts = (bits & 0x7fffffff) >= 0x1f800000; /* 2⁻⁶⁴ */
#if KERF_BF16_DOTS
  _mm256_storeu_si256((__m256i *)to, (__m256i)_mm512_cvtneps_pbh((__m512)(bits & counts)));
#else
  const i32xn not_number = x != x;
  const i32xn rounded = (bits + 0x7fff + ((bits >> 16) & 1)) & ~0xffff;
  kerf_storen(to, (f32xn)((rounded & counts & ~not_number) | (bits & not_number)));
#endif
}

/* Sixteen weights, of which none but 0 is below 2⁻⁶⁴. */
KERF_INLINE void kerf_store16_weights(kerf_factor *to, f32x16 x)
{
#if KERF_BF16_DOTS
  _mm256_storeu_si256((__m256i *)to, (__m256i)_mm512_cvtneps_pbh((__m512)x));
#else
  for (uint32_t i = 0; i < 16; i += KERF_N) kerf_storen_factors(&to[i], kerf_loadn((const float *)&x + i));
#endif
}

#if !KERF_BF16_DOTS
/*
 * Halves, rounded likewise: of 65537 x, 24 bits are left, x's last ones rounded; taking 65536 x is exact. An infinite
 * half becomes NaN, which is what attention makes of it in any case.
 */
KERF_INLINE f32xn kerf_loadn_f16_as_bf16(const kerf_f16 *p)
{
  const f32xn x = kerf_loadn_f16(p);
  return x * 65537.0f - x * 65536.0f;
}
#endif

/* The elements of two rows, rounded. */
KERF_INLINE kerf_pairsn kerf_pairsn_f16(const kerf_f16 *first, const kerf_f16 *second)
{
#if KERF_BF16_DOTS
  const __m512i order = _mm512_set_epi16(
    31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  const __m512 low = (__m512)kerf_loadn_f16(first), high = (__m512)kerf_loadn_f16(second);
  return (i32xn)_mm512_permutexvar_epi16(order, (__m512i)_mm512_cvtne2ps_pbh(high, low));
#else
  return (kerf_pairsn){kerf_loadn_f16_as_bf16(first), kerf_loadn_f16_as_bf16(second)};
#endif
}

/* sum + second · factors[1] + first · factors[0] */
KERF_INLINE f32xn kerf_dot2(f32xn sum, kerf_pairsn pairs, const kerf_factor *factors)
{
#if KERF_BF16_DOTS
  int32_t word;
  memcpy(&word, factors, sizeof word);
  return (f32xn)_mm512_dpbf16_ps((__m512)sum, (__m512bh)pairs, (__m512bh)_mm512_set1_epi32(word));
#else
  sum = kerf_fman(pairs.second, kerf_splatn(factors[1]), sum);
  return kerf_fman(pairs.first, kerf_splatn(factors[0]), sum);
#endif
}
