/*
 * Causal attention: a query sees every key up to its own position.
 * Decode: one partial softmax per 256-row chunk of the cache; attention_merge joins them.
 *
 * In front of this text the device puts `const HEAD_DIM: u32 = …;`, `const GROUP: u32 = …;`.
 * Generated from kernels/attention/causal.ts by `deno task gen`. Do not edit.
 */
#include "kerf.wgsl"

struct Params {
  layer: u32,
  n_layers: u32,
  n_heads: u32,
  n_kv_heads: u32,
  qkv_stride: u32, /* elements between rows of qkv */
  page_entries: u32, /* entries of a head in pages */
  key_page_0: u32, /* the segment's first page entry */
  key_page_1: u32, /* the segment's first page entry */
  key_page_2: u32, /* the segment's first page entry */
  value_page_0: u32,
  value_page_1: u32,
  value_page_2: u32,
  scale: f32, /* 1 / √headDim */
}

@group(0) @binding(0) var<storage, read> qkv_buf: array<f32>; /* f32 [nRows, qkv_stride] */
@group(0) @binding(1) var<storage, read> decode_rows_buf: array<u32>; /* u32 [nDecode] */
@group(0) @binding(2) var<storage, read> row_seq_buf: array<u32>; /* u32 [nRows] */
@group(0) @binding(3) var<storage, read> seqs_buf: array<u32>; /* u32 [nSeqs, 4] */
@group(0) @binding(4) var<storage, read> pages_buf: array<u32>; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
@group(0) @binding(5) var<storage, read> heads_buf: array<u32>; /* u32 [nSlots, nLayers, nKvHeads, 12] */
@group(0) @binding(6) var<storage, read> channels_buf: array<u32>; /* u32 [nSlots, nLayers, nKvHeads, nKeyLists, headDim] */
@group(0) @binding(7) var<storage, read> fills_buf: array<f32>; /* f32 [nSlots, nLayers, nKvHeads, nKeyLists, headDim] */
@group(0) @binding(8) var<storage, read> arena_buf: array<u32>; /* u8 [arenaBytes] */
@group(0) @binding(9) var<storage, read_write> partials_buf: array<f32>; /* f32 [nDecode, nHeads, nSplits, headDim + 16] */
@group(0) @binding(10) var<uniform> step_buf: array<vec4<u32>, 2>; /* the step header */
@group(0) @binding(11) var<uniform> params: Params;

const WORKGROUP = 128u;

fn step_field(index: u32) -> u32 {
  return step_buf[index / 4u][index % 4u];
}

const PAGE_ROWS = 128u; /* rows of a page */
const TILE_ROWS = 16u; /* rows of a tile of keys, which is channel-major */
const CHUNK_ROWS = 256u; /* rows of one partial softmax: two per thread */
const UNIT_WORDS = 64u / 4u; /* words that a page entry counts */
const KEY_SEGMENTS = 3u;
const KEY_LISTS = KEY_SEGMENTS - 1u; /* of channels: one for each coded segment */
const VALUE_SEGMENTS = 3u;
const HEAD_FIELDS = 12u; /* rows and width of every segment */
const BLOCK_QUERIES = 1u;
const BLOCK_ROWS = BLOCK_QUERIES * GROUP;
/* Threads that reduce one row's logits: a power of two, and all rows at a time. */
const ROW_LANES = 16u << (u32(BLOCK_ROWS <= 4u) + u32(BLOCK_ROWS <= 2u) + u32(BLOCK_ROWS == 1u));
const PAIRS = HEAD_DIM / 2u; /* of value channels: one per thread */
const VALUE_LANES = WORKGROUP / PAIRS; /* threads that share a pair's rows */
/* The logit of a key that is not seen, and the largest of none: WGSL has no infinities. */
const MASKED = -1e30;

