/*
 * Rotates a row's q and k and stores k and v in the cache.
 * Keeps the last `window` rotated queries of every sequence in a ring: row p of the sequence goes to
 * place p mod window, so that scores at the end of prefill do not depend on how it was chunked.
 *
 * Generated from kernels/ops/append.ts by `deno task gen`. Do not edit.
 */
#include "kerf_cuda.h"

#ifndef HEAD_DIM
#error "compile with -DHEAD_DIM=N"
#endif

/* Passed by value; the host writes the same bytes for C and CUDA. */
struct args {
  float *qkv; /* f32 [nRows, qkv_stride] */
  const float *rope; /* f32 [nCtx, headDim] */
  const u32 *row_position; /* u32 [nRows] */
  const u32 *row_seq; /* u32 [nRows] */
  const u32 *seqs; /* u32 [nSeqs, 4] */
  const u32 *pages; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
  const u32 *heads; /* u32 [nSlots, nLayers, nKvHeads, 8] */
  u8 *arena; /* u8 [arenaBytes] */
  float *q_ring; /* f32 [nSlots, nLayers, nHeads, window, headDim] */
  const u32 *step; /* u32 [stepFields] */
  u32 layer;
  u32 n_layers;
  u32 n_heads;
  u32 n_kv_heads;
  u32 qkv_stride; /* elements between rows of qkv */
  u32 page_entries; /* entries of a head in pages */
  u32 key_page; /* first page entry of the last segment of keys */
  u32 value_page; /* first page entry of the last segment of values */
  u32 window; /* places of the ring */
  u32 second_window; /* places of a second ring in q_ring; 0: there is none */
  u32 second_ring; /* its first element */
};
KERF_AT(qkv, 0);
KERF_AT(rope, 8);
KERF_AT(row_position, 16);
KERF_AT(row_seq, 24);
KERF_AT(seqs, 32);
KERF_AT(pages, 40);
KERF_AT(heads, 48);
KERF_AT(arena, 56);
KERF_AT(q_ring, 64);
KERF_AT(step, 72);
KERF_AT(layer, 80);
KERF_AT(n_layers, 84);
KERF_AT(n_heads, 88);
KERF_AT(n_kv_heads, 92);
KERF_AT(qkv_stride, 96);
KERF_AT(page_entries, 100);
KERF_AT(key_page, 104);
KERF_AT(value_page, 108);
KERF_AT(window, 112);
KERF_AT(second_window, 116);
KERF_AT(second_ring, 120);

static constexpr u32 THREADS = 128; /* of a block */

#include "kerf_basis.h"

static constexpr u32 PAGE_ROWS = 128; /* rows of a page */
static constexpr u32 ARENA_UNIT = 64; /* bytes that a page entry counts */
static constexpr u32 HEAD_FIELDS = 8; /* rows and width of every segment */
static_assert(HEAD_DIM % 16 == 0, "HEAD_DIM is a multiple of 16");
static constexpr u32 TURN_HEADS = 16; /* heads that are turned at a time */
static_assert((HEAD_DIM & (HEAD_DIM - 1)) == 0, "HEAD_DIM is a power of two");

/* Two channels that turn together. */
struct channel_pair {
  float a, b;
};

/* Rotates pair c of a head; angles: cosines of HEAD_DIM / 2 angles, then sines. */
KERF_INLINE channel_pair rotate(const float *angles, u32 c, float a, float b)
{
  const float cos = angles[c];
  const float sin = angles[HEAD_DIM / 2 + c];
#line 6 "kernels/ops/rope_half.ts"
  const float new_a = a * cos - b * sin;
  const float new_b = b * cos + a * sin;
#line 85 "generated/cuda/append_recording__k_basis_q4r64t16_basis_f16t16_v_basis_q4c64t1_basis_f16t1.cu"
  return {new_a, new_b};
}

/* Stores a channel of row `row` of the keys in tiles of 16. */
KERF_INLINE void store_key(u8 *arena, const u32 *pages, u32 row, u32 channel, float x)
{
  const u32 TILE = 16;
  kerf_f16 *page = (kerf_f16 *)(arena + (u64)pages[row / PAGE_ROWS] * ARENA_UNIT);
  const u32 in_page = row % PAGE_ROWS;
  kerf_store_f16(page + in_page / TILE * TILE * HEAD_DIM + channel * TILE + in_page % TILE, x);
}

/* Stores a channel of row `row` of the values in tiles of 1. */
KERF_INLINE void store_value(u8 *arena, const u32 *pages, u32 row, u32 channel, float x)
{
  const u32 TILE = 1;
  kerf_f16 *page = (kerf_f16 *)(arena + (u64)pages[row / PAGE_ROWS] * ARENA_UNIT);
  const u32 in_page = row % PAGE_ROWS;
  kerf_store_f16(page + in_page / TILE * TILE * HEAD_DIM + channel * TILE + in_page % TILE, x);
}

