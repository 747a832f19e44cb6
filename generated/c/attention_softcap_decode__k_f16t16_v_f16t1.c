/*
 * Causal attention whose logits are squashed into (−cap, cap), as Gemma 2 does.
 * Decode: one partial softmax per 256-row chunk of the cache; attention_merge joins them.
 *
 * Generated from kernels/attention/softcap.ts by `deno task gen`. Do not edit.
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
  const uint32_t *decode_rows; /* u32 [nDecode] */
  const uint32_t *row_seq; /* u32 [nRows] */
  const uint32_t *seqs; /* u32 [nSeqs, 4] */
  const uint32_t *pages; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
  const uint32_t *heads; /* u32 [nSlots, nLayers, nKvHeads, 4] */
  const uint8_t *arena; /* u8 [arenaBytes] */
  float *partials; /* f32 [nDecode, nHeads, nSplits, headDim + 16] */
  const uint32_t *step; /* u32 [stepFields] */
  uint32_t layer;
  uint32_t n_layers;
  uint32_t n_heads;
  uint32_t n_kv_heads;
  uint32_t qkv_stride; /* elements between rows of qkv */
  uint32_t page_entries; /* entries of a head in pages */
  uint32_t key_page_0; /* the segment's first page entry */
  uint32_t value_page_0;
  float scale; /* 1 / √headDim */
  float cap;
};
_Static_assert(offsetof(struct args, qkv) == 0, "qkv");
_Static_assert(offsetof(struct args, decode_rows) == 8, "decode_rows");
_Static_assert(offsetof(struct args, row_seq) == 16, "row_seq");
_Static_assert(offsetof(struct args, seqs) == 24, "seqs");
_Static_assert(offsetof(struct args, pages) == 32, "pages");
_Static_assert(offsetof(struct args, heads) == 40, "heads");
_Static_assert(offsetof(struct args, arena) == 48, "arena");
_Static_assert(offsetof(struct args, partials) == 56, "partials");
_Static_assert(offsetof(struct args, step) == 64, "step");
_Static_assert(offsetof(struct args, layer) == 72, "layer");
_Static_assert(offsetof(struct args, n_layers) == 76, "n_layers");
_Static_assert(offsetof(struct args, n_heads) == 80, "n_heads");
_Static_assert(offsetof(struct args, n_kv_heads) == 84, "n_kv_heads");
_Static_assert(offsetof(struct args, qkv_stride) == 88, "qkv_stride");
_Static_assert(offsetof(struct args, page_entries) == 92, "page_entries");
_Static_assert(offsetof(struct args, key_page_0) == 96, "key_page_0");
_Static_assert(offsetof(struct args, value_page_0) == 100, "value_page_0");
_Static_assert(offsetof(struct args, scale) == 104, "scale");
_Static_assert(offsetof(struct args, cap) == 108, "cap");

#include "kerf_native.h"
#include "kerf_softmax.h"
#include "kerf_reduce.h"

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
  KEY_SEGMENTS = 1,
  VALUE_SEGMENTS = 1,
  HEAD_FIELDS = 4, /* rows and width of every segment */
  BLOCK_QUERIES = 1,
  FETCH_ROWS = 64, /* rows of values from what is summed to what is fetched: the time of some cache misses */
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
  uint32_t wanted; /* rows of the segment whose keys are fetched ahead: not those of other threads' chunks */
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

