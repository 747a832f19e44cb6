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
 * begins with input 4 · wide, it is codes[j] + 256 · high[j % 4].
 */
struct kerf_q8 {
  float scale;
  float sum; /* of all codes */
  float half_sums[2]; /* of the first sixteen and of the others */
  uint32_t wide;
  int8_t high[4];
  int8_t codes[KERF_Q8_INPUTS];
};
_Static_assert(sizeof(struct kerf_q8) == 56, "src/core/quantized_row.ts counts these bytes");

/* The sum of all lanes. */
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

/* The word of the largest input in size, that size, and the largest of the other words. */
struct kerf_q8_sizes {
  uint32_t wide;
  float largest, others;
};
KERF_INLINE struct kerf_q8_sizes kerf_q8_sizes(f32x16 low, f32x16 high)
{
  /* Without their signs numbers are in the order of their bits. */
  const i32x16 halves[2] = {(i32x16)kerf_abs16(low), (i32x16)kerf_abs16(high)};
  int32_t largest = -1, others = 0;
  uint32_t wide = 0;
#if defined(__AVX512F__) && defined(__AVX512VL__)
  __m512i sizes[2];
  for (uint32_t half = 0; half < 2; half++) {
    const __m512i each = (__m512i)halves[half];
    const __m512i pairs = _mm512_max_epi32(each, _mm512_shuffle_epi32(each, _MM_PERM_CDAB));
    sizes[half] = _mm512_max_epi32(pairs, _mm512_shuffle_epi32(pairs, _MM_PERM_BADC));
  }
  const __m512i firsts = _mm512_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28, 0, 4, 8, 12, 16, 20, 24, 28);
  const __m512i words = _mm512_permutex2var_epi32(sizes[0], firsts, sizes[1]);
  largest = _mm512_reduce_max_epi32(words);
  wide = (uint32_t)__builtin_ctz(_mm512_cmpeq_epi32_mask(words, _mm512_set1_epi32(largest)));
  const __mmask16 rest = (__mmask16)~(0x101u << wide);
  others = _mm512_reduce_max_epi32(_mm512_maskz_mov_epi32(rest, words));
#else
  int32_t sizes[KERF_Q8_WORDS][4];
  memcpy(sizes, halves, sizeof sizes);
  for (uint32_t w = 0; w < KERF_Q8_WORDS; w++) {
    const int32_t *of = sizes[w];
    const int32_t size =
      kerf_max_i32(kerf_max_i32(of[0], of[1]), kerf_max_i32(of[2], of[3]));
    others = kerf_max_i32(others, kerf_min_i32(size, largest));
    wide = size > largest ? w : wide;
    largest = kerf_max_i32(largest, size);
  }
#endif
  struct kerf_q8_sizes all = {.wide = wide};
  memcpy(&all.largest, &largest, sizeof largest);
  memcpy(&all.others, &others, sizeof others);
  return all;
}

/*
 * The nearest codes of 32 inputs, ties to even. The word of the largest input in size is wide; of the
 * others the largest becomes 127 or −127, unless a wide code would be more than 127 · 256.
 */
KERF_INLINE void kerf_store_q8(struct kerf_q8 *to, f32x16 low, f32x16 high)
{
  const struct kerf_q8_sizes sizes = kerf_q8_sizes(low, high);
  const float wide_limit = sizes.largest / 256.0f;
  const float top = sizes.others < wide_limit ? wide_limit : sizes.others;
  /* Below this 127 / top is no f32; such inputs are nothing beside a weight's own error. */
  const float factor = top < 0x1p-120f ? 0.0f : 127.0f / top;
  const i32x16 codes[2] = {
    kerf_to_i32x16(kerf_round16(low * factor)), kerf_to_i32x16(kerf_round16(high * factor))};
  int32_t sums[2];
  i8x16 high_bytes[2];
  for (uint32_t half = 0; half < 2; half++) {
    const i8x16 bytes = __builtin_convertvector(codes[half], i8x16);
    memcpy(&to->codes[16 * half], &bytes, sizeof bytes);
    high_bytes[half] = __builtin_convertvector((codes[half] + 128) >> 8, i8x16);
    sums[half] = kerf_sum16_i32(codes[half]);
    to->half_sums[half] = (float)sums[half];
  }
  to->sum = (float)(sums[0] + sums[1]);
  to->scale = top / 127.0f;
  to->wide = sizes.wide;
  memcpy(to->high, (const int8_t *)high_bytes + 4 * sizes.wide, sizeof to->high);
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
#else
  for (int i = 0; i < 4; i++) sum += ((codes >> 8 * i) & 255) * (int8_t)(x >> 8 * i);
  return sum;
#endif
}

KERF_INLINE i32xn kerf_loadn_i32(const int32_t *p)
{
  i32xn v;
  memcpy(&v, p, sizeof v);
  return v;
}

/* The wide word's high bytes. */
KERF_INLINE int32_t kerf_q8_high(const struct kerf_q8 *x)
{
  int32_t word;
  memcpy(&word, x->high, sizeof word);
  return word;
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
