/*
 * What every generated C kernel includes: sixteen-lane vectors, loads and stores, half floats, and the
 * operations whose plain C operator has another meaning than Kerf's (src/ir/ops.ts).
 *
 * A lane's result depends on that lane alone and is the same on every instruction set: intrinsics only
 * replace what the portable form computes bit for bit. Transcendental functions are in kerf_math.h.
 */
#pragma once

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(__AVX512F__) || defined(__FMA__) || defined(__F16C__)
#include <immintrin.h>
#endif

/* Hook code may ask what is always so (`x != x`, a byte below 256) and let constants wrap. */
#pragma GCC diagnostic ignored "-Wtautological-compare"
#pragma GCC diagnostic ignored "-Wtype-limits"
#pragma GCC diagnostic ignored "-Wint-in-bool-context"
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wbool-compare"
#pragma GCC diagnostic ignored "-Woverflow"
#endif

#define KERF_EXPORT __attribute__((visibility("default")))
#define KERF_INLINE static inline __attribute__((always_inline, unused))
/* Of what is long: copies of it would take longer to compile than calls take to run. */
#define KERF_OUTLINE static __attribute__((noinline, unused))

/* KERF_LANES_BEHIND(v, n) has in lane l v's lane (l + n) mod 16. */

/* Before a short loop whose turns should all be spelled out. */
#if defined(__clang__)
#define KERF_UNROLL _Pragma("unroll")
#define KERF_INTERLEAVE16_U8(a, b, from)                                                      \
  __builtin_shufflevector(a, b, from, 16 + from, 1 + from, 17 + from, 2 + from, 18 + from,    \
    3 + from, 19 + from, 4 + from, 20 + from, 5 + from, 21 + from, 6 + from, 22 + from,       \
    7 + from, 23 + from)
#define KERF_LANES_BEHIND(v, n)                                                               \
  __builtin_shufflevector(v, v, n, 1 + n, 2 + n, 3 + n, 4 + n, 5 + n, 6 + n, 7 + n, 8 + n,    \
    9 + n, 10 + n, 11 + n, 12 + n, 13 + n, 14 + n, 15 + n)
#else
#define KERF_UNROLL _Pragma("GCC unroll 16")
#define KERF_INTERLEAVE16_U8(a, b, from)                                                      \
  __builtin_shuffle(a, b, (u8x16){0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23} + from)
#define KERF_LANES_BEHIND(v, n)                                                               \
  __builtin_shuffle(v, v, (i32x16){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15} + n)
#endif

typedef float f32x16 __attribute__((vector_size(64)));
typedef int32_t i32x16 __attribute__((vector_size(64)));
typedef uint32_t u32x16 __attribute__((vector_size(64)));
typedef uint16_t u16x16 __attribute__((vector_size(32)));
typedef uint8_t u8x16 __attribute__((vector_size(16)));
typedef double f64x16 __attribute__((vector_size(128)));
typedef int64_t i64x16 __attribute__((vector_size(128)));

/* ---- lanes ---- */

KERF_INLINE f32x16 kerf_splat16(float x) { return x - (f32x16){0}; }
KERF_INLINE i32x16 kerf_splat16_i32(int32_t x) { return x + (i32x16){0}; }

/* A condition as a mask: all ones or all zeros in every lane. */
KERF_INLINE i32x16 kerf_mask16(bool x) { return kerf_splat16_i32(-(int32_t)x); }

/* How many of the next sixteen columns exist when `rest` are left. */
KERF_INLINE uint32_t kerf_lanes(uint32_t rest) { return rest < 16 ? rest : 16; }

/* The mask of the first n lanes. */
KERF_INLINE i32x16 kerf_first16(uint32_t n)
{
  const i32x16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  return lane < (int32_t)n;
}

/* Lanes of a where the mask is set, else of b. */
KERF_INLINE i32x16 kerf_select16_i32(i32x16 mask, i32x16 a, i32x16 b)
{
  return (mask & a) | (~mask & b);
}
KERF_INLINE f32x16 kerf_select16(i32x16 mask, f32x16 a, f32x16 b)
{
  return (f32x16)kerf_select16_i32(mask, (i32x16)a, (i32x16)b);
}

