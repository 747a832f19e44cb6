/*
 * What a query of a head's moments is expected to give each row, as a logit: μᵀk/√d + kᵀΣk/2d, the moments
 * rotated to the mean of the next `ahead` positions.
 *
 * Generated from kernels/ops/expected_logits.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

#ifndef HEAD_DIM
#error "compile with -DHEAD_DIM=N"
#endif
#ifndef GROUP
#error "compile with -DGROUP=N"
#endif

struct args {
  const float *moments; /* f32 [nSlots, nLayers, nHeads, headDim + 2, headDim] */
  const float *angles; /* f32 [nCtx + ahead, headDim] */
  const uint32_t *pages; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
  const uint32_t *heads; /* u32 [nSlots, nLayers, nKvHeads, 2·nSegments] */
  const uint8_t *arena; /* u8 [arenaBytes] */
  float *expected_logits; /* f32 [nHeads, max_rows] */
  uint32_t slot;
  uint32_t layer;
  uint32_t n_layers;
  uint32_t n_heads;
  uint32_t n_kv_heads;
  uint32_t page_entries; /* entries of a head in pages */
  uint32_t n_tokens; /* position after the last query */
  uint32_t skip; /* first rows of a sequence that do not count */
  uint32_t ahead; /* positions whose rotations meet in their mean */
  uint32_t n_tiles; /* tiles of the longest head, all segments */
  uint32_t max_rows; /* rows of the longest head */
  float scale; /* 1 / √headDim */
  uint32_t key_page_0; /* the segment's first page entry */
  uint32_t value_page_0;
};
_Static_assert(offsetof(struct args, moments) == 0, "moments");
_Static_assert(offsetof(struct args, angles) == 8, "angles");
_Static_assert(offsetof(struct args, pages) == 16, "pages");
_Static_assert(offsetof(struct args, heads) == 24, "heads");
_Static_assert(offsetof(struct args, arena) == 32, "arena");
_Static_assert(offsetof(struct args, expected_logits) == 40, "expected_logits");
_Static_assert(offsetof(struct args, slot) == 48, "slot");
_Static_assert(offsetof(struct args, layer) == 52, "layer");
_Static_assert(offsetof(struct args, n_layers) == 56, "n_layers");
_Static_assert(offsetof(struct args, n_heads) == 60, "n_heads");
_Static_assert(offsetof(struct args, n_kv_heads) == 64, "n_kv_heads");
_Static_assert(offsetof(struct args, page_entries) == 68, "page_entries");
_Static_assert(offsetof(struct args, n_tokens) == 72, "n_tokens");
_Static_assert(offsetof(struct args, skip) == 76, "skip");
_Static_assert(offsetof(struct args, ahead) == 80, "ahead");
_Static_assert(offsetof(struct args, n_tiles) == 84, "n_tiles");
_Static_assert(offsetof(struct args, max_rows) == 88, "max_rows");
_Static_assert(offsetof(struct args, scale) == 92, "scale");
_Static_assert(offsetof(struct args, key_page_0) == 96, "key_page_0");
_Static_assert(offsetof(struct args, value_page_0) == 100, "value_page_0");

#include "kerf_native.h"

enum {
  PAGE_ROWS = 128, /* rows of a page */
  TILE_ROWS = 16, /* rows of a tile of keys: the lanes */
  ARENA_UNIT = 64, /* bytes that a page entry counts */
  POSITION_BYTES = 4 * PAGE_ROWS, /* at the head of a page of values */
  KEY_SEGMENTS = 1,
  HEAD_FIELDS = 4, /* rows and width of every segment */
};
_Static_assert(HEAD_DIM % 16 == 0, "HEAD_DIM is a multiple of 16");

/* One KV head: where its rows lie, how many each segment of keys holds, and of what width. */
struct kv_rows {
  const uint8_t *arena;
  const uint32_t *key_pages[KEY_SEGMENTS];
  uint32_t rows[KEY_SEGMENTS], width[KEY_SEGMENTS];
  const uint32_t *value_pages;
};

/* At most sixteen rows of one segment; `place` counts the head's rows before them. */
struct row_tile {
  uint32_t segment, row, place, n_rows;
};

static struct kv_rows rows_of(const struct args *args, uint32_t kv_head)
{
  const size_t layer = (size_t)args->slot * args->n_layers + args->layer;
  const size_t place = layer * args->n_kv_heads + kv_head;
  const uint32_t *pages = args->pages + place * args->page_entries;
  const uint32_t *fields = args->heads + place * HEAD_FIELDS;
  struct kv_rows kv = {.arena = args->arena, .value_pages = pages + args->value_page_0};
  kv.key_pages[0] = pages + args->key_page_0;
  kv.rows[0] = fields[0];
  kv.width[0] = HEAD_DIM;
  return kv;
}

/* The index-th tile of all segments; false past the last. */
static bool tile_at(const struct kv_rows *kv, uint32_t index, struct row_tile *tile)
{
  tile->place = 0;
  for (uint32_t segment = 0; segment < KEY_SEGMENTS; segment++) {
    const uint32_t n_tiles = (kv->rows[segment] + TILE_ROWS - 1) / TILE_ROWS;
    if (index < n_tiles) {
      tile->segment = segment;
      tile->row = index * TILE_ROWS;
      tile->place += tile->row;
      tile->n_rows = kerf_lanes(kv->rows[segment] - tile->row);
      return true;
    }
    index -= n_tiles;
    tile->place += kv->rows[segment];
  }
  return false;
}

