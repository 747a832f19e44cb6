/*
 * Causal attention: a query sees every key up to its own position.
 * Prefill: tiles of queries over the whole cache, chunk after chunk.
 * Codes are multiplied as whole numbers, by bytes of queries and of weights.
 * Halves, queries and weights that meet them are rounded to bf16.
 *
 * Generated from kernels/attention/causal.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

#ifndef HEAD_DIM
#error "compile with -DHEAD_DIM=N"
#endif
#ifndef GROUP
#error "compile with -DGROUP=N"
#endif

struct args {
  const float *qkv; /* f32 [nRows, qkv_stride] */
  const uint32_t *tiles; /* u32 [nTiles, 4] */
  const uint32_t *seqs; /* u32 [nSeqs, 4] */
  const uint32_t *pages; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
  const uint32_t *heads; /* u32 [nSlots, nLayers, nKvHeads, 12] */
  const uint32_t *channels; /* u32 [nSlots, nLayers, nKvHeads, nKeyLists, headDim] */
  const float *fills; /* f32 [nSlots, nLayers, nKvHeads, nKeyLists, headDim] */
  const uint8_t *arena; /* u8 [arenaBytes] */
  uint8_t *out; /* u8 [nRows, 4 * out_stride] */
  const uint32_t *step; /* u32 [stepFields] */
  uint32_t layer;
  uint32_t n_layers;
  uint32_t n_heads;
  uint32_t n_kv_heads;
  uint32_t qkv_stride; /* elements between rows of qkv */
  uint32_t out_stride; /* elements between rows of out */
  uint32_t stores_codes; /* 1: rows of out are 8-bit codes; 0: f32 */
  uint32_t page_entries; /* entries of a head in pages */
  uint32_t key_page_0; /* the segment's first page entry */
  uint32_t key_page_1; /* the segment's first page entry */
  uint32_t key_page_2; /* the segment's first page entry */
  uint32_t value_page_0;
  uint32_t value_page_1;
  uint32_t value_page_2;
  float scale; /* 1 / √headDim */
};
_Static_assert(offsetof(struct args, qkv) == 0, "qkv");
_Static_assert(offsetof(struct args, tiles) == 8, "tiles");
_Static_assert(offsetof(struct args, seqs) == 16, "seqs");
_Static_assert(offsetof(struct args, pages) == 24, "pages");
_Static_assert(offsetof(struct args, heads) == 32, "heads");
_Static_assert(offsetof(struct args, channels) == 40, "channels");
_Static_assert(offsetof(struct args, fills) == 48, "fills");
_Static_assert(offsetof(struct args, arena) == 56, "arena");
_Static_assert(offsetof(struct args, out) == 64, "out");
_Static_assert(offsetof(struct args, step) == 72, "step");
_Static_assert(offsetof(struct args, layer) == 80, "layer");
_Static_assert(offsetof(struct args, n_layers) == 84, "n_layers");
_Static_assert(offsetof(struct args, n_heads) == 88, "n_heads");
_Static_assert(offsetof(struct args, n_kv_heads) == 92, "n_kv_heads");
_Static_assert(offsetof(struct args, qkv_stride) == 96, "qkv_stride");
_Static_assert(offsetof(struct args, out_stride) == 100, "out_stride");
_Static_assert(offsetof(struct args, stores_codes) == 104, "stores_codes");
_Static_assert(offsetof(struct args, page_entries) == 108, "page_entries");
_Static_assert(offsetof(struct args, key_page_0) == 112, "key_page_0");
_Static_assert(offsetof(struct args, key_page_1) == 116, "key_page_1");
_Static_assert(offsetof(struct args, key_page_2) == 120, "key_page_2");
_Static_assert(offsetof(struct args, value_page_0) == 124, "value_page_0");
_Static_assert(offsetof(struct args, value_page_1) == 128, "value_page_1");
_Static_assert(offsetof(struct args, value_page_2) == 132, "value_page_2");
_Static_assert(offsetof(struct args, scale) == 136, "scale");

#include "kerf_native.h"
#include "kerf_softmax.h"
#include "kerf_reduce.h"
#include "kerf_bf16.h"
#include "kerf_outputs.h"
#include "kerf_code_words.h"

/* Makes a loop with a constant count straight code, so that an array of accumulators is registers. */
#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 64")
#endif

enum {
  PAGE_ROWS = 128, /* rows of a page */
  TILE_ROWS = 16, /* rows of a tile of keys: the lanes */
  CHUNK_ROWS = 256, /* rows of one partial softmax */
  ARENA_UNIT = 64, /* bytes that a page entry counts */
  KEY_SEGMENTS = 3,
  KEY_LISTS = KEY_SEGMENTS - 1, /* of channels: one for each coded segment */
  VALUE_SEGMENTS = 3,
  HEAD_FIELDS = 12, /* rows and width of every segment */
  QUERY_TILE = 8, /* queries of a tile, at most */
  /* Queries whose heads meet each key together: enough rows to keep the accumulators busy. */
  /* A vector of keys is rounded once for all: with registers enough 16 rows by one vector, not 8 by two. */
  BLOCK_QUERIES = KERF_N == 16 ? (GROUP <= 2 ? 8 : GROUP <= 4 ? 4 : 2) : GROUP == 1 ? 8
      : GROUP <= 3 ? 4 : GROUP <= 6 ? 2 : 1,
  ACCUMULATORS = KERF_N == 16 ? 24 : 12, /* registers less the operands of a turn */
  BLOCK_ROWS = BLOCK_QUERIES * GROUP,
  BLOCK_VECTORS = BLOCK_ROWS * 4 <= ACCUMULATORS ? 4 : BLOCK_ROWS * 2 <= ACCUMULATORS ? 2 : 1,
  BLOCK_WIDTH = BLOCK_VECTORS * KERF_N,
  VALUE_VECTORS = BLOCK_WIDTH <= HEAD_DIM ? BLOCK_VECTORS : 1,
  VALUE_WIDTH = VALUE_VECTORS * KERF_N,
};
_Static_assert(GROUP >= 1 && GROUP <= 8, "GROUP, the query heads of a KV head, is 1 to 8");
_Static_assert(BLOCK_ROWS <= 16, "the rows of a block are reduced together");
_Static_assert(HEAD_DIM % 16 == 0, "HEAD_DIM is a multiple of 16");

/* One KV head of one sequence: where its rows lie, and how many there are for the last query at hand. */
struct kv_rows {
  const uint8_t *arena;
  const uint32_t *key_pages[KEY_SEGMENTS];
  uint32_t key_rows[KEY_SEGMENTS];
  uint32_t key_width[KEY_SEGMENTS];
  uint32_t key_high[KEY_SEGMENTS]; /* stored channels of the first class */
  const float *fills; /* f32 [KEY_LISTS, HEAD_DIM]: what the channels of a list read as that are not stored; else 0 */
  const uint32_t *value_pages[VALUE_SEGMENTS];
  uint32_t value_rows[VALUE_SEGMENTS];
  uint32_t n_rows;
};

/* At most CHUNK_ROWS rows of one key segment; `position` counts rows of all segments before them. */
struct chunk {
  uint32_t segment, row, position, n_rows;
};

/* One query head of one row: what hooks may read of it, and the keys stored up to it. */
struct query {
  int32_t position, head, kv_head, layer;
  uint32_t n_visible;
};

