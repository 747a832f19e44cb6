/*
 * Causal attention: a query sees every key up to its own position.
 * Adds to the running sum of every row what the step's queries give it, query after query.
 *
 * Generated from kernels/attention/causal.ts by `deno task gen`. Do not edit.
 */
#include "kerf_cuda.h"

#ifndef HEAD_DIM
#error "compile with -DHEAD_DIM=N"
#endif
#ifndef GROUP
#error "compile with -DGROUP=N"
#endif

/* Passed by value; the host writes the same bytes for C and CUDA. */
struct args {
  const float *qkv; /* f32 [nRows, qkv_stride] */
  const u32 *seqs; /* u32 [nSeqs, 4] */
  const u32 *pages; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
  const u32 *heads; /* u32 [nSlots, nLayers, nKvHeads, 4] */
  const float *row_softmax; /* f32 [nRows, nHeads, 2] */
  u8 *arena; /* u8 [arenaBytes] */
  const u32 *step; /* u32 [stepFields] */
  u32 layer;
  u32 n_layers;
  u32 n_heads;
  u32 n_kv_heads;
  u32 qkv_stride; /* elements between rows of qkv */
  u32 page_entries; /* entries of a head in pages */
  u32 n_ctx; /* rows that a head may have */
  u32 key_page_0; /* the segment's first page entry */
  u32 value_page_0;
  float scale; /* 1 / √headDim */
};
KERF_AT(qkv, 0);
KERF_AT(seqs, 8);
KERF_AT(pages, 16);
KERF_AT(heads, 24);
KERF_AT(row_softmax, 32);
KERF_AT(arena, 40);
KERF_AT(step, 48);
KERF_AT(layer, 56);
KERF_AT(n_layers, 60);
KERF_AT(n_heads, 64);
KERF_AT(n_kv_heads, 68);
KERF_AT(qkv_stride, 72);
KERF_AT(page_entries, 76);
KERF_AT(n_ctx, 80);
KERF_AT(key_page_0, 84);
KERF_AT(value_page_0, 88);
KERF_AT(scale, 92);

static constexpr u32 THREADS = 128; /* of a block */

#include "kerf_softmax.h"

static constexpr u32 PAGE_ROWS = 128; /* rows of a page */
static constexpr u32 TILE_ROWS = 16; /* rows of a tile of keys, which is channel-major */
static constexpr u32 CHUNK_ROWS = 256; /* rows of one partial softmax */
static constexpr u32 ARENA_UNIT = 64; /* bytes that a page entry counts */
static constexpr u32 POSITION_BYTES = 4 * PAGE_ROWS; /* at the head of a page of values */
static constexpr u32 SUM_BYTES = 4 * PAGE_ROWS; /* behind the positions: running sums */
static constexpr u32 KEY_SEGMENTS = 1;
static constexpr u32 HEAD_FIELDS = 4; /* rows and width of every segment */
/* Queries whose heads meet each key together: at most eight rows, two sums each, stay in registers. */
static constexpr u32 BLOCK_QUERIES = GROUP == 1 ? 8 : GROUP == 2 ? 4 : GROUP <= 4 ? 2 : 1;
static constexpr u32 BLOCK_ROWS = BLOCK_QUERIES * GROUP;
static constexpr u32 PHASES = 4; /* of the channels of a key: threads that sum side by side */
static_assert(GROUP >= 1 && GROUP <= 8, "GROUP, the query heads of a KV head, is 1 to 8");
static_assert(HEAD_DIM % 16 == 0 && HEAD_DIM <= 256, "HEAD_DIM is a multiple of 16, 256 at most");
static_assert(TILE_ROWS == 16 && CHUNK_ROWS == 2 * THREADS, "eight threads have a tile of keys");

/* One KV head of one sequence: where its rows lie, and how many there are for the last query at hand. */
struct cache_head {
  const u8 *arena;
  const u32 *pages, *fields;
  u32 n_new, n_rows;
};

/* At most CHUNK_ROWS rows of one key segment; `position` counts rows of all segments before them. */
struct chunk_rows {
  u32 segment, row, position, n_rows;
};

/* One query head of one row: what hooks may read of it, and the keys stored up to it. */
struct query_row {
  i32 position, head, kv_head, layer;
  u32 n_visible;
};

/* What the threads of a block share. */
struct scratch {
  float q[BLOCK_ROWS][HEAD_DIM]; /* the channels that the segment stores first */
};

/* The place of a head in `pages`, `heads` and `channels`. */
KERF_INLINE u64 head_place(const struct args &args, u32 slot, u32 kv_head)
{
  return ((u64)slot * args.n_layers + args.layer) * args.n_kv_heads + kv_head;
}

/* Rows of a segment of keys; the last one has this step's too. */
KERF_INLINE u32 key_rows(const cache_head &head, u32 segment)
{
  return head.fields[2 * segment] + (segment + 1 == KEY_SEGMENTS ? head.n_new : 0);
}