/* The larger lane by lane; b where the two are equal or either is NaN. */
KERF_INLINE f32x16 kerf_larger16(f32x16 a, f32x16 b)
{
#if defined(__AVX512F__)
  return (f32x16)_mm512_max_ps((__m512)a, (__m512)b);
#else
  return kerf_select16(a > b, a, b);
#endif
}

/* The smaller lane by lane; b where the two are equal or either is NaN. */
KERF_INLINE f32x16 kerf_smaller16(f32x16 a, f32x16 b)
{
#if defined(__AVX512F__)
  return (f32x16)_mm512_min_ps((__m512)a, (__m512)b);
#else
  return kerf_select16(a < b, a, b);
#endif
}

/* The sum of all lanes in a fixed tree: l with l + 8, then + 4, + 2, + 1. */
KERF_INLINE float kerf_sum16(f32x16 v)
{
  v += KERF_LANES_BEHIND(v, 8);
  v += KERF_LANES_BEHIND(v, 4);
  v += KERF_LANES_BEHIND(v, 2);
  return v[0] + v[1];
}

/* ---- memory ---- */

KERF_INLINE f32x16 kerf_load16(const float *p)
{
  f32x16 v;
  memcpy(&v, p, sizeof v);
  return v;
}
KERF_INLINE void kerf_store16(float *p, f32x16 v) { memcpy(p, &v, sizeof v); }

/* The first n (≤ 16) elements; the other lanes are 0 and their memory is not touched. */
KERF_INLINE f32x16 kerf_load16_first(const float *p, uint32_t n)
{
#if defined(__AVX512F__)
  return (f32x16)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
#else
  if (n == 16) return kerf_load16(p);
  f32x16 v = {0};
  memcpy(&v, p, n * sizeof *p);
  return v;
#endif
}
KERF_INLINE void kerf_store16_first(float *p, f32x16 v, uint32_t n)
{
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
#else
  if (n == 16) kerf_store16(p, v);
  else memcpy(p, &v, n * sizeof *p);
#endif
}

/* Sixteen bytes as whole numbers. */
KERF_INLINE i32x16 kerf_load16_u8(const uint8_t *p)
{
  u8x16 v;
  memcpy(&v, p, sizeof v);
  return __builtin_convertvector(v, i32x16);
}

/* Sixteen rows of sixteen bytes become columns: four rounds of interleaving row r with row r + 8. */
KERF_INLINE void kerf_transpose16_u8(u8x16 rows[16])
{
  for (int round = 0; round < 4; round++) {
    u8x16 next[16];
    for (int r = 0; r < 8; r++) {
      next[2 * r] = KERF_INTERLEAVE16_U8(rows[r], rows[r + 8], 0);
      next[2 * r + 1] = KERF_INTERLEAVE16_U8(rows[r], rows[r + 8], 8);
    }
    memcpy(rows, next, sizeof next);
  }
}

/* Elements at an index per lane. */
#define KERF_GATHER(name, vector, element)                                 \
  KERF_INLINE vector name(const element *base, i32x16 index)               \
  {                                                                        \
    vector v;                                                              \
    for (int lane = 0; lane < 16; lane++) v[lane] = base[index[lane]];     \
    return v;                                                              \
  }
KERF_GATHER(kerf_gather16, f32x16, float)
KERF_GATHER(kerf_gather16_i32, i32x16, uint32_t)
KERF_GATHER(kerf_gather16_u8, i32x16, uint8_t)

/* ---- arithmetic of f32 ---- */