const_assert CHUNK_ROWS == 2u * WORKGROUP;
const_assert GROUP >= 1u && GROUP <= 8u;
const_assert HEAD_DIM % 16u == 0u && PAIRS <= WORKGROUP;

/* f32 [BLOCK_ROWS, HEAD_DIM]: the stored channels of the block's queries. */
var<workgroup> q: array<f32, BLOCK_ROWS * HEAD_DIM>;
/* f32 [BLOCK_ROWS, CHUNK_ROWS]: logits, then weights. */
var<workgroup> products: array<f32, BLOCK_ROWS * CHUNK_ROWS>;
var<workgroup> lane_values: array<f32, WORKGROUP>;
var<workgroup> lane_pairs: array<vec2<f32>, WORKGROUP>;

/* One query head of one row: what hooks may read of it, and the keys stored up to it. */
struct Query {
  position: i32,
  head: i32,
  kv_head: i32,
  layer: i32,
  n_visible: u32,
}

/* Queries that follow each other and see the same pages, `n_new` new rows at the last of them. */
struct Block {
  row: u32,
  n_queries: u32,
  position: u32, /* of the first query */
  kv_head: u32,
  place: u32, /* of the head in pages, heads and channels */
  n_new: u32,
}

/* At most CHUNK_ROWS rows of one key segment; `position` counts rows of all segments before them. */
struct Chunk {
  segment: u32,
  row: u32,
  position: u32,
  n_rows: u32,
}

fn head_place(slot: u32, kv_head: u32) -> u32 {
  return (slot * params.n_layers + params.layer) * params.n_kv_heads + kv_head;
}

/* Rows of a key segment; the new ones are in the last. */
fn key_rows(block: Block, segment: u32) -> u32 {
  let stored = heads_buf[block.place * HEAD_FIELDS + 2u * segment];
  return stored + select(0u, block.n_new, segment + 1u == KEY_SEGMENTS);
}

/* The chunk of that index, segments cut one after the other; without rows past the last. */
fn find_chunk(block: Block, index: u32) -> Chunk {
  var left = index;
  var position = 0u;
  for (var segment = 0u; segment < KEY_SEGMENTS; segment++) {
    let n_rows = key_rows(block, segment);
    let n_chunks = (n_rows + CHUNK_ROWS - 1u) / CHUNK_ROWS;
    if (left < n_chunks) {
      let row = left * CHUNK_ROWS;
      return Chunk(segment, row, position + row, min(CHUNK_ROWS, n_rows - row));
    }
    left -= n_chunks;
    position += n_rows;
  }
  return Chunk(0u, 0u, position, 0u);
}

/* The first page entry of a key segment, and the channels it stores of this head. */
fn key_pages(block: Block, segment: u32) -> u32 {
  let entries = block.place * params.page_entries;
  if (segment == 0u) { return entries + params.key_page_0; }
  if (segment == 1u) { return entries + params.key_page_1; }
  return entries + params.key_page_2;
}
fn key_width(block: Block, segment: u32) -> u32 {
  if (segment == 0u) { return heads_buf[block.place * HEAD_FIELDS + 1u] & 0xffffu; }
  if (segment == 1u) { return heads_buf[block.place * HEAD_FIELDS + 3u] & 0xffffu; }
  return HEAD_DIM;
}
/* … and those of them of the first class. */
fn key_high(block: Block, segment: u32) -> u32 {
  return heads_buf[block.place * HEAD_FIELDS + 2u * segment + 1u] >> 16u;
}

/* The query head and row that is row r of a block; rows past the last query repeat it. */
fn query_of(block: Block, r: u32) -> Query {
  let index = min(r / GROUP, block.n_queries - 1u);
  var n_visible = block.n_new - (block.n_queries - 1u - index);
  for (var segment = 0u; segment < KEY_SEGMENTS; segment++) {
    n_visible += heads_buf[block.place * HEAD_FIELDS + 2u * segment];
  }
  return Query(
    i32(block.position + index), i32(block.kv_head * GROUP + r % GROUP), i32(block.kv_head),
    i32(params.layer), n_visible);
}

