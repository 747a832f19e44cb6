/*
 * Chooses the bits of every channel of a layer: the classes whose costs, `scores` times `losses`, sum to the
 * least within the budget, of all heads of `due_counts` together or of each by itself; a head without any is left
 * alone. Where a head has two lists of rows, a bit of either costs by the share of the rows; a list without rows
 * gets the other's choice. Channels go up along the lower convex hull of their costs by what a bit wins, equal
 * ones in the order of heads, lists and channels, while the budget holds. A list has the channels of the high
 * class, then of the low one, then those without bits, each ascending; these read as their means.
 *
 * In front of this text the device puts `const HEAD_DIM: u32 = …;`.
 * Generated from kernels/ops/select_bits.ts by `deno task gen`. Do not edit.
 */
#include "kerf.wgsl"

struct Params {
  slot: u32,
  layer: u32,
  n_layers: u32,
  n_kv_heads: u32,
  n_key_lists: u32, /* lists of a head, at most two */
  low_price: u32, /* bits of a group of a low channel, its scale included */
  high_price: u32, /* the same of a high one */
  shares: u32, /* the heads of the layer choose together */
  budget: u32, /* bits of a group of all channels that are chosen together */
  first_parts: u32, /* of 256 parts of a head's rows its first list's */
}

@group(0) @binding(0) var<storage, read> scores_buf: array<f32>; /* f32 [nSlots, nLayers, nKvHeads, headDim] */
@group(0) @binding(1) var<storage, read> losses_buf: array<f32>; /* f32 [nKvHeads, nKeyLists, headDim, 3] */
@group(0) @binding(2) var<storage, read> means_buf: array<f32>; /* f32 [nKvHeads, nKeyLists, headDim] */
@group(0) @binding(3) var<storage, read> due_counts_buf: array<u32>; /* u32 [nKvHeads, nKeyLists] */
@group(0) @binding(4) var<storage, read_write> channels_buf: array<u32>; /* u32 [nSlots, nLayers, nKvHeads, nKeyLists, headDim] */
@group(0) @binding(5) var<storage, read_write> fills_buf: array<f32>; /* f32 [nSlots, nLayers, nKvHeads, nKeyLists, headDim] */
@group(0) @binding(6) var<storage, read_write> class_counts_buf: array<u32>; /* u32 [nKvHeads, nKeyLists, 2] */
@group(0) @binding(7) var<uniform> params: Params;

const WORKGROUP = 64u;

const PARTS = 256u; /* that a head's rows are counted in where they have two lists */

var<workgroup> classes: array<u32, HEAD_DIM>;

/* A channel's steps to more bits, best first: what each wins per bit, and its bits. */
struct Upgrades {
  rate: vec2<f32>,
  price: vec2<u32>,
}

/* The first list of a head that has rows to be coded, or n_key_lists. */
fn first_due(kv_head: u32) -> u32 {
  var i = 0u;
  while (i < params.n_key_lists && due_counts_buf[kv_head * params.n_key_lists + i] == 0u) { i++; }
  return i;
}

/* Of a head's rows the parts by which the bits of a list are priced: all, where no other list has any. */
fn parts_of(list: u32) -> u32 {
  let is_first = list % params.n_key_lists == 0u;
  if (params.n_key_lists == 1u
      || due_counts_buf[select(list - 1u, list + 1u, is_first)] == 0u) { return PARTS; }
  return select(PARTS - params.first_parts, params.first_parts, is_first);
}

/*
 * Along the lower convex hull of what the classes of a channel cost, which counts through all lists: to the low
 * class, then to the high one; or, where the low one lies above the line between the others, to the high one at
 * once.
 */
