/*
 * Rotates a row's q and k and stores k and v in the cache.
 * Keeps the last `window` rotated queries of every sequence in a ring: row p of the sequence goes to
 * place p mod window, so that scores at the end of prefill do not depend on how it was chunked.
 *
 * Generated from kernels/ops/append.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

#ifndef HEAD_DIM
#error "compile with -DHEAD_DIM=N"
#endif

struct args {
  float *qkv; /* f32 [nRows, qkv_stride] */
  const float *rope; /* f32 [nCtx, headDim] */
  const uint32_t *row_position; /* u32 [nRows] */
  const uint32_t *row_seq; /* u32 [nRows] */
  const uint32_t *seqs; /* u32 [nSeqs, 4] */
  const uint32_t *pages; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
  const uint32_t *heads; /* u32 [nSlots, nLayers, nKvHeads, 6] */
  uint8_t *arena; /* u8 [arenaBytes] */
  float *q_ring; /* f32 [nSlots, nLayers, nHeads, window, headDim] */
  const uint32_t *step; /* u32 [stepFields] */
  uint32_t layer;
  uint32_t n_layers;
  uint32_t n_heads;
  uint32_t n_kv_heads;
  uint32_t qkv_stride; /* elements between rows of qkv */
  uint32_t page_entries; /* entries of a head in pages */
  uint32_t key_page; /* first page entry of the last segment of keys */
  uint32_t value_page; /* first page entry of the last segment of values */
  uint32_t window; /* places of the ring */
  uint32_t second_window; /* places of a second ring in q_ring; 0: there is none */
  uint32_t second_ring; /* its first element */
};
_Static_assert(offsetof(struct args, qkv) == 0, "qkv");
_Static_assert(offsetof(struct args, rope) == 8, "rope");
_Static_assert(offsetof(struct args, row_position) == 16, "row_position");
_Static_assert(offsetof(struct args, row_seq) == 24, "row_seq");
_Static_assert(offsetof(struct args, seqs) == 32, "seqs");
_Static_assert(offsetof(struct args, pages) == 40, "pages");
_Static_assert(offsetof(struct args, heads) == 48, "heads");
_Static_assert(offsetof(struct args, arena) == 56, "arena");
_Static_assert(offsetof(struct args, q_ring) == 64, "q_ring");
_Static_assert(offsetof(struct args, step) == 72, "step");
_Static_assert(offsetof(struct args, layer) == 80, "layer");
_Static_assert(offsetof(struct args, n_layers) == 84, "n_layers");
_Static_assert(offsetof(struct args, n_heads) == 88, "n_heads");
_Static_assert(offsetof(struct args, n_kv_heads) == 92, "n_kv_heads");
_Static_assert(offsetof(struct args, qkv_stride) == 96, "qkv_stride");
_Static_assert(offsetof(struct args, page_entries) == 100, "page_entries");
_Static_assert(offsetof(struct args, key_page) == 104, "key_page");
_Static_assert(offsetof(struct args, value_page) == 108, "value_page");
_Static_assert(offsetof(struct args, window) == 112, "window");
_Static_assert(offsetof(struct args, second_window) == 116, "second_window");
_Static_assert(offsetof(struct args, second_ring) == 120, "second_ring");

#include "kerf_native.h"

enum {
  PAGE_ROWS = 128, /* rows of a page */
  ARENA_UNIT = 64, /* bytes that a page entry counts */
  HEAD_FIELDS = 6, /* rows and width of every segment */
};
_Static_assert(HEAD_DIM % 16 == 0, "HEAD_DIM is a multiple of 16");

/* Rotates one head in place; angles: cosines of HEAD_DIM / 2 angles, then sines. */
static void rotate(const float *restrict angles, float *restrict x)
{
  const uint32_t half = HEAD_DIM / 2;

  for (uint32_t c = 0; c < half; c += 16) {
    const uint32_t n = kerf_lanes(half - c);
    const f32x16 cos = kerf_load16_first(&angles[c], n);
    const f32x16 sin = kerf_load16_first(&angles[half + c], n);
    const f32x16 a = kerf_load16_first(&x[c], n);
    const f32x16 b = kerf_load16_first(&x[half + c], n);
#line 6 "kernels/ops/rope_half.ts"
    const f32x16 new_a = a * cos - b * sin;
    const f32x16 new_b = b * cos + a * sin;
#line 83 "generated/c/append_recording__k_list_f16t16_f16t16_v_f16t1.c"
    kerf_store16_first(&x[c], new_a, n);
    kerf_store16_first(&x[half + c], new_b, n);
  }
}

