/*
 * y = residual + x · Wᵀ; y may be the residual's own buffer.
 * y_codes are y but for the scales of the norm that comes next, y_sums what makes them.
 * x comes as 8-bit codes.
 * W is packed as q8_f32_g16 (src/core/packing.ts).
 *
 * Generated from kernels/ops/matmul_add.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

struct args {
  const uint8_t *x; /* u8 [nRows, q8RowBytes(x_stride)] */
  const uint8_t *weight; /* u8 [packedBytes(nOut, nIn)] */
  const float *residual; /* f32 [nRows, residual_stride] */
  const float *gain; /* f32 [y_stride] */
  float *y; /* f32 [nRows, y_stride] */
  uint8_t *y_codes; /* u8 [nRows, q8RowBytes(y_stride)] */
  float *y_sums; /* f32 [⌈nRows / 16⌉, y_stride / 32, 16] */
  const uint32_t *step; /* u32 [stepFields] */
  uint32_t rows_field; /* the field of `step` that counts the rows */
  uint32_t n_in; /* a multiple of the packed group */
  uint32_t n_out; /* a multiple of 32 */
  uint32_t x_stride; /* elements between rows of x */
  uint32_t y_stride; /* elements between rows of y */
  uint32_t y_offset; /* elements before the first output's of y */
  uint32_t residual_stride; /* elements between rows of residual */
  uint32_t residual_offset; /* elements before the first output's of residual */
};
_Static_assert(offsetof(struct args, x) == 0, "x");
_Static_assert(offsetof(struct args, weight) == 8, "weight");
_Static_assert(offsetof(struct args, residual) == 16, "residual");
_Static_assert(offsetof(struct args, gain) == 24, "gain");
_Static_assert(offsetof(struct args, y) == 32, "y");
_Static_assert(offsetof(struct args, y_codes) == 40, "y_codes");
_Static_assert(offsetof(struct args, y_sums) == 48, "y_sums");
_Static_assert(offsetof(struct args, step) == 56, "step");
_Static_assert(offsetof(struct args, rows_field) == 64, "rows_field");
_Static_assert(offsetof(struct args, n_in) == 68, "n_in");
_Static_assert(offsetof(struct args, n_out) == 72, "n_out");
_Static_assert(offsetof(struct args, x_stride) == 76, "x_stride");
_Static_assert(offsetof(struct args, y_stride) == 80, "y_stride");
_Static_assert(offsetof(struct args, y_offset) == 84, "y_offset");
_Static_assert(offsetof(struct args, residual_stride) == 88, "residual_stride");
_Static_assert(offsetof(struct args, residual_offset) == 92, "residual_offset");

#include "kerf_native.h"
#include "kerf_q8.h"
#include "kerf_store_q8.h"
#include "kerf_tiles.h"

enum {
  GROUP = 16, /* inputs of a packed block */
  CODE_BITS = 8,
  PARTS = KERF_Q8_INPUTS / GROUP, /* packed blocks that meet one of x */
  OUTPUTS = 32, /* of one item: two groups of packed rows */
  ROWS = 256, /* of one item at most: 576 inputs of them stay in a second-level cache */
  TILE_ROWS = KERF_Q8_ROWS, /* of x, whose sums stay in registers … */
  TILE_VECTORS = KERF_Q8_VECTORS, /* … by so many vectors of outputs each */
  FEW_ROWS = 4, /* a smaller tile, for the last rows */
  INPUTS = KERF_Q8_PANEL, /* unpacked at a time: a panel beside which x fits in a first-level cache */
  NEXT = KERF_Q8_NEXT, /* items from that of which weights are read to the one asked for */
};

/* 16 inputs of sixteen output rows. */
struct block {
  kerf_f32 scale[16];
  kerf_f32 offset[16];
  uint8_t codes[GROUP][16];
};

