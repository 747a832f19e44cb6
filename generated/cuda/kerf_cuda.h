/*
 * All that a generated CUDA kernel includes: whole numbers and halves by Kerf's names, and a named function
 * for everything that is the machine's: where a thread stands, barriers, shuffles, wide and 16-bit memory
 * accesses, fused multiply-adds. It includes no system header, because NVRTC comes without any.
 *
 * Kernels use CUDA's words __global__, __shared__, __launch_bounds__ and __grid_constant__, C++ without
 * templates, and these functions. An emulator that gives the same names other bodies compiles the same
 * kernels as C++. Compiled with --fmad=false: a kernel says where it fuses.
 */
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed char i8;
typedef int i32;
typedef long long i64;

/* Stored elements by the names that loads and stores carry; a 16-bit float is its bits. */
typedef float kerf_f32;
typedef u16 kerf_f16;
typedef u16 kerf_bf16;
typedef u32 kerf_f32_bits;
typedef u16 kerf_f16_bits;
typedef u16 kerf_bf16_bits;

#define KERF_INLINE static __device__ __forceinline__

/* Makes a loop with a constant count straight code, so that an array of accumulators is registers. */
#define KERF_UNROLL _Pragma("unroll")

/* Makes four turns of a loop straight code, so that their loads are on the way together. */
#define KERF_UNROLL_4 _Pragma("unroll 4")

/* Holds a field of the arguments to the offset at which the host writes it. NVRTC has no offsetof. */
#if defined(__CUDACC_RTC__)
#define KERF_AT(field, bytes) static_assert(__INTADDR__(&((args *)0)->field) == bytes, #field)
#else
#define KERF_AT(field, bytes) static_assert(__builtin_offsetof(args, field) == bytes, #field)
#endif

/* ---- where a thread stands ---- */

KERF_INLINE u32 kerf_thread() { return threadIdx.x; }
KERF_INLINE u32 kerf_lane() { return threadIdx.x % 32; }
KERF_INLINE u32 kerf_warp() { return threadIdx.x / 32; }
KERF_INLINE u32 kerf_block() { return blockIdx.x; }
KERF_INLINE u32 kerf_n_blocks() { return gridDim.x; }

/* ---- threads together; every thread of the block, or lane of the warp, must arrive ---- */

KERF_INLINE void kerf_sync_threads() { __syncthreads(); }

/* The value of the lane `distance` further on; a lane without such gets its own. */
KERF_INLINE float kerf_shuffle_down(float x, u32 distance)
{
  return __shfl_down_sync(0xffffffffu, x, distance);
}
/* The value of the lane whose number differs in the bits of `mask`. */
KERF_INLINE float kerf_shuffle_xor(float x, u32 mask)
{
  return __shfl_xor_sync(0xffffffffu, x, (int)mask);
}
/* The value of lane `lane`. */
KERF_INLINE float kerf_shuffle(float x, u32 lane) { return __shfl_sync(0xffffffffu, x, (int)lane); }

/* The block's dynamic shared memory, of as many bytes as the launch gives it. */
KERF_INLINE void *kerf_dynamic_shared()
{
  extern __shared__ __align__(16) u8 dynamic_shared[];
  return dynamic_shared;
}

/* Adds to a word in one step that no other thread comes between; the value before. */
KERF_INLINE u32 kerf_atomic_add(u32 *p, u32 x) { return atomicAdd(p, x); }

/* ---- bits ---- */

KERF_INLINE u32 kerf_bits(float x) { return __float_as_uint(x); }
KERF_INLINE float kerf_from_bits(u32 bits) { return __uint_as_float(bits); }

KERF_INLINE u32 kerf_count_bits(u32 bits) { return (u32)__popc(bits); }

/* The low 16 bits read as an IEEE half. */
KERF_INLINE float kerf_f16_to_f32(i32 bits)
{
  float x;
  asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"((u16)bits));
  return x;
}
/* The nearest half, ties to even. */
KERF_INLINE kerf_f16 kerf_f32_to_f16(float x)
{
  kerf_f16 bits;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(x));
  return bits;
}
/* bf16 is the upper half of an f32. */
KERF_INLINE float kerf_bf16_to_f32(u32 bits) { return kerf_from_bits(bits << 16); }

/* ---- memory ---- */

KERF_INLINE float kerf_load_f32(const kerf_f32 *p) { return *p; }
KERF_INLINE float kerf_load_f16(const kerf_f16 *p) { return kerf_f16_to_f32(*p); }
KERF_INLINE float kerf_load_bf16(const kerf_bf16 *p) { return kerf_bf16_to_f32(*p); }
KERF_INLINE void kerf_store_f32(kerf_f32 *p, float x) { *p = x; }
KERF_INLINE void kerf_store_f16(kerf_f16 *p, float x) { *p = kerf_f32_to_f16(x); }

