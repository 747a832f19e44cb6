/*
 * Causal attention: a query sees every key up to its own position.
 * Prefill: tiles of queries over the whole cache, chunk after chunk.
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
  const uint32_t *heads; /* u32 [nSlots, nLayers, nKvHeads, 6] */
  const float *fills; /* f32 [nSlots, nLayers, nKvHeads, headDim] */
  const uint8_t *arena; /* u8 [arenaBytes] */
  float *out; /* f32 [nRows, out_stride] */
  const uint32_t *step; /* u32 [stepFields] */
  uint32_t layer;
  uint32_t n_layers;
  uint32_t n_heads;
  uint32_t n_kv_heads;
  uint32_t qkv_stride; /* elements between rows of qkv */
  uint32_t out_stride; /* elements between rows of out */
  uint32_t page_entries; /* entries of a head in pages */
  uint32_t key_page_0; /* the segment's first page entry */
  uint32_t key_page_1; /* the segment's first page entry */
  uint32_t value_page_0;
  float scale; /* 1 / √headDim */
};
_Static_assert(offsetof(struct args, qkv) == 0, "qkv");
_Static_assert(offsetof(struct args, tiles) == 8, "tiles");
_Static_assert(offsetof(struct args, seqs) == 16, "seqs");
_Static_assert(offsetof(struct args, pages) == 24, "pages");
_Static_assert(offsetof(struct args, heads) == 32, "heads");
_Static_assert(offsetof(struct args, fills) == 40, "fills");
_Static_assert(offsetof(struct args, arena) == 48, "arena");
_Static_assert(offsetof(struct args, out) == 56, "out");
_Static_assert(offsetof(struct args, step) == 64, "step");
_Static_assert(offsetof(struct args, layer) == 72, "layer");
_Static_assert(offsetof(struct args, n_layers) == 76, "n_layers");
_Static_assert(offsetof(struct args, n_heads) == 80, "n_heads");
_Static_assert(offsetof(struct args, n_kv_heads) == 84, "n_kv_heads");
_Static_assert(offsetof(struct args, qkv_stride) == 88, "qkv_stride");
_Static_assert(offsetof(struct args, out_stride) == 92, "out_stride");
_Static_assert(offsetof(struct args, page_entries) == 96, "page_entries");
_Static_assert(offsetof(struct args, key_page_0) == 100, "key_page_0");
_Static_assert(offsetof(struct args, key_page_1) == 104, "key_page_1");
_Static_assert(offsetof(struct args, value_page_0) == 108, "value_page_0");
_Static_assert(offsetof(struct args, scale) == 112, "scale");

#include "kerf_native.h"
#include "kerf_softmax.h"
#include "kerf_reduce.h"
#include "kerf_sets.h"

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
  KEY_SEGMENTS = 2,
  VALUE_SEGMENTS = 1,
  HEAD_FIELDS = 6, /* rows and width of every segment */
  QUERY_TILE = 8, /* queries of a tile, at most */
  /* Queries whose heads meet each key together: enough rows to keep the accumulators busy. */
  BLOCK_QUERIES = GROUP == 1 ? 4 : GROUP <= 3 ? 2 : 1,
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
  const float *fills; /* f32 [HEAD_DIM]: what a channel reads as that a row lacks */
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
  kv.fills = args->fills + place * HEAD_DIM;
  kv.key_pages[0] = pages + args->key_page_0;
  kv.key_rows[0] = fields[0];
  kv.key_width[0] = fields[1];
  kv.key_pages[1] = pages + args->key_page_1;
  kv.key_rows[1] = fields[2] + n_new;
  kv.key_width[1] = HEAD_DIM;
  kv.value_pages[0] = pages + args->value_page_0;
  kv.value_rows[0] = fields[4] + n_new;
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

/*
 * q · k of the block's rows and the chunk's keys. Sixteen keys at a time are spread over their channels, those
 * that a key lacks as their fills; then products build up in the lanes, channels in order, as of whole keys.
 *
 * q: f32 [BLOCK_ROWS, HEAD_DIM]. products: f32 [BLOCK_ROWS, CHUNK_ROWS].
 */
