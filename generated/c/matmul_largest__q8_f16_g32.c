/*
 * y = x · Wᵀ.
 * Of each sixteen outputs of a row only the largest is stored, and its place.
 * W is packed as q8_f16_g32 (src/core/packing.ts).
 *
 * Generated from kernels/ops/matmul.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

struct args {
  const float *x; /* f32 [nRows, x_stride] */
  const uint8_t *weight; /* u8 [packedBytes(nOut, nIn)] */
  float *largest; /* f32 [nRows, groups_stride] */
  uint32_t *places; /* u32 [nRows, groups_stride] */
  const uint32_t *step; /* u32 [stepFields] */
  uint32_t rows_field; /* the field of `step` that counts the rows */
  uint32_t n_in; /* a multiple of the packed group */
  uint32_t n_out;
  uint32_t x_stride; /* elements between rows of x */
  uint32_t groups_stride; /* groups of 16 outputs between rows of largest and places */
  uint32_t y_offset; /* place of the first output, a multiple of 16 */
};
_Static_assert(offsetof(struct args, x) == 0, "x");
_Static_assert(offsetof(struct args, weight) == 8, "weight");
_Static_assert(offsetof(struct args, largest) == 16, "largest");
_Static_assert(offsetof(struct args, places) == 24, "places");
_Static_assert(offsetof(struct args, step) == 32, "step");
_Static_assert(offsetof(struct args, rows_field) == 40, "rows_field");
_Static_assert(offsetof(struct args, n_in) == 44, "n_in");
_Static_assert(offsetof(struct args, n_out) == 48, "n_out");
_Static_assert(offsetof(struct args, x_stride) == 52, "x_stride");
_Static_assert(offsetof(struct args, groups_stride) == 56, "groups_stride");
_Static_assert(offsetof(struct args, y_offset) == 60, "y_offset");

#include "kerf_largest.h"
#include "kerf_native.h"
#include "kerf_tiles.h"

enum {
  GROUP = 32, /* inputs of a packed block */
  OUTPUTS = 32, /* of one item: two groups of packed rows */
  ROWS = 256, /* of one item at most: 576 inputs of them stay in a second-level cache */
  TILE_ROWS = KERF_F32_ROWS, /* of x, whose sums stay in registers … */
  TILE_VECTORS = KERF_F32_VECTORS, /* … by so many vectors of outputs each */
  FEW_ROWS = 4, /* a smaller tile, for the last rows */
  INPUTS = KERF_F32_PANEL, /* unpacked at a time: a panel beside which x fits in a first-level cache */
  NEXT = KERF_F32_NEXT, /* items from that of which weights are read to the one asked for */
};

/* 32 inputs of sixteen output rows. */
struct block {
  kerf_f16 scale[16];
  kerf_f16 offset[16];
  uint8_t codes[GROUP][16];
};

/* Vectors of an item's outputs. */
#if KERF_N == 16
#define EACH_VECTOR(do) do(0) do(1)
#elif KERF_N == 8
#define EACH_VECTOR(do) do(0) do(1) do(2) do(3)
#else
#define EACH_VECTOR(do) do(0) do(1) do(2) do(3) do(4) do(5) do(6) do(7)
#endif

/*
 * Asks for what an item further on has in this place, into the second-level cache: a place further on in the
 * same item would be read before memory has answered.
 */
KERF_INLINE void prefetch_next(const struct block *block, uint32_t n_in)
{
  const char *next = (const char *)(block + 2 * NEXT * (n_in / GROUP));
  for (size_t i = 0; i < sizeof *block; i += 64) __builtin_prefetch(next + i, 0, 2);
}

