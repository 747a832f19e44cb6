/*
 * Causal attention: a query sees every key up to its own position.
 * Adds to the running sum of every row what the step's queries give it, query after query.
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
  const uint32_t *seqs; /* u32 [nSeqs, 4] */
  const uint32_t *pages; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
  const uint32_t *heads; /* u32 [nSlots, nLayers, nKvHeads, 4] */
  const float *row_softmax; /* f32 [nRows, nHeads, 2] */
  uint8_t *arena; /* u8 [arenaBytes] */
  const uint32_t *step; /* u32 [stepFields] */
  uint32_t layer;
  uint32_t n_layers;
  uint32_t n_heads;
  uint32_t n_kv_heads;
  uint32_t qkv_stride; /* elements between rows of qkv */
  uint32_t page_entries; /* entries of a head in pages */
  uint32_t n_ctx; /* rows that a head may have */
  uint32_t key_page_0; /* the segment's first page entry */
  uint32_t value_page_0;
  float scale; /* 1 / √headDim */
};
_Static_assert(offsetof(struct args, qkv) == 0, "qkv");
_Static_assert(offsetof(struct args, seqs) == 8, "seqs");
_Static_assert(offsetof(struct args, pages) == 16, "pages");
_Static_assert(offsetof(struct args, heads) == 24, "heads");
_Static_assert(offsetof(struct args, row_softmax) == 32, "row_softmax");
_Static_assert(offsetof(struct args, arena) == 40, "arena");
_Static_assert(offsetof(struct args, step) == 48, "step");
_Static_assert(offsetof(struct args, layer) == 56, "layer");
_Static_assert(offsetof(struct args, n_layers) == 60, "n_layers");
_Static_assert(offsetof(struct args, n_heads) == 64, "n_heads");
_Static_assert(offsetof(struct args, n_kv_heads) == 68, "n_kv_heads");
_Static_assert(offsetof(struct args, qkv_stride) == 72, "qkv_stride");
_Static_assert(offsetof(struct args, page_entries) == 76, "page_entries");
_Static_assert(offsetof(struct args, n_ctx) == 80, "n_ctx");
_Static_assert(offsetof(struct args, key_page_0) == 84, "key_page_0");
_Static_assert(offsetof(struct args, value_page_0) == 88, "value_page_0");
_Static_assert(offsetof(struct args, scale) == 92, "scale");

#include "kerf_native.h"
#include "kerf_softmax.h"
#include "kerf_bf16.h"

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
  POSITION_BYTES = 4 * PAGE_ROWS, /* at the head of a page of values */
  SUM_BYTES = 4 * PAGE_ROWS, /* behind the positions: running sums */
  KEY_SEGMENTS = 1,
  VALUE_SEGMENTS = 1,
  HEAD_FIELDS = 4, /* rows and width of every segment */
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
  kv.key_pages[0] = pages + args->key_page_0;
  kv.key_rows[0] = fields[0] + n_new;
  kv.key_width[0] = HEAD_DIM;
  kv.value_pages[0] = pages + args->value_page_0;
  kv.value_rows[0] = fields[2] + n_new;
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

/* Stands where a pair has no second. */
static const kerf_f16 NO_ELEMENTS[16] = {0};

/*
 * q · k of the block's rows and the chunk's keys, both rounded to bf16, two channels at a time. A tile of keys is
 * channel-major: sixteen products build up in the lanes, and two channels that are not stored are a turn less.
 *
 * q: f32 [BLOCK_ROWS, HEAD_DIM]. products: f32 [BLOCK_ROWS, CHUNK_ROWS].
 */
