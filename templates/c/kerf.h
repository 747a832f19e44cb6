/*
 * What every generated C kernel includes: the system's headers, and by way of the headers below sixteen-lane
 * vectors, loads and stores, and the operations of src/ir/ops.ts.
 *
 * A lane's result depends on that lane alone and is the same on every instruction set: intrinsics only
 * replace what the portable form computes bit for bit.
 */
#pragma once

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(__SSE2__)
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

/* Before a short loop whose turns should all be spelled out. */
#if defined(__clang__)
#define KERF_UNROLL _Pragma("unroll")
#else
#define KERF_UNROLL _Pragma("GCC unroll 16")
#endif

#include "kerf_lanes.h"
#include "kerf_memory.h"
#include "kerf_f32.h"
#include "kerf_i32.h"
#include "kerf_halves.h"
#include "kerf_math.h"
