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

/* Of the sizes of a block's inputs: the word of the largest, that one, and the largest of the other words. */
struct kerf_q8_sizes {
  uint32_t wide;
  float largest, others;
};

#if defined(__AVX512F__) && defined(__AVX512VL__)
/* The largest of eight lanes, in each. */
KERF_INLINE __m256i kerf_max8(__m256i v)
{
  v = _mm256_max_epi32(v, _mm256_permute4x64_epi64(v, _MM_SHUFFLE(1, 0, 3, 2)));
  v = _mm256_max_epi32(v, _mm256_shuffle_epi32(v, _MM_SHUFFLE(1, 0, 3, 2)));
  return _mm256_max_epi32(v, _mm256_shuffle_epi32(v, _MM_SHUFFLE(2, 3, 0, 1)));
}
#endif

KERF_INLINE struct kerf_q8_sizes kerf_q8_sizes(f32x16 low, f32x16 high)
{
  /* Without their signs numbers are in the order of their bits. */
  const i32x16 a = (i32x16)kerf_abs16(low), b = (i32x16)kerf_abs16(high);
  int32_t largest = -1, others = 0;
  uint32_t wide = 0;
#if defined(__AVX512F__) && defined(__AVX512VL__)
  /* Quarter i has word i of both halves, first the larger of two inputs each, then of four. */
  const __m512i even = (__m512i)_mm512_shuffle_ps((__m512)a, (__m512)b, _MM_SHUFFLE(2, 0, 2, 0));
  const __m512i odd = (__m512i)_mm512_shuffle_ps((__m512)a, (__m512)b, _MM_SHUFFLE(3, 1, 3, 1));
  const __m512i pairs = _mm512_max_epi32(even, odd);
  const __m512i fours = _mm512_max_epi32(pairs, _mm512_shuffle_epi32(pairs, _MM_PERM_CDAB));
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 2, 6, 10, 14, 0, 0, 0, 0, 0, 0, 0, 0);
  const __m256i words = _mm512_castsi512_si256(_mm512_permutexvar_epi32(order, fours));
  const __m256i most = kerf_max8(words);
  wide = (uint32_t)__builtin_ctz(_mm256_cmpeq_epi32_mask(words, most));
  const __m256i rest = kerf_max8(_mm256_maskz_mov_epi32((__mmask8)~(1u << wide), words));
  largest = _mm_cvtsi128_si32(_mm256_castsi256_si128(most));
  others = _mm_cvtsi128_si32(_mm256_castsi256_si128(rest));
#else
  int32_t sizes[KERF_Q8_INPUTS];
  memcpy(sizes, &a, sizeof a);
  memcpy(&sizes[16], &b, sizeof b);
  for (uint32_t w = 0; w < KERF_Q8_WORDS; w++) {
    const int32_t *of = &sizes[4 * w];
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

/* The sums of the codes of both halves. */
KERF_INLINE void kerf_q8_sums(i32x16 low, i32x16 high, float sums[2])
{
#if defined(__AVX512F__) && defined(__AVX512VL__) && defined(__AVX512BW__)
  /* Quarters of two sums of each half, then one of them. */
  const __m512i codes = _mm512_packs_epi32((__m512i)low, (__m512i)high);
  const __m512i quarters = _mm512_madd_epi16(codes, _mm512_set1_epi16(1));
  const __m256i halves = _mm256_add_epi32(
    _mm512_castsi512_si256(quarters), _mm512_extracti64x4_epi64(quarters, 1));
  const __m128i one = _mm_add_epi32(
    _mm256_castsi256_si128(halves), _mm256_extracti128_si256(halves, 1));
  const __m128i both = _mm_add_epi32(one, _mm_shuffle_epi32(one, _MM_SHUFFLE(2, 3, 0, 1)));
  const __m128 as_f32 = _mm_cvtepi32_ps(_mm_shuffle_epi32(both, _MM_SHUFFLE(2, 0, 2, 0)));
  _mm_storel_pi((__m64 *)sums, as_f32);
#else
  int32_t codes[2][16];
  memcpy(codes[0], &low, sizeof low);
  memcpy(codes[1], &high, sizeof high);
  for (uint32_t half = 0; half < 2; half++) {
    int32_t sum = 0;
    for (uint32_t i = 0; i < 16; i++) sum += codes[half][i];
    sums[half] = (float)sum;
  }
#endif
}

/*
 * The nearest whole numbers, ties to even, of lanes below 2^22: such a number is what is beside 1.5 · 2^23 in
 * the bits of their sum.
 */
KERF_INLINE i32x16 kerf_q8_nearest(f32x16 x)
{
  return (i32x16)(x + 0x1.8p23f) - (i32x16)kerf_splat16(0x1.8p23f);
}

/*
 * The nearest codes of 32 inputs, ties to even. The word of the largest input in size is wide; of the
 * others the largest becomes 127 or −127, unless a wide code would be more than 127 · 256. What is no
 * number counts as the largest, and makes a scale that is none, whatever its codes.
 */
KERF_INLINE void kerf_store_q8(struct kerf_q8 *to, f32x16 low, f32x16 high)
{
  const struct kerf_q8_sizes sizes = kerf_q8_sizes(low, high);
  const float wide_limit = sizes.largest / 256.0f;
  const float top = sizes.others > wide_limit ? sizes.others : wide_limit;
  /* Below this 127 / top is no f32; such inputs are nothing beside a weight's own error. */
  const float factor = top < 0x1p-120f ? 0.0f : 127.0f / top;
  const i32x16 codes[2] = {kerf_q8_nearest(low * factor), kerf_q8_nearest(high * factor)};
  float sums[2];
  kerf_q8_sums(codes[0], codes[1], sums);
  to->scale = top / 127.0f;
  to->sum = sums[0] + sums[1];
  memcpy(to->half_sums, sums, sizeof sums);
  to->wide = sizes.wide;
  for (uint32_t half = 0; half < 2; half++) {
    const i8x16 bytes = __builtin_convertvector(codes[half], i8x16);
    memcpy(&to->codes[16 * half], &bytes, sizeof bytes);
  }
  int32_t wide[4];
  memcpy(wide, (const int32_t *)codes + 4 * sizes.wide, sizeof wide);
  for (uint32_t i = 0; i < 4; i++) to->high[i] = (int8_t)((wide[i] + 128) >> 8);
}

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
