/*
 * TOVA: keeps the rows that the last query attends to, in the mean of a layer's heads; all heads of a
 * layer keep the same. The cheapest score that reads attention. It acts once a prompt has ended; with
 * `every=1` also at every decoded token, as in its paper.
 * Scores of every row of one layer; higher keeps.
 *
 * Generated from kernels/prune/tova.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

#ifndef HEAD_DIM
#error "compile with -DHEAD_DIM=N"
#endif
#ifndef GROUP
#error "compile with -DGROUP=N"
#endif

struct args {
  const float *q_ring; /* f32 [nSlots, nLayers, nHeads, window, headDim] */
  const float *window_sums; /* f32 [nHeads, n_window, 2] */
  const uint32_t *pages; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
  const uint32_t *heads; /* u32 [nSlots, nLayers, nKvHeads, 4] */
  const uint8_t *arena; /* u8 [arenaBytes] */
  float *row_scores; /* f32 [nHeads, max_rows] */
  uint32_t slot;
  uint32_t layer;
  uint32_t n_layers;
  uint32_t n_heads;
  uint32_t n_kv_heads;
  uint32_t page_entries; /* entries of a head in pages */
  uint32_t window; /* places of the ring */
  uint32_t n_window; /* queries in it */
  uint32_t n_tokens; /* position after the last query */
  float scale; /* 1 / √headDim */
  uint32_t n_tiles; /* tiles of the longest head, all segments */
  uint32_t max_rows; /* rows of the longest head */
  uint32_t key_page_0; /* the segment's first page entry */
  uint32_t value_page_0;
};
_Static_assert(offsetof(struct args, q_ring) == 0, "q_ring");
_Static_assert(offsetof(struct args, window_sums) == 8, "window_sums");
_Static_assert(offsetof(struct args, pages) == 16, "pages");
_Static_assert(offsetof(struct args, heads) == 24, "heads");
_Static_assert(offsetof(struct args, arena) == 32, "arena");
_Static_assert(offsetof(struct args, row_scores) == 40, "row_scores");
_Static_assert(offsetof(struct args, slot) == 48, "slot");
_Static_assert(offsetof(struct args, layer) == 52, "layer");
_Static_assert(offsetof(struct args, n_layers) == 56, "n_layers");
_Static_assert(offsetof(struct args, n_heads) == 60, "n_heads");
_Static_assert(offsetof(struct args, n_kv_heads) == 64, "n_kv_heads");
_Static_assert(offsetof(struct args, page_entries) == 68, "page_entries");
_Static_assert(offsetof(struct args, window) == 72, "window");
_Static_assert(offsetof(struct args, n_window) == 76, "n_window");
_Static_assert(offsetof(struct args, n_tokens) == 80, "n_tokens");
_Static_assert(offsetof(struct args, scale) == 84, "scale");
_Static_assert(offsetof(struct args, n_tiles) == 88, "n_tiles");
_Static_assert(offsetof(struct args, max_rows) == 92, "max_rows");
_Static_assert(offsetof(struct args, key_page_0) == 96, "key_page_0");
_Static_assert(offsetof(struct args, value_page_0) == 100, "value_page_0");

#include "kerf_native.h"
#include "kerf_softmax.h"

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

/* One item: TILES tiles of one KV head's rows; rows in the lanes. */
static void token_scores_tova__k_f16t16_v_f16t1_evicted(const struct args *restrict args,
    uint32_t first, uint32_t last)
{
  const uint32_t n_blocks = (args->n_tiles + TILES - 1) / TILES;

  for (uint32_t item = first; item < last; item++) {
    const uint32_t kv_head = item / n_blocks, block = item % n_blocks;
    const struct kv_rows kv = rows_of(args, kv_head);

    struct row_tile tile;
    for (uint32_t i = 0; i < TILES && tile_at(&kv, block * TILES + i, &tile); i++) {
      _Alignas(64) float keys[HEAD_DIM * TILE_ROWS];
      load_keys(&kv, &tile, keys);
      const i32x16 position = load_positions(&kv, &tile);
      for (uint32_t g = 0; g < GROUP; g++) {
        const uint32_t head = kv_head * GROUP + g;
        const size_t layer = (size_t)args->slot * args->n_layers + args->layer;
        const float *ring = args->q_ring + (layer * args->n_heads + head) * args->window * HEAD_DIM;
        const float *sums = args->window_sums + 2 * (size_t)head * args->n_window;
        f32x16 sum_weights_lanes = kerf_splat16(0.0f);
        for (uint32_t query = 0; query < args->n_window; query++) {
          const uint32_t seen_from = args->n_tokens - args->n_window + query;
          const float *q = ring + (size_t)(seen_from % args->window) * HEAD_DIM;
          const f32x16 logit = multiply_keys(q, keys) * args->scale;
          const f32x16 weight = kerf_exp16(logit - sums[2 * query]) / sums[2 * query + 1];
          const i32x16 seen = kerf_at_most16_i32(position, kerf_splat16_i32((int32_t)seen_from));
          const f32x16 x = kerf_select16(seen, weight, kerf_splat16(0.0f));

          sum_weights_lanes = sum_weights_lanes + x;
        }

        kerf_store16_first(&args->row_scores[(size_t)head * args->max_rows + tile.place],
            sum_weights_lanes, tile.n_rows);
      }
    }
  }
}

KERF_EXPORT uint64_t token_scores_tova__k_f16t16_v_f16t1_evicted_address(void);
uint64_t token_scores_tova__k_f16t16_v_f16t1_evicted_address(void)
{
  return (uint64_t)(uintptr_t)token_scores_tova__k_f16t16_v_f16t1_evicted;
}