/* The place of a head in `pages`, `heads` and `channels`. */
static size_t head_place(const struct args *args, uint32_t slot, uint32_t kv_head)
{
  return ((size_t)slot * args->n_layers + args->layer) * args->n_kv_heads + kv_head;
}

/* What the query sees that is the n_new-th of its sequence in this step. */
static struct kv_rows rows_of(const struct args *args, size_t place, uint32_t n_new)
{
  const uint32_t *pages = args->pages + place * args->page_entries;
  const uint32_t *fields = args->heads + place * HEAD_FIELDS;
  struct kv_rows kv = {.arena = args->arena};
  kv.fills = args->fills + place * KEY_LISTS * HEAD_DIM;
  kv.key_pages[0] = pages + args->key_page_0;
  kv.key_rows[0] = fields[0];
  kv.key_width[0] = fields[1] & 0xffff;
  kv.key_high[0] = fields[1] >> 16;
  kv.key_pages[1] = pages + args->key_page_1;
  kv.key_rows[1] = fields[2];
  kv.key_width[1] = fields[3] & 0xffff;
  kv.key_high[1] = fields[3] >> 16;
  kv.key_pages[2] = pages + args->key_page_2;
  kv.key_rows[2] = fields[4] + n_new;
  kv.key_width[2] = HEAD_DIM;
  kv.value_pages[0] = pages + args->value_page_0;
  kv.value_rows[0] = fields[6];
  kv.value_pages[1] = pages + args->value_page_1;
  kv.value_rows[1] = fields[8];
  kv.value_pages[2] = pages + args->value_page_2;
  kv.value_rows[2] = fields[10] + n_new;
  for (uint32_t i = 0; i < KEY_SEGMENTS; i++) kv.n_rows += kv.key_rows[i];
  return kv;
}

/* Goes on to the next chunk, from zeros to the first; false past the last. */
static bool next_chunk(const struct kv_rows *kv, struct chunk *chunk)
{
  chunk->row += chunk->n_rows;
  chunk->position += chunk->n_rows;
  chunk->n_rows = 0;
  while (chunk->row == kv->key_rows[chunk->segment]) {
    if (chunk->segment + 1 == KEY_SEGMENTS) return false;
    chunk->segment++;
    chunk->row = 0;
  }
  const uint32_t rest = kv->key_rows[chunk->segment] - chunk->row;
  chunk->n_rows = rest < CHUNK_ROWS ? rest : CHUNK_ROWS;
  return true;
}

/* The query heads of one row for one key segment: f32 [GROUP, HEAD_DIM], the stored channels first. */
static void gather_query(
  const struct args *args, uint32_t row, uint32_t kv_head, const uint32_t *channels,
  uint32_t width, float *q)
{
  const float *heads = args->qkv + (size_t)row * args->qkv_stride
      + (size_t)kv_head * GROUP * HEAD_DIM;
  if (channels == NULL) {
    memcpy(q, heads, GROUP * HEAD_DIM * sizeof *q);
    return;
  }
  for (uint32_t c = 0; c < width; c++) {
    const float *channel = heads + channels[c];
    UNROLL for (uint32_t g = 0; g < GROUP; g++) q[g * HEAD_DIM + c] = channel[g * HEAD_DIM];
  }
}

/* What the channels that are not stored add to a query's products. */
static float multiply_fills(const float *restrict fills, const float *restrict q)
{
  f32x16 sum = kerf_splat16(0.0f);
  for (uint32_t c = 0; c < HEAD_DIM; c += 16) {
    sum = kerf_fma16(kerf_load16(&q[c]), kerf_load16(&fills[c]), sum);
  }
  return kerf_sum16(sum);
}

/* Rows of a chunk whose values lie in one page: the chunk's first … end - 1. */
struct value_run {
  uint32_t segment, in_page, end;
  const uint8_t *page;
};

/* The run that begins at the chunk's row `first`. Values have cuts of their own. */
KERF_INLINE struct value_run value_run_at(const struct kv_rows *kv, const struct chunk *chunk,
    uint32_t first)
{
  uint32_t row = chunk->position + first, segment = 0;
  for (; segment + 1 < VALUE_SEGMENTS && row >= kv->value_rows[segment]; segment++) {
    row -= kv->value_rows[segment];
  }
  const uint32_t in_page = row % PAGE_ROWS;
  uint32_t n_rows = chunk->n_rows - first;
  if (n_rows > PAGE_ROWS - in_page) n_rows = PAGE_ROWS - in_page;
  if (segment + 1 < VALUE_SEGMENTS && n_rows > kv->value_rows[segment] - row)
    n_rows = kv->value_rows[segment] - row;
  const uint8_t *page = kv->arena + (size_t)kv->value_pages[segment][row / PAGE_ROWS] * ARENA_UNIT;
  return (struct value_run){segment, in_page, first + n_rows, page};
}

/* Bytes of a row of values: its codes of 4 bits, then the words of its groups. */
enum { ROW_BYTES_q4c64 = HEAD_DIM * 4 / 8 + (HEAD_DIM + 64 - 1) / 64 * sizeof(struct kerf_group) };

/* Bytes of a row of values: its codes of 2 bits, then the words of its groups. */
enum { ROW_BYTES_q2c64 = HEAD_DIM * 2 / 8 + (HEAD_DIM + 64 - 1) / 64 * sizeof(struct kerf_group) };

/*
 * Sixteen numbers x of every row of the block, the first n of which count, and the words of their groups, a scale s and a
 * minimum m each: x · s, its largest size lane by lane, and what x · s and x · m come to where every code is at the centre.
 */
KERF_INLINE void scale16(
  i32x16 words, uint32_t n, float centre, const float *restrict x, float *restrict scaled,
  f32x16 sizes[BLOCK_ROWS], f32x16 offsets[BLOCK_ROWS])
{
  f32x16 scale, minimum;
  kerf_split_groups(words, &scale, &minimum);
  const f32x16 mean = scale * centre + minimum;
  UNROLL for (uint32_t r = 0; r < BLOCK_ROWS; r++) {
    const f32x16 factor = kerf_load16_first(&x[r * HEAD_DIM], n);
    const f32x16 product = factor * scale;
    kerf_store16(&scaled[r * HEAD_DIM], product);
    offsets[r] += factor * mean;
    sizes[r] = kerf_larger16(kerf_abs16(product), sizes[r]);
  }
}

enum {
  FOLD_UNITS = 4, /* units of coded keys that are folded together */
  FOLDS = FOLD_UNITS * BLOCK_ROWS,
};

/* The first n units of a chunk's coded keys from one of its rows on; the others are the last of these once more. */
struct units {
  uint32_t n;
  const uint8_t *at[FOLD_UNITS];
};

/*
 * The block's queries in bytes: q by scale is about quantum · byte, offset what meets no code, by unit and row; bytes are
 * by row, words of four channels, of each of which every unit has one.
 */
struct folds {
  float quantum[KERF_SIXTEENS(FOLDS)], offset[KERF_SIXTEENS(FOLDS)];
  int8_t bytes[BLOCK_ROWS * HEAD_DIM * FOLD_UNITS];
};
_Static_assert(FOLD_UNITS == 4, "kerf_store64_bytes stores the bytes of all units together");