/* n of n_in weights of sixteen outputs as f32, each rounded once, to the columns at panel. */
static void unpack(const struct block *restrict block, uint32_t n, uint32_t n_in,
  float (*restrict panel)[OUTPUTS])
{
  for (uint32_t k = 0; k < n; k += GROUP, block++, panel += GROUP) {
    prefetch_next(block, n_in);
    for (uint32_t lane = 0; lane < 16; lane += KERF_N) {
      const f32xn scale = kerf_loadn_f16(&block->scale[lane]);
      const f32xn offset = kerf_loadn_f16(&block->offset[lane]);
      for (uint32_t j = 0; j < GROUP; j++) {
        const f32xn code = kerf_to_f32xn(kerf_loadn_u8(&block->codes[j][lane]));
        kerf_storen(&panel[j][lane], kerf_fman(scale, code, offset));
      }
    }
  }
}

/* One row of x by all outputs of an item, straight from the packed weights. */
static void multiply_row(const float *restrict x, uint32_t n_in, const struct block *low,
  const struct block *high, float *restrict sums)
{
#define BLOCK(v) ((v) * KERF_N < 16 ? low : high)
#define LANE(v) ((v) * KERF_N % 16)
#define START(v) f32xn sum##v = {0};
  EACH_VECTOR(START)
  for (uint32_t k = 0; k < n_in; k += GROUP, low++, high++) {
    prefetch_next(low, n_in);
    prefetch_next(high, n_in);
#define SCALES(v) \
    const f32xn scale##v = kerf_loadn_f16(&BLOCK(v)->scale[LANE(v)]); \
    const f32xn offset##v = kerf_loadn_f16(&BLOCK(v)->offset[LANE(v)]);
    EACH_VECTOR(SCALES)
#define CODE(v) kerf_to_f32xn(kerf_loadn_u8(&BLOCK(v)->codes[j][LANE(v)]))
#define WEIGHT(v) kerf_fman(scale##v, CODE(v), offset##v)
#define ADD(v) sum##v = kerf_fman(xk, WEIGHT(v), sum##v);
    for (uint32_t j = 0; j < GROUP; j++) {
      const f32xn xk = kerf_splatn(x[k + j]);
      EACH_VECTOR(ADD)
    }
  }
#define FINISH(v) kerf_storen(&sums[(v) * KERF_N], sum##v);
  EACH_VECTOR(FINISH)
}

/*
 * n_rows rows of x by TILE_VECTORS vectors of the panel, added to their sums. n_rows is a constant once this
 * is inlined, so that every sum has a register.
 */
KERF_INLINE void multiply_tile(const uint32_t n_rows, const float *restrict x, size_t x_stride,
  uint32_t n_in, const float (*restrict panel)[OUTPUTS],
  float (*restrict sums)[OUTPUTS])
{
  f32xn tile[TILE_ROWS][TILE_VECTORS];
  KERF_UNROLL for (uint32_t r = 0; r < n_rows; r++) {
    KERF_UNROLL for (uint32_t v = 0; v < TILE_VECTORS; v++)
      tile[r][v] = kerf_loadn(&sums[r][v * KERF_N]);
  }
  for (uint32_t k = 0; k < n_in; k++) {
    f32xn weights[TILE_VECTORS];
    KERF_UNROLL for (uint32_t v = 0; v < TILE_VECTORS; v++)
      weights[v] = kerf_loadn(&panel[k][v * KERF_N]);
    KERF_UNROLL for (uint32_t r = 0; r < n_rows; r++) {
      const f32xn xk = kerf_splatn(x[r * x_stride + k]);
      KERF_UNROLL for (uint32_t v = 0; v < TILE_VECTORS; v++)
        tile[r][v] = kerf_fman(xk, weights[v], tile[r][v]);
    }
  }
  KERF_UNROLL for (uint32_t r = 0; r < n_rows; r++) {
    KERF_UNROLL for (uint32_t v = 0; v < TILE_VECTORS; v++)
      kerf_storen(&sums[r][v * KERF_N], tile[r][v]);
  }
}