/* Four bytes in one access: p is a multiple of 4. */
KERF_INLINE u32 kerf_load_word(const void *p) { return *(const u32 *)p; }

/* Two elements in one access: p is aligned to both. */
KERF_INLINE void kerf_load2_f32(const kerf_f32 *p, float *x)
{
  const float2 v = *(const float2 *)p;
  x[0] = v.x;
  x[1] = v.y;
}
KERF_INLINE void kerf_load2_f16(const kerf_f16 *p, float *x)
{
  const u32 word = kerf_load_word(p);
  x[0] = kerf_f16_to_f32((i32)word);
  x[1] = kerf_f16_to_f32((i32)(word >> 16));
}

/* Four elements in one access: p is aligned to all of them. */
KERF_INLINE void kerf_load4_f32(const kerf_f32 *p, float *x)
{
  const float4 v = *(const float4 *)p;
  x[0] = v.x;
  x[1] = v.y;
  x[2] = v.z;
  x[3] = v.w;
}
KERF_INLINE void kerf_load4_f16(const kerf_f16 *p, float *x)
{
  const uint2 v = *(const uint2 *)p;
  x[0] = kerf_f16_to_f32((i32)v.x);
  x[1] = kerf_f16_to_f32((i32)(v.x >> 16));
  x[2] = kerf_f16_to_f32((i32)v.y);
  x[3] = kerf_f16_to_f32((i32)(v.y >> 16));
}
KERF_INLINE void kerf_load4_bf16(const kerf_bf16 *p, float *x)
{
  const uint2 v = *(const uint2 *)p;
  x[0] = kerf_from_bits(v.x << 16);
  x[1] = kerf_from_bits(v.x & 0xffff0000u);
  x[2] = kerf_from_bits(v.y << 16);
  x[3] = kerf_from_bits(v.y & 0xffff0000u);
}

/* Eight elements in accesses of 16 bytes, to which p is aligned. */
KERF_INLINE void kerf_load8_f32(const kerf_f32 *p, float *x)
{
  kerf_load4_f32(p, x);
  kerf_load4_f32(p + 4, x + 4);
}
KERF_INLINE void kerf_load8_f16(const kerf_f16 *p, float *x)
{
  const uint4 v = *(const uint4 *)p;
  const u32 words[4] = {v.x, v.y, v.z, v.w};
  KERF_UNROLL for (u32 i = 0; i < 4; i++) {
    x[2 * i] = kerf_f16_to_f32((i32)words[i]);
    x[2 * i + 1] = kerf_f16_to_f32((i32)(words[i] >> 16));
  }
}

/* ---- arithmetic that is one instruction ---- */

/* a · b + c with one rounding. */
KERF_INLINE float kerf_fma(float a, float b, float c) { return __fmaf_rn(a, b, c); }

/* The larger and the smaller; NaN if either is, and −0 < 0. */
KERF_INLINE float kerf_max(float a, float b)
{
  float x;
  asm("max.NaN.f32 %0, %1, %2;" : "=f"(x) : "f"(a), "f"(b));
  return x;
}
KERF_INLINE float kerf_min(float a, float b)
{
  float x;
  asm("min.NaN.f32 %0, %1, %2;" : "=f"(x) : "f"(a), "f"(b));
  return x;
}

KERF_INLINE float kerf_abs(float x) { return fabsf(x); }
KERF_INLINE float kerf_sqrt(float x) { return __fsqrt_rn(x); }
KERF_INLINE float kerf_floor(float x) { return floorf(x); }
KERF_INLINE float kerf_ceil(float x) { return ceilf(x); }
KERF_INLINE float kerf_trunc(float x) { return truncf(x); }
/* Ties to even. */
KERF_INLINE float kerf_round(float x) { return rintf(x); }
/* The remainder with the sign of a, exact. */
KERF_INLINE float kerf_rem(float a, float b) { return fmodf(a, b); }

/* f64 functions whose rounding to f32 is the function of f32. */
KERF_INLINE double kerf_log_f64(double x) { return log(x); }
KERF_INLINE double kerf_log2_f64(double x) { return log2(x); }
KERF_INLINE double kerf_sin_f64(double x) { return sin(x); }
KERF_INLINE double kerf_cos_f64(double x) { return cos(x); }
KERF_INLINE double kerf_pow_f64(double a, double b) { return pow(a, b); }

#include "kerf_math.h"