/* Rows and first page entry of a segment of values, which have cuts of their own. */
fn value_rows(block: Block, segment: u32) -> u32 {
  let stored = heads_buf[block.place * HEAD_FIELDS + 2u * (KEY_SEGMENTS + segment)];
  return stored + select(0u, block.n_new, segment + 1u == VALUE_SEGMENTS);
}
fn value_pages(block: Block, segment: u32) -> u32 {
  let entries = block.place * params.page_entries;
  if (segment == 0u) { return entries + params.value_page_0; }
  if (segment == 1u) { return entries + params.value_page_1; }
  return entries + params.value_page_2;
}

/* Keys of a chunk whose values lie in one segment: the chunk's first … end - 1; `start` counts rows before it. */
struct ValueRun {
  start: u32,
  first: u32,
  end: u32,
}

fn find_values(block: Block, chunk: Chunk, segment: u32) -> ValueRun {
  var start = 0u;
  for (var i = 0u; i < segment; i++) { start += value_rows(block, i); }
  let end = min(start + value_rows(block, segment), chunk.position + chunk.n_rows);
  return ValueRun(start, max(start, chunk.position) - chunk.position,
      max(end, chunk.position) - chunk.position);
}

/* Whether any row of the block may see a key of the chunk. */
fn overlaps(block: Block, chunk: Chunk) -> bool {
  var lower = 2147483647;
  var upper = -2147483647;
  for (var r = 0u; r < BLOCK_ROWS; r++) {
    let query = query_of(block, r);

    lower = min(lower, 0);
    upper = max(upper, query.position);
  }
  let first = i32(chunk.position);
  return first <= upper && first + i32(chunk.n_rows) > lower;
}

/* Loads the channels of the block's queries that a key segment stores, then the others. */
fn gather_queries(block: Block, segment: u32, lane: u32) {
  let width = HEAD_DIM;
  for (var i = lane; i < BLOCK_ROWS * HEAD_DIM; i += WORKGROUP) {
    let r = i / HEAD_DIM;
    let c = i % HEAD_DIM;
    if (c < width) {
      let row = block.row + min(r / GROUP, block.n_queries - 1u);
      let first = row * params.qkv_stride + (block.kv_head * GROUP + r % GROUP) * HEAD_DIM;
      var channel = c;
      if (segment == 0u) { channel = channels_buf[(block.place * KEY_LISTS + 0u) * HEAD_DIM + c]; }
      if (segment == 1u) { channel = channels_buf[(block.place * KEY_LISTS + 1u) * HEAD_DIM + c]; }
      q[i] = qkv_buf[first + channel];
    }
  }
  workgroupBarrier();
}

/* The logit of one key that the query sees, from q · k. */
fn logit_of(query: Query, key_position: i32, product: f32) -> f32 {
  let s = product * params.scale;

  // kernels/attention/causal.ts:7
  let mask: bool = key_position <= query.position;
  // generated/wgsl/attention_causal_decode__k_list_mean_q42r64t16_list_mean_q42r64t16_f16t16_v_q4c64t1_q2c64t1_f16t1.wgsl:222
  let visible = (mask) && key_position < i32(query.n_visible);
  return select(MASKED, s, visible);
}

/*
 * Logits of all rows of the block against the chunk's keys. A thread takes two keys that lie side by side
 * in each channel of a tile; a channel that is not stored is a turn less.
 */
