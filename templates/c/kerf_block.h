/*
 * Register blocks: vectors as wide as the machine's registers, for the few loops that must stay in
 * registers. The sixteen-lane types of kerf.h are two or four registers on narrower machines, and
 * compilers keep those in memory. Lanes are independent, so the width changes no bit.
 *
 * KERF_ACCUMULATORS is how many such vectors a block may sum into: what the register file holds less the
 * operands of one turn.
 */
#ifndef KERF_BLOCK_H
#define KERF_BLOCK_H

#include "kerf.h"

#if defined(__AVX512F__)
enum { KERF_BLOCK_LANES = 16, KERF_ACCUMULATORS = 24 };
#elif defined(__AVX2__)
enum { KERF_BLOCK_LANES = 8, KERF_ACCUMULATORS = 12 };
#else
enum { KERF_BLOCK_LANES = 4, KERF_ACCUMULATORS = 12 };
#endif

#if defined(__AVX512F__)
typedef float kerf_block __attribute__((vector_size(64), may_alias));
#elif defined(__AVX2__)
typedef float kerf_block __attribute__((vector_size(32), may_alias));
#else
typedef float kerf_block __attribute__((vector_size(16), may_alias));
#endif

/* Makes a loop over a constant count straight code, so that arrays of accumulators become registers. */
#if defined(__clang__)
#define KERF_UNROLL _Pragma("unroll")
#else
#define KERF_UNROLL _Pragma("GCC unroll 64")
#endif

static inline kerf_block kerf_block_splat(float x)
{
  return x - (kerf_block){0};
}

static inline void kerf_block_store(float *p, kerf_block v)
{
  memcpy(p, &v, sizeof v);
}

static inline kerf_block kerf_block_load_f32(const float *p)
{
  kerf_block v;
  memcpy(&v, p, sizeof v);
  return v;
}

static inline kerf_block kerf_block_load_f16(const uint16_t *p)
{
#if defined(__AVX512F__)
  return (kerf_block)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
#elif defined(__F16C__) && defined(__AVX2__)
  return (kerf_block)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
#else
  kerf_block v;
  for (int lane = 0; lane < KERF_BLOCK_LANES; lane++) v[lane] = kerf_f16_to_f32(p[lane]);
  return v;
#endif
}

/* a · b + c, rounded once. */
static inline kerf_block kerf_block_fma(kerf_block a, kerf_block b, kerf_block c)
{
#if defined(__AVX512F__)
  return (kerf_block)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__FMA__) && defined(__AVX2__)
  return (kerf_block)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
  for (int lane = 0; lane < KERF_BLOCK_LANES; lane++) c[lane] = fmaf(a[lane], b[lane], c[lane]);
  return c;
#endif
}

#endif