fn upgrades_of(first_weight: u32, channel: u32) -> Upgrades {
  let list = channel / HEAD_DIM;
  let weight = scores_buf[first_weight + list / params.n_key_lists * HEAD_DIM + channel % HEAD_DIM];
  let low_price = parts_of(list) * params.low_price;
  let high_price = parts_of(list) * params.high_price;
  let losses = vec3<f32>(losses_buf[3u * channel], losses_buf[3u * channel + 1u],
      losses_buf[3u * channel + 2u]);
  let further = high_price - low_price;
  let to_low = kerf_divide_small(weight * (losses.x - losses.y), f32(low_price));
  let onward = kerf_divide_small(weight * (losses.y - losses.z), f32(further));
  if (to_low >= onward) {
    return Upgrades(vec2<f32>(to_low, onward), vec2<u32>(low_price, further));
  }
  let at_once = kerf_divide_small(weight * (losses.x - losses.z), f32(high_price));
  return Upgrades(vec2<f32>(at_once, 0.0), vec2<u32>(high_price, 0u));
}

/* The class of a channel: a step is taken where all that win more per bit and itself fit in the budget. */
fn class_of(first_weight: u32, channel: u32) -> u32 {
  let own = upgrades_of(first_weight, channel);
  var spent = vec2<u32>(0u);
  let per_head = params.n_key_lists * HEAD_DIM;
  let rivals = select(channel / per_head * per_head, 0u, params.shares != 0u);
  let n_rivals = select(per_head, params.n_kv_heads * per_head, params.shares != 0u);
  for (var other = rivals; other < rivals + n_rivals; other++) {
    if (due_counts_buf[other / HEAD_DIM] == 0u) { continue; }
    let theirs = upgrades_of(first_weight, other);
    for (var i = 0u; i < 2u; i++) {
      /* Equal ones in the order of channels, and of a channel's steps. */
      let is_before = vec2<u32>(2u * other + i) <= 2u * channel + vec2<u32>(0u, 1u);
      let rate = vec2<f32>(theirs.rate[i]);
      let comes_first = (rate > own.rate) | ((rate == own.rate) & is_before);
      spent += select(vec2<u32>(0u), vec2<u32>(theirs.price[i]), comes_first);
    }
  }
  var taken = 0u;
  for (var step = 0u; step < 2u; step++) {
    if (own.rate[step] > 0.0 && spent[step] <= PARTS * params.budget) {
      taken = select(step + 1u, 2u, own.price.y == 0u);
    }
  }
  return taken;
}

/* One work group: one list of a KV head, a channel a thread; a list without rows takes the choice of the other. */
@compute @workgroup_size(WORKGROUP)
fn select_bits(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let item = kerf_item(group, groups);
  let kv_head = item / params.n_key_lists;
  if (kv_head >= params.n_kv_heads) { return; }
  let due = first_due(kv_head);
  if (due == params.n_key_lists) { return; }
  let list = select(kv_head * params.n_key_lists + due, item, due_counts_buf[item] > 0u);
  let layer = params.slot * params.n_layers + params.layer;
  let first_weight = layer * params.n_kv_heads * HEAD_DIM;
  let list_start = list * HEAD_DIM;
  for (var c = lane; c < HEAD_DIM; c += WORKGROUP) {
    classes[c] = class_of(first_weight, list_start + c);
  }
  workgroupBarrier();
  var n_high = 0u;
  var n_stored = 0u;
  for (var c = 0u; c < HEAD_DIM; c++) {
    n_high += u32(classes[c] == 2u);
    n_stored += u32(classes[c] > 0u);
  }
  for (var c = lane; c < HEAD_DIM; c += WORKGROUP) {
    /* Higher classes come first, each ascending. */
    var at = first_weight * params.n_key_lists + item * HEAD_DIM;
    for (var other = 0u; other < HEAD_DIM; other++) {
      at += u32(classes[other] > classes[c] || (classes[other] == classes[c] && other < c));
    }
    channels_buf[at] = c;
    fills_buf[at] = select(means_buf[list_start + c], 0.0, classes[c] > 0u);
  }
  if (lane == 0u) {
    class_counts_buf[2u * item] = n_stored;
    class_counts_buf[2u * item + 1u] = n_high;
  }
}
