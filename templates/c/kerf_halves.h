/*
 * Elements as they are stored: IEEE halves, bf16 (the upper half of an f32), and the names by which one element
 * of either or of f32 is loaded. All arithmetic is f32's. Include kerf.h.
 */
#pragma once

/* The low 16 bits of each lane read as an IEEE half. */
KERF_INLINE f32x16 kerf_f16_bits_to_f32x16(i32x16 bits)
{
#if defined(__AVX512F__)
  return (f32x16)_mm512_cvtph_ps(_mm512_cvtepi32_epi16((__m512i)bits));
#elif defined(__F16C__)
  const i32x16 halves = bits & 0xffff;
  const __m128i *four = (const __m128i *)&halves;
  f32x16 r;
  for (int i = 0; i < 2; i++) {
    const __m128i eight = _mm_packus_epi32(_mm_loadu_si128(&four[2 * i]), _mm_loadu_si128(&four[2 * i + 1]));
    _mm256_storeu_ps((float *)&r + 8 * i, _mm256_cvtph_ps(eight));
  }
  return r;
#else
  const i32x16 magnitude = bits & 0x7fff;
  const i32x16 rebias = kerf_splat16_i32(112 << 23);
  const i32x16 special = kerf_less16_i32(kerf_splat16_i32(0x7bff), magnitude) & rebias;
  const i32x16 quiet = kerf_less16_i32(kerf_splat16_i32(0x7c00), magnitude) & 0x400000;
  const i32x16 normal = ((magnitude << 13) + rebias + special) | quiet;
  const i32x16 subnormal = (i32x16)(kerf_to_f32x16(magnitude) * 0x1p-24f);
  const i32x16 is_subnormal = kerf_less16_i32(magnitude, kerf_splat16_i32(0x400));
  const i32x16 sign = (bits & 0x8000) << 16;
  return (f32x16)(kerf_select16_i32(is_subnormal, subnormal, normal) | sign);
#endif
}

/* The nearest half, ties to even, in the low 16 bits of each lane. */
KERF_INLINE i32x16 kerf_f32x16_to_f16_bits(f32x16 x)
{
#if defined(__AVX512F__)
  return (i32x16)_mm512_cvtepu16_epi32(_mm512_cvtps_ph((__m512)x, 0));
#elif defined(__F16C__) && defined(__AVX2__)
  i32x16 bits;
  for (int i = 0; i < 2; i++) {
    const __m128i eight = _mm256_cvtps_ph(_mm256_loadu_ps((const float *)&x + 8 * i), 0);
    _mm256_storeu_si256((__m256i *)&bits + i, _mm256_cvtepu16_epi32(eight));
  }
  return bits;
#else
  const i32x16 bits = (i32x16)x;
  const i32x16 magnitude = bits & 0x7fffffff;
  const i32x16 rounded = ((magnitude + 0xfff + ((magnitude >> 13) & 1)) >> 13) - (112 << 10);
  /* The unit of 0.5 + |x| is the smallest half, so the addition rounds to it. */
  const i32x16 half = (i32x16)kerf_splat16(0.5f);
  const i32x16 subnormal = (i32x16)((f32x16)magnitude + 0.5f) - half;
  const i32x16 is_subnormal = kerf_less16_i32(magnitude, kerf_splat16_i32(0x38800000));
  const i32x16 finite = kerf_select16_i32(is_subnormal, subnormal, rounded);
  const i32x16 infinite = kerf_less16_i32(kerf_splat16_i32(0x477fffff), magnitude);
  const i32x16 is_nan = kerf_less16_i32(kerf_splat16_i32(0x7f800000), magnitude);
  const i32x16 nan = is_nan & (0x200 | ((magnitude >> 13) & 0x3ff));
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