/* Finds units of the chunk. */
KERF_INLINE struct units units_at(
  const struct kv_rows *kv, const struct chunk *chunk, uint32_t first, const uint32_t unit_rows,
  size_t unit_bytes)
{
  const uint32_t *pages = kv->key_pages[chunk->segment];
  struct units units = {.n = (chunk->n_rows - first) / unit_rows};
  if (units.n > FOLD_UNITS) units.n = FOLD_UNITS;
  for (uint32_t u = 0; u < FOLD_UNITS; u++) {
    const uint32_t row = chunk->row + first + (u < units.n ? u : units.n - 1) * unit_rows;
    const uint8_t *page = kv->arena + (size_t)pages[row / PAGE_ROWS] * ARENA_UNIT;
    units.at[u] = page + row % PAGE_ROWS / unit_rows * unit_bytes;
  }
  return units;
}

/* Folds n groups of every unit, one per channel and from byte `groups` on, into n channels of the block's queries. */
static void fold_units(
  const struct units *units, size_t groups, uint32_t n, float centre, const float *restrict q,
  struct folds *folds)
{
  f32x16 sizes[FOLDS], offsets[FOLDS];
  _Alignas(64) float scaled[FOLDS][HEAD_DIM], factor[KERF_SIXTEENS(FOLDS)];
  for (uint32_t u = 0; u < FOLD_UNITS; u++) {
    f32x16 size[BLOCK_ROWS], offset[BLOCK_ROWS];
    UNROLL for (uint32_t r = 0; r < BLOCK_ROWS; r++) size[r] = offset[r] = kerf_splat16(0.0f);
    for (uint32_t c = 0; c < n; c += 16) {
      const uint32_t n_lanes = kerf_lanes(n - c);
      const i32x16 words = (i32x16)kerf_load16_first((const float *)(units->at[u] + groups) + c,
          n_lanes);
      scale16(words, n_lanes, centre, &q[c], &scaled[u * BLOCK_ROWS][c], size, offset);
    }
    memcpy(&sizes[u * BLOCK_ROWS], size, sizeof size);
    memcpy(&offsets[u * BLOCK_ROWS], offset, sizeof offset);
  }
  kerf_byte_factors(sizes, FOLDS, factor, folds->quantum);
  for (uint32_t r = 0; r < BLOCK_ROWS; r++) {
    i32x16 rounded[FOLD_UNITS];
    UNROLL for (uint32_t u = 0; u < FOLD_UNITS; u++) rounded[u] = (i32x16){0};
    for (uint32_t c = 0; c < n; c += 16) {
      i32x16 whole[FOLD_UNITS];
      UNROLL for (uint32_t u = 0; u < FOLD_UNITS; u++) {
        const uint32_t fold = u * BLOCK_ROWS + r;
        whole[u] = kerf_nearest16(kerf_load16(&scaled[fold][c]) * factor[fold]);
        rounded[u] += whole[u];
      }
      kerf_store64_bytes(&folds->bytes[(r * HEAD_DIM + c) * FOLD_UNITS], whole);
    }
    UNROLL for (uint32_t u = 0; u < FOLD_UNITS; u++) {
      const uint32_t fold = u * BLOCK_ROWS + r;
      offsets[fold] -= kerf_to_f32x16(rounded[u]) * (centre * folds->quantum[fold]);
    }
  }
  kerf_sums(offsets, FOLDS, folds->offset);
}

/*
 * The products of n channels' codes and their bytes, four channels at a time: the first cell of the v-th vector is
 * cells[v]; of words of four bytes every spread-th is meant.
 */
KERF_INLINE void multiply_codes(
  const uint8_t *const cells[BLOCK_VECTORS], uint32_t first, uint32_t n, const uint32_t bits,
  const int8_t *restrict bytes, const uint32_t spread, const uint32_t n_vectors,
  i32xn dots[BLOCK_ROWS][BLOCK_VECTORS])
{
  UNROLL for (uint32_t r = 0; r < BLOCK_ROWS; r++) {
    UNROLL for (uint32_t v = 0; v < n_vectors; v++) dots[r][v] = (i32xn){0};
  }
  uint32_t c = 0;
  for (; c + 4 <= n; c += 4) {
    i32xn codes[BLOCK_VECTORS];
    UNROLL for (uint32_t v = 0; v < n_vectors; v++) {
      codes[v] = kerf_channel_words(cells[v] + c * 2 * bits, (first + v * KERF_N) % TILE_ROWS,
          bits);
    }
    UNROLL for (uint32_t r = 0; r < BLOCK_ROWS; r++) {
      const int32_t word = kerf_word_of(&bytes[(r * HEAD_DIM + c) * spread]);
      UNROLL for (uint32_t v = 0; v < n_vectors; v++)
        dots[r][v] = kerf_dot4_codes(dots[r][v], codes[v], word, bits);
    }
  }
  if (c == n) return;
  UNROLL for (uint32_t v = 0; v < n_vectors; v++) {
    /* Bytes past the n-th are 0: any code may stand there. */
    const uint8_t *four[4];
    UNROLL for (uint32_t i = 0; i < 4; i++) four[i] = cells[v] + (c + i < n ? c + i : c) * 2 * bits;
    const i32xn codes = kerf_code_words(four, (first + v * KERF_N) % TILE_ROWS, bits);
    UNROLL for (uint32_t r = 0; r < BLOCK_ROWS; r++) {
      dots[r][v] = kerf_dot4_codes(dots[r][v], codes,
          kerf_word_of(&bytes[(r * HEAD_DIM + c) * spread]), bits);
    }
  }
}

/* Stands where a pair has no second. */
static const kerf_f16 NO_ELEMENTS[16] = {0};

/*
 * q · k of the block's rows and the chunk's keys: channels of 4 bits, then channels of 2, whose scale s and
 * minimum m are one channel's for 64 rows: q · (s·c + m) = (q·s) · c + q · m. The other channels read as
 * their means, which add the same to every key's product. q·s is rounded to bytes, a unit of rows and a class at a time, so that four channels'
 * codes meet four bytes in one sum of whole numbers.
 *
 * q: f32 [BLOCK_ROWS, HEAD_DIM]. products: f32 [BLOCK_ROWS, CHUNK_ROWS].
 */
