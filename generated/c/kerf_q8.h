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

/* Inputs of a row that share a scale, and words of four of them. */
enum { KERF_Q8_INPUTS = 32, KERF_Q8_WORDS = KERF_Q8_INPUTS / 4 };

/*
 * 32 inputs of a row: input j is about scale · code, and its code is codes[j]; in the wide word, which
 * begins with input 4 · wide, it is codes[j] + 256 · high[j % 4]. The scale is a power of two.
 *
 * So it need not be multiplied by: a whole number below 2^22 in size that is added to the bits of
 * 1.5 · 2^23 · scale adds that many scales. Products are summed from there, those of high bytes from 256 times
 * as much.
 */
struct kerf_q8 {
  float start;        /* 1.5 · 2^23 · scale; NaN, like the sums, where an input is too large or no number */
  float start_high;   /* 1.5 · 2^31 · scale */
  float sum;          /* scale · all codes */
  float half_sums[2]; /* … · the first sixteen, and the others */
  uint32_t wide;
  int8_t high[4];
  int8_t codes[KERF_Q8_INPUTS];
};
_Static_assert(sizeof(struct kerf_q8) == 60, "src/core/quantized_row.ts counts these bytes");

/* Where a row's sum over a block lies: sixteen rows side by side, block after block of these. */
KERF_INLINE size_t kerf_q8_sum_place(size_t row, size_t n_blocks, size_t block)
{
  return (row / 16 * n_blocks + block) * 16 + row % 16;
}

/* Codes 4q … 4q + 3 of a row in one word, in the wide word their low bytes. */
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
#elif defined(__ARM_FEATURE_DOTPROD)
  /* The instruction takes signed bytes: codes less 128, and 128 times x's, which codes of one x share. */
  const int8x16_t bytes = vreinterpretq_s8_s32(vdupq_n_s32(x));
  const int8x16_t centred = vreinterpretq_s8_s32((int32x4_t)codes ^ vdupq_n_s32((int32_t)0x80808080));
  const int32x4_t back = vdotq_s32(vdupq_n_s32(0), vdupq_n_s8(-128), bytes);
  return (i32xn)vdotq_s32((int32x4_t)sum - back, centred, bytes);
#else
  for (int i = 0; i < 4; i++) sum += ((codes >> 8 * i) & 255) * (int8_t)(x >> 8 * i);
  return sum;
#endif
}

/* The same of codes of `bits` bits, of which products of few take fewer instructions. */
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
#elif defined(__ARM_FEATURE_DOTPROD)
  /* Such a code is the same as a signed byte. */
  if (bits < 8) {
    const int8x16_t bytes = vreinterpretq_s8_s32(vdupq_n_s32(x));
    return (i32xn)vdotq_s32((int32x4_t)sum, vreinterpretq_s8_s32((int32x4_t)codes), bytes);
  }
#endif
  (void)bits;
  return kerf_dot4(sum, codes, x);
}

KERF_INLINE i32xn kerf_loadn_i32(const int32_t *p)
{
  i32xn v;
  memcpy(&v, p, sizeof v);
  return v;
}

/* From what a block's products are summed, and what they are when all have been added. */
KERF_INLINE i32xn kerf_q8_start(float start) { return (i32xn)kerf_splatn(start); }
KERF_INLINE f32xn kerf_q8_end(i32xn sum, float start) { return (f32xn)sum - kerf_splatn(start); }

/* The products of the wide word's high bytes and the codes that meet it. */
KERF_INLINE f32xn kerf_q8_high(const struct kerf_q8 *x, i32xn codes, const uint32_t bits)
{
  int32_t word;
  memcpy(&word, x->high, sizeof word);
  const i32xn sum = kerf_dot4_codes(kerf_q8_start(x->start_high), codes, word, bits);
  return kerf_q8_end(sum, x->start_high);
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
#elif defined(__ARM_FEATURE_DOTPROD)
  static const uint8_t order[16] = {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};
  uint8_t rows[16];
  for (uint32_t i = 0; i < 4; i++) memcpy(&rows[4 * i], &bytes[i][lane], 4);
  return (i32xn)vqtbl1q_u8(vld1q_u8(rows), vld1q_u8(order));
#else
  const i32xn a = kerf_loadn_u8(&bytes[0][lane]), b = kerf_loadn_u8(&bytes[1][lane]);
  const i32xn c = kerf_loadn_u8(&bytes[2][lane]), d = kerf_loadn_u8(&bytes[3][lane]);
  return a | b << 8 | c << 16 | d << 24;
#endif
}
