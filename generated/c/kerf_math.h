/*
 * Transcendental functions of sixteen lanes; the scalar ones are lane 0 of these, so both give the same
 * bits. Errors are against the exact value, over all finite arguments, and are measured in
 * tests/parity_math_test.ts:
 *
 *     exp, exp2, tanh                  f32 polynomials        within 2 units in the last place
 *     log, log2, sin, cos, pow         f64 inside             within 1
 *
 * Coefficients are minimax fits (exp, tanh) or Taylor series (the rest, where f64 leaves room). Include kerf.h.
 */
#pragma once

KERF_INLINE f64x16 kerf_to_f64x16(f32x16 x) { return __builtin_convertvector(x, f64x16); }
KERF_INLINE f32x16 kerf_from_f64x16(f64x16 x) { return __builtin_convertvector(x, f32x16); }

/* eʳ for |r| ≤ ln 2 / 2. */
KERF_INLINE f32x16 kerf_small_exp16(f32x16 r)
{
  f32x16 p = kerf_splat16(0.0013814467f);
  p = kerf_fma16(p, r, kerf_splat16(0.008368781f));
  p = kerf_fma16(p, r, kerf_splat16(0.041668393f));
  p = kerf_fma16(p, r, kerf_splat16(0.1666652f));
  p = kerf_fma16(p, r, kerf_splat16(0.49999994f));
  return kerf_fma16(r * r, p, r) + 1.0f;
}

/* e to the power of x - n · ln 2, which lies around 0: ln 2 in two parts, the first so short that n times it is exact. */
KERF_INLINE f32x16 kerf_reduced_exp16(f32x16 x, f32x16 n)
{
  const f32x16 r = kerf_fma16(n, kerf_splat16(-0.693145752f), x);
  return kerf_small_exp16(kerf_fma16(n, kerf_splat16(-1.4286068e-6f), r));
}

/* e · 2ⁿ of a whole n, rounded once; n in two halves, so that the result may be subnormal. */
KERF_INLINE f32x16 kerf_scale16(f32x16 e, f32x16 n)
{
#if defined(__AVX512F__)
  return (f32x16)_mm512_scalef_ps((__m512)e, (__m512)n);
#else
  const i32x16 whole = __builtin_convertvector(n, i32x16);
  const i32x16 low = whole >> 1;
  const f32x16 scale_low = (f32x16)((low + 127) << 23);
  const f32x16 scale_high = (f32x16)((whole - low + 127) << 23);
  return e * scale_low * scale_high;
#endif
}

/* x, held to a range in which n fits an exponent; NaN stays. */
KERF_INLINE f32x16 kerf_clamp16(f32x16 x, float low, float high)
{
  return kerf_smaller16(kerf_splat16(high), kerf_larger16(kerf_splat16(low), x));
}

/* eˣ: infinite from 88.73 on, 0 below −103.98. */
KERF_INLINE f32x16 kerf_exp16(f32x16 x)
{
  const f32x16 bounded = kerf_clamp16(x, -104.0f, 89.0f);
  const f32x16 n = kerf_round16(bounded * 1.442695f);
  return kerf_scale16(kerf_reduced_exp16(bounded, n), n);
}

/* 2ˣ. */
KERF_INLINE f32x16 kerf_exp2_16(f32x16 x)
{
  const f32x16 bounded = kerf_clamp16(x, -151.0f, 129.0f);
  const f32x16 n = kerf_round16(bounded);
  return kerf_scale16(kerf_small_exp16((bounded - n) * 0.6931472f), n);
}

/* tanh x: an odd polynomial near 0, else 1 − 2 / (e²ˣ + 1). */
KERF_INLINE f32x16 kerf_tanh16(f32x16 x)
{
  const f32x16 z = x * x;
  f32x16 p = kerf_splat16(-0.005717045f);
  p = kerf_fma16(p, z, kerf_splat16(0.020650588f));
  p = kerf_fma16(p, z, kerf_splat16(-0.053743497f));
  p = kerf_fma16(p, z, kerf_splat16(0.13331491f));
  p = kerf_fma16(p, z, kerf_splat16(-0.33333284f));
  const f32x16 near_zero = kerf_fma16(x * z, p, x);
  const f32x16 magnitude = kerf_abs16(x);
  const f32x16 far = 1.0f - 2.0f / (kerf_exp16(magnitude + magnitude) + 1.0f);
  const i32x16 sign = (i32x16)x & INT32_MIN;
  return kerf_select16(kerf_less16(magnitude, kerf_splat16(0.625f)), near_zero, (f32x16)((i32x16)far | sign));
}

