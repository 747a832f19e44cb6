/*
 * templates/cuda/kerf_cuda.h for a CPU: the same names with bodies in C++, so that the generated kernels
 * compile unchanged. Results are a GPU's, bit for bit, but for log, sin, cos and pow, where two libraries'
 * f64 functions may differ before they are rounded. What threads do together is the runtime's (emulator.h).
 *
 * No system header comes in, so no name is taken that a kernel might use. In a checked build the compiler
 * reports every memory access to the runtime; accesses here are plain ones.
 */
#pragma once

#include "emulator.h"

#define __global__ __attribute__((noinline))
#define __device__
#define __forceinline__ inline __attribute__((always_inline))
#define __grid_constant__
#define __launch_bounds__(...)
/* One block runs at a time, so a block's variables are the library's, in a section that has a start and an end. */
#define __shared__ static __attribute__((section("kerf_shared")))

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed char i8;
typedef int i32;
typedef long long i64;

typedef float kerf_f32;
typedef u16 kerf_f16;
typedef u16 kerf_bf16;
typedef u32 kerf_f32_bits;
typedef u16 kerf_f16_bits;
typedef u16 kerf_bf16_bits;

#define KERF_INLINE static __device__ __forceinline__

#define KERF_UNROLL
#define KERF_UNROLL_4

#define KERF_AT(field, bytes) static_assert(__builtin_offsetof(args, field) == bytes, #field)

/* The author's or the kernel's line of a call: a default argument is evaluated where the call stands. */
#define KERF_SITE const char *file = __builtin_FILE(), int line = __builtin_LINE()

/* ---- where a thread stands ---- */

KERF_INLINE u32 kerf_thread() { return kerf_emulated_thread(); }
KERF_INLINE u32 kerf_lane() { return kerf_emulated_thread() % 32; }
KERF_INLINE u32 kerf_warp() { return kerf_emulated_thread() / 32; }
KERF_INLINE u32 kerf_block() { return kerf_emulated_block(); }
KERF_INLINE u32 kerf_n_blocks() { return kerf_emulated_n_blocks(); }

/* ---- threads together ---- */

KERF_INLINE void kerf_sync_threads(KERF_SITE) { kerf_emulated_barrier(file, line); }

KERF_INLINE float kerf_shuffle_down(float x, u32 distance, KERF_SITE)
{
  return kerf_emulated_shuffle(KERF_SHUFFLE_DOWN, x, distance, file, line);
}
KERF_INLINE float kerf_shuffle_xor(float x, u32 mask, KERF_SITE)
{
  return kerf_emulated_shuffle(KERF_SHUFFLE_XOR, x, mask, file, line);
}
KERF_INLINE float kerf_shuffle(float x, u32 lane, KERF_SITE)
{
  return kerf_emulated_shuffle(KERF_SHUFFLE_FROM, x, lane, file, line);
}

KERF_INLINE void *kerf_dynamic_shared() { return kerf_emulated_dynamic_shared(); }

KERF_INLINE u32 kerf_atomic_add(u32 *p, u32 x) { return kerf_emulated_atomic_add(p, x); }

/* ---- bits ---- */

KERF_INLINE u32 kerf_bits(float x)
{
  u32 bits;
  __builtin_memcpy(&bits, &x, 4);
  return bits;
}
KERF_INLINE float kerf_from_bits(u32 bits)
{
  float x;
  __builtin_memcpy(&x, &bits, 4);
  return x;
}

KERF_INLINE u32 kerf_count_bits(u32 bits) { return (u32)__builtin_popcount(bits); }

/* A half's exponent and fraction in an f32's place are 2¹¹² too small; infinities and NaN are put right. */
KERF_INLINE float kerf_f16_to_f32(i32 bits)
{
  const u32 sign = ((u32)bits & 0x8000u) << 16, magnitude = (u32)bits & 0x7fffu;
  if (magnitude >= 0x7c00u) return kerf_from_bits(sign | 0x7f800000u | (magnitude & 0x3ffu) << 13);
  return kerf_from_bits(sign | kerf_bits(kerf_from_bits(magnitude << 13) * 0x1p112f));
}
/* The addition of a power of two whose last place is the half's rounds to the nearest, ties to even. */
KERF_INLINE kerf_f16 kerf_f32_to_f16(float x)
{
  const u32 bits = kerf_bits(x), sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return 0x7fff;
  if (magnitude >= 0x477ff000u) return (kerf_f16)(sign | 0x7c00u);
  if (magnitude < 0x38800000u) {
    /* Below the least normal half all last places are 2⁻²⁴, which is that of 0.5 in f32. */
    return (kerf_f16)(sign | (kerf_bits(kerf_from_bits(magnitude) + 0.5f) - 0x3f000000u));
  }
  const u32 rounded = magnitude + 0xfffu + (magnitude >> 13 & 1);
  return (kerf_f16)(sign | ((rounded - 0x38000000u) >> 13));
}
KERF_INLINE float kerf_bf16_to_f32(u32 bits) { return kerf_from_bits(bits << 16); }

