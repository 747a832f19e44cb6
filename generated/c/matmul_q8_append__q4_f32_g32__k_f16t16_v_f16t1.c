/*
 * y = x · Wᵀ.
 * x is normed but for the rows' scales, which are made here of x_sums.
 * x comes as 8-bit codes.
 * y has q, k and v of rows: q is rotated and stored, k is rotated, and k and v are stored in the cache.
 * W is packed as q4_f32_g32 (src/core/packing.ts).
 *
 * Generated from kernels/ops/matmul.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

#ifndef HEAD_DIM
#error "compile with -DHEAD_DIM=N"
#endif

struct args {
  const uint8_t *x; /* u8 [nRows, q8RowBytes(x_stride)] */
  const uint8_t *weight; /* u8 [packedBytes(nOut, nIn)] */
  const float *x_sums; /* f32 [⌈nRows / 16⌉, n_in / 32, 16] */
  float *y; /* f32 [nRows, y_stride] */
  const float *rope; /* f32 [nCtx, headDim] */
  const uint32_t *row_position; /* u32 [nRows] */
  const uint32_t *row_seq; /* u32 [nRows] */
  const uint32_t *seqs; /* u32 [nSeqs, 4] */
  const uint32_t *pages; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
  const uint32_t *heads; /* u32 [nSlots, nLayers, nKvHeads, head_fields] */
  uint8_t *arena; /* u8 [arenaBytes] */
  float *q_ring; /* f32 [nSlots, nLayers, nHeads, window, headDim] */
  const uint32_t *step; /* u32 [stepFields] */
  uint32_t rows_field; /* the field of `step` that counts the rows */
  uint32_t n_in; /* a multiple of the packed group */
  uint32_t n_out;
  uint32_t x_stride; /* elements between rows of x */
  uint32_t y_stride; /* elements between rows of y */
  uint32_t y_offset; /* elements before the first output's of y */
  float eps;
  uint32_t layer;
  uint32_t n_layers;
  uint32_t n_heads;
  uint32_t n_kv_heads;
  uint32_t page_entries; /* entries of a head in pages */
  uint32_t key_page; /* first page entry of the last segment of keys */
  uint32_t value_page; /* first page entry of the last segment of values */
  uint32_t head_fields; /* fields of a head in heads */
  uint32_t key_field; /* that of the rows of the last segment of keys */
  uint32_t value_field; /* that of the rows of the last segment of values */
  uint32_t value_start; /* bytes of a page of values before its rows; not 0: it begins with positions */
  uint32_t window; /* places of the ring; 0: there is none */
  uint32_t second_window; /* places of a second ring in q_ring; 0: there is none */
  uint32_t second_ring; /* its first element */
};
_Static_assert(offsetof(struct args, x) == 0, "x");
_Static_assert(offsetof(struct args, weight) == 8, "weight");
_Static_assert(offsetof(struct args, x_sums) == 16, "x_sums");
_Static_assert(offsetof(struct args, y) == 24, "y");
_Static_assert(offsetof(struct args, rope) == 32, "rope");
_Static_assert(offsetof(struct args, row_position) == 40, "row_position");
_Static_assert(offsetof(struct args, row_seq) == 48, "row_seq");
_Static_assert(offsetof(struct args, seqs) == 56, "seqs");
_Static_assert(offsetof(struct args, pages) == 64, "pages");
_Static_assert(offsetof(struct args, heads) == 72, "heads");
_Static_assert(offsetof(struct args, arena) == 80, "arena");
_Static_assert(offsetof(struct args, q_ring) == 88, "q_ring");
_Static_assert(offsetof(struct args, step) == 96, "step");
_Static_assert(offsetof(struct args, rows_field) == 104, "rows_field");
_Static_assert(offsetof(struct args, n_in) == 108, "n_in");
_Static_assert(offsetof(struct args, n_out) == 112, "n_out");
_Static_assert(offsetof(struct args, x_stride) == 116, "x_stride");
_Static_assert(offsetof(struct args, y_stride) == 120, "y_stride");
_Static_assert(offsetof(struct args, y_offset) == 124, "y_offset");
_Static_assert(offsetof(struct args, eps) == 128, "eps");
_Static_assert(offsetof(struct args, layer) == 132, "layer");
_Static_assert(offsetof(struct args, n_layers) == 136, "n_layers");
_Static_assert(offsetof(struct args, n_heads) == 140, "n_heads");
_Static_assert(offsetof(struct args, n_kv_heads) == 144, "n_kv_heads");
_Static_assert(offsetof(struct args, page_entries) == 148, "page_entries");
_Static_assert(offsetof(struct args, key_page) == 152, "key_page");
_Static_assert(offsetof(struct args, value_page) == 156, "value_page");
_Static_assert(offsetof(struct args, head_fields) == 160, "head_fields");
_Static_assert(offsetof(struct args, key_field) == 164, "key_field");
_Static_assert(offsetof(struct args, value_field) == 168, "value_field");
_Static_assert(offsetof(struct args, value_start) == 172, "value_start");
_Static_assert(offsetof(struct args, window) == 176, "window");
_Static_assert(offsetof(struct args, second_window) == 180, "second_window");
_Static_assert(offsetof(struct args, second_ring) == 184, "second_ring");

