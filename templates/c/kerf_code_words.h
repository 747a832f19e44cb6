/*
 * Products of stored codes (kerf_codes.h) and bytes of the other factor, in whole numbers: four codes of a
 * lane in one word, as kerf_q8.h multiplies them. Whole numbers are exact, so every instruction set gives
 * the same bits; what is not a whole number is rounded by the operations of kerf.h.
 */
#pragma once

#include "kerf_codes.h"
#include "kerf_q8.h"
#include "kerf_reduce.h"

/* The mean of all codes: what rounding takes of a factor counts as if it had met this. */
#define KERF_CENTRE(bits) (0.5f * (float)((1 << (bits)) - 1))

/*
 * Where one permutation brings the bytes of four cells to their lanes, codes stay at their places in these: what is summed of
 * a lane is 2^place times as large, until kerf_place_sums.
 */
#if defined(__AVX512VBMI__) && defined(__AVX512VNNI__) && KERF_N == 16
#define KERF_PLACED 1
KERF_INLINE i32xn kerf_code_places(const uint32_t bits)
{
  const i32x16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  return lane / (int32_t)(2 * bits) * (int32_t)bits;
}

/* Of every lane of `bytes` four codes: byte j of a word is the j-th cell's, and these lie `stride` bytes apart. */
KERF_INLINE i32xn kerf_permute_codes(__m512i bytes, const uint32_t start, const uint32_t stride, const uint32_t bits)
{
  const i32x16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const int32_t cells = (int32_t)(start * 0x01010101u + stride * 0x03020100u);
  const i32x16 order = lane % (int32_t)(2 * bits) * 0x01010101 + cells;
  const i32x16 mask = kerf_splat16_i32(((1 << bits) - 1) * 0x01010101) << kerf_code_places(bits);
  return (i32xn)_mm512_permutexvar_epi8((__m512i)order, bytes) & mask;
}
#else
#define KERF_PLACED 0
KERF_INLINE i32xn kerf_code_places(const uint32_t bits)
{
  (void)bits;
  return (i32xn){0};
}
#endif

/* Sums of products with codes as if these stood at the foot of their bytes. */
KERF_INLINE i32xn kerf_place_sums(i32xn sums, const uint32_t bits) { return KERF_PLACED ? sums >> kerf_code_places(bits) : sums; }

/* Codes of four cells, KERF_N of each from the first-th on: in lane l, byte j is code first + l of cells[j]. */
KERF_INLINE i32xn kerf_code_words(const uint8_t *const cells[4], const uint32_t first, const uint32_t bits)
{
  const i32xn a = kerf_loadn_codes(cells[0], first, bits), b = kerf_loadn_codes(cells[1], first, bits);
  const i32xn c = kerf_loadn_codes(cells[2], first, bits), d = kerf_loadn_codes(cells[3], first, bits);
  const i32xn words = a | b << 8 | c << 16 | d << 24;
  return KERF_PLACED ? words << kerf_code_places(bits) : words;
}