/* Stores one head of row `row` of the keys in tiles of 16. */
static void store_key(uint8_t *arena, const uint32_t *pages, uint32_t row, const float *x)
{
  enum { TILE = 16 };
  kerf_f16 *page = (kerf_f16 *)(arena + (size_t)pages[row / PAGE_ROWS] * ARENA_UNIT);
  const uint32_t in_page = row % PAGE_ROWS;
  kerf_f16 *place = page + in_page / TILE * TILE * HEAD_DIM + in_page % TILE;
  kerf_f16 stored[HEAD_DIM];
  for (uint32_t c = 0; c < HEAD_DIM; c += 16) kerf_store16_f16(&stored[c], kerf_load16(&x[c]));
  for (uint32_t c = 0; c < HEAD_DIM; c++) place[c * TILE] = stored[c];
}

/* Stores one head of row `row` of the values in tiles of 1. */
static void store_value(uint8_t *arena, const uint32_t *pages, uint32_t row, const float *x)
{
  enum { TILE = 1 };
  kerf_f16 *page = (kerf_f16 *)(arena + (size_t)pages[row / PAGE_ROWS] * ARENA_UNIT);
  const uint32_t in_page = row % PAGE_ROWS;
  kerf_f16 *place = page + in_page / TILE * TILE * HEAD_DIM + in_page % TILE;
  kerf_f16 stored[HEAD_DIM];
  for (uint32_t c = 0; c < HEAD_DIM; c += 16) kerf_store16_f16(&stored[c], kerf_load16(&x[c]));
  for (uint32_t c = 0; c < HEAD_DIM; c++) place[c * TILE] = stored[c];
}

/* Puts a row's rotated queries of heads [first, last) in a ring: that of position p goes to place p mod window. */
static void record(
  const struct args *args, uint32_t row, uint32_t first, uint32_t last, float *ring,
  uint32_t window)
{
  const uint32_t *seq = args->seqs + 4 * (size_t)args->row_seq[row];
  const uint32_t n_query = seq[0], offset = row - seq[1], slot = seq[3];
  /* Of two rows of this step that share a place the later one stays, whoever runs first. */
  if (n_query - offset > window) return;

  const uint32_t place = (seq[2] + offset) % window;
  const float *q = args->qkv + (size_t)row * args->qkv_stride;
  const size_t layer = (size_t)slot * args->n_layers + args->layer;
  for (uint32_t head = first; head < last; head++) {
    float *kept = ring + ((layer * args->n_heads + head) * window + place) * HEAD_DIM;
    memcpy(kept, q + (size_t)head * HEAD_DIM, HEAD_DIM * sizeof *q);
  }
}

/*
 * One item: one row of one KV head, with the query heads that share it. Rows of one tile may be other threads';
 * their elements are apart.
 */
static void append_recording__k_list_f16t16_f16t16_v_f16t1(const struct args *restrict args,
    uint32_t first, uint32_t last)
{
  const uint32_t n_rows = args->step[0]; /* nRows */
  const uint32_t group = args->n_heads / args->n_kv_heads;

  for (uint32_t item = first; item < last; item++) {
    const uint32_t kv_head = item / n_rows, row = item % n_rows;
    const uint32_t *seq = args->seqs + 4 * (size_t)args->row_seq[row];
    const uint32_t offset = row - seq[1];
    const size_t place = ((size_t)seq[3] * args->n_layers + args->layer) * args->n_kv_heads
        + kv_head;
    const uint32_t *pages = args->pages + place * args->page_entries;
    const uint32_t *fields = args->heads + place * HEAD_FIELDS;
    const float *angles = args->rope + (size_t)args->row_position[row] * HEAD_DIM;
    float *heads = args->qkv + (size_t)row * args->qkv_stride;
    const float *k = heads + (size_t)(args->n_heads + kv_head) * HEAD_DIM;
    const float *v = k + (size_t)args->n_kv_heads * HEAD_DIM;

    for (uint32_t head = kv_head * group; head < (kv_head + 1) * group; head++) {
      float *q = heads + (size_t)head * HEAD_DIM;
      rotate(angles, q);
    }
    float rotated[HEAD_DIM];
    memcpy(rotated, k, sizeof rotated);
    rotate(angles, rotated);
    store_key(args->arena, pages + args->key_page, fields[2] + offset, rotated);
    store_value(args->arena, pages + args->value_page, fields[4] + offset, v);
    record(args, row, kv_head * group, (kv_head + 1) * group, args->q_ring, args->window);
    record(args, row, kv_head * group, (kv_head + 1) * group, args->q_ring + args->second_ring,
        args->second_window);
  }
}

KERF_EXPORT uint64_t append_recording__k_list_f16t16_f16t16_v_f16t1_address(void);
uint64_t append_recording__k_list_f16t16_f16t16_v_f16t1_address(void)
{
  return (uint64_t)(uintptr_t)append_recording__k_list_f16t16_f16t16_v_f16t1;
}