/* ln x in f64: x = m · 2ⁿ with m around 1, ln m = 2 artanh((m − 1) / (m + 1)). */
static inline f64x16 kerf_log_f64x16(f32x16 x)
{
  const f64x16 wide = kerf_to_f64x16(x);
  const i64x16 bits = (i64x16)wide;
  /* 0x3fe6a09e667f3bcd is √½: exponents count from there, so that m is in [√½, √2). */
  const i64x16 n = (bits - 0x3fe6a09e667f3bcd) >> 52;
  const f64x16 m = (f64x16)(bits - (n << 52));
  const f64x16 s = (m - 1.0) / (m + 1.0);
  const f64x16 z = s * s;
  f64x16 p = 1.0 / 15 + z * (1.0 / 17);
  p = 1.0 / 13 + z * p;
  p = 1.0 / 11 + z * p;
  p = 1.0 / 9 + z * p;
  p = 1.0 / 7 + z * p;
  p = 1.0 / 5 + z * p;
  p = 1.0 / 3 + z * p;
  const f64x16 result = 2.0 * (s + s * z * p) +
    __builtin_convertvector(n, f64x16) * 0.6931471805599453;
  const f64x16 infinity = (f64x16){0} + (double)INFINITY;
  const i64x16 zero = wide == 0.0;
  const i64x16 kept = (wide == infinity) | (wide != wide);
  const i64x16 negative = wide < 0.0;
  const i64x16 nan = negative & 0x7ff8000000000000;
  const i64x16 special = (zero & (i64x16)-infinity) | (kept & bits) | nan;
  const i64x16 is_special = zero | kept | negative;
  return (f64x16)((is_special & special) | (~is_special & (i64x16)result));
}
static inline f32x16 kerf_log16(f32x16 x) { return kerf_from_f64x16(kerf_log_f64x16(x)); }
static inline f32x16 kerf_log2_16(f32x16 x)
{
  return kerf_from_f64x16(kerf_log_f64x16(x) * 1.4426950408889634);
}

/* sin (quarter 0) and cos (quarter 1) of f32 angles below 2²⁰; the rest goes to the library. */
static inline f32x16 kerf_sin_quarter16(f32x16 x, int quarter)
{
  const i32x16 large = ~kerf_less16(kerf_abs16(x), kerf_splat16(1048576.0f));
  const f64x16 wide = kerf_to_f64x16(kerf_select16(large, (f32x16){0}, x));
  const f64x16 turns = wide * 0.6366197723675814;
  const i64x16 half_away = ((i64x16)turns & INT64_MIN) | (i64x16)((f64x16){0} + 0.5);
  const i64x16 n = __builtin_convertvector(turns + (f64x16)half_away, i64x16);
  const f64x16 count = __builtin_convertvector(n, f64x16);
  /* π/2 in two parts; the first has 33 bits, so count times it is exact. */
  const f64x16 r = (wide - count * 1.5707963267341256) - count * 6.077100506506192e-11;
  const f64x16 z = r * r;
  f64x16 s = 1.0 / 362880 - z * (1.0 / 39916800);
  s = 1.0 / 5040 - z * s;
  s = 1.0 / 120 - z * s;
  s = 1.0 / 6 - z * s;
  s = r - r * z * s;
  f64x16 c = 1.0 / 3628800 - z * (1.0 / 479001600);
  c = 1.0 / 40320 - z * c;
  c = 1.0 / 720 - z * c;
  c = 1.0 / 24 - z * c;
  c = 0.5 - z * c;
  c = 1.0 - z * c;
  const i64x16 place = n + quarter;
  const i64x16 use_cos = -(place & 1);
  const i64x16 value = (use_cos & (i64x16)c) | (~use_cos & (i64x16)s);
  f32x16 result = kerf_from_f64x16((f64x16)(value ^ ((place & 2) << 62)));
  for (int lane = 0; lane < 16; lane++) {
    if (large[lane]) result[lane] = quarter == 0 ? sinf(x[lane]) : cosf(x[lane]);
  }
  return result;
}
static inline f32x16 kerf_sin16(f32x16 x) { return kerf_sin_quarter16(x, 0); }
static inline f32x16 kerf_cos16(f32x16 x) { return kerf_sin_quarter16(x, 1); }

/* aᵇ by the library, but NaN for (±1)^±∞ and 1^NaN. */
static inline float kerf_pow(float a, float b)
{
  if (b != b || (fabsf(a) == 1.0f && isinf(b))) return NAN;
  return powf(a, b);
}
static inline f32x16 kerf_pow16(f32x16 a, f32x16 b)
{
  f32x16 r;
  for (int lane = 0; lane < 16; lane++) r[lane] = kerf_pow(a[lane], b[lane]);
  return r;
}

static inline float kerf_exp(float x) { return kerf_exp16(kerf_splat16(x))[0]; }
static inline float kerf_exp2(float x) { return kerf_exp2_16(kerf_splat16(x))[0]; }
static inline float kerf_log(float x) { return kerf_log16(kerf_splat16(x))[0]; }
static inline float kerf_log2(float x) { return kerf_log2_16(kerf_splat16(x))[0]; }
static inline float kerf_tanh(float x) { return kerf_tanh16(kerf_splat16(x))[0]; }
static inline float kerf_sin(float x) { return kerf_sin16(kerf_splat16(x))[0]; }
static inline float kerf_cos(float x) { return kerf_cos16(kerf_splat16(x))[0]; }
