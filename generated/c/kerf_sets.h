/*
 * Rows that have channels of their own, halves one after the other: a bit for each of n_channels channels,
 * sixteen to a half, the lowest first; then, f16, the `width` channels whose bits are set, ascending.
 */
#pragma once

#include "kerf_native.h"

/* Halves of a row. */
KERF_INLINE size_t kerf_set_halves(uint32_t n_channels, uint32_t width) { return n_channels / 16 + width; }

/* Puts the channels that a row stores to their places, `stride` elements apart; the others stay as they are. */
KERF_INLINE void kerf_spread_set(
  const uint16_t *row, const uint32_t n_channels, uint32_t width, float *restrict out, const size_t stride)
{
  const uint16_t *stored = row + n_channels / 16;
  float values[256]; /* of the widest head */
  uint32_t i = 0;
  for (; i + 16 <= width; i += 16) kerf_store16(&values[i], kerf_load16_f16(stored + i));
  for (; i < width; i++) values[i] = kerf_load_f16(stored + i);
  const float *value = values;
  for (uint32_t first = 0; first < n_channels; first += 16) {
    for (uint32_t bits = row[first / 16]; bits != 0; bits &= bits - 1) {
      out[(first + (uint32_t)__builtin_ctz(bits)) * stride] = *value++;
    }
  }
}
