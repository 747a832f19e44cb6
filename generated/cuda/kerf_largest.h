/*
 * The largest of numbers and its place, as one number that compares: the order of the number above the complement
 * of its place. So of equal ones the lowest place is the largest, and what is no number comes before all.
 */
#pragma once

#include "kerf_cuda.h"

/* Numbers as whole numbers in the same order; −0 is 0. */
KERF_INLINE u32 kerf_order(float x)
{
  if (x != x) return 0;
  if (x == 0.0f) return 0x80000000u;
  const u32 bits = kerf_bits(x);
  return bits < 0x80000000u ? bits | 0x80000000u : ~bits;
}

KERF_INLINE u64 kerf_candidate(float x, u32 place) { return (u64)kerf_order(x) << 32 | ~place; }

/* The place of a candidate. */
KERF_INLINE u32 kerf_place(u64 candidate) { return ~(u32)candidate; }
