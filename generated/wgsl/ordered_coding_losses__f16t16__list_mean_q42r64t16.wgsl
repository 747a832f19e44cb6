/*
 * What the keys of a layer lose at each choice of bits, by channel, where rows come in the order of their
 * classes, those of each list by themselves: groups are those that will be stored, and errors may count by the
 * rows' scores and, where both lists have rows, a share of these' mean. Otherwise coding_losses.
 *
 * In front of this text the device puts `const HEAD_DIM: u32 = …;`.
 * Generated from kernels/ops/ordered_coding_losses.ts by `deno task gen`. Do not edit.
 */
#include "kerf.wgsl"

struct Params {
  slot: u32,
  layer: u32,
  n_layers: u32,
  n_kv_heads: u32,
  page_entries: u32, /* entries of a head in pages */
  key_page: u32, /* first page entry of the last segment of keys */
  n_channels: u32, /* headDim */
  n_key_lists: u32, /* lists of a head */
  max_rows: u32, /* rows of the longest order */
  weighs_rows: u32, /* 1: a row's errors count as its score */
  mean_share: f32, /* of the scores' mean in what each row counts, where two lists have rows */
}

@group(0) @binding(0) var<storage, read> pages_buf: array<u32>; /* u32 [nSlots, nLayers, nKvHeads, page_entries] */
@group(0) @binding(1) var<storage, read> order_buf: array<u32>; /* u32 [nKvHeads, max_rows] */
@group(0) @binding(2) var<storage, read> token_scores_buf: array<f32>; /* f32 [nKvHeads, max_rows] */
@group(0) @binding(3) var<storage, read> due_counts_buf: array<u32>; /* u32 [nKvHeads, nKeyLists] */
@group(0) @binding(4) var<storage, read> arena_buf: array<u32>; /* u8 [arenaBytes] */
@group(0) @binding(5) var<storage, read_write> losses_buf: array<f32>; /* f32 [nKvHeads, nKeyLists, headDim, 3] */
@group(0) @binding(6) var<storage, read_write> means_buf: array<f32>; /* f32 [nKvHeads, nKeyLists, headDim] */
@group(0) @binding(7) var<uniform> params: Params;

const WORKGROUP = 64u;

const PAGE_ROWS = 128u; /* rows of a page */
const UNIT_WORDS = 64u / 4u; /* words that a page entry counts */
const TILE = 16u; /* rows of a tile of keys */
const CHANNELS = 16u; /* of one item */
const UNITS = WORKGROUP / CHANNELS; /* groups of rows that threads sum side by side */
const LANES = 16u; /* of the CPU's vectors: sums are made in as many parts */
const HIGH_BITS = 4u;
const LOW_BITS = 2u;
const GROUP_SIZE = 64u; /* rows that share a scale and a minimum */
const_assert HEAD_DIM % CHANNELS == 0u;

/* What each thread sums up of its group. */
var<workgroup> parts: array<vec4<f32>, WORKGROUP>;

/* The rows of one channel that share a scale. */
struct Values {
  pages: u32, /* the first page entry */
  first: u32, /* the first row's place in `order` */
  channel: u32,
  scores: u32, /* where the scores of the head's rows begin */
  factor: f32, /* by which a row counts as its score */
  mean: f32, /* … and what it counts beside that */
}

/* The i-th of them. */
fn load_value(values: Values, i: u32) -> f32 {
  let row = order_buf[values.first + i];
  let in_page = row % PAGE_ROWS;
  let page = pages_buf[values.pages + row / PAGE_ROWS] * UNIT_WORDS;
  let at = in_page / TILE * TILE * HEAD_DIM + values.channel * TILE + in_page % TILE;
  return unpack2x16float(arena_buf[page + at / 2u])[at % 2u];
}

/* The sum of the lanes, in a fixed tree. */
fn sum_lanes(lanes: ptr<function, array<vec4<f32>, LANES>>) -> vec4<f32> {
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    for (var lane = 0u; lane < half; lane++) { (*lanes)[lane] += (*lanes)[lane + half]; }
  }
  return (*lanes)[0];
}

/* The sum of the values, first of four. */
fn sum_values(values: Values) -> vec4<f32> {
  var lanes: array<vec4<f32>, LANES>;
  for (var i = 0u; i < GROUP_SIZE; i++) { lanes[i % LANES].x += load_value(values, i); }
  return sum_lanes(&lanes);
}

/* What a value is off as a code. */
fn code_error(x: f32, group: vec2<f32>, bits: u32) -> f32 {
  return x - fma(group.x, f32(kerf_code_of(x, group, bits)), group.y);
}

