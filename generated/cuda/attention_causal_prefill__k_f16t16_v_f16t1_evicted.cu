/*
 * Causal attention: a query sees every key up to its own position.
 * Prefill: tiles of queries over the whole cache, chunk after chunk.
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
  const u32 *tiles; /* u32 [nTiles, 4] */
  const u32 *seqs; /* u32 [nSeqs, 4] */
  const u32 *pages; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
  const u32 *heads; /* u32 [nSlots, nLayers, nKvHeads, 4] */
  const u8 *arena; /* u8 [arenaBytes] */
  float *out; /* f32 [nRows, out_stride] */
  const u32 *step; /* u32 [stepFields] */
  u32 layer;
  u32 n_layers;
  u32 n_heads;
  u32 n_kv_heads;
  u32 qkv_stride; /* elements between rows of qkv */
  u32 out_stride; /* elements between rows of out */
  u32 page_entries; /* entries of a head in pages */
  u32 key_page_0; /* the segment's first page entry */
  u32 value_page_0;
  float scale; /* 1 / √headDim */
};
KERF_AT(qkv, 0);
KERF_AT(tiles, 8);
KERF_AT(seqs, 16);
KERF_AT(pages, 24);
KERF_AT(heads, 32);
KERF_AT(arena, 40);
KERF_AT(out, 48);
KERF_AT(step, 56);
KERF_AT(layer, 64);
KERF_AT(n_layers, 68);
KERF_AT(n_heads, 72);
KERF_AT(n_kv_heads, 76);
KERF_AT(qkv_stride, 80);
KERF_AT(out_stride, 84);
KERF_AT(page_entries, 88);
KERF_AT(key_page_0, 92);
KERF_AT(value_page_0, 96);
KERF_AT(scale, 100);

static constexpr u32 THREADS = 128; /* of a block */

#include "kerf_softmax.h"

static constexpr u32 WARPS = THREADS / 32;
static constexpr u32 PAGE_ROWS = 128; /* rows of a page */
static constexpr u32 TILE_ROWS = 16; /* rows of a tile of keys, which is channel-major */
static constexpr u32 CHUNK_ROWS = 256; /* rows of one partial softmax */
static constexpr u32 ARENA_UNIT = 64; /* bytes that a page entry counts */
static constexpr u32 POSITION_BYTES = 4 * PAGE_ROWS; /* at the head of a page of values */
static constexpr u32 KEY_SEGMENTS = 1;
static constexpr u32 HEAD_FIELDS = 4; /* rows and width of every segment */
/* Queries whose heads meet each key together: at most eight rows, two sums each, stay in registers. */
static constexpr u32 BLOCK_QUERIES = GROUP == 1 ? 8 : GROUP == 2 ? 4 : GROUP <= 4 ? 2 : 1;
static constexpr u32 BLOCK_ROWS = BLOCK_QUERIES * GROUP;
static constexpr u32 PHASES = 4; /* of the channels of a key: threads that sum side by side */
static constexpr u32 QUADS = HEAD_DIM / 4; /* of channels: a thread sums four channels of the values */
static constexpr u32 SLICES = THREADS / QUADS; /* of a chunk's rows, which are summed side by side */
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
  float weights[BLOCK_ROWS][CHUNK_ROWS];
  float values[SLICES][BLOCK_ROWS][HEAD_DIM];
  float largest[BLOCK_ROWS][WARPS], sums[BLOCK_ROWS][WARPS];
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
#line 236 "generated/cuda/attention_causal_prefill__k_f16t16_v_f16t1_evicted.cu"
  const bool visible = key < chunk.n_rows && place < (i32)query.n_visible && (mask);
  return visible ? s : KERF_MASKED;
}

