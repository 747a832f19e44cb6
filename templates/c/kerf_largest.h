/* The largest of lanes: what is no number is larger than nothing, and of equal ones the lowest is it. */
#pragma once

#include "kerf.h"

/* The lane that holds the largest of the first n; 0 where none of them is a number. */
KERF_INLINE uint32_t kerf_largest16(f32x16 x, uint32_t n)
{
  const i32x16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  f32x16 largest = kerf_select16(kerf_first16(n) & kerf_equal16(x, x), x, kerf_splat16(-INFINITY));
  largest = kerf_larger16(largest, KERF_LANES_BEHIND(largest, 8));
  largest = kerf_larger16(largest, KERF_LANES_BEHIND(largest, 4));
  largest = kerf_larger16(largest, KERF_LANES_BEHIND(largest, 2));
  largest = kerf_larger16(largest, KERF_LANES_BEHIND(largest, 1));

  i32x16 first = kerf_select16_i32(kerf_first16(n) & kerf_equal16(x, largest), lane, kerf_splat16_i32(16));
  first = kerf_min16_i32(first, KERF_LANES_BEHIND(first, 8));
  first = kerf_min16_i32(first, KERF_LANES_BEHIND(first, 4));
  first = kerf_min16_i32(first, KERF_LANES_BEHIND(first, 2));
  first = kerf_min16_i32(first, KERF_LANES_BEHIND(first, 1));
  return first[0] < 16 ? (uint32_t)first[0] : 0;
}
