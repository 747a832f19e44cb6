/*
 * Causal attention: a query sees every key up to its own position.
 * Decode: one partial softmax per 256-row chunk of the cache; attention_merge joins them.
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
  const u32 *decode_rows; /* u32 [nDecode] */
  const u32 *row_seq; /* u32 [nRows] */
  const u32 *seqs; /* u32 [nSeqs, 4] */
  const u32 *pages; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
  const u32 *heads; /* u32 [nSlots, nLayers, nKvHeads, 6] */
  const u32 *value_channels; /* u32 [nSlots, nLayers, nKvHeads, headDim] */
  const u8 *arena; /* u8 [arenaBytes] */
  float *partials; /* f32 [nDecode, nHeads, nSplits, headDim + 16] */
  const u32 *step; /* u32 [stepFields] */
  u32 layer;
  u32 n_layers;
  u32 n_heads;
  u32 n_kv_heads;
  u32 qkv_stride; /* elements between rows of qkv */
  u32 page_entries; /* entries of a head in pages */
  u32 key_page_0; /* the segment's first page entry */
  u32 value_page_0;
  u32 value_page_1;
  float scale; /* 1 / √headDim */
};
KERF_AT(qkv, 0);
KERF_AT(decode_rows, 8);
KERF_AT(row_seq, 16);
KERF_AT(seqs, 24);
KERF_AT(pages, 32);
KERF_AT(heads, 40);
KERF_AT(value_channels, 48);
KERF_AT(arena, 56);
KERF_AT(partials, 64);
KERF_AT(step, 72);
KERF_AT(layer, 80);
KERF_AT(n_layers, 84);
KERF_AT(n_heads, 88);
KERF_AT(n_kv_heads, 92);
KERF_AT(qkv_stride, 96);
KERF_AT(page_entries, 100);
KERF_AT(key_page_0, 104);
KERF_AT(value_page_0, 108);
KERF_AT(value_page_1, 112);
KERF_AT(scale, 116);

static constexpr u32 THREADS = 128; /* of a block */

#include "kerf_softmax.h"

static constexpr u32 WARPS = THREADS / 32;
static constexpr u32 PAGE_ROWS = 128; /* rows of a page */
static constexpr u32 TILE_ROWS = 16; /* rows of a tile of keys, which is channel-major */
static constexpr u32 CHUNK_ROWS = 256; /* rows of one partial softmax */
static constexpr u32 ARENA_UNIT = 64; /* bytes that a page entry counts */
static constexpr u32 KEY_SEGMENTS = 1;
static constexpr u32 VALUE_SEGMENTS = 2;
static constexpr u32 HEAD_FIELDS = 6; /* rows and width of every segment */
static constexpr u32 BLOCK_QUERIES = 1;
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
  u32 places[HEAD_DIM]; /* of each channel among those that a segment of values stores; HEAD_DIM: it is not */
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

/* Rows and pages of a segment of values, which have cuts of their own. */
KERF_INLINE u32 value_rows(const cache_head &head, u32 segment)
{
  return head.fields[2 * (KEY_SEGMENTS + segment)]
      + (segment + 1 == VALUE_SEGMENTS ? head.n_new : 0);
}
KERF_INLINE const u32 *value_pages(const struct args &args, const cache_head &head, u32 segment)
{
  if (segment == 0) return head.pages + args.value_page_0;
  return head.pages + args.value_page_1;
}

/* Keys of a chunk whose values lie in one segment: the chunk's first … end - 1; `start` counts rows before it. */
struct value_run {
  u32 start, first, end;
};

KERF_INLINE value_run value_run_at(const cache_head &head, const chunk_rows &chunk, u32 segment)
{
  u32 start = 0, end = 0;
  for (u32 i = 0; i <= segment; i++) {
    start = end;
    end += value_rows(head, i);
  }
  const u32 last = kerf_min_u32(end, chunk.position + chunk.n_rows);
  return {start, start > chunk.position ? start - chunk.position : 0,
      last > chunk.position ? last - chunk.position : 0};
}