static void multiply_keys_q42r64(
  const struct kv_rows *kv, const struct chunk *chunk, const float *restrict q,
  float *restrict products)
{
  enum {
    HIGH_BITS = 4,
    LOW_BITS = 2,
    UNIT_ROWS = 64, /* that share scales */
    UNIT_VECTORS = UNIT_ROWS / KERF_N < BLOCK_VECTORS ? UNIT_ROWS / KERF_N : BLOCK_VECTORS,
  };
  const uint32_t width = kv->key_width[chunk->segment], n_high = kv->key_high[chunk->segment],
      n_low = width - n_high;
  const size_t high_cells = (size_t)n_high * 2 * HIGH_BITS;
  const size_t tile_bytes = high_cells + (size_t)n_low * 2 * LOW_BITS;
  const size_t code_bytes = tile_bytes * (UNIT_ROWS / TILE_ROWS);
  const size_t unit_bytes = code_bytes + width * sizeof(struct kerf_group);
  const float *fills = kv->fills + chunk->segment * HEAD_DIM;
  float filled[BLOCK_ROWS];
  for (uint32_t r = 0; r < BLOCK_ROWS; r++) filled[r] = multiply_fills(fills, &q[r * HEAD_DIM]);

  for (uint32_t fold_row = 0; fold_row < chunk->n_rows; fold_row += FOLD_UNITS * UNIT_ROWS) {
    const struct units units = units_at(kv, chunk, fold_row, UNIT_ROWS, unit_bytes);
    struct folds high_folds, low_folds;
    fold_units(&units, code_bytes, n_high, KERF_CENTRE(HIGH_BITS), q, &high_folds);
    fold_units(
      &units, code_bytes + n_high * sizeof(struct kerf_group), n_low, KERF_CENTRE(LOW_BITS),
          q + n_high, &low_folds);
    for (uint32_t u = 0; u < units.n; u++) {
      for (uint32_t first = 0; first < UNIT_ROWS; first += UNIT_VECTORS * KERF_N) {
        const uint8_t *high[BLOCK_VECTORS], *low[BLOCK_VECTORS];
        i32xn high_dots[BLOCK_ROWS][BLOCK_VECTORS], low_dots[BLOCK_ROWS][BLOCK_VECTORS];
        UNROLL for (uint32_t v = 0; v < UNIT_VECTORS; v++) {
          high[v] = units.at[u] + (first + v * KERF_N) / TILE_ROWS * tile_bytes;
          low[v] = high[v] + high_cells;
        }
        multiply_codes(high, first, n_high, HIGH_BITS, &high_folds.bytes[4 * u], FOLD_UNITS,
            UNIT_VECTORS, high_dots);
        multiply_codes(low, first, n_low, LOW_BITS, &low_folds.bytes[4 * u], FOLD_UNITS,
            UNIT_VECTORS, low_dots);
        UNROLL for (uint32_t r = 0; r < BLOCK_ROWS; r++) {
          const uint32_t fold = u * BLOCK_ROWS + r;
          const float offset = high_folds.offset[fold] + low_folds.offset[fold] + filled[r];
          UNROLL for (uint32_t v = 0; v < UNIT_VECTORS; v++) {
            const f32xn low_sum = kerf_to_f32xn(kerf_place_sums(low_dots[r][v], LOW_BITS))
                * low_folds.quantum[fold];
            const f32xn sum = kerf_to_f32xn(kerf_place_sums(high_dots[r][v], HIGH_BITS))
                * high_folds.quantum[fold] + low_sum + offset;
            kerf_storen(&products[r * CHUNK_ROWS + fold_row + u * UNIT_ROWS + first + v * KERF_N],
                sum);
          }
        }
      }
    }
  }
}

/*
 * q · k of the block's rows and the chunk's keys, both rounded to bf16, two channels at a time. A tile of keys is
 * channel-major: sixteen products build up in the lanes, and two channels that are not stored are a turn less.
 *
 * q: f32 [BLOCK_ROWS, HEAD_DIM]. products: f32 [BLOCK_ROWS, CHUNK_ROWS].
 */
static void multiply_keys_f16(
  const struct kv_rows *kv, const struct chunk *chunk, const float *restrict q,
  float *restrict products)
{
  const uint32_t width = kv->key_width[chunk->segment];
  const uint32_t *pages = kv->key_pages[chunk->segment];
  const uint32_t n_keys = (chunk->n_rows + TILE_ROWS - 1) / TILE_ROWS * TILE_ROWS;
  _Alignas(64) kerf_factor factors[BLOCK_ROWS * HEAD_DIM];
  for (uint32_t r = 0; r < BLOCK_ROWS; r++) {
    for (uint32_t c = 0; c < width; c += KERF_N) {
      kerf_storen_factors(&factors[r * HEAD_DIM + c], kerf_loadn(&q[r * HEAD_DIM + c]));
    }
    if (width % 2 == 1) factors[r * HEAD_DIM + width] = 0;
  }

  for (uint32_t first = 0; first < n_keys; first += BLOCK_WIDTH) {
    const kerf_f16 *keys[BLOCK_VECTORS];
    UNROLL for (uint32_t v = 0; v < BLOCK_VECTORS; v++) {
      /* Vectors past the last tile take the first one's keys; nobody reads their products. */
      const uint32_t key = first + v * KERF_N;
      const uint32_t row = chunk->row + (key < n_keys ? key : first);
      const uint32_t in_page = row % PAGE_ROWS;
      const uint8_t *page = kv->arena + (size_t)pages[row / PAGE_ROWS] * ARENA_UNIT;
      keys[v] = (const kerf_f16 *)page + in_page / TILE_ROWS * TILE_ROWS * width
          + in_page % TILE_ROWS;
    }
    f32xn sums[BLOCK_ROWS][BLOCK_VECTORS];
    UNROLL for (uint32_t r = 0; r < BLOCK_ROWS; r++) {
      UNROLL for (uint32_t v = 0; v < BLOCK_VECTORS; v++) sums[r][v] = kerf_splatn(0.0f);
    }
    for (uint32_t c = 0; c < width; c += 2) {
      const kerf_factor *two = &factors[c];
      kerf_pairsn pairs[BLOCK_VECTORS];
      UNROLL for (uint32_t v = 0; v < BLOCK_VECTORS; v++) {
        const kerf_f16 *key = keys[v] + c * TILE_ROWS;
        pairs[v] = kerf_pairsn_f16(key, c + 1 < width ? key + TILE_ROWS : NO_ELEMENTS);
      }
      UNROLL for (uint32_t r = 0; r < BLOCK_ROWS; r++) {
        UNROLL for (uint32_t v = 0; v < BLOCK_VECTORS; v++) {
          sums[r][v] = kerf_dot2(sums[r][v], pairs[v], two + r * HEAD_DIM);
        }
      }
    }
    UNROLL for (uint32_t r = 0; r < BLOCK_ROWS; r++) {
      UNROLL for (uint32_t v = 0; v < BLOCK_VECTORS; v++) {
        kerf_storen(&products[r * CHUNK_ROWS + first + v * KERF_N], sums[r][v]);
      }
    }
  }
}

/* The same for a chunk of any segment: of one code each. */
static void multiply_keys(
  const struct kv_rows *kv, const struct chunk *chunk, const float *restrict q,
  float *restrict products)
{
  if (chunk->segment == 0) multiply_keys_q42r64(kv, chunk, q, products);
  if (chunk->segment == 1) multiply_keys_q42r64(kv, chunk, q, products);
  if (chunk->segment == 2) multiply_keys_f16(kv, chunk, q, products);
}

/* Whether all lanes of the chunk's vectors are keys between two positions. */
static bool lies_within(const struct chunk *chunk, int32_t lower, int32_t upper)
{
  const int32_t first = (int32_t)chunk->position;
  return first >= lower && first + ((int32_t)chunk->n_rows + 15) / 16 * 16 - 1 <= upper;
}

/* What one query makes of its products with a chunk: logits, in place. Returns the largest, lane by lane. */
KERF_INLINE f32x16 find_logits(
  const struct args *args, const struct chunk *chunk, struct query query, int32_t n_visible,
  const bool sees_all, float *products)
{
  const i32x16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

  f32x16 largest = kerf_splat16(KERF_MASKED);
  for (uint32_t key = 0; key < chunk->n_rows; key += 16) {
    const i32x16 key_position = lane + (int32_t)(chunk->position + key);
    const f32x16 s = kerf_load16(&products[key]) * args->scale;

#line 7 "kernels/attention/causal.ts"
    const i32x16 mask = kerf_at_most16_i32(key_position, kerf_splat16_i32(query.position));
#line 531 "generated/c/attention_causal_prefill_q8__k_list_mean_q42r64t16_list_mean_q42r64t16_f16t16_v_q4c64t1_q2c64t1_f16t1.c"
    const i32x16 visible = mask & kerf_less16_i32(key_position, kerf_splat16_i32(n_visible));
    const f32x16 logit = sees_all ? s : kerf_select16(visible, s, kerf_splat16(KERF_MASKED));
    largest = kerf_larger16(logit, largest);
    kerf_store16(&products[key], logit);
  }
  return largest;
}