fn multiply_keys(block: Block, chunk: Chunk, lane: u32) {
  let width = key_width(block, chunk.segment);
  let key = 2u * lane;
  var sums: array<vec2<f32>, BLOCK_ROWS>;
  if (key < chunk.n_rows) {
    let row = chunk.row + key;
    let in_page = row % PAGE_ROWS;
    let page = pages_buf[key_pages(block, chunk.segment) + row / PAGE_ROWS] * UNIT_WORDS;
    if (chunk.segment == 0u || chunk.segment == 1u) {
      /* Channels of 4 bits, then of 2; 64 rows, a unit, share a scale and a minimum per channel. */
      const HIGH_BITS = 4u;
      const LOW_BITS = 2u;
      const UNIT_ROWS = 64u;
      let n_high = key_high(block, chunk.segment);
      let high_words = n_high * (HIGH_BITS / 2u);
      let tile_words = high_words + (width - n_high) * (LOW_BITS / 2u);
      let code_words = tile_words * (UNIT_ROWS / TILE_ROWS);
      let unit = page + in_page / UNIT_ROWS * (code_words + width);
      let groups = unit + code_words;
      let tile = unit + in_page % UNIT_ROWS / TILE_ROWS * tile_words;
      let high = tile + kerf_code_word(in_page, HIGH_BITS);
      let low = tile + high_words + kerf_code_word(in_page, LOW_BITS);
      let fills = (block.place * KEY_LISTS + chunk.segment) * HEAD_DIM;
      for (var r = 0u; r < BLOCK_ROWS; r++) {
        for (var c = width; c < HEAD_DIM; c++) {
          sums[r] = fma(vec2<f32>(q[r * HEAD_DIM + c]), vec2<f32>(fills_buf[fills + c]), sums[r]);
        }
      }
      for (var c = 0u; c < n_high; c++) {
        let codes = kerf_code_pair(arena_buf[high + c * (HIGH_BITS / 2u)], in_page, HIGH_BITS);
        let group = unpack2x16float(arena_buf[groups + c]);
        let keys = fma(vec2<f32>(group.x), codes, vec2<f32>(group.y));
        for (var r = 0u; r < BLOCK_ROWS; r++) {
          sums[r] = fma(vec2<f32>(q[r * HEAD_DIM + c]), keys, sums[r]);
        }
      }
      for (var c = n_high; c < width; c++) {
        let codes = kerf_code_pair(arena_buf[low + (c - n_high) * (LOW_BITS / 2u)], in_page,
            LOW_BITS);
        let group = unpack2x16float(arena_buf[groups + c]);
        let keys = fma(vec2<f32>(group.x), codes, vec2<f32>(group.y));
        for (var r = 0u; r < BLOCK_ROWS; r++) {
          sums[r] = fma(vec2<f32>(q[r * HEAD_DIM + c]), keys, sums[r]);
        }
      }
    } else {
      let first = in_page / TILE_ROWS * TILE_ROWS * width + in_page % TILE_ROWS;
      for (var c = 0u; c < width; c++) {
        let keys = unpack2x16float(arena_buf[page + (first + c * TILE_ROWS) / 2u]);
        for (var r = 0u; r < BLOCK_ROWS; r++) {
          sums[r] = fma(vec2<f32>(q[r * HEAD_DIM + c]), keys, sums[r]);
        }
      }
    }
  }
  for (var r = 0u; r < BLOCK_ROWS; r++) {
    let query = query_of(block, r);
    for (var i = 0u; i < 2u; i++) {
      let key_position = i32(chunk.position + key + i);
      /* Keys past the chunk were never stored, or are another chunk's. */
      let logit = logit_of(query, key_position, sums[r][i]);
      products[r * CHUNK_ROWS + key + i] = select(MASKED, logit, key + i < chunk.n_rows);
    }
  }
  workgroupBarrier();
}

/*
 * Logits become weights e^(logit - largest), in place; a key that the query does not see weighs exactly 0.
 * ROW_LANES threads take one row. Gives largest logit and sum of weights of each row.
 */