/* What the query sees that is the n_new-th of its sequence in this step. */
KERF_INLINE cache_head open_head(const struct args &args, u64 place, u32 n_new)
{
  const u32 *pages = args.pages + place * args.page_entries;
  cache_head head = {args.arena, pages, args.heads + place * HEAD_FIELDS, n_new, 0};
  for (u32 segment = 0; segment < KEY_SEGMENTS; segment++) head.n_rows += key_rows(head, segment);
  return head;
}

/* The pages of a segment of keys. */
KERF_INLINE const u32 *key_pages(const struct args &args, const cache_head &head, u32 segment)
{
  return head.pages + args.key_page_0;
}

/* Channels that a segment of keys stores. */
KERF_INLINE u32 key_width(const cache_head &head, u32 segment)
{
  return HEAD_DIM;
}

/* Chunk `index` of the cache, counted through the segments; one of no rows past the last. */
KERF_INLINE chunk_rows find_chunk(const cache_head &head, u32 index)
{
  u32 position = 0;
  for (u32 segment = 0; segment < KEY_SEGMENTS; segment++) {
    const u32 n_rows = key_rows(head, segment), row = index * CHUNK_ROWS;
    if (row < n_rows) return {segment, row, position + row, kerf_min_u32(n_rows - row, CHUNK_ROWS)};
    index -= (n_rows + CHUNK_ROWS - 1) / CHUNK_ROWS;
    position += n_rows;
  }
  return {0, 0, position, 0};
}

/* The true position of a key of the chunk, from the head of its page of values; any past its end. */
KERF_INLINE i32 position_of(const struct args &args, const cache_head &head,
    const chunk_rows &chunk, u32 key)
{
  if (key >= chunk.n_rows) return 0;
  const u32 row = chunk.position + key;
  const u8 *page = head.arena + (u64)head.pages[args.value_page_0 + row / PAGE_ROWS] * ARENA_UNIT;
  return ((const i32 *)page)[row % PAGE_ROWS];
}

/* The query heads of the rows from `first_row` on for one key segment; rows past n_rows repeat the last. */
KERF_INLINE void gather_queries(
  const struct args &args, u32 first_row, u32 n_rows, u32 kv_head,
  u32 segment, u32 width, scratch *shared)
{
  for (u32 i = kerf_thread(); i < BLOCK_ROWS * HEAD_DIM; i += THREADS) {
    const u32 r = i / HEAD_DIM, c = i % HEAD_DIM;
    if (c >= width) continue;
    const u32 query = kerf_min_u32(r, n_rows - 1);
    const u32 head = kv_head * GROUP + query % GROUP;
    const float *q = args.qkv + (u64)(first_row + query / GROUP) * args.qkv_stride
        + head * HEAD_DIM;
    shared->q[r][c] = q[c];
  }
}

/* The first of the thread's two keys of a chunk. */
KERF_INLINE u32 thread_key()
{
  const u32 thread = kerf_thread(), half = thread % 2, phase = thread / 2 % PHASES;
  return thread / 8 * TILE_ROWS + 8 * half + 2 * phase;
}

/*
 * q · k of the block's rows and the thread's two keys. Eight threads share a tile: two have eight keys each
 * of every fourth channel, 16 bytes a time, so a warp reads whole lines; a channel that is not stored is a
 * turn less. Then the four phases meet, in a fixed order, and each thread is left with two of its eight keys.
 */
KERF_INLINE void multiply_keys(
  const cache_head &head, const u32 *pages, const chunk_rows &chunk, u32 width,
  const scratch *shared, float (*products)[2])
{
  const u32 thread = kerf_thread(), phase = thread / 2 % PHASES;
  const u32 first = thread / 8 * TILE_ROWS + thread % 2 * 8;
  float sums[BLOCK_ROWS][8] = {};
  if (first < chunk.n_rows) {
    const u32 row = chunk.row + first, in_page = row % PAGE_ROWS;
    const kerf_f16 *page = (const kerf_f16 *)(head.arena
        + (u64)pages[row / PAGE_ROWS] * ARENA_UNIT);
    const kerf_f16 *keys = page + in_page / TILE_ROWS * TILE_ROWS * width + in_page % TILE_ROWS;
    KERF_UNROLL_4 for (u32 c = phase; c < width; c += PHASES) {
      float key[8];
      kerf_load8_f16(keys + c * TILE_ROWS, key);
      KERF_UNROLL for (u32 r = 0; r < BLOCK_ROWS; r++) {
        const float q = shared->q[r][c];
        KERF_UNROLL for (u32 i = 0; i < 8; i++) sums[r][i] = kerf_fma(q, key[i], sums[r][i]);
      }
    }
  }
  const bool upper = phase >= 2, odd = phase % 2 == 1;
  KERF_UNROLL for (u32 r = 0; r < BLOCK_ROWS; r++) {
    float four[4];
    KERF_UNROLL for (u32 i = 0; i < 4; i++) {
      const float given = upper ? sums[r][i] : sums[r][4 + i],
          kept = upper ? sums[r][4 + i] : sums[r][i];
      four[i] = kept + kerf_shuffle_xor(given, 4);
    }
    KERF_UNROLL for (u32 i = 0; i < 2; i++) {
      const float given = odd ? four[i] : four[2 + i], kept = odd ? four[2 + i] : four[i];
      products[r][i] = kept + kerf_shuffle_xor(given, 2);
    }
  }
}