static void multiply_keys_sets(
  const struct kv_rows *kv, const struct chunk *chunk, const float *restrict q,
  float *restrict products)
{
  const uint32_t width = kv->key_width[chunk->segment];
  const uint32_t *pages = kv->key_pages[chunk->segment];
  _Alignas(64) float keys[HEAD_DIM * TILE_ROWS];

  for (uint32_t first = 0; first < chunk->n_rows; first += TILE_ROWS) {
    for (uint32_t c = 0; c < HEAD_DIM; c++)
      kerf_store16(&keys[c * TILE_ROWS], kerf_splat16(kv->fills[c]));
    /* Lanes past the chunk's last key hold fills; nobody reads their products. */
    for (uint32_t lane = 0; lane < TILE_ROWS && first + lane < chunk->n_rows; lane++) {
      const uint32_t row = chunk->row + first + lane;
      const uint16_t *page = (const uint16_t *)(kv->arena
          + (size_t)pages[row / PAGE_ROWS] * ARENA_UNIT);
      const uint16_t *key = page + row % PAGE_ROWS * kerf_set_halves(HEAD_DIM, width);
      kerf_spread_set(key, HEAD_DIM, width, &keys[lane], TILE_ROWS);
    }
    for (uint32_t v = 0; v < TILE_ROWS; v += KERF_N) {
      f32xn sums[BLOCK_ROWS];
      UNROLL for (uint32_t r = 0; r < BLOCK_ROWS; r++) sums[r] = kerf_splatn(0.0f);
      for (uint32_t c = 0; c < HEAD_DIM; c++) {
        const f32xn key = kerf_loadn(&keys[c * TILE_ROWS + v]);
        UNROLL for (uint32_t r = 0; r < BLOCK_ROWS; r++) {
          sums[r] = kerf_fman(kerf_splatn(q[r * HEAD_DIM + c]), key, sums[r]);
        }
      }
      UNROLL for (uint32_t r = 0; r < BLOCK_ROWS; r++) {
        kerf_storen(&products[r * CHUNK_ROWS + first + v], sums[r]);
      }
    }
  }
}

/*
 * q · k of the block's rows and the chunk's keys. A tile of keys is channel-major: sixteen products
 * build up in the lanes, and a channel that is not stored is a turn less.
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
    for (uint32_t c = 0; c < width; c++) {
      f32xn key[BLOCK_VECTORS];
      UNROLL for (uint32_t v = 0; v < BLOCK_VECTORS; v++) {
        key[v] = kerf_loadn_f16(keys[v] + c * TILE_ROWS);
      }
      UNROLL for (uint32_t r = 0; r < BLOCK_ROWS; r++) {
        const f32xn query = kerf_splatn(q[r * HEAD_DIM + c]);
        UNROLL for (uint32_t v = 0; v < BLOCK_VECTORS; v++) {
          sums[r][v] = kerf_fman(query, key[v], sums[r][v]);
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
  if (chunk->segment == 0) multiply_keys_sets(kv, chunk, q, products);
  if (chunk->segment == 1) multiply_keys_f16(kv, chunk, q, products);
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
#line 318 "generated/c/attention_causal_prefill__k_bitmap_mean_f16t1_f16t16_v_f16t1.c"
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
      const f32x16 weight = kerf_weight16(kerf_load16(&products[key]) - top);
      sum_lanes += weight;
      kerf_store16(&products[key], weight);
    }
    lanes[r] = sum_lanes;
  }
  kerf_store16_first(sum, kerf_sum16_each(lanes, BLOCK_ROWS), n_rows);
}

/* A vector of channels of a row of a page. */
KERF_INLINE f32xn load_values_f16(const uint8_t *values, uint32_t row, uint32_t channel)
{
  return kerf_loadn_f16((const kerf_f16 *)values + row * HEAD_DIM + channel);
}

/* Adds the weighted values of a run that begins at the chunk's row `first`. */
KERF_INLINE void add_run_f16(
  struct value_run run, uint32_t first, const float *restrict weights, uint32_t channel,
  const uint32_t n_vectors, f32xn sums[BLOCK_ROWS][BLOCK_VECTORS])
{
  const uint8_t *values = run.page;
  for (uint32_t key = first; key < run.end; key++) {
    f32xn value[BLOCK_VECTORS];
    UNROLL for (uint32_t v = 0; v < n_vectors; v++) {
      value[v] = load_values_f16(values, run.in_page + key - first, channel + v * KERF_N);
    }
    UNROLL for (uint32_t r = 0; r < BLOCK_ROWS; r++) {
      const f32xn weight = kerf_splatn(weights[r * CHUNK_ROWS + key]);
      UNROLL for (uint32_t v = 0; v < n_vectors; v++) {
        sums[r][v] = kerf_fman(weight, value[v], sums[r][v]);
      }
    }
  }
}

