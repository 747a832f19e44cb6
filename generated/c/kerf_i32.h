/*
 * Arithmetic of i32, two's complement and wrapping (compiled with -fwrapv), with a quotient for every divisor;
 * conversions from f32 and to it. Include kerf.h.
 */
#pragma once

KERF_INLINE int32_t kerf_abs_i32(int32_t x) { return x < 0 ? -x : x; }
KERF_INLINE int32_t kerf_sign_i32(int32_t x) { return (x > 0) - (x < 0); }
KERF_INLINE int32_t kerf_min_i32(int32_t a, int32_t b) { return a < b ? a : b; }
KERF_INLINE int32_t kerf_max_i32(int32_t a, int32_t b) { return a > b ? a : b; }

/* Toward zero; 0 when b is 0; −2³¹ / −1 wraps. */
KERF_INLINE int32_t kerf_div_i32(int32_t a, int32_t b)
{
  return b == 0 ? 0 : b == -1 ? -a : a / b;
}
KERF_INLINE int32_t kerf_mod_i32(int32_t a, int32_t b)
{
  return b == 0 || b == -1 ? 0 : a % b;
}

/* Toward zero; beyond the range its ends, NaN gives 0. */
KERF_INLINE int32_t kerf_to_i32(float x)
{
  if (x >= 2147483648.0f) return INT32_MAX;
  if (x < -2147483648.0f) return INT32_MIN;
  return x == x ? (int32_t)x : 0;
}

KERF_INLINE i32x16 kerf_abs16_i32(i32x16 x) { return kerf_select16_i32(x >> 31, -x, x); }
KERF_INLINE i32x16 kerf_sign16_i32(i32x16 x) { return (x >> 31) - kerf_less16_i32((i32x16){0}, x); }
KERF_INLINE i32x16 kerf_min16_i32(i32x16 a, i32x16 b) { return kerf_select16_i32(kerf_less16_i32(a, b), a, b); }
KERF_INLINE i32x16 kerf_max16_i32(i32x16 a, i32x16 b) { return kerf_select16_i32(kerf_less16_i32(b, a), a, b); }
/* Zeros enter; the count is taken modulo 32. */
KERF_INLINE i32x16 kerf_ushr16(i32x16 x, i32x16 count)
{
  return (i32x16)((u32x16)x >> (u32x16)(count & 31));
}
KERF_INLINE i32x16 kerf_div16_i32(i32x16 a, i32x16 b)
{
  i32x16 r;
  for (int lane = 0; lane < 16; lane++) r[lane] = kerf_div_i32(a[lane], b[lane]);
  return r;
}
KERF_INLINE i32x16 kerf_mod16_i32(i32x16 a, i32x16 b)
{
  i32x16 r;
  for (int lane = 0; lane < 16; lane++) r[lane] = kerf_mod_i32(a[lane], b[lane]);
  return r;
}
KERF_INLINE f32x16 kerf_to_f32x16(i32x16 x) { return __builtin_convertvector(x, f32x16); }
KERF_INLINE i32x16 kerf_to_i32x16(f32x16 x)
{
  const i32x16 above = kerf_at_most16(kerf_splat16(2147483648.0f), x);
  const i32x16 below = kerf_less16(x, kerf_splat16(-2147483648.0f));
  const i32x16 outside = above | below | ~kerf_equal16(x, x);
  const i32x16 inside = __builtin_convertvector(kerf_select16(outside, (f32x16){0}, x), i32x16);
  return inside | (above & INT32_MAX) | (below & INT32_MIN);
}