/*
 * Turns the products of n_rows queries and a chunk into weights e^(logit - largest), in place; a key that a
 * query does not see weighs exactly 0. Rows are taken through one step after the other: none waits for its own.
 */
static void weigh_keys(
  const struct args *args, const struct chunk *chunk, const struct query *queries, uint32_t n_rows,
  float *products, float *largest, float *sum)
{
  f32x16 lanes[BLOCK_ROWS] = {0};
  /* The lanes past the chunk hold no keys, and positions that the next segment's keys have. */
  const uint32_t end = chunk->position + chunk->n_rows;
  for (uint32_t r = 0; r < n_rows; r++) {
    const struct query query = queries[r];
    const int32_t n_visible = (int32_t)(end < query.n_visible ? end : query.n_visible);

    if (lies_within(chunk, 0, kerf_min_i32(query.position, n_visible - 1))) {
      lanes[r] = find_logits(args, chunk, query, n_visible, true, &products[r * CHUNK_ROWS]);
    } else {
      lanes[r] = find_logits(args, chunk, query, n_visible, false, &products[r * CHUNK_ROWS]);
    }
  }
  kerf_store16_first(largest, kerf_largest16_each(lanes, BLOCK_ROWS), n_rows);

  for (uint32_t r = 0; r < n_rows; r++) {
    /* Where no key is seen, none may stand beside the largest. */
    const float top = largest[r] == KERF_MASKED ? 0.0f : largest[r];
    f32x16 sum_lanes = kerf_splat16(0.0f);
    for (uint32_t key = r * CHUNK_ROWS; key < r * CHUNK_ROWS + chunk->n_rows; key += 16) {
      const f32x16 weight = kerf_near_weight16(kerf_load16(&products[key]) - top);
      sum_lanes += weight;
      kerf_store16(&products[key], weight);
    }
    lanes[r] = sum_lanes;
  }
  kerf_store16_first(sum, kerf_sum16_each(lanes, BLOCK_ROWS), n_rows);
}

/* How the values lie. */
static const struct kerf_coded_rows ROWS_q4c64 = {HEAD_DIM, 4, 64, ROW_BYTES_q4c64};

enum {
  GROUPS_q4c64 = (HEAD_DIM + 64 - 1) / 64, /* of a row */
  WORDS_q4c64 = KERF_POWER_OF_TWO(GROUPS_q4c64), /* of four rows' bytes: one for each group */
};

/*
 * The weighted sums of n_vectors vectors of the values of n_rows rows, from a vector on, into the block's `sums`;
 * bytes, quantum and offset are those of each group of channels.
 */
KERF_INLINE void add_vectors_q4c64(
  const uint8_t *rows, uint32_t n_rows, uint32_t vector, const uint32_t n_vectors,
  int8_t (*bytes)[PAGE_ROWS * WORDS_q4c64], const float *quantum, const float *offset,
  float (*sums)[HEAD_DIM])
{
  enum { ROW_BYTES = ROW_BYTES_q4c64, WORDS = WORDS_q4c64 };
  i32xn dots[BLOCK_ROWS][BLOCK_VECTORS];
  UNROLL for (uint32_t r = 0; r < BLOCK_ROWS; r++) {
    UNROLL for (uint32_t v = 0; v < n_vectors; v++) dots[r][v] = (i32xn){0};
  }
  for (uint32_t i = 0; i < n_rows; i += 4) {
    const uint8_t *four = rows + i * ROW_BYTES;
    uint8_t last[4 * ROW_BYTES];
    if (i + 4 > n_rows) {
      /* Rows past the last weigh nothing: any codes may stand there. */
      memset(last, 0, sizeof last);
      memcpy(last, four, (n_rows - i) * ROW_BYTES);
      four = last;
    }
    const uint32_t place = kerf_quad_place(i / 16 * WORDS, i % 16);
    i32xn codes[BLOCK_VECTORS];
    UNROLL for (uint32_t v = 0; v < n_vectors; v++)
      codes[v] = kerf_row_codes(ROWS_q4c64, four, vector + v);
    UNROLL for (uint32_t r = 0; r < BLOCK_ROWS; r++) {
      UNROLL for (uint32_t v = 0; v < n_vectors; v++) {
        dots[r][v] = kerf_dot4_rows(ROWS_q4c64, dots[r][v], codes[v], &bytes[r][place], vector + v);
      }
    }
  }
  UNROLL for (uint32_t r = 0; r < BLOCK_ROWS; r++) {
    UNROLL for (uint32_t v = 0; v < n_vectors; v++) {
      const f32xn weighted = kerf_row_sums(ROWS_q4c64, dots[r][v], &quantum[r * WORDS],
          &offset[r * WORDS], vector + v);
      kerf_storen(&sums[r][(vector + v) * KERF_N], weighted);
    }
  }
}

/*
 * Adds the weighted values of a run that begins at the chunk's row `first` to out, f32 [BLOCK_ROWS, HEAD_DIM]: codes
 * of 4 bits, a scale s and a minimum m for 64 channels of a row: w · (s·c + m) = (w·s) · c + w · m, where
 * w·s is rounded to bytes, a run at a time, so that four rows' codes meet four bytes in one sum of whole numbers.
 */