/* n_rows rows of x (1, FEW_ROWS or TILE_ROWS) by the whole panel. */
static void multiply_panel(uint32_t n_rows, const float *restrict x, size_t x_stride, uint32_t n_in,
  const float (*restrict panel)[OUTPUTS], float (*restrict sums)[OUTPUTS])
{
  for (uint32_t c = 0; c < OUTPUTS; c += TILE_VECTORS * KERF_N) {
    const float (*weights)[OUTPUTS] = (const float (*)[OUTPUTS])&panel[0][c];
    float (*columns)[OUTPUTS] = (float (*)[OUTPUTS])&sums[0][c];
    if (n_rows == TILE_ROWS) multiply_tile(TILE_ROWS, x, x_stride, n_in, weights, columns);
    else if (n_rows == FEW_ROWS) multiply_tile(FEW_ROWS, x, x_stride, n_in, weights, columns);
    else multiply_tile(1, x, x_stride, n_in, weights, columns);
  }
}

/* Two and more rows of x by all outputs of an item: weights are unpacked once for all rows. */
static void multiply_rows(uint32_t n_rows, const float *restrict x, size_t x_stride, uint32_t n_in,
  const struct block *low, const struct block *high,
  float (*restrict sums)[OUTPUTS])
{
  _Alignas(64) float panel[INPUTS][OUTPUTS];
  memset(sums, 0, n_rows * sizeof *sums);
  for (uint32_t k = 0; k < n_in; k += INPUTS) {
    const uint32_t n = n_in - k < INPUTS ? n_in - k : INPUTS;
    unpack(low + k / GROUP, n, n_in, panel);
    unpack(high + k / GROUP, n, n_in, (float (*)[OUTPUTS])&panel[0][16]);
    for (uint32_t row = 0, n_tile; row < n_rows; row += n_tile) {
      n_tile = n_rows - row >= TILE_ROWS ? TILE_ROWS : n_rows - row >= FEW_ROWS ? FEW_ROWS : 1;
      multiply_panel(n_tile, &x[row * x_stride + k], x_stride, n,
        (const float (*)[OUTPUTS])panel, &sums[row]);
    }
  }
}

/* One item: up to ROWS rows by OUTPUTS outputs, the outputs running faster. */
static void matmul_largest__q8_f16_g32(const struct args *restrict args,
  uint32_t first, uint32_t last)
{
  const uint32_t n_in = args->n_in;
  const uint32_t n_groups = (args->n_out + 15) / 16;
  const uint32_t n_blocks = (n_groups + 1) / 2;

  for (uint32_t item = first; item < last; item++) {
    const uint32_t column = item % n_blocks * OUTPUTS;
    const size_t row = item / n_blocks * ROWS;
    const uint32_t rest = args->step[args->rows_field] - row;
    const uint32_t n_rows = rest < ROWS ? rest : ROWS;
    const float *x = &args->x[row * args->x_stride];

    /* Without a second group the first stands in for it; its sums are not stored. */
    const size_t group = column / 16;
    const struct block *weight = (const struct block *)args->weight;
    const struct block *low = weight + group * (n_in / GROUP);
    const struct block *high = group + 1 < n_groups ? low + n_in / GROUP : low;

    _Alignas(64) float sums[ROWS][OUTPUTS];
    if (n_rows == 1) {
      multiply_row(x, n_in, low, high, sums[0]);
    } else {
      multiply_rows(n_rows, x, args->x_stride, n_in, low, high, sums);
    }

    const uint32_t n_columns = args->n_out - column < OUTPUTS ? args->n_out - column : OUTPUTS;
    for (uint32_t r = 0; r < n_rows; r++) {
      for (uint32_t c = 0; c < n_columns; c += 16) {
        const uint32_t n = kerf_lanes(n_columns - c);
        const f32x16 sum = kerf_load16(&sums[r][c]);

        const f32x16 outputs = sum;
        const uint32_t first_place = args->y_offset + column + c;
        const uint32_t lane = kerf_largest16(outputs, n);
        const size_t group_of_row = (row + r) * args->groups_stride + first_place / 16;
        args->largest[group_of_row] = outputs[lane];
        args->places[group_of_row] = first_place + lane;
      }
    }
  }
}

KERF_EXPORT uint64_t matmul_largest__q8_f16_g32_address(void);
uint64_t matmul_largest__q8_f16_g32_address(void)
{
  return (uint64_t)(uintptr_t)matmul_largest__q8_f16_g32;
}
