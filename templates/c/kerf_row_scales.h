/*
 * Codes of rows that have scales of their own: sixteen rows lie side by side in a tile, a cell per channel,
 * and so do the words of a group of channels, one per row, a scale below a minimum.
 */
#pragma once

#include "kerf_codes.h"

/* What a group of channels shares in each of a tile's sixteen rows. */
struct kerf_row_groups {
  _Alignas(64) float scale[16], minimum[16];
};

/* From its words. */
KERF_INLINE struct kerf_row_groups kerf_load_row_groups(const uint8_t *words)
{
  struct kerf_row_groups groups;
  i32x16 halves;
  memcpy(&halves, words, sizeof halves);
  kerf_store16(groups.scale, kerf_f16_bits_to_f32x16(halves & 0xffff));
  kerf_store16(groups.minimum, kerf_f16_bits_to_f32x16((halves >> 16) & 0xffff));
  return groups;
}

/* What a channel's codes stand for in sixteen rows. */
KERF_INLINE void kerf_decode_rows(
  const struct kerf_row_groups *groups, const uint8_t *cell, const uint32_t bits, float *x)
{
  for (uint32_t row = 0; row < 16; row += KERF_N) {
    const f32xn codes = kerf_to_f32xn(kerf_loadn_codes(cell, row, bits));
    kerf_storen(&x[row], kerf_fman(kerf_loadn(&groups->scale[row]), codes, kerf_loadn(&groups->minimum[row])));
  }
}

/* Codes n channels of sixteen rows, f32 [n, 16], into cells one behind the other; writes the words of their group. */
KERF_INLINE void kerf_encode_rows(const float *x, uint32_t n, const uint32_t bits, uint8_t *cells, uint8_t *words)
{
  f32x16 smallest = kerf_load16(x), largest = smallest;
  for (uint32_t c = 1; c < n; c++) {
    smallest = kerf_min16(smallest, kerf_load16(&x[c * 16]));
    largest = kerf_max16(largest, kerf_load16(&x[c * 16]));
  }
  kerf_f16 scales[16], minima[16];
  kerf_store16_f16(scales, (largest - smallest) / (float)((1 << bits) - 1));
  kerf_store16_f16(minima, smallest);
  for (uint32_t row = 0; row < 16; row++) {
    const struct kerf_group group = {.scale = scales[row], .minimum = minima[row]};
    memcpy(words + row * sizeof group, &group, sizeof group);
  }
  const f32x16 scale = kerf_load16_f16(scales), minimum = kerf_load16_f16(minima);
  const i32x16 varies = kerf_less16(kerf_splat16(0.0f), scale);
  for (uint32_t c = 0; c < n; c++) {
    /* Where the scale is 0 every code is. */
    const f32x16 steps = kerf_round16((kerf_load16(&x[c * 16]) - minimum) / kerf_select16(varies, scale, kerf_splat16(1.0f)));
    const f32x16 codes = kerf_min16(kerf_max16(steps, kerf_splat16(0.0f)), kerf_splat16((float)((1 << bits) - 1)));
    kerf_store16_codes(cells + c * 2 * bits, kerf_to_i32x16(kerf_select16(varies, codes, kerf_splat16(0.0f))), bits);
  }
}
