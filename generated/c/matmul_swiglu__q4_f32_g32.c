/*
 * The gated unit of a feed-forward layer: y = silu(x · gateᵀ) · (x · upᵀ), silu(g) = g / (1 + e^−g).
 * Packed as q4_f32_g32, sixteen rows of gate, sixteen of up, and so on.
 *
 * Generated from kernels/ops/matmul_swiglu.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

struct args {
  const float *x; /* f32 [nRows, x_stride] */
  const uint8_t *weight; /* u8 [2 * packedBytes(nOut, nIn)] */
  float *y; /* f32 [nRows, y_stride] */
  const uint32_t *step; /* u32 [stepFields] */
  uint32_t rows_field; /* the field of `step` that counts the rows */
  uint32_t n_in; /* a multiple of the packed group */
  uint32_t n_out;
  uint32_t x_stride; /* elements between rows of x */
  uint32_t y_stride; /* elements between rows of y */
  uint32_t y_offset; /* elements before the first output's of y */
};
_Static_assert(offsetof(struct args, x) == 0, "x");
_Static_assert(offsetof(struct args, weight) == 8, "weight");
_Static_assert(offsetof(struct args, y) == 16, "y");
_Static_assert(offsetof(struct args, step) == 24, "step");
_Static_assert(offsetof(struct args, rows_field) == 32, "rows_field");
_Static_assert(offsetof(struct args, n_in) == 36, "n_in");
_Static_assert(offsetof(struct args, n_out) == 40, "n_out");
_Static_assert(offsetof(struct args, x_stride) == 44, "x_stride");
_Static_assert(offsetof(struct args, y_stride) == 48, "y_stride");
_Static_assert(offsetof(struct args, y_offset) == 52, "y_offset");

#include "kerf_native.h"
#include "kerf_tiles.h"

enum {
  GROUP = 32, /* inputs of a packed block */
  OUTPUTS = 32, /* of one item: two groups of packed rows, one of each product */
  ROWS = 256, /* of one item at most: 576 inputs of them stay in a second-level cache */
  TILE_ROWS = KERF_F32_ROWS, /* of x, whose sums stay in registers … */
  TILE_VECTORS = KERF_F32_VECTORS, /* … by so many vectors of outputs each */
  FEW_ROWS = 4, /* a smaller tile, for the last rows */
  INPUTS = KERF_F32_PANEL, /* unpacked at a time: a panel beside which x fits in a first-level cache */
  NEXT = KERF_F32_NEXT, /* items from that of which weights are read to the one asked for */
};

/* 32 inputs of sixteen output rows. */
struct block {
  kerf_f32 scale[16];
  kerf_f32 offset[16];
  uint8_t codes[GROUP / 2][16]; /* low nibbles: input j; high nibbles: input j + GROUP / 2 */
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
      const f32xn scale = kerf_loadn_f32(&block->scale[lane]);
      const f32xn offset = kerf_loadn_f32(&block->offset[lane]);
      for (uint32_t j = 0; j < GROUP / 2; j++) {
        const i32xn codes = kerf_loadn_u8(&block->codes[j][lane]);
        kerf_storen(&panel[j][lane], kerf_fman(scale, kerf_to_f32xn(codes & 15), offset));
        kerf_storen(&panel[j + GROUP / 2][lane],
            kerf_fman(scale, kerf_to_f32xn(codes >> 4), offset));
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
    const f32xn scale##v = kerf_loadn_f32(&BLOCK(v)->scale[LANE(v)]); \
    const f32xn offset##v = kerf_loadn_f32(&BLOCK(v)->offset[LANE(v)]);
    EACH_VECTOR(SCALES)
#define CODES(v) kerf_loadn_u8(&BLOCK(v)->codes[j][LANE(v)])
#define LOW(v) kerf_fman(scale##v, kerf_to_f32xn(CODES(v) & 15), offset##v)
#define HIGH(v) kerf_fman(scale##v, kerf_to_f32xn(CODES(v) >> 4), offset##v)
#define ADD_LOW(v) sum##v = kerf_fman(xk, LOW(v), sum##v);
    for (uint32_t j = 0; j < GROUP / 2; j++) {
      const f32xn xk = kerf_splatn(x[k + j]);
      EACH_VECTOR(ADD_LOW)
    }
#define ADD_HIGH(v) sum##v = kerf_fman(xk, HIGH(v), sum##v);
    for (uint32_t j = 0; j < GROUP / 2; j++) {
      const f32xn xk = kerf_splatn(x[k + GROUP / 2 + j]);
      EACH_VECTOR(ADD_HIGH)
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

/* One item: up to ROWS rows by sixteen outputs of both products, the outputs running faster. */
static void matmul_swiglu__q4_f32_g32(const struct args *restrict args,
  uint32_t first, uint32_t last)
{
  const uint32_t n_in = args->n_in;
  const uint32_t n_blocks = (args->n_out + 15) / 16;

  for (uint32_t item = first; item < last; item++) {
    const uint32_t column = item % n_blocks * 16;
    const size_t row = item / n_blocks * ROWS;
    const uint32_t rest = args->step[args->rows_field] - row;
    const uint32_t n_rows = rest < ROWS ? rest : ROWS;
    const float *x = &args->x[row * args->x_stride];

    const size_t group = column / 16 * 2;
    const struct block *low = (const struct block *)args->weight + group * (n_in / GROUP);
    const struct block *high = low + n_in / GROUP;

    _Alignas(64) float sums[ROWS][OUTPUTS];
    if (n_rows == 1) {
      multiply_row(x, n_in, low, high, sums[0]);
    } else {
      multiply_rows(n_rows, x, args->x_stride, n_in, low, high, sums);
    }

    const uint32_t n = kerf_lanes(args->n_out - column);
    for (uint32_t r = 0; r < n_rows; r++) {
      float *y_row = &args->y[(row + r) * args->y_stride + args->y_offset + column];
      const f32x16 gate = kerf_load16(&sums[r][0]);
      const f32x16 up = kerf_load16(&sums[r][16]);
#line 9 "kernels/ops/matmul_swiglu.ts"
      const f32x16 y = gate / (1.0f + kerf_exp16(-gate)) * up;
#line 218 "generated/c/matmul_swiglu__q4_f32_g32.c"
      kerf_store16_first(y_row, y, n);
    }
  }
}

KERF_EXPORT uint64_t matmul_swiglu__q4_f32_g32_address(void);
uint64_t matmul_swiglu__q4_f32_g32_address(void)
{
  return (uint64_t)(uintptr_t)matmul_swiglu__q4_f32_g32;
}
