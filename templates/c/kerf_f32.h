/*
 * Arithmetic of f32 that no C operator does as src/ir/ops.ts means it: fused multiply-add, rounding to whole
 * numbers, extremes that know NaN and −0, the remainder. Include kerf.h.
 */
#pragma once

/* a · b + c with one rounding, on every instruction set. */
KERF_INLINE float kerf_fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
#if !defined(__AVX512F__) && !defined(__FMA__) && !defined(__FP_FAST_FMAF)
typedef float f32x2 __attribute__((vector_size(8)));
typedef double f64x2 __attribute__((vector_size(16)));
typedef int64_t i64x2 __attribute__((vector_size(16)));

/* Where no instruction fuses, in the two lanes that a register holds as f64. */
KERF_INLINE f32x2 kerf_fma2(f32x2 a, f32x2 b, f32x2 c)
{
  /* The product is exact in f64. Its sum with c is rounded to odd (the last bit says "inexact"), so
     that rounding once more to f32 gives what one rounding would. */
  const f64x2 product = __builtin_convertvector(a, f64x2) * __builtin_convertvector(b, f64x2);
  const f64x2 c64 = __builtin_convertvector(c, f64x2);
  const f64x2 sum = product + c64;
  const f64x2 back = sum - product;
  const f64x2 error = (product - (sum - back)) + (c64 - back);
  const i64x2 bits = (i64x2)sum;
  const i64x2 inexact = (error > 0.0) | (error < 0.0);
  const i64x2 even = (bits & 1) - 1;
  const i64x2 outward = ((error > 0.0) ^ (sum < 0.0)) | 1;
  return __builtin_convertvector((f64x2)(bits - (outward & inexact & even)), f32x2);
}
KERF_OUTLINE f32x16 kerf_emulated_fma16(f32x16 a, f32x16 b, f32x16 c)
{
  f32x16 r;
  for (size_t at = 0; at < sizeof r; at += sizeof(f32x2)) {
    f32x2 x, y, z;
    memcpy(&x, (const uint8_t *)&a + at, sizeof x);
    memcpy(&y, (const uint8_t *)&b + at, sizeof y);
    memcpy(&z, (const uint8_t *)&c + at, sizeof z);
    x = kerf_fma2(x, y, z);
    memcpy((uint8_t *)&r + at, &x, sizeof x);
  }
  return r;
}
#endif
KERF_INLINE f32x16 kerf_fma16(f32x16 a, f32x16 b, f32x16 c)
{
#if defined(__AVX512F__)
  return (f32x16)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__FMA__)
  f32x16 r;
  for (int i = 0; i < 16; i += 8) {
    const __m256 a8 = _mm256_loadu_ps((const float *)&a + i);
    const __m256 b8 = _mm256_loadu_ps((const float *)&b + i);
    const __m256 c8 = _mm256_loadu_ps((const float *)&c + i);
    _mm256_storeu_ps((float *)&r + i, _mm256_fmadd_ps(a8, b8, c8));
  }
  return r;
#elif defined(__FP_FAST_FMAF)
  f32x16 r;
  for (int i = 0; i < 16; i++) r[i] = __builtin_fmaf(a[i], b[i], c[i]);
  return r;
#else
  return kerf_emulated_fma16(a, b, c);
#endif
}

/* Library functions lane by lane; compilers turn the loop into one instruction where there is one. */
#define KERF_EACH_LANE(name, function)                                     \
  KERF_INLINE f32x16 name(f32x16 x)                                        \
  {                                                                        \
    f32x16 r;                                                              \
    for (int lane = 0; lane < 16; lane++) r[lane] = function(x[lane]);     \
    return r;                                                              \
  }
#if defined(__AVX512F__)
KERF_INLINE f32x16 kerf_sqrt16(f32x16 x) { return (f32x16)_mm512_sqrt_ps((__m512)x); }
KERF_INLINE f32x16 kerf_round16(f32x16 x) { return (f32x16)_mm512_roundscale_ps((__m512)x, 8); }
KERF_INLINE f32x16 kerf_floor16(f32x16 x) { return (f32x16)_mm512_roundscale_ps((__m512)x, 9); }
KERF_INLINE f32x16 kerf_ceil16(f32x16 x) { return (f32x16)_mm512_roundscale_ps((__m512)x, 10); }
KERF_INLINE f32x16 kerf_trunc16(f32x16 x) { return (f32x16)_mm512_roundscale_ps((__m512)x, 11); }
#else
KERF_EACH_LANE(kerf_sqrt16, sqrtf)
KERF_EACH_LANE(kerf_round16, rintf)
KERF_EACH_LANE(kerf_floor16, floorf)
KERF_EACH_LANE(kerf_ceil16, ceilf)
KERF_EACH_LANE(kerf_trunc16, truncf)
#endif

KERF_INLINE f32x16 kerf_abs16(f32x16 x) { return (f32x16)((i32x16)x & 0x7fffffff); }

KERF_INLINE float kerf_sign(float x) { return x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : x; }
KERF_INLINE f32x16 kerf_sign16(f32x16 x)
{
  const f32x16 not_positive = kerf_select16(kerf_less16(x, kerf_splat16(0.0f)), kerf_splat16(-1.0f), x);
  return kerf_select16(kerf_less16(kerf_splat16(0.0f), x), kerf_splat16(1.0f), not_positive);
}

/* The larger and the smaller; NaN if either is, and −0 < 0. */
KERF_INLINE f32x16 kerf_max16(f32x16 a, f32x16 b)
{
  const f32x16 equal = (f32x16)((i32x16)a & (i32x16)b);
  const f32x16 largest = kerf_select16(kerf_less16(b, a), a, kerf_select16(kerf_equal16(a, b), equal, b));
  return kerf_select16(kerf_equal16(a, a), largest, a);
}
KERF_INLINE f32x16 kerf_min16(f32x16 a, f32x16 b)
{
  const f32x16 equal = (f32x16)((i32x16)a | (i32x16)b);
  const f32x16 smallest = kerf_select16(kerf_less16(a, b), a, kerf_select16(kerf_equal16(a, b), equal, b));
  return kerf_select16(kerf_equal16(a, a), smallest, a);
}
KERF_INLINE float kerf_max(float a, float b)
{
  if (a == b) return signbit(a) ? b : a;
  return a > b || a != a ? a : b;
}
KERF_INLINE float kerf_min(float a, float b)
{
  if (a == b) return signbit(a) ? a : b;
  return a < b || a != a ? a : b;
}

/* The remainder with the sign of a, exact. */
KERF_INLINE f32x16 kerf_rem16(f32x16 a, f32x16 b)
{
  f32x16 r;
  for (int lane = 0; lane < 16; lane++) r[lane] = fmodf(a[lane], b[lane]);
  return r;
}
