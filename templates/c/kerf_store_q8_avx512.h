/*
 * kerf_store_q8 and kerf_store_four_q8 in AVX-512: what the portable form in kerf_store_q8.h makes, to the bit.
 * The sizes of four blocks' words lie side by side, so that the scales of four are made at once.
 *
 * Include kerf_store_q8.h.
 */
#pragma once

/* Lanes 0 and 2, or 1 and 3, of each quarter of a, then of b. */
#define KERF_EVEN(a, b) \
  (__m512i)_mm512_shuffle_ps((__m512)(a), (__m512)(b), _MM_SHUFFLE(2, 0, 2, 0))
#define KERF_ODD(a, b) \
  (__m512i)_mm512_shuffle_ps((__m512)(a), (__m512)(b), _MM_SHUFFLE(3, 1, 3, 1))

/* Of four blocks: the sizes of their largest inputs, their scales, and the scales' reciprocals. */
struct kerf_q8_four {
  __m128i largest;
  __m128 scales, factors;
};

/* Of words' sizes a and b, block r's in lanes r of the quarters. */
KERF_INLINE struct kerf_q8_four kerf_q8_four(__m512i a, __m512i b)
{
  /* The largest and the second of two words, of four, of eight. */
  const __m512i of2 = _mm512_max_epi32(a, b), of2_second = _mm512_min_epi32(a, b);
  const __m256i x = _mm512_castsi512_si256(of2), y = _mm512_extracti64x4_epi64(of2, 1);
  const __m256i of4 = _mm256_max_epi32(x, y);
  const __m256i seconds = _mm256_max_epi32(
    _mm512_castsi512_si256(of2_second), _mm512_extracti64x4_epi64(of2_second, 1));
  const __m256i of4_second = _mm256_max_epi32(_mm256_min_epi32(x, y), seconds);
  const __m128i z = _mm256_castsi256_si128(of4), w = _mm256_extracti128_si256(of4, 1);
  const __m128i second = _mm_max_epi32(
    _mm256_castsi256_si128(of4_second), _mm256_extracti128_si256(of4_second, 1));
  const __m128i largest = _mm_max_epi32(z, w);
  const __m128i others = _mm_max_epi32(_mm_min_epi32(z, w), second);

  const __m128i top = _mm_max_epi32(others, _mm_sub_epi32(largest, _mm_set1_epi32(8 << 23)));
  const __m128i rounded = _mm_add_epi32(top, _mm_set1_epi32(KERF_Q8_ROUND - (6 << 23)));
  const __m128i power = _mm_and_si128(rounded, _mm_set1_epi32(-(1 << 23)));
  const __m128i bits = _mm_max_epi32(power, _mm_set1_epi32(KERF_Q8_LEAST));
  const __mmask8 is_nan = _mm_cmpgt_epi32_mask(top, _mm_set1_epi32(KERF_Q8_MOST));
  const __m128i scales = _mm_mask_mov_epi32(bits, is_nan, _mm_set1_epi32(KERF_Q8_NAN));
  const __m128i factors = _mm_sub_epi32(_mm_set1_epi32(254 << 23), bits);
  return (struct kerf_q8_four){largest, (__m128)scales, (__m128)factors};
}

/* The codes of a block, i16: in each quarter a word of the first half, then one of the other; their bytes go to `to`. */
KERF_INLINE __m512i kerf_q8_codes(struct kerf_q8 *to, f32x16 low, f32x16 high, __m512 factor)
{
  const __m512i codes = _mm512_packs_epi32(_mm512_cvtps_epi32(_mm512_mul_ps((__m512)low, factor)),
    _mm512_cvtps_epi32(_mm512_mul_ps((__m512)high, factor)));
  const __m256i order = _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7);
  const __m256i bytes = _mm256_permutevar8x32_epi32(_mm512_cvtepi16_epi8(codes), order);
  memcpy(to->codes, &bytes, sizeof bytes);
  return codes;
}

/* The codes of a word. */
KERF_INLINE __m128i kerf_q8_codes_of(__m512i codes, uint32_t word)
{
  int16_t all[KERF_Q8_INPUTS];
  memcpy(all, &codes, sizeof all);
  return _mm_loadl_epi64((const __m128i *)&all[word % 4 * 8 + word / 4 * 4]);
}

/* High bytes of codes; the low ones are signed. */
KERF_INLINE __m128i kerf_q8_high_of(__m128i a, __m128i b)
{
  const __m128i half = _mm_set1_epi16(128);
  return _mm_packs_epi16(
    _mm_srai_epi16(_mm_add_epi16(a, half), 8), _mm_srai_epi16(_mm_add_epi16(b, half), 8));
}

/* The sum of the four quarters. */
KERF_INLINE __m128i kerf_q8_quarters(__m512i v)
{
  const __m256i two =
    _mm256_add_epi32(_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1));
  return _mm_add_epi32(_mm256_castsi256_si128(two), _mm256_extracti128_si256(two, 1));
}