fn weigh_keys(lane: u32) -> array<vec2<f32>, BLOCK_ROWS> {
  let r = min(lane / ROW_LANES, BLOCK_ROWS - 1u);
  let i = lane % ROW_LANES;
  let first = r * CHUNK_ROWS;
  let works = lane / ROW_LANES < BLOCK_ROWS;

  var largest = MASKED;
  for (var key = i; key < CHUNK_ROWS;
      key += ROW_LANES) { largest = max(largest, products[first + key]); }
  lane_values[lane] = largest;
  workgroupBarrier();
  for (var half = ROW_LANES / 2u; half > 0u; half /= 2u) {
    if (i < half) {
      lane_values[lane] = max(lane_values[lane], lane_values[lane + half]);
    }
    workgroupBarrier();
  }

  largest = lane_values[r * ROW_LANES];
  var result: array<vec2<f32>, BLOCK_ROWS>;
  for (var row = 0u; row < BLOCK_ROWS; row++) { result[row].x = lane_values[row * ROW_LANES]; }
  workgroupBarrier();

  var sum = 0.0;
  if (works) {
    for (var key = i; key < CHUNK_ROWS; key += ROW_LANES) {
      let logit = products[first + key];
      let weight = select(kerf_exp(logit - largest), 0.0, logit == MASKED);
      products[first + key] = weight;
      sum += weight;
    }
  }
  lane_values[lane] = sum;
  workgroupBarrier();
  for (var half = ROW_LANES / 2u; half > 0u; half /= 2u) {
    if (i < half) {
      lane_values[lane] = lane_values[lane] + lane_values[lane + half];
    }
    workgroupBarrier();
  }

  for (var row = 0u; row < BLOCK_ROWS; row++) { result[row].y = lane_values[row * ROW_LANES]; }
  workgroupBarrier();
  return result;
}

/* The weighted sums of the chunk's values: thread `lane` below PAIRS has channels 2·lane and 2·lane + 1. */
fn multiply_values(block: Block, chunk: Chunk, lane: u32) -> array<vec2<f32>, BLOCK_ROWS> {
  let pair = lane % PAIRS;
  var sums: array<vec2<f32>, BLOCK_ROWS>;
  if (lane < PAIRS * VALUE_LANES) {
    {
      let pages = value_pages(block, 0u);
      let run = find_values(block, chunk, 0u);
      for (var key = run.first + lane / PAIRS; key < run.end; key += VALUE_LANES) {
        let row = chunk.position + key - run.start;
        let page = pages_buf[pages + row / PAGE_ROWS] * UNIT_WORDS;
        /* Codes of 4 bits; 64 channels share a scale and a minimum. */
        const BITS = 4u;
        const CODE_WORDS = HEAD_DIM * BITS / 32u;
        const N_GROUPS = (HEAD_DIM + 64u - 1u) / 64u;
        let cells = page + row % PAGE_ROWS * (CODE_WORDS + N_GROUPS);
        let channel = 2u * pair;
        let word = arena_buf[cells + channel / 16u * (BITS / 2u) + kerf_code_word(channel, BITS)];
        let group = unpack2x16float(arena_buf[cells + CODE_WORDS + channel / 64u]);
        let values = fma(vec2<f32>(group.x), kerf_code_pair(word, channel, BITS),
            vec2<f32>(group.y));
        for (var r = 0u; r < BLOCK_ROWS; r++) {
          sums[r] = fma(vec2<f32>(products[r * CHUNK_ROWS + key]), values, sums[r]);
        }
      }
    }
    {
      let pages = value_pages(block, 1u);
      let run = find_values(block, chunk, 1u);
      for (var key = run.first + lane / PAIRS; key < run.end; key += VALUE_LANES) {
        let row = chunk.position + key - run.start;
        let page = pages_buf[pages + row / PAGE_ROWS] * UNIT_WORDS;
        /* Codes of 2 bits; 64 channels share a scale and a minimum. */
        const BITS = 2u;
        const CODE_WORDS = HEAD_DIM * BITS / 32u;
        const N_GROUPS = (HEAD_DIM + 64u - 1u) / 64u;
        let cells = page + row % PAGE_ROWS * (CODE_WORDS + N_GROUPS);
        let channel = 2u * pair;
        let word = arena_buf[cells + channel / 16u * (BITS / 2u) + kerf_code_word(channel, BITS)];
        let group = unpack2x16float(arena_buf[cells + CODE_WORDS + channel / 64u]);
        let values = fma(vec2<f32>(group.x), kerf_code_pair(word, channel, BITS),
            vec2<f32>(group.y));
        for (var r = 0u; r < BLOCK_ROWS; r++) {
          sums[r] = fma(vec2<f32>(products[r * CHUNK_ROWS + key]), values, sums[r]);
        }
      }
    }
    {
      let pages = value_pages(block, 2u);
      let run = find_values(block, chunk, 2u);
      for (var key = run.first + lane / PAIRS; key < run.end; key += VALUE_LANES) {
        let row = chunk.position + key - run.start;
        let page = pages_buf[pages + row / PAGE_ROWS] * UNIT_WORDS;
        let at = row % PAGE_ROWS * HEAD_DIM + 2u * pair;
        let values = unpack2x16float(arena_buf[page + at / 2u]);
        for (var r = 0u; r < BLOCK_ROWS; r++) {
          sums[r] = fma(vec2<f32>(products[r * CHUNK_ROWS + key]), values, sums[r]);
        }
      }
    }
  }
  for (var r = 0u; r < BLOCK_ROWS; r++) {
    lane_pairs[lane] = sums[r];
    workgroupBarrier();
    var sum = vec2<f32>(0.0);
    for (var i = 0u; i < VALUE_LANES; i++) { sum += lane_pairs[i * PAIRS + pair]; }
    sums[r] = sum;
    workgroupBarrier();
  }
  return sums;
}