static void add_run_q4c64(struct value_run run, uint32_t first, const float *restrict weights,
    float *restrict out)
{
  enum {
    GROUPS = GROUPS_q4c64,
    WORDS = WORDS_q4c64,
    FOLDS = WORDS * BLOCK_ROWS,
    SPAN = WORDS < 4 ? 4 : WORDS, /* vectors of a head that are rounded together */
    CODE_BYTES = HEAD_DIM * 4 / 8,
    ROW_BYTES = ROW_BYTES_q4c64,
  };
  const uint8_t *values = run.page;
  const uint8_t *rows = values + run.in_page * ROW_BYTES;
  const uint32_t n_rows = run.end - first;
  int8_t bytes[BLOCK_ROWS][PAGE_ROWS * WORDS];
  f32x16 sizes[FOLDS], offsets[FOLDS], larger[FOLDS], totals[FOLDS];
  _Alignas(64) float scaled[BLOCK_ROWS][PAGE_ROWS * WORDS], sums[BLOCK_ROWS][HEAD_DIM];
  _Alignas(64) float factor[KERF_SIXTEENS(FOLDS)], quantum[KERF_SIXTEENS(FOLDS)],
      offset[KERF_SIXTEENS(FOLDS)];
  UNROLL for (uint32_t i = 0; i < FOLDS; i++) larger[i] = totals[i] = kerf_splat16(0.0f);
  const uint32_t n_spans = (n_rows * WORDS + 16 * SPAN - 1) / (16 * SPAN);
  for (uint32_t i = 0; i < n_spans * 16 * SPAN / WORDS; i += 16) {
    const uint32_t n_lanes = i < n_rows ? kerf_lanes(n_rows - i) : 0;
    UNROLL for (uint32_t g = 0; g < GROUPS; g++) {
      const uint32_t at = CODE_BYTES + g * sizeof(struct kerf_group);
      f32x16 scale, minimum;
      kerf_split_groups(kerf_load16_words(rows + i * ROW_BYTES, at, ROW_BYTES, n_lanes), &scale,
          &minimum);
      const f32x16 mean = scale * KERF_CENTRE(4) + minimum;
      UNROLL for (uint32_t r = 0; r < BLOCK_ROWS; r++) {
        const uint32_t fold = r * WORDS + g;
        const f32x16 weight = kerf_load16_first(&weights[r * CHUNK_ROWS + first + i], n_lanes);
        const f32x16 product = weight * scale;
        kerf_store16(&scaled[r][i * WORDS + g * 16], product);
        totals[fold] += weight * mean;
        /* Neither is below 0. */
        larger[fold] = kerf_larger16(product, larger[fold]);
      }
    }
  }
  memcpy(sizes, larger, sizeof sizes);
  memcpy(offsets, totals, sizeof offsets);
  kerf_byte_factors(sizes, FOLDS, factor, quantum);
  for (uint32_t r = 0; r < BLOCK_ROWS; r++) {
    i32x16 rounded[WORDS];
    UNROLL for (uint32_t g = 0; g < WORDS; g++) rounded[g] = (i32x16){0};
    for (uint32_t span = 0; span < n_spans; span++) {
      i32x16 whole[SPAN];
      UNROLL for (uint32_t i = 0; i < SPAN; i++) {
        const uint32_t g = i % WORDS;
        if (g < GROUPS)
          whole[i] = kerf_nearest16(kerf_load16(&scaled[r][(span * SPAN + i) * 16])
              * factor[r * WORDS + g]);
        else whole[i] = (i32x16){0};
        rounded[g] += whole[i];
      }
      UNROLL for (uint32_t i = 0; i < SPAN; i += 4)
        kerf_store64_bytes(&bytes[r][(span * SPAN + i) * 16], &whole[i]);
    }
    UNROLL for (uint32_t g = 0; g < WORDS; g++) {
      offsets[r * WORDS + g] -= kerf_to_f32x16(rounded[g])
          * (KERF_CENTRE(4) * quantum[r * WORDS + g]);
    }
  }
  kerf_sums(offsets, FOLDS, offset);
  enum { VECTORS = HEAD_DIM / KERF_N, WHOLE = VECTORS / VALUE_VECTORS * VALUE_VECTORS };
  for (uint32_t vector = 0; vector < WHOLE; vector += VALUE_VECTORS) {
    add_vectors_q4c64(rows, n_rows, vector, VALUE_VECTORS, bytes, quantum, offset, sums);
  }
  for (uint32_t vector = WHOLE; vector < VECTORS; vector++) {
    add_vectors_q4c64(rows, n_rows, vector, 1, bytes, quantum, offset, sums);
  }
  UNROLL for (uint32_t r = 0; r < BLOCK_ROWS; r++) {
    UNROLL for (uint32_t c = 0; c < HEAD_DIM; c += 16) {
      float *sum = &out[r * HEAD_DIM + c];
      kerf_store16(sum, kerf_load16(sum) + kerf_row_channels16(ROWS_q4c64, sums[r], c));
    }
  }
}

/* How the values lie. */
static const struct kerf_coded_rows ROWS_q2c64 = {HEAD_DIM, 2, 64, ROW_BYTES_q2c64};

enum {
  GROUPS_q2c64 = (HEAD_DIM + 64 - 1) / 64, /* of a row */
  WORDS_q2c64 = KERF_POWER_OF_TWO(GROUPS_q2c64), /* of four rows' bytes: one for each group */
};

/*
 * The weighted sums of n_vectors vectors of the values of n_rows rows, from a vector on, into the block's `sums`;
 * bytes, quantum and offset are those of each group of channels.
 */
KERF_INLINE void add_vectors_q2c64(
  const uint8_t *rows, uint32_t n_rows, uint32_t vector, const uint32_t n_vectors,
  int8_t (*bytes)[PAGE_ROWS * WORDS_q2c64], const float *quantum, const float *offset,
  float (*sums)[HEAD_DIM])
{
  enum { ROW_BYTES = ROW_BYTES_q2c64, WORDS = WORDS_q2c64 };
  i32xn dots[BLOCK_ROWS][BLOCK_VECTORS];
  UNROLL for (uint32_t r = 0; r < BLOCK_ROWS; r++) {
    UNROLL for (uint32_t v = 0; v < n_vectors; v++) dots[r][v] = (i32xn){0};
  }
  for (uint32_t i = 0; i < n_rows; i += 4) {
    const uint8_t *four = rows + i * ROW_BYTES;
    uint8_t last[4 * ROW_BYTES];
    if (i + 4 > n_rows) {
      /* Rows past the last weigh nothing: any codes may stand there. */
      memset(last, 0, sizeof last);
      memcpy(last, four, (n_rows - i) * ROW_BYTES);
      four = last;
    }
    const uint32_t place = kerf_quad_place(i / 16 * WORDS, i % 16);
    i32xn codes[BLOCK_VECTORS];
    UNROLL for (uint32_t v = 0; v < n_vectors; v++)
      codes[v] = kerf_row_codes(ROWS_q2c64, four, vector + v);
    UNROLL for (uint32_t r = 0; r < BLOCK_ROWS; r++) {
      UNROLL for (uint32_t v = 0; v < n_vectors; v++) {
        dots[r][v] = kerf_dot4_rows(ROWS_q2c64, dots[r][v], codes[v], &bytes[r][place], vector + v);
      }
    }
  }
  UNROLL for (uint32_t r = 0; r < BLOCK_ROWS; r++) {
    UNROLL for (uint32_t v = 0; v < n_vectors; v++) {
      const f32xn weighted = kerf_row_sums(ROWS_q2c64, dots[r][v], &quantum[r * WORDS],
          &offset[r * WORDS], vector + v);
      kerf_storen(&sums[r][(vector + v) * KERF_N], weighted);
    }
  }
}

/*
 * Adds the weighted values of a run that begins at the chunk's row `first` to out, f32 [BLOCK_ROWS, HEAD_DIM]: codes
 * of 2 bits, a scale s and a minimum m for 64 channels of a row: w · (s·c + m) = (w·s) · c + w · m, where
 * w·s is rounded to bytes, a run at a time, so that four rows' codes meet four bytes in one sum of whole numbers.
 */
