/*
 * Codes of 2, 4 and 8 bits, sixteen to a cell of 2·bits bytes: element i in byte i mod 2·bits, from bit
 * bits·⌊i / 2·bits⌋ up (src/layout/coded.ts). A group of them has a scale and a minimum; code c stands for
 * scale·c + minimum.
 */
#pragma once

#include "kerf_native.h"

/* What a group of codes shares. */
struct kerf_group {
  kerf_f16 scale, minimum;
};

/* As many codes of a cell as a vector has lanes, from the first-th on. */
KERF_INLINE i32xn kerf_loadn_codes(const uint8_t *cell, uint32_t first, const uint32_t bits)
{
  if (bits == 8) return kerf_loadn_u8(cell + first);
#if KERF_N == 4
  const uint32_t bytes = 2 * bits;
  return (kerf_loadn_u8(cell + first % bytes) >> (int32_t)(first / bytes * bits)) & ((1 << bits) - 1);
#else
  if (bits == 2) {
    int32_t word;
    memcpy(&word, cell, sizeof word);
#if KERF_N == 16
    const i32xn shifts = {0, 8, 16, 24, 2, 10, 18, 26, 4, 12, 20, 28, 6, 14, 22, 30};
#else
    const i32xn shifts = (i32xn){0, 8, 16, 24, 2, 10, 18, 26} + (int32_t)(first / 2);
#endif
    return ((word + (i32xn){0}) >> shifts) & 3;
  }
#if KERF_N == 16
  int64_t word;
  memcpy(&word, cell, sizeof word);
  const i32xn bytes = (i32xn)_mm512_cvtepu8_epi32(_mm_set1_epi64x(word));
  return (bytes >> (i32xn){0, 0, 0, 0, 0, 0, 0, 0, 4, 4, 4, 4, 4, 4, 4, 4}) & 15;
#else
  return (kerf_loadn_u8(cell) >> (int32_t)(first / 2)) & 15;
#endif
#endif
}

/* Stores a cell. */
KERF_INLINE void kerf_store16_codes(uint8_t *cell, i32x16 codes, const uint32_t bits)
{
  const uint32_t bytes = 2 * bits;
  for (uint32_t i = 0; i < bytes; i++) {
    int32_t byte = 0;
    for (uint32_t j = 0; j < 8 / bits; j++) byte |= codes[i + j * bytes] << (j * bits);
    cell[i] = (uint8_t)byte;
  }
}

/* What n values, a multiple of 16, share: scale (largest - smallest) / (2^bits - 1), and the smallest. */
KERF_INLINE struct kerf_group kerf_group_of(const float *x, uint32_t n, const uint32_t bits)
{
  f32x16 low = kerf_load16(x), high = low;
  for (uint32_t i = 16; i < n; i += 16) {
    low = kerf_min16(low, kerf_load16(&x[i]));
    high = kerf_max16(high, kerf_load16(&x[i]));
  }
  float smallest = low[0], largest = high[0];
  for (uint32_t lane = 1; lane < 16; lane++) {
    smallest = kerf_min(smallest, low[lane]);
    largest = kerf_max(largest, high[lane]);
  }
  return (struct kerf_group){
    .scale = kerf_f32_to_f16((largest - smallest) / (float)((1 << bits) - 1)),
    .minimum = kerf_f32_to_f16(smallest),
  };
}

/* The codes of sixteen values: rounded half to even; where the scale is 0 every code is. */
KERF_INLINE f32x16 kerf_codes16(f32x16 x, float scale, float minimum, const uint32_t bits)
{
  if (!(scale > 0.0f)) return kerf_splat16(0.0f);
  const f32x16 steps = kerf_round16((x - minimum) / scale);
  return kerf_min16(kerf_max16(steps, kerf_splat16(0.0f)), kerf_splat16((float)((1 << bits) - 1)));
}

/* Codes n values, with scale and minimum as they are stored, into cells that lie `stride` bytes apart. */
KERF_INLINE struct kerf_group kerf_encode(
  const float *x, uint32_t n, const uint32_t bits, uint8_t *cells, size_t stride)
{
  const struct kerf_group group = kerf_group_of(x, n, bits);
  const float scale = kerf_f16_to_f32(group.scale), minimum = kerf_f16_to_f32(group.minimum);
  for (uint32_t i = 0; i < n; i += 16) {
    const f32x16 codes = kerf_codes16(kerf_load16(&x[i]), scale, minimum, bits);
    kerf_store16_codes(cells + i / 16 * stride, kerf_to_i32x16(codes), bits);
  }
  return group;
}

/* What the codes of a group stand for: n values, a multiple of 16, of cells that lie `stride` bytes apart. */
KERF_INLINE void kerf_decode(
  struct kerf_group group, uint32_t n, const uint32_t bits, const uint8_t *cells, size_t stride, float *x)
{
  const f32xn scale = kerf_splatn(kerf_f16_to_f32(group.scale));
  const f32xn minimum = kerf_splatn(kerf_f16_to_f32(group.minimum));
  for (uint32_t i = 0; i < n; i += KERF_N) {
    const i32xn codes = kerf_loadn_codes(cells + i / 16 * stride, i % 16, bits);
    kerf_storen(&x[i], kerf_fman(scale, kerf_to_f32xn(codes), minimum));
  }
}

/* What n values lose as codes: the sum of the squares of what is off, by weight. */
KERF_INLINE float kerf_coding_loss(const float *x, const float *weights, uint32_t n, const uint32_t bits)
{
  const struct kerf_group group = kerf_group_of(x, n, bits);
  const float scale = kerf_f16_to_f32(group.scale), minimum = kerf_f16_to_f32(group.minimum);
  f32x16 lanes = kerf_splat16(0.0f);
  for (uint32_t i = 0; i < n; i += 16) {
    const f32x16 value = kerf_load16(&x[i]);
    const f32x16 codes = kerf_codes16(value, scale, minimum, bits);
    const f32x16 off = value - kerf_fma16(kerf_splat16(scale), codes, kerf_splat16(minimum));
    lanes = kerf_fma16(off * kerf_load16(&weights[i]), off, lanes);
  }
  return kerf_sum16(lanes);
}