/* a · b + c with one rounding, on every instruction set. */
KERF_INLINE float kerf_fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
#if !defined(__AVX512F__) && !defined(__FMA__) && !defined(__FP_FAST_FMAF)
/* kerf_fma16 where no instruction fuses. */
KERF_OUTLINE f32x16 kerf_emulated_fma16(f32x16 a, f32x16 b, f32x16 c)
{
  /* The product is exact in f64. Its sum with c is rounded to odd (the last bit says "inexact"), so
     that rounding once more to f32 gives what one rounding would. */
  const f64x16 product = __builtin_convertvector(a, f64x16) * __builtin_convertvector(b, f64x16);
  const f64x16 c64 = __builtin_convertvector(c, f64x16);
  const f64x16 sum = product + c64;
  const f64x16 back = sum - product;
  const f64x16 error = (product - (sum - back)) + (c64 - back);
  const i64x16 bits = (i64x16)sum;
  const i64x16 inexact = (error > 0.0) | (error < 0.0);
  const i64x16 even = (bits & 1) - 1;
  const i64x16 outward = ((error > 0.0) ^ (sum < 0.0)) | 1;
  return __builtin_convertvector((f64x16)(bits - (outward & inexact & even)), f32x16);
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
  const f32x16 not_positive = kerf_select16(x < 0.0f, kerf_splat16(-1.0f), x);
  return kerf_select16(x > 0.0f, kerf_splat16(1.0f), not_positive);
}

/* The larger and the smaller; NaN if either is, and −0 < 0. */
KERF_INLINE f32x16 kerf_max16(f32x16 a, f32x16 b)
{
  const f32x16 equal = (f32x16)((i32x16)a & (i32x16)b);
  const f32x16 largest = kerf_select16(a > b, a, kerf_select16(a == b, equal, b));
  return kerf_select16(a != a, a, largest);
}
KERF_INLINE f32x16 kerf_min16(f32x16 a, f32x16 b)
{
  const f32x16 equal = (f32x16)((i32x16)a | (i32x16)b);
  const f32x16 smallest = kerf_select16(a < b, a, kerf_select16(a == b, equal, b));
  return kerf_select16(a != a, a, smallest);
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

/* ---- arithmetic of i32 (two's complement, wrapping: compiled with -fwrapv) ---- */

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

KERF_INLINE i32x16 kerf_abs16_i32(i32x16 x) { return kerf_select16_i32(x < 0, -x, x); }
KERF_INLINE i32x16 kerf_sign16_i32(i32x16 x) { return (x < 0) - (x > 0); }
KERF_INLINE i32x16 kerf_min16_i32(i32x16 a, i32x16 b) { return kerf_select16_i32(a < b, a, b); }
KERF_INLINE i32x16 kerf_max16_i32(i32x16 a, i32x16 b) { return kerf_select16_i32(a > b, a, b); }
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
  const i32x16 above = x >= 2147483648.0f;
  const i32x16 below = x < -2147483648.0f;
  const i32x16 outside = above | below | (x != x);
  const i32x16 inside = __builtin_convertvector(kerf_select16(outside, (f32x16){0}, x), i32x16);
  return inside | (above & INT32_MAX) | (below & INT32_MIN);
}

/* ---- 16-bit floats ---- */

/* The low 16 bits of each lane read as an IEEE half. */
KERF_INLINE f32x16 kerf_f16_bits_to_f32x16(i32x16 bits)
{
#if defined(__AVX512F__)
  return (f32x16)_mm512_cvtph_ps(_mm512_cvtepi32_epi16((__m512i)bits));
#else
  const i32x16 magnitude = bits & 0x7fff;
  const i32x16 rebias = kerf_splat16_i32(112 << 23);
  const i32x16 special = (magnitude >= 0x7c00) & rebias;
  const i32x16 quiet = (magnitude > 0x7c00) & 0x400000;
  const i32x16 normal = ((magnitude << 13) + rebias + special) | quiet;
  const i32x16 subnormal = (i32x16)(kerf_to_f32x16(magnitude) * 0x1p-24f);
  const i32x16 sign = (bits & 0x8000) << 16;
  return (f32x16)(kerf_select16_i32(magnitude < 0x400, subnormal, normal) | sign);
#endif
}

