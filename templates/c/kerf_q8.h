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

/*
 * kerf_store_q8 stores the nearest codes of 32 inputs, ties to even. The word of the largest input in size is
 * wide, of equal ones the first; of the others the largest becomes 64 to 127 in size, unless a wide code would
 * be more than 127 · 256. What is no number counts as the largest, and makes a scale that is none, whatever its
 * codes.
 *
 * Without their signs numbers are in the order of their bits, in which 1 << 23 is a factor of two. So a scale is
 * made there: adding KERF_Q8_ROUND takes what is above 127/64 of a power of two to the next one, and from
 * KERF_Q8_LEAST on, 2^-101, to a largest input of KERF_Q8_MOST, 127 · 2^95, all that is made of it is normal.
 */
enum {
  KERF_Q8_ROUND = 0x1ffff,
  KERF_Q8_LEAST = 26 << 23,
  KERF_Q8_MOST = 228 << 23 | 0x7e0000,
  KERF_Q8_NAN = 0x7fc00000,
};

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)
KERF_INLINE void kerf_store_q8(struct kerf_q8 *to, f32x16 low, f32x16 high)
{
  /* Each quarter has a word of the first half and one of the other: the larger of two inputs, then of four. */
  const __m512 a = (__m512)kerf_abs16(low), b = (__m512)kerf_abs16(high);
  const __m512i even = (__m512i)_mm512_shuffle_ps(a, b, _MM_SHUFFLE(2, 0, 2, 0));
  const __m512i odd = (__m512i)_mm512_shuffle_ps(a, b, _MM_SHUFFLE(3, 1, 3, 1));
  const __m512i pairs = _mm512_max_epi32(even, odd);
  const __m512i words = _mm512_max_epi32(pairs, _mm512_shuffle_epi32(pairs, _MM_PERM_CDAB));

  /* The largest and the second of two words, of four, of eight. */
  const __m512i swapped = _mm512_shuffle_epi32(words, _MM_PERM_BADC);
  const __m512i of2 = _mm512_max_epi32(words, swapped), of2_second = _mm512_min_epi32(words, swapped);
  const __m256i x = _mm512_castsi512_si256(of2), y = _mm512_extracti64x4_epi64(of2, 1);
  const __m256i of4 = _mm256_max_epi32(x, y);
  const __m256i of4_second = _mm256_max_epi32(_mm256_min_epi32(x, y),
    _mm256_max_epi32(_mm512_castsi512_si256(of2_second), _mm512_extracti64x4_epi64(of2_second, 1)));
  const __m128i z = _mm256_castsi256_si128(of4), w = _mm256_extracti128_si256(of4, 1);
  const __m128i largest = _mm_max_epi32(z, w);
  const __m128i others = _mm_max_epi32(_mm_min_epi32(z, w),
    _mm_max_epi32(_mm256_castsi256_si128(of4_second), _mm256_extracti128_si256(of4_second, 1)));

  const __m128i top = _mm_max_epi32(others, _mm_sub_epi32(largest, _mm_set1_epi32(8 << 23)));
  const __m128i rounded = _mm_add_epi32(top, _mm_set1_epi32(KERF_Q8_ROUND - (6 << 23)));
  const __m128i power = _mm_and_si128(rounded, _mm_set1_epi32(-(1 << 23)));
  const __m128i bits = _mm_max_epi32(power, _mm_set1_epi32(KERF_Q8_LEAST));
  const __m128i factor = _mm_sub_epi32(_mm_set1_epi32(254 << 23), bits);
  const __mmask8 no_scale = _mm_cmpgt_epi32_mask(top, _mm_set1_epi32(KERF_Q8_MOST));
  const __m128 scale =
    (__m128)_mm_mask_mov_epi32(bits, no_scale, _mm_set1_epi32(KERF_Q8_NAN));

  /* Eight bytes of a quarter are four codes of the first half, the next eight of the other. */
  const __m512 factors = _mm512_broadcastss_ps((__m128)factor);
  const __m512i codes = _mm512_packs_epi32(_mm512_cvtps_epi32(_mm512_mul_ps((__m512)low, factors)),
    _mm512_cvtps_epi32(_mm512_mul_ps((__m512)high, factors)));
  const __m256i order = _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7);
  const __m256i bytes = _mm256_permutevar8x32_epi32(_mm512_cvtepi16_epi8(codes), order);
  memcpy(to->codes, &bytes, sizeof bytes);

  /* Sums of two codes, of four, of eight, of a half's sixteen; then all, the first half's, the other's. */
  const __m512i twos = _mm512_madd_epi16(codes, _mm512_set1_epi16(1));
  const __m256i fours = _mm256_add_epi32(
    _mm512_castsi512_si256(twos), _mm512_extracti64x4_epi64(twos, 1));
  const __m128i eights = _mm_add_epi32(
    _mm256_castsi256_si128(fours), _mm256_extracti128_si256(fours, 1));
  const __m128i halves = _mm_add_epi32(eights, _mm_shuffle_epi32(eights, _MM_SHUFFLE(2, 3, 0, 1)));
  const __m128i all = _mm_add_epi32(halves, _mm_shuffle_epi32(halves, _MM_SHUFFLE(1, 0, 3, 2)));
  const __m128 sums = _mm_mul_ps(_mm_cvtepi32_ps(_mm_blend_epi32(halves, all, 1)), scale);
  const __m128 starts = _mm_mul_ps(scale, _mm_setr_ps(0x1.8p23f, 0x1.8p31f, 0, 0));
  _mm_storel_pi((__m64 *)&to->start, starts);
  _mm_storel_pi((__m64 *)&to->sum, sums);
  to->half_sums[1] = _mm_cvtss_f32(_mm_movehl_ps(sums, sums));

  /* Bits 4i are set where the first half's words are the largest, bits 4i + 2 where the other's are. */
  const uint32_t is_largest =
    _mm512_cmpeq_epi32_mask(words, _mm512_broadcastd_epi32(largest));
  const uint32_t wide =
    (uint32_t)__builtin_ctz((is_largest & 0x1111) | (is_largest & 0x4444) << 14) / 4;
  to->wide = wide;
  const __m512i high_bytes = _mm512_srai_epi16(_mm512_add_epi16(codes, _mm512_set1_epi16(128)), 8);
  int8_t of_words[2 * KERF_Q8_INPUTS];
  memcpy(of_words, &high_bytes, sizeof of_words);
  for (uint32_t i = 0; i < 4; i++) to->high[i] = of_words[wide % 4 * 16 + wide / 4 * 8 + 2 * i];
}