/* One work group: one chunk of one KV head of a decoded row → one partial softmax per query head. */
@compute @workgroup_size(WORKGROUP)
fn attention_causal_decode__k_list_mean_q42r64t16_list_mean_q42r64t16_f16t16_v_q4c64t1_q2c64t1_f16t1(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let item = kerf_item(group, groups);
  let n_splits = step_field(5u /* nSplits */);
  let split = item % n_splits;
  let kv_head = item / n_splits % params.n_kv_heads;
  let decoded = item / n_splits / params.n_kv_heads;
  if (decoded >= step_field(4u /* nDecode */)) { return; }
  let row = decode_rows_buf[decoded];
  let seq = 4u * row_seq_buf[row];
  let before = row - seqs_buf[seq + 1u]; /* queries of the sequence before this one */
  let place = head_place(seqs_buf[seq + 3u], kv_head);
  let block = Block(row, 1u, seqs_buf[seq + 2u] + before, kv_head, place, before + 1u);

  var softmax: array<vec2<f32>, BLOCK_ROWS>; /* largest logit, sum of weights */
  var values: array<vec2<f32>, BLOCK_ROWS>;
  for (var r = 0u; r < BLOCK_ROWS; r++) { softmax[r].x = MASKED; }
  let chunk = find_chunk(block, split);
  if (chunk.n_rows > 0u && overlaps(block, chunk)) {
    gather_queries(block, chunk.segment, lane);
    multiply_keys(block, chunk, lane);
    softmax = weigh_keys(lane);
    values = multiply_values(block, chunk, lane);
  }

  for (var r = 0u; r < BLOCK_ROWS; r++) {
    let head = decoded * params.n_heads + kv_head * GROUP + r;
    let partial = (head * n_splits + split) * (HEAD_DIM + 16u);
    if (lane < PAIRS) {
      partials_buf[partial + 2u * lane] = values[r].x;
      partials_buf[partial + 2u * lane + 1u] = values[r].y;
    }
    if (lane == 0u) {
      partials_buf[partial + HEAD_DIM] = softmax[r].x;
      partials_buf[partial + HEAD_DIM + 1u] = softmax[r].y;
    }
  }
}