/* The tile's keys, rows in lanes: f32 [HEAD_DIM, 16]. What is not stored is 0: channels, and lanes past the last row. */
KERF_INLINE void load_keys(const struct kv_rows *kv, const struct row_tile *tile, float *keys)
{
  const uint32_t *pages = kv->key_pages[tile->segment];
  const uint32_t width = kv->width[tile->segment];
  const uint8_t *page = kv->arena + (size_t)pages[tile->row / PAGE_ROWS] * ARENA_UNIT;
  const kerf_f16 *stored = (const kerf_f16 *)page + tile->row % PAGE_ROWS * width;
  const i32x16 present = kerf_first16(tile->n_rows);
  for (uint32_t c = 0; c < width; c++) {
    const f32x16 key = kerf_select16(present, kerf_load16_f16(stored + c * TILE_ROWS),
        kerf_splat16(0.0f));
    kerf_store16(&keys[c * TILE_ROWS], key);
  }
}

/* The page of values that holds a row, at its head the positions. */
KERF_INLINE const uint8_t *value_page(const struct kv_rows *kv, uint32_t place)
{
  return kv->arena + (size_t)kv->value_pages[place / PAGE_ROWS] * ARENA_UNIT;
}

/* True positions of the tile's rows; 0 past the last. */
KERF_INLINE i32x16 load_positions(const struct kv_rows *kv, const struct row_tile *tile)
{
  i32x16 positions = {0};
  for (uint32_t lane = 0; lane < tile->n_rows; lane++) {
    const uint32_t place = tile->place + lane;
    positions[lane] = ((const int32_t *)value_page(kv, place))[place % PAGE_ROWS];
  }
  return positions;
}

/* q · k of one query and the tile's keys. Four sums hide the latency of one. */
KERF_INLINE f32x16 multiply_keys(const float *q, const float *keys)
{
  f32x16 sums[4] = {{0}};
  for (uint32_t c = 0; c < HEAD_DIM; c += 4) {
    for (uint32_t i = 0; i < 4; i++) {
      sums[i] = kerf_fma16(kerf_splat16(q[c + i]), kerf_load16(&keys[(c + i) * TILE_ROWS]),
          sums[i]);
    }
  }
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

enum { TILES = 8 }; /* of one item */

/* The moments of one head, as query_moments leaves them. */
struct moments {
  float first[HEAD_DIM], sums[HEAD_DIM], products[HEAD_DIM][HEAD_DIM];
};

/* The mean rotation of the positions to come: cosines of HEAD_DIM / 2 angles, then sines. */
static void mean_rotation(const struct args *args, float *mean)
{
  for (uint32_t c = 0; c < HEAD_DIM; c += 16) {
    f32x16 sum = kerf_splat16(0.0f);
    for (uint32_t i = 0; i < args->ahead; i++) {
      sum += kerf_load16(&args->angles[(size_t)(args->n_tokens + i) * HEAD_DIM + c]);
    }
    kerf_store16(&mean[c], sum / (float)args->ahead);
  }
}

/* Turns a tile's keys back: a rotated query meets a key as the query meets the key turned back. */
static void turn_back(const float *rotation, float *keys)
{
  const uint32_t half = HEAD_DIM / 2;
  for (uint32_t c = 0; c < half; c++) {
    float *first = &keys[c * TILE_ROWS], *second = &keys[(half + c) * TILE_ROWS];
    const f32x16 a = kerf_load16(first), b = kerf_load16(second);
    kerf_store16(first, a * rotation[c] + b * rotation[half + c]);
    kerf_store16(second, b * rotation[c] - a * rotation[half + c]);
  }
}

/* kᵀ · products · k of a tile's keys. */
static f32x16 square_keys(const struct moments *moments, const float *keys)
{
  f32x16 sum = kerf_splat16(0.0f);
  for (uint32_t c = 0; c < HEAD_DIM; c++) {
    sum = kerf_fma16(kerf_load16(&keys[c * TILE_ROWS]), multiply_keys(moments->products[c], keys),
        sum);
  }
  return sum;
}

/* One item: TILES tiles of one KV head's rows; rows in the lanes. */
static void expected_logits__k_f16t16_v_f16t1_evicted(const struct args *restrict args,
    uint32_t first, uint32_t last)
{
  const uint32_t n_blocks = (args->n_tiles + TILES - 1) / TILES;
  const float n_queries = (float)(args->n_tokens - args->skip);
  float rotation[HEAD_DIM];
  mean_rotation(args, rotation);

  for (uint32_t item = first; item < last; item++) {
    const uint32_t kv_head = item / n_blocks, block = item % n_blocks;
    const struct kv_rows kv = rows_of(args, kv_head);
    const size_t layer = (size_t)args->slot * args->n_layers + args->layer;
    struct row_tile tile;
    for (uint32_t i = 0; i < TILES && tile_at(&kv, block * TILES + i, &tile); i++) {
      _Alignas(64) float keys[HEAD_DIM * TILE_ROWS];
      load_keys(&kv, &tile, keys);
      turn_back(rotation, keys);
      for (uint32_t g = 0; g < GROUP; g++) {
        const uint32_t head = kv_head * GROUP + g;
        const struct moments *moments = (const struct moments *)args->moments
            + layer * args->n_heads + head;
        const f32x16 far = multiply_keys(moments->sums, keys) / n_queries;
        const f32x16 mean = multiply_keys(moments->first, keys) + far;
        const f32x16 variance = square_keys(moments, keys) / n_queries - far * far;
        const f32x16 logit = mean * args->scale + variance * (0.5f * args->scale * args->scale);
        kerf_store16_first(&args->expected_logits[(size_t)head * args->max_rows + tile.place],
            logit, tile.n_rows);
      }
    }
  }
}

KERF_EXPORT uint64_t expected_logits__k_f16t16_v_f16t1_evicted_address(void);
uint64_t expected_logits__k_f16t16_v_f16t1_evicted_address(void)
{
  return (uint64_t)(uintptr_t)expected_logits__k_f16t16_v_f16t1_evicted;
}