/* The sum of the squares of what is off without bits, in the low and in the high class, by weight; first of four. */
fn sum_losses(values: Values, mean: f32) -> vec4<f32> {
  var smallest = load_value(values, 0u);
  var largest = smallest;
  for (var i = 1u; i < GROUP_SIZE; i++) {
    let x = load_value(values, i);
    smallest = kerf_min(smallest, x);
    largest = kerf_max(largest, x);
  }
  let low = unpack2x16float(kerf_group_word(smallest, largest, LOW_BITS));
  let high = unpack2x16float(kerf_group_word(smallest, largest, HIGH_BITS));
  var lanes: array<vec4<f32>, LANES>;
  for (var i = 0u; i < GROUP_SIZE; i++) {
    let x = load_value(values, i);
    let off = vec3<f32>(x - mean, code_error(x, low, LOW_BITS), code_error(x, high, HIGH_BITS));
    var weight = values.mean;
    if (values.factor > 0.0) { weight += token_scores_buf[values.scores
        + order_buf[values.first + i]] * values.factor; }
    lanes[i % LANES] = fma(vec4<f32>(off * weight, 0.0), vec4<f32>(off, 0.0), lanes[i % LANES]);
  }
  return sum_lanes(&lanes);
}

/* How much the rows of a head count: their scores by the first, and the second; all alike where none has any. */
fn row_weights(order: u32, scores: u32, n_rows: u32, mean: f32, lane: u32) -> vec2<f32> {
  var own = 0.0;
  for (var row = lane; row < n_rows; row += WORKGROUP) {
    own += token_scores_buf[scores + order_buf[order + row]];
  }
  parts[lane].x = own;
  workgroupBarrier();
  var total = 0.0;
  for (var i = 0u; i < WORKGROUP; i++) { total += parts[i].x; }
  workgroupBarrier();
  if (params.weighs_rows == 0u || !(total > 0.0)) { return vec2<f32>(0.0, 1.0); }
  return vec2<f32>((1.0 - mean) * f32(n_rows) / total, mean);
}

/* One work group: CHANNELS channels of the rows of one list of a KV head, in their order, UNITS groups of rows at a time; no rows, nothing. */
@compute @workgroup_size(WORKGROUP)
fn ordered_coding_losses__f16t16__list_mean_q42r64t16(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let item = kerf_item(group, groups);
  if (item >= params.n_kv_heads * params.n_key_lists * (HEAD_DIM / CHANNELS)) { return; }
  let list = item / (HEAD_DIM / CHANNELS);
  let n_rows = due_counts_buf[list];
  if (n_rows == 0u) { return; }
  let kv_head = list / params.n_key_lists;
  var first_row = 0u; /* rows of the lists before this one, then of all */
  var n_due = 0u;
  for (var i = kv_head * params.n_key_lists; i < (kv_head + 1u) * params.n_key_lists; i++) {
    if (i < list) { first_row += due_counts_buf[i]; }
    n_due += due_counts_buf[i];
  }
  let channel = item % (HEAD_DIM / CHANNELS) * CHANNELS + lane % CHANNELS;
  let own = lane / CHANNELS;
  let n_units = n_rows / GROUP_SIZE;
  let place = (params.slot * params.n_layers + params.layer) * params.n_kv_heads + kv_head;
  let pages = place * params.page_entries + params.key_page;
  let head_rows = kv_head * params.max_rows;
  /* A list that is alone needs no share of the mean: its rows with a score are enough. */
  let mean_share = select(0.0, params.mean_share, n_rows < n_due);
  let weights = row_weights(head_rows, head_rows, n_due, mean_share, lane);
  let first_place = head_rows + first_row;
  var values = Values(pages, first_place, channel, head_rows, weights.x, weights.y);

  var sum = vec4<f32>(0.0);
  for (var unit = 0u; unit < n_units; unit += UNITS) {
    if (unit + own < n_units) {
      values.first = first_place + (unit + own) * GROUP_SIZE;
      parts[lane] = sum_values(values);
    }
    workgroupBarrier();
    for (var i = 0u; i < min(UNITS, n_units - unit); i++) {
      sum += parts[i * CHANNELS + lane % CHANNELS];
    }
    workgroupBarrier();
  }

  /* The group's size is a power of two: the product is exact. */
  let quotient = kerf_divide_small(sum.x * (1.0 / f32(GROUP_SIZE)), f32(n_units));
  let mean = unpack2x16float(kerf_f16_bits(quotient)).x;

  var lost = vec4<f32>(0.0);
  for (var unit = 0u; unit < n_units; unit += UNITS) {
    if (unit + own < n_units) {
      values.first = first_place + (unit + own) * GROUP_SIZE;
      parts[lane] = sum_losses(values, mean);
    }
    workgroupBarrier();
    for (var i = 0u; i < min(UNITS, n_units - unit); i++) {
      lost += parts[i * CHANNELS + lane % CHANNELS];
    }
    workgroupBarrier();
  }

  if (own == 0u) {
    let at = list * HEAD_DIM + channel;
    means_buf[at] = mean;
    losses_buf[3u * at] = lost.x / f32(n_due);
    losses_buf[3u * at + 1u] = lost.y / f32(n_due);
    losses_buf[3u * at + 2u] = lost.z / f32(n_due);
  }
}