/* Puts element i of a row's rotated queries in a ring: position p's goes to place p mod window. */
KERF_INLINE void record(const struct args &args, u32 row, float *ring, u32 window, u32 i, float x)
{
  const u32 *seq = args.seqs + 4 * (u64)args.row_seq[row];
  const u32 n_query = seq[0], offset = row - seq[1], slot = seq[3];
  /* Of two rows of this step that share a place the later one stays, whoever runs first. */
  if (n_query - offset > window) return;
  const u32 place = (seq[2] + offset) % window;
  const u64 head = ((u64)slot * args.n_layers + args.layer) * args.n_heads + i / HEAD_DIM;
  ring[(head * window + place) * HEAD_DIM + i % HEAD_DIM] = x;
}

/* … and in both rings, if there are two. */
KERF_INLINE void record(const struct args &args, u32 row, u32 i, float x)
{
  record(args, row, args.q_ring, args.window, i, x);
  record(args, row, args.q_ring + args.second_ring, args.second_window, i, x);
}

/* One block: one row at a time, all its heads; a pair of channels or a value per thread. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
append_recording__k_basis_q4r64t16_basis_f16t16_v_basis_q4c64t1_basis_f16t1(
    const __grid_constant__ struct args args)
{
  __shared__ float turned[TURN_HEADS * HEAD_DIM];
  const u32 half = HEAD_DIM / 2;
  const u32 n_items = args.step[0]; /* nRows */

  for (u32 row = kerf_block(); row < n_items; row += kerf_n_blocks()) {
    const u32 *seq = args.seqs + 4 * (u64)args.row_seq[row];
    const u32 offset = row - seq[1];
    const u64 layer = (u64)seq[3] * args.n_layers + args.layer;
    const float *angles = args.rope + (u64)args.row_position[row] * HEAD_DIM;
    float *q = args.qkv + (u64)row * args.qkv_stride;
    const float *k = q + args.n_heads * HEAD_DIM;
    const float *v = k + args.n_kv_heads * HEAD_DIM;

    const u32 n_rotated = args.n_heads + args.n_kv_heads; /* queries, then keys */
    for (u32 first_head = 0; first_head < n_rotated; first_head += TURN_HEADS) {
      const u32 n_turned = kerf_min_u32(n_rotated - first_head, TURN_HEADS);
      float *heads = q + first_head * HEAD_DIM;
      for (u32 pair = kerf_thread(); pair < n_turned * half; pair += THREADS) {
        const u32 c = pair % half, head = pair / half * HEAD_DIM;
        const u32 first = head + c, second = first + half;
        const channel_pair rotated = rotate(angles, c, heads[first], heads[second]);
        turned[first] = rotated.a;
        turned[second] = rotated.b;
      }
      kerf_turn(turned, n_turned * HEAD_DIM, HEAD_DIM, THREADS);
      for (u32 i = kerf_thread(); i < n_turned * HEAD_DIM; i += THREADS) {
        const u32 head = first_head + i / HEAD_DIM;
        if (head < args.n_heads) {
          heads[i] = turned[i];
          record(args, row, first_head * HEAD_DIM + i, turned[i]);
          continue;
        }
        const u64 place = layer * args.n_kv_heads + head - args.n_heads;
        const u32 *pages = args.pages + place * args.page_entries + args.key_page;
        store_key(args.arena, pages, args.heads[place * HEAD_FIELDS + 2] + offset, i % HEAD_DIM,
            turned[i]);
      }
      kerf_sync_threads();
    }
    for (u32 first_head = 0; first_head < args.n_kv_heads; first_head += TURN_HEADS) {
      const u32 n_turned = kerf_min_u32(args.n_kv_heads - first_head, TURN_HEADS);
      for (u32 i = kerf_thread(); i < n_turned * HEAD_DIM; i += THREADS)
        turned[i] = v[first_head * HEAD_DIM + i];
      kerf_turn(turned, n_turned * HEAD_DIM, HEAD_DIM, THREADS);
      for (u32 i = kerf_thread(); i < n_turned * HEAD_DIM; i += THREADS) {
        const u64 place = layer * args.n_kv_heads + first_head + i / HEAD_DIM;
        const u32 *pages = args.pages + place * args.page_entries + args.value_page;
        const u32 stored_row = args.heads[place * HEAD_FIELDS + 6] + offset;
        store_value(args.arena, pages, stored_row, i % HEAD_DIM, turned[i]);
      }
      kerf_sync_threads();
    }
  }
}
