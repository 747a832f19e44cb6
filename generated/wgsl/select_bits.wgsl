/*
 * Chooses the bits of every channel of a layer: the classes whose costs, `scores` times `losses`, sum to the
 * least within the budget, of all heads of `due_counts` together or of each by itself; a head without any is left
 * alone. Channels go up along the lower convex hull of their costs by what a bit wins, equal ones in the order of
 * heads and channels, while the budget holds. A head's list has the channels of the high class, then of the low
 * one, then those without bits, each ascending; these read as their means.
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
  low_price: u32, /* bits of a group of a low channel, its scale included */
  high_price: u32, /* the same of a high one */
  shares: u32, /* the heads of the layer choose together */
  budget: u32, /* bits of a group of all channels that are chosen together */
}

@group(0) @binding(0) var<storage, read> scores_buf: array<f32>; /* f32 [nSlots, nLayers, nKvHeads, headDim] */
@group(0) @binding(1) var<storage, read> losses_buf: array<f32>; /* f32 [nKvHeads, headDim, 3] */
@group(0) @binding(2) var<storage, read> means_buf: array<f32>; /* f32 [nKvHeads, headDim] */
@group(0) @binding(3) var<storage, read> due_counts_buf: array<u32>; /* u32 [nKvHeads] */
@group(0) @binding(4) var<storage, read_write> channels_buf: array<u32>; /* u32 [nSlots, nLayers, nKvHeads, headDim] */
@group(0) @binding(5) var<storage, read_write> fills_buf: array<f32>; /* f32 [nSlots, nLayers, nKvHeads, headDim] */
@group(0) @binding(6) var<storage, read_write> class_counts_buf: array<u32>; /* u32 [nKvHeads, 2] */
@group(0) @binding(7) var<uniform> params: Params;

const WORKGROUP = 64u;

var<workgroup> classes: array<u32, HEAD_DIM>;

/* A channel's steps to more bits, best first: what each wins per bit, and its bits. */
struct Upgrades {
  rate: vec2<f32>,
  price: vec2<u32>,
}

/*
 * Along the lower convex hull of what its classes cost: to the low class, then to the high one; or, where the
 * low one lies above the line between the others, to the high one at once.
 */
fn upgrades_of(first_weight: u32, channel: u32) -> Upgrades {
  let weight = scores_buf[first_weight + channel];
  let losses = vec3<f32>(losses_buf[3u * channel], losses_buf[3u * channel + 1u],
      losses_buf[3u * channel + 2u]);
  let further = params.high_price - params.low_price;
  let to_low = kerf_divide_small(weight * (losses.x - losses.y), f32(params.low_price));
  let onward = kerf_divide_small(weight * (losses.y - losses.z), f32(further));
  if (to_low >= onward) {
    return Upgrades(vec2<f32>(to_low, onward), vec2<u32>(params.low_price, further));
  }
  let at_once = kerf_divide_small(weight * (losses.x - losses.z), f32(params.high_price));
  return Upgrades(vec2<f32>(at_once, 0.0), vec2<u32>(params.high_price, 0u));
}

/* The class of a channel: a step is taken where all that win more per bit and itself fit in the budget. */
fn class_of(first_weight: u32, channel: u32) -> u32 {
  let own = upgrades_of(first_weight, channel);
  var spent = vec2<u32>(0u);
  let head_start = channel / HEAD_DIM * HEAD_DIM;
  let rivals = select(head_start, 0u, params.shares != 0u);
  let rivals_end = select(head_start + HEAD_DIM, params.n_kv_heads * HEAD_DIM, params.shares != 0u);
  for (var other = rivals; other < rivals_end; other++) {
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
    if (own.rate[step] > 0.0 && spent[step] <= params.budget) {
      taken = select(step + 1u, 2u, own.price.x == params.high_price);
    }
  }
  return taken;
}

/* One work group: one KV head, a channel a thread. */
@compute @workgroup_size(WORKGROUP)
fn select_bits(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let kv_head = kerf_item(group, groups);
  if (kv_head >= params.n_kv_heads || due_counts_buf[kv_head] == 0u) { return; }
  let layer = params.slot * params.n_layers + params.layer;
  let first_weight = layer * params.n_kv_heads * HEAD_DIM;
  let head_start = kv_head * HEAD_DIM;
  for (var c = lane; c < HEAD_DIM; c += WORKGROUP) {
    classes[c] = class_of(first_weight, head_start + c);
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
    var at = first_weight + head_start;
    for (var other = 0u; other < HEAD_DIM; other++) {
      at += u32(classes[other] > classes[c] || (classes[other] == classes[c] && other < c));
    }
    channels_buf[at] = c;
    fills_buf[at] = select(means_buf[head_start + c], 0.0, classes[c] > 0u);
  }
  if (lane == 0u) {
    class_counts_buf[2u * kv_head] = n_stored;
    class_counts_buf[2u * kv_head + 1u] = n_high;
  }
}