/* The largest logit of a row, or the sum of its weights, from those of the warps, in order. */
KERF_INLINE float row_largest(const scratch *shared, u32 r)
{
  float largest = shared->largest[r][0];
  for (u32 warp = 1; warp < WARPS; warp++) {
    largest = shared->largest[r][warp] > largest ? shared->largest[r][warp] : largest;
  }
  return largest;
}
KERF_INLINE float row_sum(const scratch *shared, u32 r)
{
  float sum = shared->sums[r][0];
  for (u32 warp = 1; warp < WARPS; warp++) sum = sum + shared->sums[r][warp];
  return sum;
}

/* The thread's logits to weights e^(logit - largest), shared; a key that is not seen weighs exactly 0. */
KERF_INLINE void weigh_keys(float (*logits)[2], scratch *shared)
{
  const u32 key = thread_key();
  KERF_UNROLL for (u32 r = 0; r < BLOCK_ROWS; r++) {
    float largest = logits[r][0] > logits[r][1] ? logits[r][0] : logits[r][1];
    for (u32 half = 16; half > 0; half /= 2) {
      const float other = kerf_shuffle_xor(largest, half);
      largest = other > largest ? other : largest;
    }
    if (kerf_lane() == 0) shared->largest[r][kerf_warp()] = largest;
  }
  kerf_sync_threads();
  KERF_UNROLL for (u32 r = 0; r < BLOCK_ROWS; r++) {
    const float largest = row_largest(shared, r);
    float sum = 0.0f;
    KERF_UNROLL for (u32 i = 0; i < 2; i++) {
      const float weight = logits[r][i] == KERF_MASKED ? 0.0f : kerf_exp(logits[r][i] - largest);
      shared->weights[r][key + i] = weight;
      sum = sum + weight;
    }
    for (u32 half = 16; half > 0; half /= 2) sum = sum + kerf_shuffle_xor(sum, half);
    if (kerf_lane() == 0) shared->sums[r][kerf_warp()] = sum;
  }
  kerf_sync_threads();
}

/* The weighted sums of the thread's four channels over its slice of the chunk's values, rows in order. */
KERF_INLINE void multiply_values(
  const cache_head &head, const u32 *pages, const chunk_rows &chunk, scratch *shared)
{
  const u32 slice = kerf_thread() / QUADS, channel = 4 * (kerf_thread() % QUADS);
  if (slice >= SLICES) return;
  float sums[BLOCK_ROWS][4] = {};
  KERF_UNROLL_4 for (u32 key = slice; key < chunk.n_rows; key += SLICES) {
    const u32 row = chunk.position + key;
    const kerf_f16 *page = (const kerf_f16 *)(head.arena + (u64)pages[row / PAGE_ROWS] * ARENA_UNIT
        + POSITION_BYTES);
    float value[4];
    kerf_load4_f16(page + row % PAGE_ROWS * HEAD_DIM + channel, value);
    KERF_UNROLL for (u32 r = 0; r < BLOCK_ROWS; r++) {
      const float weight = shared->weights[r][key];
      KERF_UNROLL for (u32 i = 0; i < 4; i++) sums[r][i] = kerf_fma(weight, value[i], sums[r][i]);
    }
  }
  KERF_UNROLL for (u32 r = 0; r < BLOCK_ROWS; r++) {
    KERF_UNROLL for (u32 i = 0; i < 4; i++) shared->values[slice][r][channel + i] = sums[r][i];
  }
}

/* One channel of a row's weighted values: the slices in order. */
KERF_INLINE float row_value(const scratch *shared, u32 r, u32 c)
{
  float value = shared->values[0][r][c];
  for (u32 slice = 1; slice < SLICES; slice++) value = value + shared->values[slice][r][c];
  return value;
}

/* The softmaxes of a block's rows as far as they have come, and what their values meet a chunk's with. */
struct running {
  float values[BLOCK_ROWS][HEAD_DIM];
  float largest[BLOCK_ROWS], sum[BLOCK_ROWS];
  kerf_scales scales[BLOCK_ROWS];
};