/* ---- memory ---- */

KERF_INLINE float kerf_load_f32(const kerf_f32 *p) { return *p; }
KERF_INLINE float kerf_load_f16(const kerf_f16 *p) { return kerf_f16_to_f32(*p); }
KERF_INLINE float kerf_load_bf16(const kerf_bf16 *p) { return kerf_bf16_to_f32(*p); }
KERF_INLINE void kerf_store_f32(kerf_f32 *p, float x) { *p = x; }
KERF_INLINE void kerf_store_f16(kerf_f16 *p, float x) { *p = kerf_f32_to_f16(x); }

KERF_INLINE u32 kerf_load_word(const void *p) { return *(const u32 *)p; }

KERF_INLINE void kerf_load2_f32(const kerf_f32 *p, float *x)
{
  kerf_emulated_aligned(p, 8);
  for (u32 i = 0; i < 2; i++) x[i] = p[i];
}
KERF_INLINE void kerf_load2_f16(const kerf_f16 *p, float *x)
{
  const u32 word = kerf_load_word(p);
  x[0] = kerf_f16_to_f32((i32)word);
  x[1] = kerf_f16_to_f32((i32)(word >> 16));
}

KERF_INLINE void kerf_load4_f32(const kerf_f32 *p, float *x)
{
  kerf_emulated_aligned(p, 16);
  for (u32 i = 0; i < 4; i++) x[i] = p[i];
}
KERF_INLINE void kerf_load4_f16(const kerf_f16 *p, float *x)
{
  kerf_emulated_aligned(p, 8);
  for (u32 i = 0; i < 4; i++) x[i] = kerf_f16_to_f32(p[i]);
}
KERF_INLINE void kerf_load4_bf16(const kerf_bf16 *p, float *x)
{
  kerf_emulated_aligned(p, 8);
  for (u32 i = 0; i < 4; i++) x[i] = kerf_bf16_to_f32(p[i]);
}

KERF_INLINE void kerf_load8_f32(const kerf_f32 *p, float *x)
{
  kerf_emulated_aligned(p, 16);
  for (u32 i = 0; i < 8; i++) x[i] = p[i];
}
KERF_INLINE void kerf_load8_f16(const kerf_f16 *p, float *x)
{
  kerf_emulated_aligned(p, 16);
  for (u32 i = 0; i < 8; i++) x[i] = kerf_f16_to_f32(p[i]);
}

/* ---- arithmetic that is one instruction ---- */

KERF_INLINE float kerf_fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }

KERF_INLINE float kerf_max(float a, float b)
{
  if (a != a || b != b) return kerf_from_bits(0x7fffffffu);
  if (a == b) return kerf_from_bits(kerf_bits(a) & kerf_bits(b));
  return a > b ? a : b;
}
KERF_INLINE float kerf_min(float a, float b)
{
  if (a != a || b != b) return kerf_from_bits(0x7fffffffu);
  if (a == b) return kerf_from_bits(kerf_bits(a) | kerf_bits(b));
  return a < b ? a : b;
}

KERF_INLINE float kerf_abs(float x) { return __builtin_fabsf(x); }
KERF_INLINE float kerf_sqrt(float x) { return __builtin_sqrtf(x); }
KERF_INLINE float kerf_floor(float x) { return __builtin_floorf(x); }
KERF_INLINE float kerf_ceil(float x) { return __builtin_ceilf(x); }
KERF_INLINE float kerf_trunc(float x) { return __builtin_truncf(x); }
KERF_INLINE float kerf_round(float x) { return __builtin_rintf(x); }
KERF_INLINE float kerf_rem(float a, float b) { return __builtin_fmodf(a, b); }

KERF_INLINE double kerf_log_f64(double x) { return __builtin_log(x); }
KERF_INLINE double kerf_log2_f64(double x) { return __builtin_log2(x); }
KERF_INLINE double kerf_sin_f64(double x) { return __builtin_sin(x); }
KERF_INLINE double kerf_cos_f64(double x) { return __builtin_cos(x); }
KERF_INLINE double kerf_pow_f64(double a, double b) { return __builtin_pow(a, b); }

#include "kerf_math.h"