/* The nearest half, ties to even, in the low 16 bits of each lane. */
KERF_INLINE i32x16 kerf_f32x16_to_f16_bits(f32x16 x)
{
#if defined(__AVX512F__)
  return (i32x16)_mm512_cvtepu16_epi32(_mm512_cvtps_ph((__m512)x, 0));
#else
  const i32x16 bits = (i32x16)x;
  const i32x16 magnitude = bits & 0x7fffffff;
  const i32x16 rounded = ((magnitude + 0xfff + ((magnitude >> 13) & 1)) >> 13) - (112 << 10);
  /* The unit of 0.5 + |x| is the smallest half, so the addition rounds to it. */
  const i32x16 half = (i32x16)kerf_splat16(0.5f);
  const i32x16 subnormal = (i32x16)((f32x16)magnitude + 0.5f) - half;
  const i32x16 finite = kerf_select16_i32(magnitude < 0x38800000, subnormal, rounded);
  const i32x16 infinite = magnitude >= 0x47800000;
  const i32x16 nan = (magnitude > 0x7f800000) & (0x200 | ((magnitude >> 13) & 0x3ff));
  const i32x16 sign = (bits >> 16) & 0x8000;
  return kerf_select16_i32(infinite, 0x7c00 | nan, finite) | sign;
#endif
}

KERF_INLINE f32x16 kerf_load16_f16(const uint16_t *p)
{
  u16x16 v;
  memcpy(&v, p, sizeof v);
#if defined(__AVX512F__)
  return (f32x16)_mm512_cvtph_ps((__m256i)v);
#elif defined(__F16C__)
  f32x16 r;
  _mm256_storeu_ps((float *)&r, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p)));
  _mm256_storeu_ps((float *)&r + 8, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p + 1)));
  return r;
#else
  return kerf_f16_bits_to_f32x16(__builtin_convertvector(v, i32x16));
#endif
}
KERF_INLINE void kerf_store16_f16(uint16_t *p, f32x16 v)
{
#if defined(__AVX512F__)
  _mm256_storeu_si256((__m256i *)p, _mm512_cvtps_ph((__m512)v, 0));
#elif defined(__F16C__)
  const float *lanes = (const float *)&v;
  _mm_storeu_si128((__m128i *)p, _mm256_cvtps_ph(_mm256_loadu_ps(lanes), 0));
  _mm_storeu_si128((__m128i *)p + 1, _mm256_cvtps_ph(_mm256_loadu_ps(lanes + 8), 0));
#else
  const u16x16 bits = __builtin_convertvector(kerf_f32x16_to_f16_bits(v), u16x16);
  memcpy(p, &bits, sizeof bits);
#endif
}

KERF_INLINE float kerf_f16_to_f32(int32_t bits)
{
#if defined(__F16C__)
  return _cvtsh_ss((uint16_t)bits);
#else
  return kerf_f16_bits_to_f32x16(kerf_splat16_i32(bits))[0];
#endif
}
KERF_INLINE uint16_t kerf_f32_to_f16(float x)
{
#if defined(__F16C__)
  return _cvtss_sh(x, 0);
#else
  return (uint16_t)kerf_f32x16_to_f16_bits(kerf_splat16(x))[0];
#endif
}

/* bf16 is the upper half of an f32. */
KERF_INLINE f32x16 kerf_load16_bf16(const uint16_t *p)
{
  u16x16 v;
  memcpy(&v, p, sizeof v);
  return (f32x16)(__builtin_convertvector(v, i32x16) << 16);
}

/* Stored elements, by the names that loads carry, one at a time. */
typedef float kerf_f32;
typedef uint16_t kerf_f16;
typedef uint16_t kerf_bf16;
KERF_INLINE float kerf_load_f32(const kerf_f32 *p) { return *p; }
KERF_INLINE float kerf_load_f16(const kerf_f16 *p) { return kerf_f16_to_f32(*p); }
KERF_INLINE float kerf_load_bf16(const kerf_bf16 *p)
{
  const uint32_t bits = (uint32_t)*p << 16;
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}
KERF_INLINE void kerf_store_f32(kerf_f32 *p, float x) { *p = x; }
KERF_INLINE void kerf_store_f16(kerf_f16 *p, float x) { *p = kerf_f32_to_f16(x); }

/* Their bits. */
typedef uint32_t kerf_f32_bits;
typedef uint16_t kerf_f16_bits;
typedef uint16_t kerf_bf16_bits;

#include "kerf_math.h"