/* The logit of one key from its product; one that the query does not see is KERF_MASKED. */
KERF_INLINE float key_logit(
  const struct args &args, const cache_head &head, const query_row &query, const chunk_rows &chunk,
  u32 key, float product)
{
  const i32 place = (i32)(chunk.position + key);
  const i32 key_position = position_of(args, head, chunk, key);
  const float s = product * args.scale;

#line 7 "kernels/attention/causal.ts"
  const bool mask = key_position <= query.position;
#line 229 "generated/cuda/attention_causal_sums__k_f16t16_v_f16t1_evicted_summed.cu"
  const bool visible = key < chunk.n_rows && place < (i32)query.n_visible && (mask);
  return visible ? s : KERF_MASKED;
}

/* Where the running sum of a key of the chunk lies: behind the positions of its page of values. */
KERF_INLINE float *sum_of(const struct args &args, const cache_head &head, const chunk_rows &chunk,
    u32 key)
{
  const u32 row = chunk.position + key;
  u8 *page = args.arena + (u64)head.pages[args.value_page_0 + row / PAGE_ROWS] * ARENA_UNIT;
  return (float *)(page + POSITION_BYTES) + row % PAGE_ROWS;
}

/*
 * One block: every n_chunks-th chunk of one KV head of a sequence; the step's queries in order. A thread has
 * two keys and their sums; a key that a query does not see gets exactly 0 of it.
 */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
attention_causal_sums__k_f16t16_v_f16t1_evicted_summed(const __grid_constant__ struct args args)
{
  __shared__ scratch shared;
  const u32 n_chunks = (args.n_ctx + CHUNK_ROWS - 1) / CHUNK_ROWS;
  const u32 n_items = args.step[1] * args.n_kv_heads * n_chunks; /* nSeqs */

  for (u32 item = kerf_block(); item < n_items; item += kerf_n_blocks()) {
    const u32 kv_head = item / n_chunks % args.n_kv_heads;
    const u32 *seq = args.seqs + 4 * (u64)(item / n_chunks / args.n_kv_heads);
    const u32 n_queries = seq[0];
    const u64 place = head_place(args, seq[3], kv_head);
    const cache_head head = open_head(args, place, n_queries);
    const u32 n_before = head.n_rows - n_queries;
    query_row query = {0, 0, (i32)kv_head, (i32)args.layer, 0};

    for (u32 index = item % n_chunks;; index += n_chunks) {
      const chunk_rows chunk = find_chunk(head, index);
      if (chunk.n_rows == 0) break;
      const u32 width = key_width(head, chunk.segment);
      /* Rows of this step begin at 0. */
      float sums[2] = {};
      KERF_UNROLL for (u32 k = 0; k < 2; k++) {
        const u32 key = thread_key() + k;
        if (key < chunk.n_rows && chunk.position + key < n_before)
          sums[k] = *sum_of(args, head, chunk, key);
      }
      for (u32 first = 0; first < n_queries; first += BLOCK_QUERIES) {
        const u32 n_block = kerf_min_u32(n_queries - first, BLOCK_QUERIES);
        if (n_before + first + n_block <= chunk.position) continue; /* no query of it sees the chunk */
        kerf_sync_threads();
        gather_queries(args, seq[1] + first, n_block * GROUP, kv_head, chunk.segment, width,
            &shared);
        kerf_sync_threads();
        float logits[BLOCK_ROWS][2];
        multiply_keys(head, key_pages(args, head, chunk.segment), chunk, width, &shared, logits);
        KERF_UNROLL for (u32 r = 0; r < BLOCK_ROWS; r++) {
          if (r >= n_block * GROUP) continue;
          const u32 i = first + r / GROUP;
          query.position = (i32)(seq[2] + i);
          query.head = (i32)(kv_head * GROUP + r % GROUP);
          query.n_visible = n_before + i + 1;
          const float *softmax = args.row_softmax
              + 2 * ((u64)(seq[1] + i) * args.n_heads + (u32)query.head);
          KERF_UNROLL for (u32 k = 0; k < 2; k++) {
            const float logit = key_logit(args, head, query, chunk, thread_key() + k, logits[r][k]);
            if (logit != KERF_MASKED) sums[k] = sums[k] + kerf_exp(logit - softmax[0]) / softmax[1];
          }
        }
      }
      KERF_UNROLL for (u32 k = 0; k < 2; k++) {
        const u32 key = thread_key() + k;
        if (key < chunk.n_rows) *sum_of(args, head, chunk, key) = sums[k];
      }
    }
  }
}