#include "kerf_native.h"
#include "kerf_q8.h"
#include "kerf_tiles.h"

enum {
  GROUP = 32, /* inputs of a packed block */
  CODE_BITS = 4,
  PARTS = KERF_Q8_INPUTS / GROUP, /* packed blocks that meet one of x */
  OUTPUTS = 32, /* of one item: two groups of packed rows */
  ROWS = 256, /* of one item at most: 576 inputs of them stay in a second-level cache */
  TILE_ROWS = KERF_Q8_ROWS, /* of x, whose sums stay in registers … */
  TILE_VECTORS = KERF_Q8_VECTORS, /* … by so many vectors of outputs each */
  FEW_ROWS = 4, /* a smaller tile, for the last rows */
  INPUTS = KERF_Q8_PANEL, /* unpacked at a time: a panel beside which x fits in a first-level cache */
  NEXT = HEAD_DIM / OUTPUTS, /* items from that of which weights are read to the one asked for */
};

/* 32 inputs of sixteen output rows. */
struct block {
  kerf_f32 scale[16];
  kerf_f32 offset[16];
  uint8_t codes[GROUP / 2][16]; /* low nibbles: input j; high nibbles: input j + GROUP / 2 */
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
      for (uint32_t q = 0; q < GROUP / 8; q++) {
        const i32xn words = kerf_load_words(&block->codes[4 * q], lane);
        const i32xn low = words & 0x0f0f0f0f, high = (words >> 4) & 0x0f0f0f0f;
        memcpy(&panel->codes[q][column + lane], &low, sizeof low);
        memcpy(&panel->codes[q + GROUP / 8][column + lane], &high, sizeof high);
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
      for (uint32_t q = 0; q < GROUP / 8; q++) {
        const int32_t x_low = kerf_q8_word(x, part * (GROUP / 4) + q);
        const int32_t x_high = kerf_q8_word(x, part * (GROUP / 4) + q + GROUP / 8);
#define ADD_WORDS(v) \
        { \
          const i32xn words = kerf_load_words(&BLOCK(v)->codes[4 * q], LANE(v)); \
          dot##v = kerf_dot4_codes(dot##v, words & 0x0f0f0f0f, x_low, CODE_BITS); \
          dot##v = kerf_dot4_codes(dot##v, (words >> 4) & 0x0f0f0f0f, x_high, CODE_BITS); \
        }
        EACH_VECTOR(ADD_WORDS)
      }

#define END_DOT(v) f32xn product##v = kerf_q8_end(dot##v, x->start);
      EACH_VECTOR(END_DOT)
      if (holds_wide(x, part)) {
        const uint32_t q = x->wide % (GROUP / 4);
        const uint32_t shift = q < GROUP / 8 ? 0 : 4;
#define WORD(v) \
        ((kerf_load_words(&BLOCK(v)->codes[4 * (q % (GROUP / 8))], LANE(v)) >> shift) & 0x0f0f0f0f)

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

/* The scales of n_rows rows of x, from row `row` on, a multiple of 16: the norm's, of the rows' sums. */
static void scale_rows(const struct args *args, size_t row, uint32_t n_rows, float *scales)
{
  const uint32_t n_in = args->n_in;
  const size_t n_blocks = n_in / KERF_Q8_INPUTS;
  for (uint32_t r = 0; r < n_rows; r += 16) {
    f32x16 total = {0};
    for (size_t block = 0; block < n_blocks; block++) {
      total += kerf_load16(&args->x_sums[kerf_q8_sum_place(row + r, n_blocks, block)]);
    }
#line 15 "kernels/ops/_rms.ts"
    const f32x16 scale = 1.0f / kerf_sqrt16(total / (float)n_in + args->eps);
#line 303 "generated/c/matmul_q8_append__q4_f32_g32__k_f16t16_v_f16t1.c"
    kerf_store16(&scales[r], scale);
  }
}

enum {
  HALF = HEAD_DIM / 2, /* channel c turns with c + HALF */
  PAGE_ROWS = 128, /* rows of a page */
  ARENA_UNIT = 64, /* bytes that a page entry counts */
};
_Static_assert(HEAD_DIM % OUTPUTS == 0, "an item is within one head");

/* Sixteen channels of a head and those that turn with them, of which the first is `channel`. */
struct channels {
  f32x16 first, second;
};

/* Rotates them; angles: cosines of HALF angles, then sines. */
KERF_INLINE struct channels rotate(const float *angles, uint32_t channel, struct channels x)
{
  const f32x16 cos = kerf_load16(&angles[channel]), sin = kerf_load16(&angles[HALF + channel]);
  const f32x16 a = x.first, b = x.second;

#line 6 "kernels/ops/rope_half.ts"
  const f32x16 new_a = a * cos - b * sin;
  const f32x16 new_b = b * cos + a * sin;
#line 329 "generated/c/matmul_q8_append__q4_f32_g32__k_f16t16_v_f16t1.c"
  return (struct channels){ new_a, new_b };
}

/* A row of a KV head in the cache. */
struct kept_row {
  const uint32_t *pages;
  uint32_t key, value; /* the row's places in the last segments */
};

KERF_INLINE struct kept_row kept_row(const struct args *args, size_t row, uint32_t kv_head)
{
  const uint32_t *seq = args->seqs + 4 * (size_t)args->row_seq[row];
  const uint32_t offset = (uint32_t)row - seq[1];
  const size_t place = ((size_t)seq[3] * args->n_layers + args->layer) * args->n_kv_heads + kv_head;
  const uint32_t *fields = args->heads + place * args->head_fields;
  return (struct kept_row){
    args->pages + place * args->page_entries,
    fields[args->key_field] + offset,
    fields[args->value_field] + offset,
  };
}

enum { KEY_TILE = 16 }; /* rows of a tile of keys */

/* Where channel `channel` of a row's key is; others follow at intervals of a tile. */
KERF_INLINE kerf_f16 *key_place(const struct args *args, struct kept_row kept, uint32_t channel)
{
  const uint32_t page = kept.pages[args->key_page + kept.key / PAGE_ROWS],
      row = kept.key % PAGE_ROWS;
  uint8_t *rows = args->arena + (size_t)page * ARENA_UNIT;
  return (kerf_f16 *)rows + row / KEY_TILE * KEY_TILE * HEAD_DIM + channel * KEY_TILE
      + row % KEY_TILE;
}

/* Stores sixteen channels from there on, and those that turn with them. */
KERF_INLINE void store_key(kerf_f16 *place, struct channels x)
{
  kerf_f16 stored[2][16];
  kerf_store16_f16(stored[0], x.first);
  kerf_store16_f16(stored[1], x.second);
  for (uint32_t c = 0; c < 16; c++) {
    place[c * KEY_TILE] = stored[0][c];
    place[(HALF + c) * KEY_TILE] = stored[1][c];
  }
}

enum { VALUE_TILE = 1 }; /* rows of a tile of values */

/* Where channel `channel` of a row's value is; others follow at intervals of a tile. */
KERF_INLINE kerf_f16 *value_place(const struct args *args, struct kept_row kept, uint32_t channel)
{
  const uint32_t page = kept.pages[args->value_page + kept.value / PAGE_ROWS],
      row = kept.value % PAGE_ROWS;
  uint8_t *rows = args->arena + (size_t)page * ARENA_UNIT + args->value_start;
  return (kerf_f16 *)rows + row / VALUE_TILE * VALUE_TILE * HEAD_DIM + channel * VALUE_TILE
      + row % VALUE_TILE;
}

/* Stores sixteen channels from there on, and those that turn with them. */
KERF_INLINE void store_value(kerf_f16 *place, struct channels x)
{
  kerf_store16_f16(place, x.first);
  kerf_store16_f16(place + HALF, x.second);
}

/*
 * Asks for where channels go. Rows of a prompt share the lines of the cache with those before them; of one row they
 * would come too late.
 */
KERF_INLINE void fetch_rows(const struct args *args, size_t row, uint32_t n_rows, uint32_t column)
{
  const uint32_t head = (args->y_offset + column) / HEAD_DIM, channel = column % HEAD_DIM / 2;
  if (head < args->n_heads) {
    for (uint32_t r = 0; r < n_rows; r++) {
      const float *q = &args->y[(row + r) * args->y_stride + head * HEAD_DIM + channel];
      kerf_fetch_near(q, 16 * sizeof *q);
      kerf_fetch_near(q + HALF, 16 * sizeof *q);
    }
    return;
  }
  if (n_rows > 1) return;
  const struct kept_row kept = kept_row(args, row, (head - args->n_heads) % args->n_kv_heads);
  if (head < args->n_heads + args->n_kv_heads) {
    const kerf_f16 *key = key_place(args, kept, channel);
    kerf_fetch_near(key, 16 * KEY_TILE * sizeof *key);
    kerf_fetch_near(key + HALF * KEY_TILE, 16 * KEY_TILE * sizeof *key);
  } else {
    const kerf_f16 *value = value_place(args, kept, channel);
    kerf_fetch_near(value, 16 * VALUE_TILE * sizeof *value);
    kerf_fetch_near(value + HALF * VALUE_TILE, 16 * VALUE_TILE * sizeof *value);
  }
}

/* Puts them in a ring of queries: those of position p go to place p mod window. */
KERF_INLINE void record(const struct args *args, const uint32_t *seq, uint32_t offset,
  uint32_t head, float *ring, uint32_t window, uint32_t channel,
  struct channels x)
{
  /* Of two rows of this step that share a place the later one stays, whoever runs first. */
  if (seq[0] - offset > window) return;
  const size_t layer = (size_t)seq[3] * args->n_layers + args->layer;
  const size_t place = (layer * args->n_heads + head) * window + (seq[2] + offset) % window;
  kerf_store16(&ring[place * HEAD_DIM + channel], x.first);
  kerf_store16(&ring[place * HEAD_DIM + HALF + channel], x.second);
}

/* What becomes of them in a row of heads: queries, then keys, then values. */
KERF_INLINE void append(const struct args *args, size_t row, uint32_t head, uint32_t channel,
  struct channels x)
{
  const uint32_t n_heads = args->n_heads, n_kv_heads = args->n_kv_heads;
  if (head < n_heads + n_kv_heads) {
    x = rotate(args->rope + (size_t)args->row_position[row] * HEAD_DIM, channel, x);
  }
  if (head < n_heads) {
    const uint32_t *seq = args->seqs + 4 * (size_t)args->row_seq[row];
    const uint32_t offset = (uint32_t)row - seq[1];
    float *q = &args->y[row * args->y_stride + head * HEAD_DIM + channel];
    kerf_store16(q, x.first);
    kerf_store16(q + HALF, x.second);
    record(args, seq, offset, head, args->q_ring, args->window, channel, x);
    float *second_ring = args->q_ring + args->second_ring;
    record(args, seq, offset, head, second_ring, args->second_window, channel, x);
    return;
  }
  const struct kept_row kept = kept_row(args, row, (head - n_heads) % n_kv_heads);
  if (head < n_heads + n_kv_heads) {
    store_key(key_place(args, kept, channel), x);
    return;
  }
  store_value(value_place(args, kept, channel), x);
  if (args->value_start > 0 && channel == 0) {
    const uint32_t page = kept.pages[args->value_page + kept.value / PAGE_ROWS];
    uint32_t *positions = (uint32_t *)(args->arena + (size_t)page * ARENA_UNIT);
    positions[kept.value % PAGE_ROWS] = args->row_position[row];
  }
}

/* Rotates and stores the sums of rows `first` to `last` - 1 of an item, which begins with row `row`. */
static void finish_rows(const struct args *args, size_t row, uint32_t first, uint32_t last,
  uint32_t column, const float *scales, float (*sums)[OUTPUTS])
{
  const uint32_t head = (args->y_offset + column) / HEAD_DIM, channel = column % HEAD_DIM / 2;

  for (uint32_t r = first; r < last; r++) {
    f32x16 halves[2];
    for (uint32_t half = 0; half < 2; half++) {
      const f32x16 sum = kerf_load16(&sums[r][16 * half]) * kerf_splat16(scales[r]);

      halves[half] = sum;
    }
    append(args, row + r, head, channel, (struct channels){ halves[0], halves[1] });
  }
}

/* One item: up to ROWS rows by OUTPUTS outputs, the outputs running faster. */
static void matmul_q8_append__q4_f32_g32__k_f16t16_v_f16t1(const struct args *restrict args,
  uint32_t first, uint32_t last)
{
  const uint32_t n_in = args->n_in;
  const uint32_t n_groups = (args->n_out + 15) / 16;
  const uint32_t n_blocks = (n_groups + 1) / 2;
  _Alignas(64) struct panel panel[INPUTS / GROUP];
  _Alignas(64) float sums[ROWS][OUTPUTS];
  _Alignas(64) float scales[ROWS];
  size_t scaled = SIZE_MAX; /* the first row whose scale is there */

  for (uint32_t item = first; item < last; item++) {
    const uint32_t column = item % n_blocks * OUTPUTS;
    const size_t row = item / n_blocks * ROWS;
    const uint32_t rest = args->step[args->rows_field] - row;
    const uint32_t n_rows = rest < ROWS ? rest : ROWS;
    const size_t x_stride = args->x_stride / KERF_Q8_INPUTS;
    const struct kerf_q8 *x = (const struct kerf_q8 *)args->x + row * x_stride;

    /* Of the column's head: a group of packed rows, and the one that turns with it. */
    const uint32_t channel = column % HEAD_DIM / 2;
    const size_t group = column / HEAD_DIM * (HEAD_DIM / 16) + channel / 16;
    const struct block *low = (const struct block *)args->weight + group * (n_in / GROUP);
    const struct block *high = low + HALF / 16 * (n_in / GROUP);

    if (scaled != row) scale_rows(args, row, n_rows, scales);
    scaled = row;

    if (n_rows == 1) {
      fetch_rows(args, row, 1, column);
      multiply_row(x, n_in, low, high, sums[0]);
      finish_rows(args, row, 0, 1, column, scales, sums);
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
        if (finishes) finish_rows(args, row, r, r + n_tile, column, scales, sums);
      }
    }
  }
}

KERF_EXPORT uint64_t matmul_q8_append__q4_f32_g32__k_f16t16_v_f16t1_address(void);
uint64_t matmul_q8_append__q4_f32_g32__k_f16t16_v_f16t1_address(void)
{
  return (uint64_t)(uintptr_t)matmul_q8_append__q4_f32_g32__k_f16t16_v_f16t1;
}
