/*
 * Rows that have channels of their own, halves one after the other: a bit for each of HEAD_DIM channels,
 * sixteen to a half, the lowest first; then, f16, the `width` channels whose bits are set, ascending.
 */
#pragma once

/* Halves of a row, and of its bits. */
static constexpr u32 SET_HALVES = HEAD_DIM / 16;
KERF_INLINE u32 kerf_row_halves(u32 width) { return SET_HALVES + width; }

/* Whether a row has channel c. */
KERF_INLINE bool kerf_has_channel(const u16 *row, u32 c) { return (row[c / 16] >> c % 16 & 1) != 0; }

/* How many of a row's channels come before channel c. */
KERF_INLINE u32 kerf_channel_place(const u16 *row, u32 c)
{
  u32 place = kerf_count_bits(row[c / 16] & ((1u << c % 16) - 1));
  for (u32 i = 0; i < c / 16; i++) place += kerf_count_bits(row[i]);
  return place;
}