/* Finds the n-th chunk; false where there are fewer. */
static bool chunk_at(const struct kv_rows *kv, uint32_t n, struct chunk *chunk)
{
  uint32_t position = 0;
  for (uint32_t segment = 0; segment < KEY_SEGMENTS; segment++) {
    const uint32_t n_rows = kv->key_rows[segment],
        n_chunks = (n_rows + CHUNK_ROWS - 1) / CHUNK_ROWS;
    if (n < n_chunks) {
      const uint32_t row = n * CHUNK_ROWS, rest = n_rows - row;
      *chunk = (struct chunk){
        .segment = segment, .row = row, .position = position + row,
            .n_rows = rest < CHUNK_ROWS ? rest : CHUNK_ROWS};
      return true;
    }
    n -= n_chunks;
    position += n_rows;
  }
  return false;
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
 * q · k of the block's rows and the chunk's keys. A tile of keys is channel-major: sixteen products
 * build up in the lanes, and a channel that is not stored is a turn less.
 * The keys a page on, the next chunk's too, are fetched meanwhile: the machine sees no streams in tiles.
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
    const uint32_t here = chunk->row + first;
    const uint32_t ahead = here + PAGE_ROWS < chunk->wanted ? here + PAGE_ROWS : here;
    const uint8_t *next_page = kv->arena + (size_t)pages[ahead / PAGE_ROWS] * ARENA_UNIT;
    const kerf_f16 *fetched = (const kerf_f16 *)next_page + ahead % PAGE_ROWS * width;
    f32xn sums[BLOCK_ROWS][BLOCK_VECTORS];
    UNROLL for (uint32_t r = 0; r < BLOCK_ROWS; r++) {
      UNROLL for (uint32_t v = 0; v < BLOCK_VECTORS; v++) sums[r][v] = kerf_splatn(0.0f);
    }
    for (uint32_t c = 0; c < width; c++) {
      kerf_fetch(fetched + c * BLOCK_WIDTH, BLOCK_WIDTH * sizeof *fetched);
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

/* Rows of a chunk whose values lie in one page: the chunk's first … end - 1. */
struct value_run {
  uint32_t segment, in_page, end;
  uint32_t wanted; /* rows of the chunk: fetching ahead ends there */
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
  return (struct value_run){segment, in_page, first + n_rows, chunk->n_rows, page};
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
#line 8 "kernels/attention/softcap.ts"
    const f32x16 score = args->cap * kerf_tanh16(s / args->cap);
    const i32x16 mask = kerf_at_most16_i32(key_position, kerf_splat16_i32(query.position));
#line 271 "generated/c/attention_softcap_decode__k_f16t16_v_f16t1.c"
    const i32x16 visible = mask & kerf_less16_i32(key_position, kerf_splat16_i32(n_visible));
    const f32x16 logit = sees_all ? score
        : kerf_select16(visible, score, kerf_splat16(KERF_MASKED));
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

/* Begins to fetch vectors of channels of a row; one past the page's end lies most often in the next page. */
KERF_INLINE void fetch_values_f16(const uint8_t *values, uint32_t row, uint32_t channel,
    uint32_t n_vectors)
{
  kerf_fetch((const kerf_f16 *)values + row * HEAD_DIM + channel,
      n_vectors * sizeof(kerf_f16[KERF_N]));
}

/* Adds the weighted values of a run that begins at the chunk's row `first`. */
KERF_INLINE void add_run_f16(
  struct value_run run, uint32_t first, const float *restrict weights, uint32_t channel,
  const uint32_t n_vectors, f32xn sums[BLOCK_ROWS][BLOCK_VECTORS])
{
  const uint8_t *values = run.page;
  for (uint32_t key = first; key < run.end; key++) {
    const uint32_t ahead = key + FETCH_ROWS < run.wanted ? FETCH_ROWS : 0;
    fetch_values_f16(values, run.in_page + key - first + ahead, channel, n_vectors);
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

/*
 * Begins to fetch the first values of the chunk, the part-th of GROUP parts: what add_values begins with, wanted once
 * keys are weighed.
 */
KERF_INLINE void fetch_first_values(const struct kv_rows *kv, const struct chunk *chunk,
    uint32_t part)
{
  enum { ROWS = (FETCH_ROWS + GROUP - 1) / GROUP };
  if (part * ROWS >= chunk->n_rows) return;
  const struct value_run run = value_run_at(kv, chunk, part * ROWS);
  if (run.segment == 0) {
    const uint8_t *values = run.page;
    kerf_fetch((const kerf_f16 *)values + run.in_page * HEAD_DIM,
        ROWS * HEAD_DIM * sizeof(kerf_f16));
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

/*
 * Begins to fetch a chunk's first page of keys, where no chunk before it did: the first of a thread's items or of a
 * segment. Inline, since a compiler leaves out calls that do nothing but fetch.
 */
KERF_INLINE void fetch_first_keys(const struct kv_rows *kv, const struct chunk *chunk)
{
  const uint8_t *page = kv->arena
      + (size_t)kv->key_pages[chunk->segment][chunk->row / PAGE_ROWS] * ARENA_UNIT;
  const uint32_t n_rows = chunk->n_rows < PAGE_ROWS ? chunk->n_rows : PAGE_ROWS;
  const size_t bytes = (size_t)n_rows * kv->key_width[chunk->segment] * sizeof(kerf_f16);
  for (size_t at = 0; at < bytes; at += 64) kerf_fetch(page + at, 64);
}

/* One item: one chunk of one KV head of a decoded row → one partial softmax per query head. */
static void attention_softcap_decode__k_f16t16_v_f16t1(const struct args *restrict args,
    uint32_t first, uint32_t last)
{
  const uint32_t n_splits = args->step[5];
  _Alignas(64) float q[GROUP * HEAD_DIM];
  uint32_t gathered = UINT32_MAX; /* whose queries these are */

  for (uint32_t item = first; item < last; item++) {
    const uint32_t split = item % n_splits;
    const uint32_t kv_head = item / n_splits % args->n_kv_heads;
    const uint32_t decoded = item / n_splits / args->n_kv_heads;
    const uint32_t row = args->decode_rows[decoded];
    const uint32_t *seq = args->seqs + 4 * (size_t)args->row_seq[row];
    const size_t place = head_place(args, seq[3], kv_head);
    const struct kv_rows kv = rows_of(args, place, row - seq[1] + 1);

    _Alignas(64) float products[GROUP * CHUNK_ROWS];
    _Alignas(64) float values[GROUP * HEAD_DIM] = {0};
    float largest[GROUP], sum[GROUP];
    struct query queries[GROUP];
    int32_t lower = INT32_MAX, upper = INT32_MIN;
    for (uint32_t g = 0; g < GROUP; g++) {
      const struct query query = {
        .position = (int32_t)(seq[2] + row - seq[1]),
        .head = (int32_t)(kv_head * GROUP + g),
        .kv_head = (int32_t)kv_head,
        .layer = (int32_t)args->layer,
        .n_visible = kv.n_rows,
      };
      queries[g] = query;
      largest[g] = KERF_MASKED;
      sum[g] = 0.0f;

      lower = kerf_min_i32(lower, 0);
      upper = kerf_max_i32(upper, query.position);
    }

    struct chunk chunk = {0};
    if (chunk_at(&kv, split, &chunk) && overlaps(&chunk, lower, upper)) {
      chunk.wanted = item + 1 < last ? kv.key_rows[chunk.segment] : chunk.row + chunk.n_rows;
      if (item == first || chunk.row == 0) fetch_first_keys(&kv, &chunk);
      /* Items of a head follow one another: what one gathered serves the next. */
      const uint32_t list = item / n_splits * KEY_SEGMENTS + chunk.segment;
      if (list != gathered) gather_query(args, row, kv_head, NULL, kv.key_width[chunk.segment], q);
      gathered = list;
      multiply_keys(&kv, &chunk, q, products);
      for (uint32_t g = 0; g < GROUP; g++) {
        fetch_first_values(&kv, &chunk, g);
        weigh_keys(args, &chunk, &queries[g], 1, &products[g * CHUNK_ROWS], &largest[g], &sum[g]);
      }
      multiply_values(&kv, &chunk, products, values);
    }

    for (uint32_t g = 0; g < GROUP; g++) {
      const size_t head = (size_t)decoded * args->n_heads + kv_head * GROUP + g;
      float *partial = args->partials + (head * n_splits + split) * (HEAD_DIM + 16);
      memcpy(partial, &values[g * HEAD_DIM], HEAD_DIM * sizeof *partial);
      partial[HEAD_DIM] = largest[g];
      partial[HEAD_DIM + 1] = sum[g];
    }
  }
}

KERF_EXPORT uint64_t attention_softcap_decode__k_f16t16_v_f16t1_address(void);
uint64_t attention_softcap_decode__k_f16t16_v_f16t1_address(void)
{
  return (uint64_t)(uintptr_t)attention_softcap_decode__k_f16t16_v_f16t1;
}
