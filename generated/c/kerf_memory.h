/*
 * Sixteen lanes of f32 from memory and to it, all or the first of them; bytes; elements at an index per lane.
 * Half floats are in kerf_halves.h. Include kerf.h.
 */
#pragma once

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

/* Eight bytes of a and of b in turn, from their `from`-th on. */
#if defined(__clang__)
#define KERF_INTERLEAVE16_U8(a, b, from)                                                      \
  __builtin_shufflevector(a, b, from, 16 + from, 1 + from, 17 + from, 2 + from, 18 + from,    \
    3 + from, 19 + from, 4 + from, 20 + from, 5 + from, 21 + from, 6 + from, 22 + from,       \
    7 + from, 23 + from)
#else
#define KERF_INTERLEAVE16_U8(a, b, from)                                                      \
  __builtin_shuffle(a, b, (u8x16){0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23} + from)
#endif

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