/* GROUP inputs of an item's outputs, four of them in a word. */
struct panel {
  float scale[OUTPUTS];
  float offset[OUTPUTS];
  int32_t codes[GROUP / 4][OUTPUTS];
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

/* The sum of the codes of x that meet a packed block. */
KERF_INLINE float sum_of(const struct kerf_q8 *x, uint32_t part)
{
  return PARTS == 1 ? x->sum : x->half_sums[part];
}

/* Whether the wide word of x is among them. */
KERF_INLINE bool holds_wide(const struct kerf_q8 *x, uint32_t part)
{
  return PARTS == 1 || x->wide / (GROUP / 4) == part;
}

/* sum + Σ (scale · code + offset) · x, where `product` is Σ code · x and `x_sum` is Σ x. */
KERF_INLINE f32xn add_block(f32xn sum, f32xn product, f32xn scale, f32xn offset, float x_sum)
{
  return kerf_fman(scale, product, kerf_fman(offset, kerf_splatn(x_sum), sum));
}

/* n of n_in weights of sixteen outputs, to the columns of the panel from `column` on. */
static void unpack(const struct block *restrict block, uint32_t n, uint32_t n_in, uint32_t column,
  struct panel *restrict panel)
{
  for (uint32_t k = 0; k < n; k += GROUP, block++, panel++) {
    prefetch_next(block, n_in);
    for (uint32_t lane = 0; lane < 16; lane += KERF_N) {
      kerf_storen(&panel->scale[column + lane], kerf_loadn_f32(&block->scale[lane]));
      kerf_storen(&panel->offset[column + lane], kerf_loadn_f32(&block->offset[lane]));
      for (uint32_t q = 0; q < GROUP / 4; q++) {
        const i32xn words = kerf_load_words(&block->codes[4 * q], lane);
        memcpy(&panel->codes[q][column + lane], &words, sizeof words);
      }
    }
  }
}

/* One row of x by all outputs of an item, straight from the packed weights. */
static void multiply_row(const struct kerf_q8 *restrict x, uint32_t n_in, const struct block *low,
  const struct block *high, float *restrict sums)
{
#define BLOCK(v) ((v) * KERF_N < 16 ? low : high)
#define LANE(v) ((v) * KERF_N % 16)
#define START(v) f32xn sum##v = {0};
  EACH_VECTOR(START)
  for (uint32_t k = 0; k < n_in; k += KERF_Q8_INPUTS, x++) {
    for (uint32_t part = 0; part < PARTS; part++, low++, high++) {
      prefetch_next(low, n_in);
      prefetch_next(high, n_in);
#define START_DOT(v) i32xn dot##v = kerf_q8_start(x->start);
      EACH_VECTOR(START_DOT)
      for (uint32_t q = 0; q < GROUP / 4; q++) {
        const int32_t word = kerf_q8_word(x, part * (GROUP / 4) + q);
#define ADD_WORDS(v) \
        dot##v = kerf_dot4_codes(dot##v, kerf_load_words(&BLOCK(v)->codes[4 * q], LANE(v)), word, CODE_BITS);
        EACH_VECTOR(ADD_WORDS)
      }

#define END_DOT(v) f32xn product##v = kerf_q8_end(dot##v, x->start);
      EACH_VECTOR(END_DOT)
      if (holds_wide(x, part)) {
        const uint32_t q = x->wide % (GROUP / 4);
#define WORD(v) kerf_load_words(&BLOCK(v)->codes[4 * q], LANE(v))

#define ADD_HIGH(v) product##v += kerf_q8_high(x, WORD(v), CODE_BITS);
        EACH_VECTOR(ADD_HIGH)
      }
#define SCALE(v) kerf_loadn_f32(&BLOCK(v)->scale[LANE(v)])
#define OFFSET(v) kerf_loadn_f32(&BLOCK(v)->offset[LANE(v)])
#define ADD_BLOCK(v) sum##v = add_block(sum##v, product##v, SCALE(v), OFFSET(v), sum_of(x, part));
      EACH_VECTOR(ADD_BLOCK)
    }
  }
#define FINISH(v) kerf_storen(&sums[(v) * KERF_N], sum##v);
  EACH_VECTOR(FINISH)
}

/*
 * n_rows rows of x by TILE_VECTORS vectors of the panel, added to their sums. n_rows is a constant once this
 * is inlined, so that every sum has a register.
 */
KERF_INLINE void multiply_tile(const uint32_t n_rows, const struct kerf_q8 *restrict x,
  size_t x_stride, uint32_t n_in, uint32_t column,
  const struct panel *restrict panel, float (*restrict sums)[OUTPUTS])
{
  for (uint32_t k = 0; k < n_in; k += KERF_Q8_INPUTS, x++) {
    for (uint32_t part = 0; part < PARTS; part++, panel++) {
      i32xn dots[TILE_ROWS][TILE_VECTORS];
      KERF_UNROLL for (uint32_t r = 0; r < n_rows; r++) {
        KERF_UNROLL for (uint32_t v = 0; v < TILE_VECTORS; v++)
          dots[r][v] = kerf_q8_start(x[r * x_stride].start);
      }
      for (uint32_t q = 0; q < GROUP / 4; q++) {
        i32xn codes[TILE_VECTORS];
        KERF_UNROLL for (uint32_t v = 0; v < TILE_VECTORS; v++) {
          codes[v] = kerf_loadn_i32(&panel->codes[q][column + v * KERF_N]);
        }
        KERF_UNROLL for (uint32_t r = 0; r < n_rows; r++) {
          const int32_t word = kerf_q8_word(&x[r * x_stride], part * (GROUP / 4) + q);
          KERF_UNROLL for (uint32_t v = 0; v < TILE_VECTORS; v++)
            dots[r][v] = kerf_dot4_codes(dots[r][v], codes[v], word, CODE_BITS);
        }
      }
      f32xn scale[TILE_VECTORS], offset[TILE_VECTORS];
      KERF_UNROLL for (uint32_t v = 0; v < TILE_VECTORS; v++) {
        scale[v] = kerf_loadn(&panel->scale[column + v * KERF_N]);
        offset[v] = kerf_loadn(&panel->offset[column + v * KERF_N]);
      }
      KERF_UNROLL for (uint32_t r = 0; r < n_rows; r++) {
        const struct kerf_q8 *x_row = &x[r * x_stride];
        f32xn products[TILE_VECTORS];
        KERF_UNROLL for (uint32_t v = 0; v < TILE_VECTORS; v++)
          products[v] = kerf_q8_end(dots[r][v], x_row->start);
        if (holds_wide(x_row, part)) {
          const int32_t *codes = &panel->codes[x_row->wide % (GROUP / 4)][column];
          KERF_UNROLL for (uint32_t v = 0; v < TILE_VECTORS; v++) {
            products[v] += kerf_q8_high(x_row, kerf_loadn_i32(codes + v * KERF_N), CODE_BITS);
          }
        }
        KERF_UNROLL for (uint32_t v = 0; v < TILE_VECTORS; v++) {
          float *at = &sums[r][column + v * KERF_N];
          kerf_storen(at,
              add_block(kerf_loadn(at), products[v], scale[v], offset[v], sum_of(x_row, part)));
        }
      }
    }
  }
}

/* n_rows rows of x (1, FEW_ROWS or TILE_ROWS) by the whole panel. */
static void multiply_panel(uint32_t n_rows, const struct kerf_q8 *restrict x, size_t x_stride,
  uint32_t n_in, const struct panel *panel, float (*restrict sums)[OUTPUTS])
{
  for (uint32_t column = 0; column < OUTPUTS; column += TILE_VECTORS * KERF_N) {
    if (n_rows == TILE_ROWS) multiply_tile(TILE_ROWS, x, x_stride, n_in, column, panel, sums);
    else if (n_rows == FEW_ROWS) multiply_tile(FEW_ROWS, x, x_stride, n_in, column, panel, sums);
    else multiply_tile(1, x, x_stride, n_in, column, panel, sums);
  }
}

/* How many of n_rows rows make the next tile. */
KERF_INLINE uint32_t tile_of(uint32_t n_rows)
{
  return n_rows >= TILE_ROWS ? TILE_ROWS : n_rows >= FEW_ROWS ? FEW_ROWS : 1;
}

/* The codes of a row's outputs from `column` on. */
KERF_INLINE struct kerf_q8 *codes_of(const struct args *args, size_t row, uint32_t column)
{
  const size_t first = row * args->y_stride + args->y_offset + column;
  return (struct kerf_q8 *)args->y_codes + first / KERF_Q8_INPUTS;
}

/* Asks for what finish_rows is going to read and write, which lies apart for each row. */
KERF_INLINE void fetch_rows(const struct args *args, size_t row, uint32_t n_rows, uint32_t column)
{
  for (uint32_t r = 0; r < n_rows; r++) {
    kerf_fetch_near(&args->residual[(row + r) * args->residual_stride + args->residual_offset
        + column], OUTPUTS * sizeof(float));
    kerf_fetch_near(&args->y[(row + r) * args->y_stride + args->y_offset + column],
        OUTPUTS * sizeof(float));
    kerf_fetch_near(codes_of(args, row + r, column), sizeof(struct kerf_q8));
  }
}

/* Makes outputs of the sums of rows `first` to `last` - 1 of an item, which begins with row `row`. */
static void finish_rows(const struct args *args, size_t row, uint32_t first, uint32_t last,
  uint32_t column, float (*sums)[OUTPUTS])
{
  f32x16 values[TILE_ROWS][2];
  for (uint32_t r = first; r < last; r++) {
    const float *residual_row = &args->residual[(row + r) * args->residual_stride
        + args->residual_offset + column];
    float *y_row = &args->y[(row + r) * args->y_stride + args->y_offset + column];
    f32x16 *halves = values[r - first], total = {0};
    for (uint32_t half = 0; half < 2; half++) {
      const f32x16 sum = kerf_load16(&sums[r][16 * half]);
      const f32x16 residual = kerf_load16(&residual_row[16 * half]);
#line 8 "kernels/ops/matmul_add.ts"
      const f32x16 y = residual + sum;
#line 276 "generated/c/matmul_add_q8_q8__q8_f32_g16.c"
      kerf_store16(&y_row[16 * half], y);
      const f32x16 gain = kerf_load16(&args->gain[args->y_offset + column + 16 * half]);
      halves[half] = y * gain;
      total += y * y;
    }
    const size_t n_blocks = args->y_stride / KERF_Q8_INPUTS;
    const size_t block = (args->y_offset + column) / KERF_Q8_INPUTS;
    args->y_sums[kerf_q8_sum_place(row + r, n_blocks, block)] = kerf_sum16(total);
  }
  const size_t y_stride = args->y_stride / KERF_Q8_INPUTS;
  kerf_store_all_q8(codes_of(args, row + first, column), y_stride, (const f32x16 (*)[2])values,
      last - first);
}

/* One item: up to ROWS rows by OUTPUTS outputs, the outputs running faster. */
static void matmul_add_q8_q8__q8_f32_g16(const struct args *restrict args,
  uint32_t first, uint32_t last)
{
  const uint32_t n_in = args->n_in;
  const uint32_t n_blocks = args->n_out / OUTPUTS;
  _Alignas(64) struct panel panel[INPUTS / GROUP];
  _Alignas(64) float sums[ROWS][OUTPUTS];

  for (uint32_t item = first; item < last; item++) {
    const uint32_t column = item % n_blocks * OUTPUTS;
    const size_t row = item / n_blocks * ROWS;
    const uint32_t rest = args->step[args->rows_field] - row;
    const uint32_t n_rows = rest < ROWS ? rest : ROWS;
    const size_t x_stride = args->x_stride / KERF_Q8_INPUTS;
    const struct kerf_q8 *x = (const struct kerf_q8 *)args->x + row * x_stride;

    const size_t group = column / 16;
    const struct block *low = (const struct block *)args->weight + group * (n_in / GROUP);
    const struct block *high = low + n_in / GROUP;

    kerf_fetch(&args->gain[args->y_offset + column], OUTPUTS * sizeof(float));

    if (n_rows == 1) {
      fetch_rows(args, row, 1, column);
      multiply_row(x, n_in, low, high, sums[0]);
      finish_rows(args, row, 0, 1, column, sums);
      continue;
    }
    /* Weights are unpacked once for all rows. A tile's outputs are made while its sums are near. */
    for (uint32_t k = 0; k < n_in; k += INPUTS) {
      const uint32_t n = n_in - k < INPUTS ? n_in - k : INPUTS;
      unpack(low + k / GROUP, n, n_in, 0, panel);
      unpack(high + k / GROUP, n, n_in, 16, panel);
      const bool finishes = k + n == n_in;
      for (uint32_t r = 0, n_tile; r < n_rows; r += n_tile) {
        n_tile = tile_of(n_rows - r);
        if (finishes) fetch_rows(args, row + r, n_tile, column);
        if (k == 0) memset(sums[r], 0, n_tile * sizeof sums[r]);
        multiply_panel(n_tile, &x[r * x_stride + k / KERF_Q8_INPUTS], x_stride, n, panel, &sums[r]);
        if (finishes) finish_rows(args, row, r, r + n_tile, column, sums);
      }
    }
  }
}

KERF_EXPORT uint64_t matmul_add_q8_q8__q8_f32_g16_address(void);
uint64_t matmul_add_q8_q8__q8_f32_g16_address(void)
{
  return (uint64_t)(uintptr_t)matmul_add_q8_q8__q8_f32_g16;
}
