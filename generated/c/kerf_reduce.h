/*
 * The lanes of several vectors at a time: what kerf_largest16 and kerf_sum16 make of each, to the bit, in as many
 * steps for sixteen as for one.
 */
#pragma once

#include "kerf_softmax.h"

#if defined(__AVX512F__)
/* Of sixteen vectors, lane by lane of the result: one vector's lanes met as kerf_sum16 and kerf_largest16 meet them. */
#define KERF_REDUCE_EACH(v, n, MEET)                                                                        \
  f32x16 meet[16];                                                                                          \
  KERF_UNROLL for (uint32_t i = 0; i < 16; i++) meet[i] = i < (n) ? (v)[i] : (f32x16){0};                    \
  KERF_UNROLL for (uint32_t i = 0; i < 8; i++) {                                                            \
    const __m512 a = (__m512)meet[2 * i], b = (__m512)meet[2 * i + 1];                                      \
    meet[i] = MEET(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xee));                     \
  }                                                                                                         \
  KERF_UNROLL for (uint32_t i = 0; i < 4; i++) {                                                            \
    const __m512 a = (__m512)meet[2 * i], b = (__m512)meet[2 * i + 1];                                      \
    meet[i] = MEET(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xdd));                     \
  }                                                                                                         \
  KERF_UNROLL for (uint32_t i = 0; i < 2; i++) {                                                            \
    const __m512d a = (__m512d)meet[2 * i], b = (__m512d)meet[2 * i + 1];                                   \
    meet[i] = MEET(_mm512_unpacklo_pd(a, b), _mm512_unpackhi_pd(a, b));                                     \
  }                                                                                                         \
  const __m512 a = (__m512)meet[0], b = (__m512)meet[1];                                                    \
  const f32x16 met = MEET(_mm512_shuffle_ps(a, b, 0x88), _mm512_shuffle_ps(a, b, 0xdd));                    \
  const i32x16 order = {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};                              \
  return (f32x16)_mm512_permutexvar_ps((__m512i)order, (__m512)met)
#define KERF_ADD16(a, b) ((f32x16)(a) + (f32x16)(b))
#define KERF_LARGER16(a, b) kerf_larger16((f32x16)(a), (f32x16)(b))
#endif

/* The largest lane, and the sum of all lanes, of each of n vectors, at most sixteen; 0 in lanes past the n-th. */
KERF_INLINE f32x16 kerf_largest16_each(const f32x16 *v, const uint32_t n)
{
#if defined(__AVX512F__)
  KERF_REDUCE_EACH(v, n, KERF_LARGER16);
#else
  f32x16 each = {0};
  for (uint32_t i = 0; i < n; i++) each[i] = kerf_largest16(v[i]);
  return each;
#endif
}
KERF_INLINE f32x16 kerf_sum16_each(const f32x16 *v, const uint32_t n)
{
#if defined(__AVX512F__)
  KERF_REDUCE_EACH(v, n, KERF_ADD16);
#else
  f32x16 each = {0};
  for (uint32_t i = 0; i < n; i++) each[i] = kerf_sum16(v[i]);
  return each;
#endif
}