KERF_INLINE void kerf_store_q8(struct kerf_q8 *to, f32x16 low, f32x16 high)
{
  /* Quarter i has words i of both halves, each twice. */
  const f32x16 a = kerf_abs16(low), b = kerf_abs16(high);
  const __m512i pairs = _mm512_max_epi32(KERF_EVEN(a, b), KERF_ODD(a, b));
  const __m512i words = _mm512_max_epi32(pairs, _mm512_shuffle_epi32(pairs, _MM_PERM_CDAB));
  const struct kerf_q8_four four =
    kerf_q8_four(words, _mm512_shuffle_epi32(words, _MM_PERM_BADC));
  const __m512i codes =
    kerf_q8_codes(to, low, high, _mm512_broadcastss_ps(four.factors));

  /* Sums of four codes, of eight, of halves; then of all, of the first half, of the other. */
  const __m128i eights =
    kerf_q8_quarters(_mm512_madd_epi16(codes, _mm512_set1_epi16(1)));
  const __m128i halves = _mm_add_epi32(eights, _mm_shuffle_epi32(eights, _MM_SHUFFLE(2, 3, 0, 1)));
  const __m128i all = _mm_add_epi32(halves, _mm_shuffle_epi32(halves, _MM_SHUFFLE(1, 0, 3, 2)));
  const __m128 sums = _mm_mul_ps(_mm_cvtepi32_ps(_mm_blend_epi32(halves, all, 1)), four.scales);
  _mm_storel_pi((__m64 *)&to->start, _mm_mul_ps(four.scales, _mm_setr_ps(0x1.8p23f, 0x1.8p31f, 0, 0)));
  _mm_storel_pi((__m64 *)&to->sum, sums);
  to->half_sums[1] = _mm_cvtss_f32(_mm_movehl_ps(sums, sums));

  /* Bits 4i are set where the first half's words are the largest, bits 4i + 2 where the other's are. */
  const uint32_t is_largest =
    _mm512_cmpeq_epi32_mask(words, _mm512_broadcastd_epi32(four.largest));
  to->wide = (uint32_t)__builtin_ctz((is_largest & 0x1111) | (is_largest & 0x4444) << 14) / 4;
  const __m128i wide = kerf_q8_codes_of(codes, to->wide);
  const int32_t high_bytes = _mm_cvtsi128_si32(kerf_q8_high_of(wide, wide));
  memcpy(to->high, &high_bytes, sizeof high_bytes);
}

/* The same of four blocks, `stride` apart, in little more than half of the time. */
KERF_INLINE void kerf_store_four_q8(struct kerf_q8 *to, size_t stride, const f32x16 (*values)[2])
{
  __m512i pairs[4];
  KERF_UNROLL for (uint32_t r = 0; r < 4; r++) {
    const f32x16 a = kerf_abs16(values[r][0]), b = kerf_abs16(values[r][1]);
    pairs[r] = _mm512_max_epi32(KERF_EVEN(a, b), KERF_ODD(a, b));
  }
  const __m512i of01 = _mm512_max_epi32(KERF_EVEN(pairs[0], pairs[1]), KERF_ODD(pairs[0], pairs[1]));
  const __m512i of23 = _mm512_max_epi32(KERF_EVEN(pairs[2], pairs[3]), KERF_ODD(pairs[2], pairs[3]));
  /* Quarter i has words i of the first halves, or of the others. */
  const __m512i first_words = KERF_EVEN(of01, of23), other_words = KERF_ODD(of01, of23);
  const struct kerf_q8_four four = kerf_q8_four(first_words, other_words);
  const __m512i largest = _mm512_broadcast_i32x4(four.largest);
  const uint32_t is_largest = _mm512_cmpeq_epi32_mask(first_words, largest) |
    (uint32_t)_mm512_cmpeq_epi32_mask(other_words, largest) << 16;

  _Alignas(16) float factors[4];
  _mm_store_ps(factors, four.factors);
  __m512i twos[4]; /* sums of two codes */
  __m128i wide[4];
  KERF_UNROLL for (uint32_t r = 0; r < 4; r++) {
    struct kerf_q8 *block = &to[r * stride];
    const __m512i codes =
      kerf_q8_codes(block, values[r][0], values[r][1], _mm512_set1_ps(factors[r]));
    twos[r] = _mm512_madd_epi16(codes, _mm512_set1_epi16(1));
    block->wide = (uint32_t)__builtin_ctz(is_largest >> r & 0x11111111) / 4;
    wide[r] = kerf_q8_codes_of(codes, block->wide);
  }

  const __m512i sums01 = _mm512_add_epi32(KERF_EVEN(twos[0], twos[1]), KERF_ODD(twos[0], twos[1]));
  const __m512i sums23 = _mm512_add_epi32(KERF_EVEN(twos[2], twos[3]), KERF_ODD(twos[2], twos[3]));
  const __m128i first_sums = kerf_q8_quarters(KERF_EVEN(sums01, sums23));
  const __m128i other_sums = kerf_q8_quarters(KERF_ODD(sums01, sums23));
  __m128 start = _mm_mul_ps(four.scales, _mm_set1_ps(0x1.8p23f));
  __m128 start_high = _mm_mul_ps(four.scales, _mm_set1_ps(0x1.8p31f));
  __m128 sum = _mm_mul_ps(four.scales, _mm_cvtepi32_ps(_mm_add_epi32(first_sums, other_sums)));
  __m128 half_sum = _mm_mul_ps(four.scales, _mm_cvtepi32_ps(first_sums));
  _MM_TRANSPOSE4_PS(start, start_high, sum, half_sum);
  const __m128 blocks[4] = {start, start_high, sum, half_sum};
  _Alignas(16) float other_half[4];
  _mm_store_ps(other_half, _mm_mul_ps(four.scales, _mm_cvtepi32_ps(other_sums)));
  int32_t high_bytes[4];
  const __m128i all_high = kerf_q8_high_of(
    _mm_unpacklo_epi64(wide[0], wide[1]), _mm_unpacklo_epi64(wide[2], wide[3]));
  memcpy(high_bytes, &all_high, sizeof high_bytes);
  KERF_UNROLL for (uint32_t r = 0; r < 4; r++) {
    struct kerf_q8 *block = &to[r * stride];
    /* start, start_high, sum and the first of half_sums. */
    memcpy(block, &blocks[r], sizeof blocks[r]);
    block->half_sums[1] = other_half[r];
    memcpy(block->high, &high_bytes[r], sizeof high_bytes[r]);
  }
}