/* The same of four neighbours. */
KERF_INLINE i32xn kerf_channel_words(const uint8_t *cells, const uint32_t first, const uint32_t bits)
{
#if KERF_PLACED
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

/* The least power of two that is not below n, which is at most 64. */
#define KERF_POWER_OF_TWO(n) ((n) <= 1 ? 1 : (n) <= 2 ? 2 : (n) <= 4 ? 4 : (n) <= 8 ? 8 : (n) <= 16 ? 16 : (n) <= 32 ? 32 : 64)

/* Where four bytes of rows, from the i-th of sixteen on, lie that kerf_store64_bytes stores as the n-th vector. */
KERF_INLINE uint32_t kerf_quad_place(uint32_t n, uint32_t i) { return n / 4 * 64 + i / 4 * 16 + n % 4 * 4; }

/* Rows of coded values: n channels of a row, groups of `group` of them, rows that are `row_bytes` bytes apart. */
struct kerf_coded_rows {
  uint32_t n, bits, group, row_bytes;
};

/*
 * How the sums of such rows lie in vectors, of which a row has n / KERF_N. Where bytes can be permuted and sixteen
 * bytes of a row, a block of it, are whole groups or a part of one, a vector is a place in these bytes: one permutation
 * serves the vectors of all places, and lanes of a block's groups alternate, so that a load that repeats their
 * bytes meets them. Else vectors are channels in order.
 */
KERF_INLINE bool kerf_by_place(const struct kerf_coded_rows rows)
{
  const uint32_t channels = 128 / rows.bits; /* of a block */
  const bool fits = rows.group % channels == 0 || channels % rows.group == 0;
  return KERF_PLACED && rows.n % channels == 0 && fits && rows.group >= 16;
}

/* The groups that a block of a row has a part in. */
KERF_INLINE uint32_t kerf_block_groups(const struct kerf_coded_rows rows)
{
  const uint32_t channels = 128 / rows.bits;
  return channels > rows.group ? channels / rows.group : 1;
}

/* The group of a vector's first lane. */
KERF_INLINE uint32_t kerf_vector_group(const struct kerf_coded_rows rows, const uint32_t vector)
{
  const uint32_t places = 8 / rows.bits;
  return (kerf_by_place(rows) ? vector / places * places * 16 : vector * KERF_N) / rows.group;
}

/* Of four rows, the first at `row`, the codes of a vector: byte j of a lane is the j-th row's. */
KERF_INLINE i32xn kerf_row_codes(const struct kerf_coded_rows rows, const uint8_t *row, const uint32_t vector)
{
  const uint32_t bits = rows.bits, row_bytes = rows.row_bytes;
#if KERF_PLACED
  if (kerf_by_place(rows)) {
    const uint32_t places = 8 / bits, at = vector / places * 16, n_groups = kerf_block_groups(rows);
    const i32x16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const i32x16 column = lane % (int32_t)n_groups * (int32_t)(16 / n_groups) + lane / (int32_t)n_groups;
    const i32x16 mask = kerf_splat16_i32((int32_t)((((1u << bits) - 1) << vector % places * bits) * 0x01010101u));
    __m512i bytes;
    if (row_bytes <= 48) {
      /* Two loads hold two rows each; the second ends with the fourth row. */
      const uint32_t end = 4 * row_bytes - 64, second = end < 2 * row_bytes + at ? end : 2 * row_bytes + at;
      const uint32_t third = 64 + 2 * row_bytes + at - second;
      const i32x16 order = column * 0x01010101 + (int32_t)(row_bytes << 8 | third << 16 | (third + row_bytes) << 24);
      bytes = _mm512_permutex2var_epi8(_mm512_loadu_si512(row + at), (__m512i)order, _mm512_loadu_si512(row + second));
    } else {
      const __m128i *four[4];
      KERF_UNROLL for (uint32_t i = 0; i < 4; i++) four[i] = (const __m128i *)(row + i * row_bytes + at);
      bytes = _mm512_castsi128_si512(_mm_loadu_si128(four[0]));
      bytes = _mm512_inserti32x4(bytes, _mm_loadu_si128(four[1]), 1);
      bytes = _mm512_inserti32x4(bytes, _mm_loadu_si128(four[2]), 2);
      bytes = _mm512_inserti32x4(bytes, _mm_loadu_si128(four[3]), 3);
      bytes = _mm512_permutexvar_epi8((__m512i)(column * 0x01010101 + 0x30201000), bytes);
    }
    return (i32xn)bytes & mask;
  }
#endif
  const uint32_t element = vector * KERF_N, at = element / 16 * 2 * bits;
  const uint8_t *const cells[4] = {row + at, row + row_bytes + at, row + 2 * row_bytes + at, row + 3 * row_bytes + at};
  return kerf_code_words(cells, element % 16, bits);
}

/* A vector's sum + Σ code · byte: `words` are the four rows' bytes, a word for each group. */
KERF_INLINE i32xn kerf_dot4_rows(
  const struct kerf_coded_rows rows, i32xn sum, i32xn codes, const int8_t *words, const uint32_t vector)
{
  words += 4 * kerf_vector_group(rows, vector);
  int32_t word;
  memcpy(&word, words, sizeof word);
#if KERF_PLACED
  if (kerf_by_place(rows)) {
    const uint32_t n_groups = kerf_block_groups(rows);
    int64_t two;
    memcpy(&two, words, n_groups == 2 ? sizeof two : 0);
    const __m512i bytes = n_groups == 4 ? _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)words))
      : n_groups == 2                   ? _mm512_set1_epi64(two)
                                        : _mm512_set1_epi32(word);
    return (i32xn)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)codes, bytes);
  }
#endif
  return kerf_dot4_codes(sum, codes, word, rows.bits);
}