static void multiply_keys(
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

/* The true positions of the chunk's keys, sixteen at a time; those past its end are any. */
static void load_positions(const struct kv_rows *kv, const struct chunk *chunk, int32_t *positions)
{
  memset(positions, 0, CHUNK_ROWS * sizeof *positions);
  struct value_run run;
  for (uint32_t key = 0; key < chunk->n_rows; key = run.end) {
    run = value_run_at(kv, chunk, key);
    memcpy(&positions[key], (const int32_t *)run.page + run.in_page,
        (run.end - key) * sizeof *positions);
  }
}

/*
 * Adds to the sums of a chunk's keys what one query gives them; `softmax` has its largest logit and its sum
 * of weights. A key that the query does not see gets exactly 0.
 */
static void add_weights(
  const struct args *args, const struct chunk *chunk, struct query query,
  const int32_t *positions, const float *products, const float *softmax, float *sums)
{
  const i32x16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

  for (uint32_t key = 0; key < chunk->n_rows; key += 16) {
    const i32x16 place = lane + (int32_t)(chunk->position + key);
    i32x16 key_position;
    memcpy(&key_position, &positions[key], sizeof key_position);
    const f32x16 s = kerf_load16(&products[key]) * args->scale;

#line 7 "kernels/attention/causal.ts"
    const i32x16 mask = kerf_at_most16_i32(key_position, kerf_splat16_i32(query.position));
#line 280 "generated/c/attention_causal_sums_q8__k_f16t16_v_f16t1_evicted_summed.c"
    const i32x16 visible = mask
        & kerf_less16_i32(place, kerf_splat16_i32((int32_t)query.n_visible));
    const f32x16 weight = kerf_exp16(s - softmax[0]) / softmax[1];
    kerf_store16(&sums[key],
        kerf_load16(&sums[key]) + kerf_select16(visible, weight, kerf_splat16(0.0f)));
  }
}

/* The running sums of a run's rows, behind the positions of its page. */
static float *sums_of(const struct args *args, struct value_run run)
{
  return (float *)(args->arena + (run.page - args->arena) + POSITION_BYTES) + run.in_page;
}

/* One item: every n_chunks-th chunk of one KV head of a sequence; the step's queries in order. */
static void attention_causal_sums_q8__k_f16t16_v_f16t1_evicted_summed(
    const struct args *restrict args, uint32_t first, uint32_t last)
{
  const uint32_t n_chunks = (args->n_ctx + CHUNK_ROWS - 1) / CHUNK_ROWS;

  for (uint32_t item = first; item < last; item++) {
    const uint32_t kv_head = item / n_chunks % args->n_kv_heads;
    const uint32_t *seq = args->seqs + 4 * (size_t)(item / n_chunks / args->n_kv_heads);
    const uint32_t n_queries = seq[0], first_row = seq[1];
    const size_t place = head_place(args, seq[3], kv_head);
    const struct kv_rows kv = rows_of(args, place, n_queries);
    const uint32_t n_before = kv.n_rows - n_queries;

    struct chunk chunk = {0};
    for (uint32_t i = 0; next_chunk(&kv, &chunk); i++) {
      if (i % n_chunks != item % n_chunks) continue;
      _Alignas(64) float q[BLOCK_ROWS * HEAD_DIM] = {0};
      _Alignas(64) float products[BLOCK_ROWS * CHUNK_ROWS];
      _Alignas(64) float sums[CHUNK_ROWS] = {0};
      int32_t positions[CHUNK_ROWS];
      load_positions(&kv, &chunk, positions);

      struct value_run run;
      for (uint32_t key = 0; key < chunk.n_rows; key = run.end) {
        run = value_run_at(&kv, &chunk, key);
        memcpy(&sums[key], sums_of(args, run), (run.end - key) * sizeof *sums);
      }
      /* Rows of this step begin at 0. */
      const uint32_t n_old = n_before > chunk.position ? n_before - chunk.position : 0;
      for (uint32_t key = n_old; key < chunk.n_rows; key++) sums[key] = 0.0f;

      for (uint32_t block = 0; block < n_queries; block += BLOCK_QUERIES) {
        const uint32_t rest = n_queries - block,
            n_block = rest < BLOCK_QUERIES ? rest : BLOCK_QUERIES;
        if (n_before + block + n_block <= chunk.position) continue; /* no query of it sees the chunk */
        for (uint32_t i = 0; i < n_block; i++) {
          gather_query(args, first_row + block + i, kv_head, NULL, kv.key_width[chunk.segment],
              &q[i * GROUP * HEAD_DIM]);
        }
        multiply_keys(&kv, &chunk, q, products);
        for (uint32_t r = 0; r < n_block * GROUP; r++) {
          const uint32_t query_index = block + r / GROUP, head = kv_head * GROUP + r % GROUP;
          const struct query query = {
            .position = (int32_t)(seq[2] + query_index),
            .head = (int32_t)head,
            .kv_head = (int32_t)kv_head,
            .layer = (int32_t)args->layer,
            .n_visible = n_before + query_index + 1,
          };
          const float *softmax = args->row_softmax
              + 2 * ((size_t)(first_row + query_index) * args->n_heads + head);
          add_weights(args, &chunk, query, positions, &products[r * CHUNK_ROWS], softmax, sums);
        }
      }
      for (uint32_t key = 0; key < chunk.n_rows; key = run.end) {
        run = value_run_at(&kv, &chunk, key);
        memcpy(sums_of(args, run), &sums[key], (run.end - key) * sizeof *sums);
      }
    }
  }
}

KERF_EXPORT uint64_t attention_causal_sums_q8__k_f16t16_v_f16t1_evicted_summed_address(void);
uint64_t attention_causal_sums_q8__k_f16t16_v_f16t1_evicted_summed_address(void)
{
  return (uint64_t)(uintptr_t)attention_causal_sums_q8__k_f16t16_v_f16t1_evicted_summed;
}