/* One block: one tile of a sequence's queries and one KV head at a time; all chunks of the cache in order. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
attention_causal_prefill__k_f16t16_v_f16t1_evicted(const __grid_constant__ struct args args)
{
  __shared__ scratch shared;
  __shared__ running state;
  const u32 thread = kerf_thread();
  const u32 n_items = args.step[3] * args.n_kv_heads; /* nTiles */

  for (u32 item = kerf_block(); item < n_items; item += kerf_n_blocks()) {
    const u32 kv_head = item % args.n_kv_heads;
    const u32 *tile = args.tiles + 4 * (u64)(item / args.n_kv_heads);
    const u32 *seq = args.seqs + 4 * (u64)tile[0];
    const u32 n_queries = tile[2];
    const u64 place = head_place(args, seq[3], kv_head);

    for (u32 first = 0; first < n_queries; first += BLOCK_QUERIES) {
      const u32 first_row = tile[1] + first;
      const u32 before = first_row - seq[1]; /* queries of the sequence before the block */
      const u32 n_rows = kerf_min_u32(n_queries - first, BLOCK_QUERIES) * GROUP;
      /* No query of the block sees a later key; its cache ends there. */
      const cache_head head = open_head(args, place, before + n_rows / GROUP);
      query_row query = {0, 0, (i32)kv_head, (i32)args.layer, 0};

      for (u32 i = thread; i < BLOCK_ROWS * HEAD_DIM; i += THREADS) {
        state.values[i / HEAD_DIM][i % HEAD_DIM] = 0.0f;
      }
      if (thread < BLOCK_ROWS) {
        state.largest[thread] = KERF_MASKED;
        state.sum[thread] = 0.0f;
      }

      u32 gathered = KEY_SEGMENTS; /* the segment whose channels q has; none yet */
      for (u32 index = 0;; index++) {
        const chunk_rows chunk = find_chunk(head, index);
        if (chunk.n_rows == 0) break;
        const u32 width = key_width(head, chunk.segment);
        if (chunk.segment != gathered) {
          gather_queries(args, first_row, n_rows, kv_head, chunk.segment, width, &shared);
          gathered = chunk.segment;
        }
        kerf_sync_threads();
        float logits[BLOCK_ROWS][2];
        multiply_keys(head, key_pages(args, head, chunk.segment), chunk, width, &shared, logits);
        KERF_UNROLL for (u32 r = 0; r < BLOCK_ROWS; r++) {
          const u32 i = kerf_min_u32(r, n_rows - 1) / GROUP;
          query.position = (i32)(seq[2] + before + i);
          query.head = (i32)(kv_head * GROUP + r % GROUP);
          query.n_visible = head.n_rows - (n_rows / GROUP - 1 - i);
          KERF_UNROLL for (u32 k = 0; k < 2; k++) {
            logits[r][k] = key_logit(args, head, query, chunk, thread_key() + k, logits[r][k]);
          }
        }
        weigh_keys(logits, &shared);
        multiply_values(head, head.pages + args.value_page_0, chunk, &shared);
        if (thread < BLOCK_ROWS) {
          state.scales[thread] = kerf_merge_softmax(
            &state.largest[thread], &state.sum[thread], row_largest(&shared, thread),
                row_sum(&shared, thread));
        }
        kerf_sync_threads();
        for (u32 i = thread; i < BLOCK_ROWS * HEAD_DIM; i += THREADS) {
          const u32 r = i / HEAD_DIM, c = i % HEAD_DIM;
          state.values[r][c] = state.values[r][c] * state.scales[r].a
              + row_value(&shared, r, c) * state.scales[r].b;
        }
      }
      kerf_sync_threads();

      for (u32 i = thread; i < n_rows * HEAD_DIM; i += THREADS) {
        const u32 r = i / HEAD_DIM, c = i % HEAD_DIM;
        const u32 column = (kv_head * GROUP + r % GROUP) * HEAD_DIM + c;
        args.out[(u64)(first_row + r / GROUP) * args.out_stride
            + column] = kerf_finish_softmax(state.sum[r], state.values[r][c]);
      }
      kerf_sync_threads();
    }
  }
}
