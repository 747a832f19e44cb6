/*
 * Vectors of sixteen lanes: their types, conditions as masks of them, and what lanes make together. Include kerf.h.
 */
#pragma once

typedef float f32x16 __attribute__((vector_size(64)));
typedef int32_t i32x16 __attribute__((vector_size(64)));
typedef uint32_t u32x16 __attribute__((vector_size(64)));
typedef uint16_t u16x16 __attribute__((vector_size(32)));
typedef uint8_t u8x16 __attribute__((vector_size(16)));
typedef double f64x16 __attribute__((vector_size(128)));
typedef int64_t i64x16 __attribute__((vector_size(128)));

KERF_INLINE f32x16 kerf_splat16(float x) { return x - (f32x16){0}; }
KERF_INLINE i32x16 kerf_splat16_i32(int32_t x) { return x + (i32x16){0}; }

/* A condition as a mask: all ones or all zeros in every lane. */
KERF_INLINE i32x16 kerf_mask16(bool x) { return kerf_splat16_i32(-(int32_t)x); }

/* How many of the next sixteen columns exist when `rest` are left. */
KERF_INLINE uint32_t kerf_lanes(uint32_t rest) { return rest < 16 ? rest : 16; }

/*
 * Comparisons, as masks; what is no number is less than, equal to and at most nothing. Compilers compare lane by
 * lane what is wider than a register, so these go register by register.
 */
#if defined(__AVX512F__)
#define KERF_REGISTER 64
#elif defined(__AVX2__)
#define KERF_REGISTER 32
#else
#define KERF_REGISTER 16
#endif
#define KERF_COMPARE16(name, vector, element, operator)                    \
  KERF_INLINE i32x16 name(vector a, vector b)                              \
  {                                                                        \
    typedef element part __attribute__((vector_size(KERF_REGISTER)));      \
    i32x16 mask;                                                           \
    for (size_t at = 0; at < sizeof mask; at += KERF_REGISTER) {           \
      part x, y;                                                           \
      memcpy(&x, (const uint8_t *)&a + at, sizeof x);                      \
      memcpy(&y, (const uint8_t *)&b + at, sizeof y);                      \
      x = (part)(x operator y);                                            \
      memcpy((uint8_t *)&mask + at, &x, sizeof x);                         \
    }                                                                      \
    return mask;                                                           \
  }
KERF_COMPARE16(kerf_less16, f32x16, float, <)
KERF_COMPARE16(kerf_at_most16, f32x16, float, <=)
KERF_COMPARE16(kerf_equal16, f32x16, float, ==)
KERF_COMPARE16(kerf_less16_i32, i32x16, int32_t, <)
KERF_COMPARE16(kerf_at_most16_i32, i32x16, int32_t, <=)
KERF_COMPARE16(kerf_equal16_i32, i32x16, int32_t, ==)

/* The mask of the first n lanes. */
KERF_INLINE i32x16 kerf_first16(uint32_t n)
{
  const i32x16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  return kerf_less16_i32(lane, kerf_splat16_i32((int32_t)n));
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
#elif defined(__AVX2__) && defined(__FMA__)
  /* Compilers compare lane by lane what is wider than a register. */
  __m256 x[2], y[2];
  memcpy(x, &a, sizeof x);
  memcpy(y, &b, sizeof y);
  for (int i = 0; i < 2; i++) x[i] = _mm256_max_ps(x[i], y[i]);
  memcpy(&a, x, sizeof a);
  return a;
#else
  return kerf_select16(kerf_less16(b, a), a, b);
#endif
}

/* The smaller lane by lane; b where the two are equal or either is NaN. */
KERF_INLINE f32x16 kerf_smaller16(f32x16 a, f32x16 b)
{
#if defined(__AVX512F__)
  return (f32x16)_mm512_min_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__) && defined(__FMA__)
  /* Compilers compare lane by lane what is wider than a register. */
  __m256 x[2], y[2];
  memcpy(x, &a, sizeof x);
  memcpy(y, &b, sizeof y);
  for (int i = 0; i < 2; i++) x[i] = _mm256_min_ps(x[i], y[i]);
  memcpy(&a, x, sizeof a);
  return a;
#else
  return kerf_select16(kerf_less16(a, b), a, b);
#endif
}

/* KERF_LANES_BEHIND(v, n) has in lane l v's lane (l + n) mod 16. */
#if defined(__clang__)
#define KERF_LANES_BEHIND(v, n)                                                               \
  __builtin_shufflevector(v, v, n, 1 + n, 2 + n, 3 + n, 4 + n, 5 + n, 6 + n, 7 + n, 8 + n,    \
    9 + n, 10 + n, 11 + n, 12 + n, 13 + n, 14 + n, 15 + n)
#else
#define KERF_LANES_BEHIND(v, n)                                                               \
  __builtin_shuffle(v, v, (i32x16){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15} + n)
#endif

/* The sum of all lanes in a fixed tree: l with l + 8, then + 4, + 2, + 1. */
KERF_INLINE float kerf_sum16(f32x16 v)
{
  v += KERF_LANES_BEHIND(v, 8);
  v += KERF_LANES_BEHIND(v, 4);
  v += KERF_LANES_BEHIND(v, 2);
  return v[0] + v[1];
}
