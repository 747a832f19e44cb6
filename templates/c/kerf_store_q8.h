/*
 * Rows of activations made into 8-bit codes, the nearest, ties to even. Of each block the word of the largest
 * input in size is wide, of equal ones the first; of the others the largest becomes 64 to 127 in size, unless a
 * wide code would be more than 127 · 256. What is no number counts as the largest, and makes a scale that is
 * none, whatever its codes.
 *
 * Without their signs numbers are in the order of their bits, in which 1 << 23 is a factor of two. So a scale is
 * made there: adding KERF_Q8_ROUND takes what is above 127/64 of a power of two to the next one, and from
 * KERF_Q8_LEAST on, 2^-101, to a largest input of KERF_Q8_MOST, 127 · 2^95, all that is made of it is normal.
 *
 * Include after kerf_native.h.
 */
#pragma once

#include "kerf_q8.h"

enum {
  KERF_Q8_ROUND = 0x1ffff,
  KERF_Q8_LEAST = 26 << 23,
  KERF_Q8_MOST = 228 << 23 | 0x7e0000,
  KERF_Q8_NAN = 0x7fc00000,
};

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)

#include "kerf_store_q8_avx512.h"

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

KERF_INLINE void kerf_store_four_q8(struct kerf_q8 *to, size_t stride, const f32x16 (*values)[2])
{
  for (uint32_t r = 0; r < 4; r++) kerf_store_q8(&to[r * stride], values[r][0], values[r][1]);
}

#endif

/* n blocks, `stride` apart. */
KERF_INLINE void kerf_store_all_q8(struct kerf_q8 *to, size_t stride, const f32x16 (*values)[2],
  uint32_t n)
{
  uint32_t r = 0;
  for (; r + 4 <= n; r += 4) kerf_store_four_q8(&to[r * stride], stride, &values[r]);
  for (; r < n; r++) kerf_store_q8(&to[r * stride], values[r][0], values[r][1]);
}