/* Whether a chunk has a key between two positions. */
KERF_INLINE bool overlaps(const chunk_rows &chunk, i32 lower, i32 upper)
{
  const i32 first = (i32)chunk.position, last = first + (i32)chunk.n_rows - 1;
  return first <= upper && last >= lower;
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
  const struct args &args, const query_row &query, const chunk_rows &chunk, u32 key, float product)
{
  const i32 key_position = (i32)(chunk.position + key);
  const float s = product * args.scale;

#line 7 "kernels/attention/causal.ts"
  const bool mask = key_position <= query.position;
#line 264 "generated/cuda/attention_causal_decode__k_f16t16_v_list_f16t1_f16t1.cu"
  const bool visible = key < chunk.n_rows && key_position < (i32)query.n_visible && (mask);
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
  const struct args &args, const cache_head &head, const u32 *value_channels,
  const chunk_rows &chunk, scratch *shared)
{
  const u32 slice = kerf_thread() / QUADS, channel = 4 * (kerf_thread() % QUADS);
  const u32 width = head.fields[3];
  for (u32 c = kerf_thread(); c < HEAD_DIM; c += THREADS) shared->places[c] = HEAD_DIM;
  kerf_sync_threads();
  for (u32 i = kerf_thread(); i < width; i += THREADS) shared->places[value_channels[i]] = i;
  kerf_sync_threads();
  if (slice >= SLICES) return;
  float sums[BLOCK_ROWS][4] = {};
  {
    const u32 *pages = value_pages(args, head, 0);
    const value_run run = value_run_at(head, chunk, 0);
    KERF_UNROLL_4 for (u32 key = run.first + slice; key < run.end; key += SLICES) {
      const u32 row = chunk.position + key - run.start;
      const kerf_f16 *page = (const kerf_f16 *)(head.arena
          + (u64)pages[row / PAGE_ROWS] * ARENA_UNIT);
      float value[4];
      KERF_UNROLL for (u32 i = 0; i < 4; i++) {
        const u32 place = shared->places[channel + i];
        value[i] = place < width ? kerf_load_f16(page + row % PAGE_ROWS * width + place) : 0.0f;
      }
      KERF_UNROLL for (u32 r = 0; r < BLOCK_ROWS; r++) {
        const float weight = shared->weights[r][key];
        KERF_UNROLL for (u32 i = 0; i < 4; i++) sums[r][i] = kerf_fma(weight, value[i], sums[r][i]);
      }
    }
  }
  {
    const u32 *pages = value_pages(args, head, 1);
    const value_run run = value_run_at(head, chunk, 1);
    KERF_UNROLL_4 for (u32 key = run.first + slice; key < run.end; key += SLICES) {
      const u32 row = chunk.position + key - run.start;
      const kerf_f16 *page = (const kerf_f16 *)(head.arena
          + (u64)pages[row / PAGE_ROWS] * ARENA_UNIT);
      float value[4];
      kerf_load4_f16(page + row % PAGE_ROWS * HEAD_DIM + channel, value);
      KERF_UNROLL for (u32 r = 0; r < BLOCK_ROWS; r++) {
        const float weight = shared->weights[r][key];
        KERF_UNROLL for (u32 i = 0; i < 4; i++) sums[r][i] = kerf_fma(weight, value[i], sums[r][i]);
      }
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

/* One block: one chunk of one KV head of a decoded row at a time → one partial softmax per query head. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
attention_causal_decode__k_f16t16_v_list_f16t1_f16t1(const __grid_constant__ struct args args)
{
  __shared__ scratch shared;
  const u32 n_splits = args.step[5];
  const u32 n_items = args.step[4] * args.n_kv_heads * n_splits; /* nDecode */

  for (u32 item = kerf_block(); item < n_items; item += kerf_n_blocks()) {
    const u32 split = item % n_splits;
    const u32 kv_head = item / n_splits % args.n_kv_heads;
    const u32 decoded = item / n_splits / args.n_kv_heads;
    const u32 row = args.decode_rows[decoded];
    const u32 *seq = args.seqs + 4 * (u64)args.row_seq[row];
    const u64 place = head_place(args, seq[3], kv_head);
    const cache_head head = open_head(args, place, row - seq[1] + 1);
    query_row query = {(i32)(seq[2] + row - seq[1]), 0, (i32)kv_head, (i32)args.layer, head.n_rows};

    i32 lower = 0x7fffffff, upper = -1;
    for (u32 g = 0; g < GROUP; g++) {
      query.head = (i32)(kv_head * GROUP + g);

      lower = kerf_min_i32(lower, 0);
      upper = kerf_max_i32(upper, query.position);
    }

    const chunk_rows chunk = find_chunk(head, split);
    const bool seen = chunk.n_rows > 0 && overlaps(chunk, lower, upper);
    if (seen) {
      const u32 width = key_width(head, chunk.segment);
      gather_queries(args, row, GROUP, kv_head, chunk.segment, width, &shared);
      kerf_sync_threads();
      float logits[BLOCK_ROWS][2];
      multiply_keys(head, key_pages(args, head, chunk.segment), chunk, width, &shared, logits);
      KERF_UNROLL for (u32 g = 0; g < GROUP; g++) {
        query.head = (i32)(kv_head * GROUP + g);
        KERF_UNROLL for (u32 i = 0; i < 2; i++) {
          logits[g][i] = key_logit(args, query, chunk, thread_key() + i, logits[g][i]);
        }
      }
      weigh_keys(logits, &shared);
      multiply_values(args, head, args.value_channels + place * HEAD_DIM, chunk, &shared);
      kerf_sync_threads();
    }

    const u64 first_head = (u64)decoded * args.n_heads + kv_head * GROUP;
    for (u32 i = kerf_thread(); i < GROUP * (HEAD_DIM + 2); i += THREADS) {
      const u32 g = i / (HEAD_DIM + 2), c = i % (HEAD_DIM + 2);
      float x = c == HEAD_DIM ? KERF_MASKED : 0.0f;
      if (seen)
        x = c < HEAD_DIM ? row_value(&shared, g, c) : c == HEAD_DIM ? row_largest(&shared, g)
            : row_sum(&shared, g);
      args.partials[((first_head + g) * n_splits + split) * (HEAD_DIM + 16) + c] = x;
    }
    kerf_sync_threads();
  }
}
