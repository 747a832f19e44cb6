/*
 * Vectors as wide as the machine's registers: KERF_N lanes, 16, 8 or 4. For loops that keep accumulators
 * in registers, where a sixteen-lane vector would be cut and spilled; the rest of a kernel uses kerf.h.
 *
 * Lanes compute what kerf.h's do, to the bit. Include after kerf.h.
 */
#pragma once

#if defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#if defined(__AVX512F__)
#define KERF_N 16
#elif defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#define KERF_N 8
#else
#define KERF_N 4
#endif

typedef float f32xn __attribute__((vector_size(4 * KERF_N)));
typedef int32_t i32xn __attribute__((vector_size(4 * KERF_N)));

KERF_INLINE f32xn kerf_loadn(const float *p)
{
  f32xn v;
  memcpy(&v, p, sizeof v);
  return v;
}
KERF_INLINE void kerf_storen(float *p, f32xn v) { memcpy(p, &v, sizeof v); }

KERF_INLINE f32xn kerf_splatn(float x) { return x - (f32xn){0}; }

KERF_INLINE f32xn kerf_to_f32xn(i32xn x) { return __builtin_convertvector(x, f32xn); }

#if KERF_N == 16

KERF_INLINE f32xn kerf_fman(f32xn a, f32xn b, f32xn c) { return kerf_fma16(a, b, c); }
KERF_INLINE f32xn kerf_loadn_f16(const uint16_t *p) { return kerf_load16_f16(p); }
KERF_INLINE i32xn kerf_loadn_u16(const uint16_t *p)
{
  return (i32xn)_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p));
}
KERF_INLINE i32xn kerf_loadn_u8(const uint8_t *p)
{
  return (i32xn)_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p));
}

#elif KERF_N == 8

KERF_INLINE f32xn kerf_fman(f32xn a, f32xn b, f32xn c)
{
  return (f32xn)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}
KERF_INLINE f32xn kerf_loadn_f16(const uint16_t *p)
{
  return (f32xn)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
}
KERF_INLINE i32xn kerf_loadn_u16(const uint16_t *p)
{
  return (i32xn)_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p));
}
KERF_INLINE i32xn kerf_loadn_u8(const uint8_t *p)
{
  return (i32xn)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p));
}

#else

#if defined(__ARM_NEON)
KERF_INLINE f32xn kerf_fman(f32xn a, f32xn b, f32xn c)
{
  return (f32xn)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
}
#elif defined(__FP_FAST_FMAF)
KERF_INLINE f32xn kerf_fman(f32xn a, f32xn b, f32xn c)
{
  f32xn r;
  for (int lane = 0; lane < KERF_N; lane++) r[lane] = kerf_fma(a[lane], b[lane], c[lane]);
  return r;
}
#else
KERF_OUTLINE f32xn kerf_fman(f32xn a, f32xn b, f32xn c)
{
  const f32x2 low = kerf_fma2((f32x2){a[0], a[1]}, (f32x2){b[0], b[1]}, (f32x2){c[0], c[1]});
  const f32x2 high = kerf_fma2((f32x2){a[2], a[3]}, (f32x2){b[2], b[3]}, (f32x2){c[2], c[3]});
  return (f32xn){low[0], low[1], high[0], high[1]};
}
#endif

KERF_INLINE f32xn kerf_loadn_f16(const uint16_t *p)
{
  uint16_t bits[16] = {0};
  memcpy(bits, p, KERF_N * sizeof *p);
  const f32x16 v = kerf_load16_f16(bits);
  return kerf_loadn((const float *)&v);
}
KERF_INLINE i32xn kerf_loadn_u16(const uint16_t *p) { return (i32xn){p[0], p[1], p[2], p[3]}; }
KERF_INLINE i32xn kerf_loadn_u8(const uint8_t *p) { return (i32xn){p[0], p[1], p[2], p[3]}; }

#endif

/*
 * Begins to fetch some bytes, a constant number, from any address, into the second-level cache: the first is too
 * small to keep what is needed in a while.
 */
KERF_INLINE void kerf_fetch(const void *p, size_t bytes)
{
  for (size_t at = 0; at < bytes; at += 64) __builtin_prefetch((const uint8_t *)p + at, 0, 2);
}

/* The same of what is needed soon, into the first-level cache. */
KERF_INLINE void kerf_fetch_near(const void *p, size_t bytes)
{
  for (size_t at = 0; at < bytes; at += 64) __builtin_prefetch((const uint8_t *)p + at);
}

/* bf16 is the upper half of an f32. */
KERF_INLINE f32xn kerf_loadn_bf16(const uint16_t *p) { return (f32xn)(kerf_loadn_u16(p) << 16); }
KERF_INLINE f32xn kerf_loadn_f32(const float *p) { return kerf_loadn(p); }

/* Sixteen by the name of the stored element. */
KERF_INLINE f32x16 kerf_load16_f32(const float *p) { return kerf_load16(p); }
KERF_INLINE void kerf_store16_f32(float *p, f32x16 v) { kerf_store16(p, v); }