static void add_run_q2c64(struct value_run run, uint32_t first, const float *restrict weights,
    float *restrict out)
{
  enum {
    GROUPS = GROUPS_q2c64,
    WORDS = WORDS_q2c64,
    FOLDS = WORDS * BLOCK_ROWS,
    SPAN = WORDS < 4 ? 4 : WORDS, /* vectors of a head that are rounded together */
    CODE_BYTES = HEAD_DIM * 2 / 8,
    ROW_BYTES = ROW_BYTES_q2c64,
  };
  const uint8_t *values = run.page;
  const uint8_t *rows = values + run.in_page * ROW_BYTES;
  const uint32_t n_rows = run.end - first;
  int8_t bytes[BLOCK_ROWS][PAGE_ROWS * WORDS];
  f32x16 sizes[FOLDS], offsets[FOLDS], larger[FOLDS], totals[FOLDS];
  _Alignas(64) float scaled[BLOCK_ROWS][PAGE_ROWS * WORDS], sums[BLOCK_ROWS][HEAD_DIM];
  _Alignas(64) float factor[KERF_SIXTEENS(FOLDS)], quantum[KERF_SIXTEENS(FOLDS)],
      offset[KERF_SIXTEENS(FOLDS)];
  UNROLL for (uint32_t i = 0; i < FOLDS; i++) larger[i] = totals[i] = kerf_splat16(0.0f);
  const uint32_t n_spans = (n_rows * WORDS + 16 * SPAN - 1) / (16 * SPAN);
  for (uint32_t i = 0; i < n_spans * 16 * SPAN / WORDS; i += 16) {
    const uint32_t n_lanes = i < n_rows ? kerf_lanes(n_rows - i) : 0;
    UNROLL for (uint32_t g = 0; g < GROUPS; g++) {
      const uint32_t at = CODE_BYTES + g * sizeof(struct kerf_group);
      f32x16 scale, minimum;
      kerf_split_groups(kerf_load16_words(rows + i * ROW_BYTES, at, ROW_BYTES, n_lanes), &scale,
          &minimum);
      const f32x16 mean = scale * KERF_CENTRE(2) + minimum;
      UNROLL for (uint32_t r = 0; r < BLOCK_ROWS; r++) {
        const uint32_t fold = r * WORDS + g;
        const f32x16 weight = kerf_load16_first(&weights[r * CHUNK_ROWS + first + i], n_lanes);
        const f32x16 product = weight * scale;
        kerf_store16(&scaled[r][i * WORDS + g * 16], product);
        totals[fold] += weight * mean;
        /* Neither is below 0. */
        larger[fold] = kerf_larger16(product, larger[fold]);
      }
    }
  }
  memcpy(sizes, larger, sizeof sizes);
  memcpy(offsets, totals, sizeof offsets);
  kerf_byte_factors(sizes, FOLDS, factor, quantum);
  for (uint32_t r = 0; r < BLOCK_ROWS; r++) {
    i32x16 rounded[WORDS];
    UNROLL for (uint32_t g = 0; g < WORDS; g++) rounded[g] = (i32x16){0};
    for (uint32_t span = 0; span < n_spans; span++) {
      i32x16 whole[SPAN];
      UNROLL for (uint32_t i = 0; i < SPAN; i++) {
        const uint32_t g = i % WORDS;
        if (g < GROUPS)
          whole[i] = kerf_nearest16(kerf_load16(&scaled[r][(span * SPAN + i) * 16])
              * factor[r * WORDS + g]);
        else whole[i] = (i32x16){0};
        rounded[g] += whole[i];
      }
      UNROLL for (uint32_t i = 0; i < SPAN; i += 4)
        kerf_store64_bytes(&bytes[r][(span * SPAN + i) * 16], &whole[i]);
    }
    UNROLL for (uint32_t g = 0; g < WORDS; g++) {
      offsets[r * WORDS + g] -= kerf_to_f32x16(rounded[g])
          * (KERF_CENTRE(2) * quantum[r * WORDS + g]);
    }
  }
  kerf_sums(offsets, FOLDS, offset);
  enum { VECTORS = HEAD_DIM / KERF_N, WHOLE = VECTORS / VALUE_VECTORS * VALUE_VECTORS };
  for (uint32_t vector = 0; vector < WHOLE; vector += VALUE_VECTORS) {
    add_vectors_q2c64(rows, n_rows, vector, VALUE_VECTORS, bytes, quantum, offset, sums);
  }
  for (uint32_t vector = WHOLE; vector < VECTORS; vector++) {
    add_vectors_q2c64(rows, n_rows, vector, 1, bytes, quantum, offset, sums);
  }
  UNROLL for (uint32_t r = 0; r < BLOCK_ROWS; r++) {
    UNROLL for (uint32_t c = 0; c < HEAD_DIM; c += 16) {
      float *sum = &out[r * HEAD_DIM + c];
      kerf_store16(sum, kerf_load16(sum) + kerf_row_channels16(ROWS_q2c64, sums[r], c));
    }
  }
}

/*
 * Adds the weighted values of a run that begins at the chunk's row `first`, both rounded to bf16, two rows at a
 * time; a run of an odd count ends with one.
 */
KERF_INLINE void add_run_f16(
  struct value_run run, uint32_t first, const kerf_factor *restrict weights, uint32_t channel,
  const uint32_t n_vectors, f32xn sums[BLOCK_ROWS][BLOCK_VECTORS])
{
  const kerf_f16 *values = (const kerf_f16 *)(run.page) + channel;
  for (uint32_t key = first; key < run.end; key += 2) {
    const kerf_f16 *value = values + (run.in_page + key - first) * HEAD_DIM;
    const kerf_factor *two = &weights[key];
    const bool alone = key + 1 == run.end;
    kerf_pairsn pairs[BLOCK_VECTORS];
    UNROLL for (uint32_t v = 0; v < n_vectors; v++) {
      pairs[v] = kerf_pairsn_f16(value + v * KERF_N,
          alone ? NO_ELEMENTS : value + HEAD_DIM + v * KERF_N);
    }
    UNROLL for (uint32_t r = 0; r < BLOCK_ROWS; r++) {
      UNROLL for (uint32_t v = 0; v < n_vectors; v++) {
        sums[r][v] = kerf_dot2(sums[r][v], pairs[v], two + r * CHUNK_ROWS);
      }
    }
  }
}

/* The weighted sum of n_vectors vectors of the chunk's values, keys in order. */
KERF_INLINE void add_values(
  const struct kv_rows *kv, const struct chunk *chunk, const kerf_factor *restrict weights,
  uint32_t channel, const uint32_t n_vectors, float *restrict out)
{
  f32xn sums[BLOCK_ROWS][BLOCK_VECTORS];
  UNROLL for (uint32_t r = 0; r < BLOCK_ROWS; r++) {
    UNROLL for (uint32_t v = 0; v < n_vectors; v++) sums[r][v] = kerf_splatn(0.0f);
  }
  struct value_run run;
  for (uint32_t key = 0; key < chunk->n_rows; key = run.end) {
    run = value_run_at(kv, chunk, key);
    if (run.segment == 2) add_run_f16(run, key, weights, channel, n_vectors, sums);
  }
  UNROLL for (uint32_t r = 0; r < BLOCK_ROWS; r++) {
    UNROLL for (uint32_t v = 0; v < n_vectors; v++) {
      kerf_storen(&out[r * HEAD_DIM + channel + v * KERF_N], sums[r][v]);
    }
  }
}

/* The weighted values of those of the chunk's rows that are no codes. */
static void multiply_whole_values(const struct kv_rows *kv, const struct chunk *chunk,
    const float *weights, float *out)
{
  _Alignas(64) kerf_factor factors[BLOCK_ROWS * CHUNK_ROWS];
  for (uint32_t r = 0; r < BLOCK_ROWS; r++) {
    for (uint32_t key = r * CHUNK_ROWS; key < r * CHUNK_ROWS + chunk->n_rows; key += KERF_N) {
      kerf_storen_factors(&factors[key], kerf_loadn(&weights[key]));
    }
  }
  const uint32_t whole = HEAD_DIM / VALUE_WIDTH * VALUE_WIDTH;
  for (uint32_t channel = 0; channel < whole; channel += VALUE_WIDTH) {
    add_values(kv, chunk, factors, channel, VALUE_VECTORS, out);
  }
  for (uint32_t channel = whole; channel < HEAD_DIM; channel += KERF_N) {
    add_values(kv, chunk, factors, channel, 1, out);
  }
}