/* The weighted sum of n_vectors vectors of the chunk's values, keys in order. */
KERF_INLINE void add_values(
  const struct kv_rows *kv, const struct chunk *chunk, const float *restrict weights,
  uint32_t channel, const uint32_t n_vectors, float *restrict out)
{
  f32xn sums[BLOCK_ROWS][BLOCK_VECTORS];
  UNROLL for (uint32_t r = 0; r < BLOCK_ROWS; r++) {
    UNROLL for (uint32_t v = 0; v < n_vectors; v++) sums[r][v] = kerf_splatn(0.0f);
  }
  struct value_run run;
  for (uint32_t key = 0; key < chunk->n_rows; key = run.end) {
    run = value_run_at(kv, chunk, key);
    add_run_f16(run, key, weights, channel, n_vectors, sums);
  }
  UNROLL for (uint32_t r = 0; r < BLOCK_ROWS; r++) {
    UNROLL for (uint32_t v = 0; v < n_vectors; v++) {
      kerf_storen(&out[r * HEAD_DIM + channel + v * KERF_N], sums[r][v]);
    }
  }
}

/* weights: f32 [BLOCK_ROWS, CHUNK_ROWS]. out: f32 [BLOCK_ROWS, HEAD_DIM]. */
static void multiply_values(
  const struct kv_rows *kv, const struct chunk *chunk, const float *weights, float *out)
{
  const uint32_t whole = HEAD_DIM / VALUE_WIDTH * VALUE_WIDTH;
  for (uint32_t channel = 0; channel < whole; channel += VALUE_WIDTH) {
    add_values(kv, chunk, weights, channel, VALUE_VECTORS, out);
  }
  for (uint32_t channel = whole; channel < HEAD_DIM; channel += KERF_N) {
    add_values(kv, chunk, weights, channel, 1, out);
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
static void attention_causal_prefill__k_bitmap_mean_f16t1_f16t16_v_f16t1(
    const struct args *restrict args, uint32_t first, uint32_t last)
{
  for (uint32_t item = first; item < last; item++) {
    const uint32_t kv_head = item % args->n_kv_heads;
    const uint32_t *entry = args->tiles + 4 * (size_t)(item / args->n_kv_heads);
    const uint32_t *seq = args->seqs + 4 * (size_t)entry[0];
    const uint32_t first_row = entry[1], n_queries = entry[2];
    const uint32_t before = first_row - seq[1]; /* queries of the sequence before the tile */
    const size_t place = head_place(args, seq[3], kv_head);
    const struct kv_rows kv = rows_of(args, place, before + n_queries);

    struct tile tile = {.n_rows = n_queries * GROUP};
    int32_t lower = INT32_MAX, upper = INT32_MIN;
    for (uint32_t i = 0; i < n_queries; i++) {
      gather_query(args, first_row + i, kv_head, NULL, kv.key_width[0],
          &tile.q[0][i * GROUP * HEAD_DIM]);
      gather_query(args, first_row + i, kv_head, NULL, kv.key_width[1],
          &tile.q[1][i * GROUP * HEAD_DIM]);
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
      float *out = args->out + (size_t)(first_row + row / GROUP) * args->out_stride
          + tile.queries[row].head * HEAD_DIM;
      kerf_finish_softmax(tile.sum[row], &tile.values[row * HEAD_DIM], out, HEAD_DIM);
    }
  }
}

KERF_EXPORT uint64_t attention_causal_prefill__k_bitmap_mean_f16t1_f16t16_v_f16t1_address(void);
uint64_t attention_causal_prefill__k_bitmap_mean_f16t1_f16t16_v_f16t1_address(void)
{
  return (uint64_t)(uintptr_t)attention_causal_prefill__k_bitmap_mean_f16t1_f16t16_v_f16t1;
}