/* A vector's sums as numbers: sum · factor + offset, where each group has a factor and an offset. */
KERF_INLINE f32xn kerf_row_sums(
  const struct kerf_coded_rows rows, i32xn sums, const float *factors, const float *offsets, const uint32_t vector)
{
  const uint32_t group = kerf_vector_group(rows, vector);
#if KERF_PLACED
  if (kerf_by_place(rows)) {
    const int32_t n_groups = (int32_t)kerf_block_groups(rows);
    const i32x16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const __m512i own = (__m512i)(lane % n_groups);
    const __mmask16 loads = (__mmask16)((1u << n_groups) - 1);
    const f32xn factor = (f32xn)_mm512_permutexvar_ps(own, _mm512_maskz_loadu_ps(loads, &factors[group]));
    const f32xn offset = (f32xn)_mm512_permutexvar_ps(own, _mm512_maskz_loadu_ps(loads, &offsets[group]));
    return kerf_to_f32xn(sums >> (int32_t)(vector % (8 / rows.bits) * rows.bits)) * factor + offset;
  }
#endif
  return kerf_to_f32xn(kerf_place_sums(sums, rows.bits)) * factors[group] + offsets[group];
}

/* Sixteen channels, from the first-th on, of a row whose vectors lie one behind the other. */
KERF_INLINE f32x16 kerf_row_channels16(const struct kerf_coded_rows rows, const float *vectors, const uint32_t first)
{
#if KERF_PLACED
  if (kerf_by_place(rows)) {
    const int32_t places = (int32_t)(8 / rows.bits), cell = (int32_t)(2 * rows.bits), n_groups = (int32_t)kerf_block_groups(rows);
    const float *own = vectors + first / 16 / (uint32_t)places * (uint32_t)places * 16;
    const i32x16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const i32x16 column = lane % cell + (int32_t)(first / 16) % places * cell, place = lane / cell;
    const i32x16 from = column % (16 / n_groups) * n_groups + column / (16 / n_groups) + place % 2 * 16;
    if (places == 1) return (f32x16)_mm512_permutexvar_ps((__m512i)from, _mm512_loadu_ps(own));
    const __m512 low = _mm512_permutex2var_ps(_mm512_loadu_ps(own), (__m512i)from, _mm512_loadu_ps(own + 16));
    if (places == 2) return (f32x16)low;
    const __m512 high = _mm512_permutex2var_ps(_mm512_loadu_ps(own + 32), (__m512i)from, _mm512_loadu_ps(own + 48));
    return (f32x16)_mm512_mask_blend_ps(0xff00, low, high);
  }
#endif
  (void)rows;
  return kerf_load16(&vectors[first]);
}

/* Four bytes as a word. */
KERF_INLINE int32_t kerf_word_of(const int8_t *bytes)
{
  int32_t word;
  memcpy(&word, bytes, sizeof word);
  return word;
}

/* The nearest whole numbers of numbers below 2²² in size, ties to even. */
KERF_INLINE i32x16 kerf_nearest16(f32x16 x)
{
#if defined(__AVX512F__)
  return (i32x16)_mm512_cvtps_epi32((__m512)x);
#else
  return (i32x16)(x + 0x1.8p23f) - 0x4b400000;
#endif
}

/* Both halves of sixteen groups' words. */
KERF_INLINE void kerf_split_groups(i32x16 words, f32x16 *scale, f32x16 *minimum)
{
#if defined(__AVX512BW__)
  typedef uint16_t u16x32 __attribute__((vector_size(64)));
  u16x32 halves = {0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30,
    1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31};
  halves = (u16x32)_mm512_permutexvar_epi16((__m512i)halves, (__m512i)words);
  *scale = (f32x16)_mm512_cvtph_ps(_mm512_castsi512_si256((__m512i)halves));
  *minimum = (f32x16)_mm512_cvtph_ps(_mm512_extracti64x4_epi64((__m512i)halves, 1));
#else
  *scale = kerf_f16_bits_to_f32x16(words & 0xffff);
  *minimum = kerf_f16_bits_to_f32x16((words >> 16) & 0xffff);
#endif
}

