/*
 * How the loops of matrix products are cut on each instruction set: src/emit/targets/c/tiles.ts, which
 * `deno task bench tune` finds. No bit of a result depends on it.
 *
 * Include after kerf_native.h.
 */
#pragma once

#if KERF_N == 16 && defined(__AVX512VNNI__)
enum {
  KERF_F32_ROWS = 6,
  KERF_F32_VECTORS = 2,
  KERF_F32_PANEL = 192,
  KERF_F32_NEXT = 1,
};
enum {
  KERF_Q8_ROWS = 4,
  KERF_Q8_VECTORS = 2,
  KERF_Q8_PANEL = 576,
  KERF_Q8_NEXT = 1,
};

#elif KERF_N == 16
enum {
  KERF_F32_ROWS = 12,
  KERF_F32_VECTORS = 2,
  KERF_F32_PANEL = 192,
  KERF_F32_NEXT = 1,
};
enum {
  KERF_Q8_ROWS = 8,
  KERF_Q8_VECTORS = 2,
  KERF_Q8_PANEL = 576,
  KERF_Q8_NEXT = 1,
};

#elif KERF_N == 8
enum {
  KERF_F32_ROWS = 6,
  KERF_F32_VECTORS = 2,
  KERF_F32_PANEL = 192,
  KERF_F32_NEXT = 1,
};
enum {
  KERF_Q8_ROWS = 4,
  KERF_Q8_VECTORS = 2,
  KERF_Q8_PANEL = 576,
  KERF_Q8_NEXT = 1,
};

#elif defined(__ARM_FEATURE_DOTPROD)
enum {
  KERF_F32_ROWS = 6,
  KERF_F32_VECTORS = 4,
  KERF_F32_PANEL = 192,
  KERF_F32_NEXT = 1,
};
enum {
  KERF_Q8_ROWS = 6,
  KERF_Q8_VECTORS = 4,
  KERF_Q8_PANEL = 576,
  KERF_Q8_NEXT = 1,
};

#else
enum {
  KERF_F32_ROWS = 6,
  KERF_F32_VECTORS = 2,
  KERF_F32_PANEL = 192,
  KERF_F32_NEXT = 1,
};
enum {
  KERF_Q8_ROWS = 4,
  KERF_Q8_VECTORS = 2,
  KERF_Q8_PANEL = 576,
  KERF_Q8_NEXT = 1,
};
#endif