/* weights: f32 [BLOCK_ROWS, CHUNK_ROWS]. out: f32 [BLOCK_ROWS, HEAD_DIM]. */
static void multiply_values(
  const struct kv_rows *kv, const struct chunk *chunk, const float *weights, float *out)
{
  /* Rows that are no codes lie behind the others. */
  const uint32_t n_coded = kv->value_rows[0] + kv->value_rows[1];
  if (chunk->position + chunk->n_rows > n_coded) multiply_whole_values(kv, chunk, weights, out);
  else memset(out, 0, BLOCK_ROWS * HEAD_DIM * sizeof *out);
  struct value_run run;
  for (uint32_t key = 0; key < chunk->n_rows; key = run.end) {
    run = value_run_at(kv, chunk, key);
    if (run.segment == 0) add_run_q4c64(run, key, weights, out);
    if (run.segment == 1) add_run_q2c64(run, key, weights, out);
  }
}

/* Whether a chunk has a key between two positions. */
static bool overlaps(const struct chunk *chunk, int32_t lower, int32_t upper)
{
  const int32_t first = (int32_t)chunk->position, last = first + (int32_t)chunk->n_rows - 1;
  return first <= upper && last >= lower;
}

/* The queries of one tile and KV head, and their softmaxes as far as they have come. */
struct tile {
  _Alignas(64) float q[KEY_SEGMENTS][QUERY_TILE * GROUP * HEAD_DIM];
  _Alignas(64) float values[QUERY_TILE * GROUP * HEAD_DIM];
  float largest[QUERY_TILE * GROUP], sum[QUERY_TILE * GROUP];
  struct query queries[QUERY_TILE * GROUP];
  uint32_t n_rows;
};

/* Adds one chunk's partial softmaxes to the block of rows that starts at `first`. */
static void add_chunk(
  const struct args *args, const struct kv_rows *kv, const struct chunk *chunk,
  struct tile *tile, uint32_t first)
{
  _Alignas(64) float products[BLOCK_ROWS * CHUNK_ROWS];
  _Alignas(64) float values[BLOCK_ROWS * HEAD_DIM];
  float largest[BLOCK_ROWS], sum[BLOCK_ROWS];
  const uint32_t rest = tile->n_rows - first;
  const uint32_t n_rows = rest < BLOCK_ROWS ? rest : BLOCK_ROWS;

  multiply_keys(kv, chunk, &tile->q[chunk->segment][first * HEAD_DIM], products);
  weigh_keys(args, chunk, &tile->queries[first], n_rows, products, largest, sum);
  multiply_values(kv, chunk, products, values);
  kerf_merge_softmaxes(
    &tile->largest[first], &tile->sum[first], &tile->values[first * HEAD_DIM],
    largest, sum, values, n_rows, HEAD_DIM);
}

/* One item: one tile of a sequence's queries and one KV head; all chunks of the cache in order. */
static void attention_causal_prefill_q8__k_list_mean_q42r64t16_list_mean_q42r64t16_f16t16_v_q4c64t1_q2c64t1_f16t1(
    const struct args *restrict args, uint32_t first, uint32_t last)
{
  for (uint32_t item = first; item < last; item++) {
    const uint32_t kv_head = item % args->n_kv_heads;
    const uint32_t *entry = args->tiles + 4 * (size_t)(item / args->n_kv_heads);
    const uint32_t *seq = args->seqs + 4 * (size_t)entry[0];
    const uint32_t first_row = entry[1], n_queries = entry[2];
    const uint32_t before = first_row - seq[1]; /* queries of the sequence before the tile */
    const size_t place = head_place(args, seq[3], kv_head);
    const uint32_t *channels = args->channels + place * KEY_LISTS * HEAD_DIM;
    const struct kv_rows kv = rows_of(args, place, before + n_queries);

    struct tile tile = {.n_rows = n_queries * GROUP};
    int32_t lower = INT32_MAX, upper = INT32_MIN;
    for (uint32_t i = 0; i < n_queries; i++) {
      gather_query(args, first_row + i, kv_head, channels, HEAD_DIM,
          &tile.q[0][i * GROUP * HEAD_DIM]);
      gather_query(args, first_row + i, kv_head, channels + HEAD_DIM, HEAD_DIM,
          &tile.q[1][i * GROUP * HEAD_DIM]);
      gather_query(args, first_row + i, kv_head, NULL, kv.key_width[2],
          &tile.q[2][i * GROUP * HEAD_DIM]);
      for (uint32_t g = 0; g < GROUP; g++) {
        const uint32_t row = i * GROUP + g;
        tile.largest[row] = KERF_MASKED;
        const struct query query = {
          .position = (int32_t)(seq[2] + before + i),
          .head = (int32_t)(kv_head * GROUP + g),
          .kv_head = (int32_t)kv_head,
          .layer = (int32_t)args->layer,
          .n_visible = kv.n_rows - (n_queries - 1 - i),
        };
        tile.queries[row] = query;

        lower = kerf_min_i32(lower, 0);
        upper = kerf_max_i32(upper, query.position);
      }
    }

    struct chunk chunk = {0};
    while (next_chunk(&kv, &chunk)) {
      if (!overlaps(&chunk, lower, upper)) continue;
      for (uint32_t row = 0; row < tile.n_rows; row += BLOCK_ROWS) {
        /* No query of the block sees a later key; its chunk ends there. */
        const uint32_t last_row = row + BLOCK_ROWS < tile.n_rows ? row + BLOCK_ROWS - 1
            : tile.n_rows - 1;
        const uint32_t n_visible = tile.queries[last_row].n_visible;
        if (n_visible <= chunk.position) continue;
        struct chunk seen = chunk;
        if (seen.n_rows > n_visible - chunk.position) seen.n_rows = n_visible - chunk.position;
        add_chunk(args, &kv, &seen, &tile, row);
      }
    }

    for (uint32_t row = 0; row < tile.n_rows; row++) {
      const size_t first_out = (size_t)(first_row + row / GROUP) * args->out_stride
          + tile.queries[row].head * HEAD_DIM;
      if (args->stores_codes) {
        kerf_finish_softmax_q8(tile.sum[row], &tile.values[row * HEAD_DIM],
            kerf_q8_at(args->out, first_out), HEAD_DIM);
      } else {
        kerf_finish_softmax(tile.sum[row], &tile.values[row * HEAD_DIM],
            (float *)args->out + first_out, HEAD_DIM);
      }
    }
  }
}

KERF_EXPORT uint64_t attention_causal_prefill_q8__k_list_mean_q42r64t16_list_mean_q42r64t16_f16t16_v_q4c64t1_q2c64t1_f16t1_address(
    void);
uint64_t attention_causal_prefill_q8__k_list_mean_q42r64t16_list_mean_q42r64t16_f16t16_v_q4c64t1_q2c64t1_f16t1_address(
    void)
{
  return (
      uint64_t)(
      uintptr_t)attention_causal_prefill_q8__k_list_mean_q42r64t16_list_mean_q42r64t16_f16t16_v_q4c64t1_q2c64t1_f16t1;
}
