/*
 * Arithmetic in plain C++ on top of kerf_cuda.h: whole numbers that wrap, conversions that saturate, and
 * transcendental functions. exp, exp2 and tanh are the polynomials of templates/c/kerf_math.h in the same
 * order of operations, so they give the CPU's bits; the rest is computed in f64 and rounded once.
 */
#pragma once

/* ---- i32: two's complement, wrapping ---- */

KERF_INLINE i32 kerf_neg_i32(i32 x) { return (i32)(0u - (u32)x); }
KERF_INLINE i32 kerf_add_i32(i32 a, i32 b) { return (i32)((u32)a + (u32)b); }
KERF_INLINE i32 kerf_sub_i32(i32 a, i32 b) { return (i32)((u32)a - (u32)b); }
KERF_INLINE i32 kerf_mul_i32(i32 a, i32 b) { return (i32)((u32)a * (u32)b); }
KERF_INLINE i32 kerf_abs_i32(i32 x) { return x < 0 ? kerf_neg_i32(x) : x; }
KERF_INLINE i32 kerf_sign_i32(i32 x) { return (x > 0) - (x < 0); }
KERF_INLINE i32 kerf_min_i32(i32 a, i32 b) { return a < b ? a : b; }
KERF_INLINE i32 kerf_max_i32(i32 a, i32 b) { return a > b ? a : b; }

/* Toward zero; 0 when b is 0; −2³¹ / −1 wraps. */
KERF_INLINE i32 kerf_div_i32(i32 a, i32 b)
{
  return b == 0 ? 0 : b == -1 ? kerf_neg_i32(a) : a / b;
}
KERF_INLINE i32 kerf_mod_i32(i32 a, i32 b) { return b == 0 || b == -1 ? 0 : a % b; }

/* Toward zero; beyond the range its ends, NaN gives 0. */
KERF_INLINE i32 kerf_to_i32(float x)
{
  if (x >= 2147483648.0f) return 0x7fffffff;
  if (x < -2147483648.0f) return (i32)0x80000000u;
  return x == x ? (i32)x : 0;
}

KERF_INLINE u32 kerf_min_u32(u32 a, u32 b) { return a < b ? a : b; }

/* ---- f32 ---- */

/* −1, 0 or 1; keeps −0 and NaN. */
KERF_INLINE float kerf_sign(float x) { return x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : x; }

/* x, held to a range in which n fits an exponent; NaN stays. */
KERF_INLINE float kerf_clamp(float x, float low, float high)
{
  const float above = x < low ? low : x;
  return above > high ? high : above;
}

/* 2ⁿ · eʳ for |r| ≤ ln 2 / 2; n in two halves, so that the result may be subnormal. */
KERF_INLINE float kerf_scaled_exp(float r, float n)
{
  float p = 0.0013814467f;
  p = kerf_fma(p, r, 0.008368781f);
  p = kerf_fma(p, r, 0.041668393f);
  p = kerf_fma(p, r, 0.1666652f);
  p = kerf_fma(p, r, 0.49999994f);
  const float e = kerf_fma(r * r, p, r) + 1.0f;
  const i32 whole = kerf_to_i32(n);
  const i32 low = whole >> 1;
  return e * kerf_from_bits((u32)(low + 127) << 23) * kerf_from_bits((u32)(whole - low + 127) << 23);
}

/* eˣ: infinite from 88.73 on, 0 below −103.98. */
KERF_INLINE float kerf_exp(float x)
{
  const float bounded = kerf_clamp(x, -104.0f, 89.0f);
  const float n = kerf_round(bounded * 1.442695f);
  /* ln 2 in two parts, the first so short that n times it is exact. */
  return kerf_scaled_exp(kerf_fma(n, -1.4286068e-6f, bounded - n * 0.693145752f), n);
}

/* 2ˣ. */
KERF_INLINE float kerf_exp2(float x)
{
  const float bounded = kerf_clamp(x, -151.0f, 129.0f);
  const float n = kerf_round(bounded);
  return kerf_scaled_exp((bounded - n) * 0.6931472f, n);
}

/* tanh x: an odd polynomial near 0, else 1 − 2 / (e²ˣ + 1). */
KERF_INLINE float kerf_tanh(float x)
{
  const float magnitude = kerf_abs(x);
  if (magnitude < 0.625f) {
    const float z = x * x;
    float p = -0.005717045f;
    p = kerf_fma(p, z, 0.020650588f);
    p = kerf_fma(p, z, -0.053743497f);
    p = kerf_fma(p, z, 0.13331491f);
    p = kerf_fma(p, z, -0.33333284f);
    return kerf_fma(x * z, p, x);
  }
  const float far = 1.0f - 2.0f / (kerf_exp(magnitude + magnitude) + 1.0f);
  return x < 0.0f ? -far : far;
}

KERF_INLINE float kerf_log(float x) { return (float)kerf_log_f64((double)x); }
KERF_INLINE float kerf_log2(float x) { return (float)kerf_log2_f64((double)x); }
KERF_INLINE float kerf_sin(float x) { return (float)kerf_sin_f64((double)x); }
KERF_INLINE float kerf_cos(float x) { return (float)kerf_cos_f64((double)x); }

/* aᵇ, but NaN for (±1)^±∞ and 1^NaN as JavaScript has it. */
KERF_INLINE float kerf_pow(float a, float b)
{
  const bool one = kerf_abs(a) == 1.0f;
  if (b != b || (one && kerf_abs(b) > 3.4028235e38f)) return kerf_from_bits(0x7fc00000u);
  return (float)kerf_pow_f64((double)a, (double)b);
}