#else
/*
 * The nearest whole numbers, ties to even, of lanes below 2^22: such a number is what is beside 1.5 · 2^23 in
 * the bits of their sum.
 */
KERF_INLINE i32x16 kerf_q8_nearest(f32x16 x)
{
  return (i32x16)(x + 0x1.8p23f) - (i32x16)kerf_splat16(0x1.8p23f);
}

KERF_INLINE float kerf_f32_of(int32_t bits)
{
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

KERF_INLINE void kerf_store_q8(struct kerf_q8 *to, f32x16 low, f32x16 high)
{
  const f32x16 values[2] = {kerf_abs16(low), kerf_abs16(high)};
  int32_t sizes[KERF_Q8_INPUTS], largest = -1, others = 0;
  memcpy(sizes, values, sizeof sizes);
  for (uint32_t w = 0; w < KERF_Q8_WORDS; w++) {
    const int32_t *of = &sizes[4 * w];
    const int32_t size =
      kerf_max_i32(kerf_max_i32(of[0], of[1]), kerf_max_i32(of[2], of[3]));
    others = kerf_max_i32(others, kerf_min_i32(size, largest));
    to->wide = size > largest ? w : to->wide;
    largest = kerf_max_i32(largest, size);
  }

  const int32_t top = kerf_max_i32(others, largest - (8 << 23));
  const int32_t power = (top + KERF_Q8_ROUND - (6 << 23)) & -(1 << 23);
  const int32_t bits = kerf_max_i32(power, KERF_Q8_LEAST);
  const float factor = kerf_f32_of((254 << 23) - bits);
  const float scale = kerf_f32_of(top > KERF_Q8_MOST ? KERF_Q8_NAN : bits);

  const i32x16 nearest[2] = {kerf_q8_nearest(low * factor), kerf_q8_nearest(high * factor)};
  int32_t codes[KERF_Q8_INPUTS], sums[2] = {0};
  memcpy(codes, nearest, sizeof codes);
  for (uint32_t half = 0; half < 2; half++) {
    const i8x16 bytes = __builtin_convertvector(nearest[half], i8x16);
    memcpy(&to->codes[16 * half], &bytes, sizeof bytes);
    for (uint32_t i = 0; i < 16; i++) sums[half] += codes[16 * half + i];
    to->half_sums[half] = (float)sums[half] * scale;
  }
  to->start = 0x1.8p23f * scale;
  to->start_high = 0x1.8p31f * scale;
  to->sum = (float)(sums[0] + sums[1]) * scale;
  for (uint32_t i = 0; i < 4; i++) to->high[i] = (int8_t)((codes[4 * to->wide + i] + 128) >> 8);
}
#endif

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
