/*
 * Products of stored codes (kerf_codes.h) and bytes of the other factor, in whole numbers: four codes of a
 * lane in one word, as kerf_q8.h multiplies them. Whole numbers are exact, so every instruction set gives
 * the same bits; what is not a whole number is rounded by the operations of kerf.h.
 */
#pragma once

#include "kerf_codes.h"
#include "kerf_q8.h"
#include "kerf_softmax.h"

/* The mean of all codes: what rounding takes of a factor counts as if it had met this. */
#define KERF_CENTRE(bits) (0.5f * (float)((1 << (bits)) - 1))

#if defined(__AVX512VBMI__) && KERF_N == 16
/* Of every lane of `bytes` four codes: byte j of a word is the j-th cell's, and these lie `stride` bytes apart. */
KERF_INLINE i32xn kerf_permute_codes(__m512i bytes, const uint32_t start, const uint32_t stride, const uint32_t bits)
{
  const i32x16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const int32_t cell_bytes = (int32_t)(2 * bits);
  const int32_t cells = (int32_t)(start * 0x01010101u + stride * 0x03020100u);
  const i32x16 order = lane % cell_bytes * 0x01010101 + cells;
  const i32xn words = (i32xn)_mm512_permutexvar_epi8((__m512i)order, bytes);
  return bits == 8 ? words : (words >> lane / cell_bytes * (int32_t)bits) & ((1 << bits) - 1) * 0x01010101;
}
#endif

/* Codes of four cells, KERF_N of each from the first-th on: in lane l, byte j is code first + l of cells[j]. */
KERF_INLINE i32xn kerf_code_words(const uint8_t *const cells[4], const uint32_t first, const uint32_t bits)
{
  const i32xn a = kerf_loadn_codes(cells[0], first, bits), b = kerf_loadn_codes(cells[1], first, bits);
  const i32xn c = kerf_loadn_codes(cells[2], first, bits), d = kerf_loadn_codes(cells[3], first, bits);
  return a | b << 8 | c << 16 | d << 24;
}

/* The same of four neighbours. */
KERF_INLINE i32xn kerf_channel_words(const uint8_t *cells, const uint32_t first, const uint32_t bits)
{
#if defined(__AVX512VBMI__) && KERF_N == 16
  const __m512i bytes = bits == 2 ? _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)cells))
    : bits == 4                   ? _mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)cells))
                                  : _mm512_loadu_si512(cells);
  (void)first;
  return kerf_permute_codes(bytes, 0, 2 * bits, bits);
#else
  const uint8_t *const four[4] = {cells, cells + 2 * bits, cells + 4 * bits, cells + 6 * bits};
  return kerf_code_words(four, first, bits);
#endif
}

/*
 * The same of four rows of `row_bytes` bytes of codes, of their cells that hold element `element`.
 */
KERF_INLINE i32xn kerf_row_words(
  const uint8_t *const rows[4], const uint32_t element, const uint32_t row_bytes, const uint32_t bits)
{
  const uint32_t at = element / 16 * 2 * bits;
#if defined(__AVX512VBMI__) && KERF_N == 16
  const uint32_t from = at / 16 * 16;
  if (from + 16 <= row_bytes) {
    __m512i bytes = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)(rows[0] + from)));
    bytes = _mm512_inserti32x4(bytes, _mm_loadu_si128((const __m128i *)(rows[1] + from)), 1);
    bytes = _mm512_inserti32x4(bytes, _mm_loadu_si128((const __m128i *)(rows[2] + from)), 2);
    bytes = _mm512_inserti32x4(bytes, _mm_loadu_si128((const __m128i *)(rows[3] + from)), 3);
    return kerf_permute_codes(bytes, at - from, 16, bits);
  }
#endif
  (void)row_bytes;
  const uint8_t *const cells[4] = {rows[0] + at, rows[1] + at, rows[2] + at, rows[3] + at};
  return kerf_code_words(cells, element % 16, bits);
}

/* sum + Σ code · x over the four bytes of a word: x's bytes are −127 … 127. */
KERF_INLINE i32xn kerf_dot4_codes(i32xn sum, i32xn codes, int32_t x, const uint32_t bits)
{
#if !defined(__AVX512VNNI__) && defined(__SSSE3__)
  /* Two products of a code below 16 fit in 16 bits. */
  if (bits < 8) {
#if KERF_N == 16
    const __m512i pairs = _mm512_maddubs_epi16((__m512i)codes, _mm512_set1_epi32(x));
    return sum + (i32xn)_mm512_madd_epi16(pairs, _mm512_set1_epi16(1));
#elif KERF_N == 8
    const __m256i pairs = _mm256_maddubs_epi16((__m256i)codes, _mm256_set1_epi32(x));
    return sum + (i32xn)_mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
#else
    const __m128i pairs = _mm_maddubs_epi16((__m128i)codes, _mm_set1_epi32(x));
    return sum + (i32xn)_mm_madd_epi16(pairs, _mm_set1_epi16(1));
#endif
  }
#endif
  (void)bits;
  return kerf_dot4(sum, codes, x);
}

/* Four bytes as a word. */
KERF_INLINE int32_t kerf_word_of(const int8_t *bytes)
{
  int32_t word;
  memcpy(&word, bytes, sizeof word);
  return word;
}

/* The nearest whole numbers of numbers below 2²² in size, ties to even. */
KERF_INLINE i32x16 kerf_nearest16(f32x16 x) { return (i32x16)(x + 0x1.8p23f) - 0x4b400000; }

/*
 * What numbers are multiplied by to become bytes, and what a byte counts then: the largest size in any lane, of
 * which `sizes` are the bits, becomes 127.
 */
KERF_INLINE float kerf_byte_factor(i32x16 sizes, float *quantum)
{
  const float largest = kerf_largest16((f32x16)sizes);
  *quantum = largest / 127.0f;
  /* Below this 127 / largest is no f32; such numbers are nothing beside the error of a code. */
  return largest < 0x1p-120f ? 0.0f : 127.0f / largest;
}

/* Stores sixteen numbers as bytes, ties to even. Returns what rounding took of each. */
KERF_INLINE f32x16 kerf_store16_bytes(int8_t *bytes, f32x16 x, float factor, float quantum)
{
  const i32x16 whole = kerf_nearest16(x * factor);
  const i8x16 narrow = __builtin_convertvector(whole, i8x16);
  memcpy(bytes, &narrow, sizeof narrow);
  return x - kerf_to_f32x16(whole) * quantum;
}