/* The word at byte `at` of each of n rows of `row_bytes` bytes, a multiple of 4; 0 in lanes past the n-th. */
KERF_INLINE i32x16 kerf_load16_words(const uint8_t *rows, const uint32_t at, const uint32_t row_bytes, uint32_t n)
{
#if defined(__AVX512F__)
  if (n == 16) {
    const i32x16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const i32x16 place = (lane * (int32_t)row_bytes + (int32_t)at) / 4;
    const __m512i order = (__m512i)(place % 32);
    __m512i words = _mm512_setzero_si512();
    KERF_UNROLL for (uint32_t v = 0; v < row_bytes / 4; v += 2) {
      const bool two = v + 1 < row_bytes / 4;
      const __m512i low = _mm512_loadu_si512(rows + 64 * v), high = two ? _mm512_loadu_si512(rows + 64 * v + 64) : low;
      uint32_t here = 0;
      KERF_UNROLL for (uint32_t l = 0; l < 16; l++) here |= (uint32_t)((l * row_bytes + at) / 128 == v / 2) << l;
      words = _mm512_mask_mov_epi32(words, (__mmask16)here, _mm512_permutex2var_epi32(low, order, high));
    }
    return (i32x16)words;
  }
#endif
  int32_t words[16] = {0};
  for (uint32_t i = 0; i < n; i++) memcpy(&words[i], rows + i * row_bytes + at, sizeof *words);
  i32x16 v;
  memcpy(&v, words, sizeof v);
  return v;
}

/* Vectors to a whole sixteen of them. */
#define KERF_SIXTEENS(n) (((n) + 15) / 16 * 16)

/*
 * What numbers are multiplied by to become bytes, and what a byte counts then, for n vectors of sizes: the largest
 * lane of each becomes 127. Arrays are f32 [KERF_SIXTEENS(n)].
 */
KERF_INLINE void kerf_byte_factors(const f32x16 *sizes, const uint32_t n, float *factor, float *quantum)
{
  KERF_UNROLL for (uint32_t i = 0; i < n; i += 16) {
    const f32x16 largest = kerf_largest16_each(&sizes[i], n - i < 16 ? n - i : 16);
    kerf_store16(&quantum[i], largest / 127.0f);
    /* Below this 127 / largest is no f32; such numbers are nothing beside the error of a code. */
    const i32x16 vanishes = kerf_less16(largest, kerf_splat16(0x1p-120f));
    kerf_store16(&factor[i], kerf_select16(vanishes, kerf_splat16(0.0f), 127.0f / largest));
  }
}

/* The sum of all lanes of each of n vectors, f32 [KERF_SIXTEENS(n)]. */
KERF_INLINE void kerf_sums(const f32x16 *v, const uint32_t n, float *sums)
{
  KERF_UNROLL for (uint32_t i = 0; i < n; i += 16) {
    kerf_store16(&sums[i], kerf_sum16_each(&v[i], n - i < 16 ? n - i : 16));
  }
}

/*
 * Stores four vectors of whole numbers as bytes, four of each after the other: number i of the v-th is byte
 * 16 · ⌊i / 4⌋ + 4 · v + i mod 4.
 */
KERF_INLINE void kerf_store64_bytes(int8_t *bytes, const i32x16 whole[4])
{
#if defined(__AVX512BW__)
  const __m512i low = _mm512_packs_epi32((__m512i)whole[0], (__m512i)whole[1]);
  const __m512i high = _mm512_packs_epi32((__m512i)whole[2], (__m512i)whole[3]);
  _mm512_storeu_si512(bytes, _mm512_packs_epi16(low, high));
#elif defined(__SSE2__)
  KERF_UNROLL for (uint32_t i = 0; i < 16; i += 4) {
    __m128i four[4];
    KERF_UNROLL for (uint32_t v = 0; v < 4; v++) memcpy(&four[v], (const int32_t *)&whole[v] + i, sizeof four[v]);
    const __m128i low = _mm_packs_epi32(four[0], four[1]), high = _mm_packs_epi32(four[2], four[3]);
    _mm_storeu_si128((__m128i *)&bytes[4 * i], _mm_packs_epi16(low, high));
  }
#else
  KERF_UNROLL for (uint32_t v = 0; v < 4; v++) {
    const i8x16 narrow = __builtin_convertvector(whole[v], i8x16);
    KERF_UNROLL for (uint32_t i = 0; i < 16; i += 4) memcpy(&bytes[4 * (i + v)], (const int8_t *)&narrow + i, 4);
  }
#endif
}

/* Stores sixteen numbers times `factor` as bytes, ties to even. Returns the bytes. */
KERF_INLINE i32x16 kerf_store16_bytes(int8_t *bytes, f32x16 x, float factor)
{
  const i32x16 whole = kerf_nearest16(x * factor);
  const i8x16 narrow = __builtin_convertvector(whole, i8x16);
  memcpy(bytes, &narrow, sizeof narrow);
  return whole;
}
