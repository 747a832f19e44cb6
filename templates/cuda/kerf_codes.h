/*
 * Codes of 2, 4 and 8 bits, sixteen to a cell of 2·bits bytes: element i in byte i mod 2·bits, from bit
 * bits·⌊i / 2·bits⌋ up (src/layout/coded.ts). A group of them has a scale and a minimum, which share a
 * word; code c stands for scale·c + minimum. Cells and groups begin at multiples of four bytes.
 */
#pragma once

#include "kerf_cuda.h"

/* What a group of codes shares. */
struct kerf_group {
  float scale, minimum;
};

/* From its word: two halves, the scale below. */
KERF_INLINE kerf_group kerf_group_of(u32 word)
{
  return {kerf_f16_to_f32((i32)(word & 0xffffu)), kerf_f16_to_f32((i32)(word >> 16))};
}

/* A code as a float, through the bits of 2^23 + code: conversions have a fraction of an addition's rate. */
KERF_INLINE float kerf_code_to_f32(u32 code) { return kerf_from_bits(0x4b000000u | code) - 8388608.0f; }

/* What the codes in the lowest bits of a word's bytes stand for. */
KERF_INLINE void kerf_decode4(u32 word, const u32 bits, kerf_group group, float *x)
{
  const u32 most = (1u << bits) - 1;
  KERF_UNROLL for (u32 i = 0; i < 4; i++) {
    x[i] = kerf_fma(group.scale, kerf_code_to_f32((word >> (8 * i)) & most), group.minimum);
  }
}

/* What four codes of a cell stand for, from element `first` on, a multiple of 4: one access. */
KERF_INLINE void kerf_load4_codes(const u8 *cell, u32 first, const u32 bits, kerf_group group, float *x)
{
  const u32 bytes = 2 * bits;
  kerf_decode4(kerf_load_word(cell + first % bytes) >> (first / bytes * bits), bits, group, x);
}

/* Eight codes, from the first or the ninth on. */
KERF_INLINE void kerf_load8_codes(const u8 *cell, u32 first, const u32 bits, kerf_group group, float *x)
{
  kerf_load4_codes(cell, first, bits, group, x);
  kerf_load4_codes(cell, first + 4, bits, group, x + 4);
}

/* … in one access, of a cell that is aligned to 8 bytes where it has them. */
KERF_INLINE void kerf_load8_codes_aligned(
  const u8 *cell, u32 first, const u32 bits, kerf_group group, float *x)
{
  if (bits == 2) return kerf_load8_codes(cell, first, bits, group, x);
  const u32 bytes = 2 * bits, shift = first / bytes * bits;
  float words[2];
  kerf_load2_f32((const float *)(cell + first % bytes), words);
  kerf_decode4(kerf_bits(words[0]) >> shift, bits, group, x);
  kerf_decode4(kerf_bits(words[1]) >> shift, bits, group, x + 4);
}

/* Eight codes, from the first or the ninth on, of a group each. */
KERF_INLINE void kerf_load8_row_codes(
  const u8 *cell, u32 first, const u32 bits, const kerf_group *groups, float *x)
{
  const u32 bytes = 2 * bits;
  KERF_UNROLL for (u32 four = 0; four < 8; four += 4) {
    const u32 at = first + four, word = kerf_load_word(cell + at % bytes) >> (at / bytes * bits);
    KERF_UNROLL for (u32 i = four; i < four + 4; i++) {
      const u32 code = (word >> (8 * (i - four))) & ((1u << bits) - 1);
      x[i] = kerf_fma(groups[i].scale, kerf_code_to_f32(code), groups[i].minimum);
    }
  }
}

/* What element i of a cell stands for. */
KERF_INLINE float kerf_decode(kerf_group group, const u8 *cell, u32 i, const u32 bits)
{
  const u32 bytes = 2 * bits;
  const u32 code = cell[i % bytes] >> (i / bytes * bits) & ((1u << bits) - 1);
  return kerf_fma(group.scale, kerf_code_to_f32(code), group.minimum);
}

/* The word of a group of values: scale (largest - smallest) / (2^bits - 1). */
KERF_INLINE u32 kerf_group_word(float smallest, float largest, const u32 bits)
{
  const float most = (float)((1u << bits) - 1);
  return kerf_f32_to_f16((largest - smallest) / most) | (u32)kerf_f32_to_f16(smallest) << 16;
}

/* The nearest code with scale and minimum as they are stored, halves to even; 0 where the scale is. */
KERF_INLINE u32 kerf_code_of(float x, kerf_group group, const u32 bits)
{
  if (!(group.scale > 0.0f)) return 0;
  const float steps = kerf_round((x - group.minimum) / group.scale);
  return (u32)kerf_to_i32(kerf_min(kerf_max(steps, 0.0f), (float)((1u << bits) - 1)));
}
