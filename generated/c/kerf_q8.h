/*
 * Rows of activations as 8-bit codes, and sums of integer products of codes: of four inputs at a time,
 * which lie in one word. Whole numbers are exact, so every instruction set gives the same bits.
 *
 * Include after kerf_native.h.
 */
#pragma once

#if defined(__SSE2__)
#include <immintrin.h>
#endif

typedef int8_t i8x16 __attribute__((vector_size(16)));

/* Inputs of a row that share a scale. */
enum { KERF_Q8_INPUTS = 32 };

/* 32 inputs of a row: input j is about scale · codes[j]. */
struct kerf_q8 {
  float scale;
  float sum; /* of all codes */
  float half_sums[2]; /* of the first sixteen and of the others */
  int8_t codes[KERF_Q8_INPUTS];
};
_Static_assert(sizeof(struct kerf_q8) == 48, "src/core/quantized_row.ts counts these bytes");

/* Over all lanes: the sum and the largest. */
KERF_INLINE int32_t kerf_sum16_i32(i32x16 v)
{
#if defined(__AVX512F__)
  return _mm512_reduce_add_epi32((__m512i)v);
#else
  int32_t sum = 0;
  for (uint32_t lane = 0; lane < 16; lane++) sum += v[lane];
  return sum;
#endif
}
KERF_INLINE int32_t kerf_largest16_i32(i32x16 v)
{
#if defined(__AVX512F__)
  return _mm512_reduce_max_epi32((__m512i)v);
#else
  int32_t largest = v[0];
  for (uint32_t lane = 1; lane < 16; lane++) largest = kerf_max_i32(largest, v[lane]);
  return largest;
#endif
}

/* The nearest codes of 32 inputs, ties to even: the largest input in size becomes 127 or −127. */
KERF_INLINE void kerf_store_q8(struct kerf_q8 *to, f32x16 low, f32x16 high)
{
  /* Without their signs numbers are in the order of their bits. */
  const i32x16 sizes = kerf_max16_i32((i32x16)kerf_abs16(low), (i32x16)kerf_abs16(high));
  const int32_t bits = kerf_largest16_i32(sizes);
  float largest;
  memcpy(&largest, &bits, sizeof largest);
  /* Below this 127 / largest is no f32; such inputs are nothing beside a weight's own error. */
  const float factor = largest < 0x1p-120f ? 0.0f : 127.0f / largest;
  const i32x16 codes[2] = {
    kerf_to_i32x16(kerf_round16(low * factor)), kerf_to_i32x16(kerf_round16(high * factor))};
  int32_t sums[2];
  for (uint32_t half = 0; half < 2; half++) {
    const i8x16 bytes = __builtin_convertvector(codes[half], i8x16);
    memcpy(&to->codes[16 * half], &bytes, sizeof bytes);
    sums[half] = kerf_sum16_i32(codes[half]);
    to->half_sums[half] = (float)sums[half];
  }
  to->sum = (float)(sums[0] + sums[1]);
  to->scale = largest / 127.0f;
}

/* Codes 4q … 4q + 3 of a row, in one word. */
KERF_INLINE int32_t kerf_q8_word(const struct kerf_q8 *x, uint32_t q)
{
  int32_t word;
  memcpy(&word, &x->codes[4 * q], sizeof word);
  return word;
}

/* sum + Σ code · x over the four bytes of a word: codes are 0 … 255, x's bytes are signed. */
KERF_INLINE i32xn kerf_dot4(i32xn sum, i32xn codes, int32_t x)
{
#if defined(__AVX512VNNI__) && KERF_N == 16
  return (i32xn)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)codes, _mm512_set1_epi32(x));
#elif defined(__SSE2__)
  /* Bytes 0 and 2, then 1 and 3, as pairs of 16-bit numbers: no product and no sum of two overflows. */
  const i32xn even = codes & 0x00ff00ff;
  const i32xn odd = (codes >> 8) & 0x00ff00ff;
  const int32_t x_even = (uint16_t)(int8_t)x | (int32_t)((uint32_t)(int8_t)(x >> 16) << 16);
  const int32_t x_odd = (uint16_t)(int8_t)(x >> 8) | (int32_t)((uint32_t)(int8_t)(x >> 24) << 16);
#if KERF_N == 16
  sum += (i32xn)_mm512_madd_epi16((__m512i)even, _mm512_set1_epi32(x_even));
  return sum + (i32xn)_mm512_madd_epi16((__m512i)odd, _mm512_set1_epi32(x_odd));
#elif KERF_N == 8
  sum += (i32xn)_mm256_madd_epi16((__m256i)even, _mm256_set1_epi32(x_even));
  return sum + (i32xn)_mm256_madd_epi16((__m256i)odd, _mm256_set1_epi32(x_odd));
#else
  sum += (i32xn)_mm_madd_epi16((__m128i)even, _mm_set1_epi32(x_even));
  return sum + (i32xn)_mm_madd_epi16((__m128i)odd, _mm_set1_epi32(x_odd));
#endif
#else
  for (int i = 0; i < 4; i++) sum += ((codes >> 8 * i) & 255) * (int8_t)(x >> 8 * i);
  return sum;
#endif
}

/* Packed bytes of four inputs and of KERF_N rows from `lane` on: a word of each row's four. */
KERF_INLINE i32xn kerf_load_words(const uint8_t (*bytes)[16], uint32_t lane)
{
#if defined(__AVX512VBMI__) && KERF_N == 16
  static const uint8_t order[64] = {0, 16, 32, 48, 1, 17, 33, 49, 2, 18, 34, 50, 3, 19, 35, 51,
    4, 20, 36, 52, 5, 21, 37, 53, 6, 22, 38, 54, 7, 23, 39, 55, 8, 24, 40, 56, 9, 25, 41, 57,
    10, 26, 42, 58, 11, 27, 43, 59, 12, 28, 44, 60, 13, 29, 45, 61, 14, 30, 46, 62, 15, 31, 47, 63};
  (void)lane;
  const __m512i all = _mm512_loadu_si512(bytes);
  return (i32xn)_mm512_permutexvar_epi8(_mm512_loadu_si512(order), all);
#else
  const i32xn a = kerf_loadn_u8(&bytes[0][lane]), b = kerf_loadn_u8(&bytes[1][lane]);
  const i32xn c = kerf_loadn_u8(&bytes[2][lane]), d = kerf_loadn_u8(&bytes[3][lane]);
  return a | b << 8 | c << 16 | d << 24;
#endif
}
