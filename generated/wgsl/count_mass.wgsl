/*
 * Lowers a KV head's count to the fewest of the highest candidates whose scores sum to a share of all, and at
 * least to what it keeps in any case. A score's mass is a whole number, 24 bits of it at the largest score's
 * exponent, so the order of sums changes nothing; scores of 0 and below have none.
 *
 * Generated from kernels/ops/count_mass.ts by `deno task gen`. Do not edit.
 */
#include "kerf.wgsl"

struct Params {
  layer: u32,
  n_kv_heads: u32,
  first_list: u32, /* the list of KV head 0 */
  mass: u32, /* the share that is enough, in 2⁻²⁰ */
  takes_ties: u32, /* all that equal the lowest which stays do too */
  least: u32, /* what a head keeps in any case */
  multiple: u32, /* what counts are rounded up to */
  protect_first: u32,
  protect_last: u32,
  max_rows: u32, /* scores of a list */
}

@group(0) @binding(0) var<storage, read> candidate_scores_buf: array<f32>; /* f32 [nLists, max_rows] */
@group(0) @binding(1) var<storage, read_write> cuts_buf: array<u32>; /* u32 [nLayers, nKvHeads, 4] */
@group(0) @binding(2) var<uniform> params: Params;

const WORKGROUP = 256u;

var<workgroup> largest_order: atomic<u32>;
var<workgroup> counts: array<atomic<u32>, 256>;
/* Masses of each byte: sums of their lower 12 bits, and of the others. */
var<workgroup> low_masses: array<atomic<u32>, 256>;
var<workgroup> high_masses: array<atomic<u32>, 256>;
var<workgroup> known_order: u32; /* the bytes known so far of the lowest one that stays */
var<workgroup> missing: vec2<u32>; /* mass that the higher ones lack: its low word, then its high one */
var<workgroup> n_higher: u32;

/* The rows of one KV head that may go, as places of `candidate_scores`: `begin` … `end` − 1. */
struct Candidates {
  begin: u32,
  end: u32,
}

fn candidates_of(kv_head: u32, n_rows: u32) -> Candidates {
  let scores = (params.first_list + kv_head) * params.max_rows;
  return Candidates(scores + params.protect_first, scores + n_rows - params.protect_last);
}

/* Into `largest_order`, which is 0. */
fn find_largest(rows: Candidates, lane: u32) {
  var largest = 0u;
  for (var i = rows.begin + lane; i < rows.end; i += WORKGROUP) {
    largest = max(largest, kerf_order(candidate_scores_buf[i]));
  }
  atomicMax(&largest_order, largest);
  workgroupBarrier();
}

/* Whole numbers of 64 bits: their low words, then their high ones. */
fn is_less(a: vec2<u32>, b: vec2<u32>) -> bool {
  return a.y < b.y || (a.y == b.y && a.x < b.x);
}

fn plus(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
  let low = a.x + b.x;
  return vec2<u32>(low, a.y + b.y + u32(low < a.x));
}

fn minus(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
  return vec2<u32>(a.x - b.x, a.y - b.y - u32(a.x < b.x));
}

fn times(a: u32, b: u32) -> vec2<u32> {
  let low = (a & 0xffffu) * (b & 0xffffu);
  let middle = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
  let other = (a & 0xffffu) * (b >> 16u) + (middle & 0xffffu);
  return vec2<u32>((other << 16u) | (low & 0xffffu),
      (a >> 16u) * (b >> 16u) + (middle >> 16u) + (other >> 16u));
}

/* What a score of an order weighs, in units of the largest one's exponent: none where it is not above 0. */
fn mass_of(order: u32, largest: u32) -> u32 {
  let normal = 0x80800000u;
  if (order < normal) { return 0u; }
  let shift = (largest >> 23u) - (order >> 23u);
  return select(0u, ((order & 0x7fffffu) | 0x800000u) >> min(shift, 31u), shift < 24u);
}

fn mass_at(byte: u32) -> vec2<u32> {
  let high = atomicLoad(&high_masses[byte]);
  return plus(vec2<u32>(high << 12u, high >> 20u), vec2<u32>(atomicLoad(&low_masses[byte]), 0u));
}

/* Counts and masses of the candidates that begin as known_order does, by the byte behind. */
fn add_bytes(rows: Candidates, known: u32, shift: u32, lane: u32) {
  for (var i = lane; i < 256u; i += WORKGROUP) {
    atomicStore(&counts[i], 0u);
    atomicStore(&low_masses[i], 0u);
    atomicStore(&high_masses[i], 0u);
  }
  workgroupBarrier();
  let largest = atomicLoad(&largest_order);
  for (var i = rows.begin + lane; i < rows.end; i += WORKGROUP) {
    let own = kerf_order(candidate_scores_buf[i]);
    if ((own & known) == known_order) {
      let byte = (own >> shift) & 255u;
      let mass = mass_of(own, largest);
      atomicAdd(&counts[byte], 1u);
      atomicAdd(&low_masses[byte], mass & 0xfffu);
      atomicAdd(&high_masses[byte], mass >> 12u);
    }
  }
  workgroupBarrier();
}

/* The share `mass` of all bytes' masses, in whole units, rounded up. */
fn enough() -> vec2<u32> {
  var total = vec2<u32>(0u);
  for (var i = 0u; i < 256u; i++) { total = plus(total, mass_at(i)); }
  let product = plus(times(total.x, params.mass), vec2<u32>(0xfffffu, total.y * params.mass));
  return vec2<u32>((product.x >> 20u) | (product.y << 12u), product.y >> 20u);
}

/*
 * How many of the highest scores hold the share `mass` of all: the lowest of them is found byte by byte, and
 * what the higher ones hold is no longer missing.
 */
fn count_candidates(rows: Candidates, lane: u32) {
  find_largest(rows, lane);
  var known = 0u;
  for (var step = 0u; step < 4u; step++) {
    let shift = 24u - 8u * step;
    add_bytes(rows, known, shift, lane);
    if (lane == 0u) {
      if (step == 0u) { missing = enough(); }
      var byte = 255u;
      for (; is_less(mass_at(byte), missing); byte--) {
        n_higher += atomicLoad(&counts[byte]);
        missing = minus(missing, mass_at(byte));
      }
      known_order |= byte << shift;
    }
    known |= 255u << shift;
    workgroupBarrier();
  }
}

/* How many of the lowest scores that stay hold what is missing; nothing is where all masses are 0. */
fn n_lowest() -> u32 {
  let each = mass_of(known_order, atomicLoad(&largest_order));
  var fewer = 0u;
  for (var bit = 1u << 20u; bit > 0u; bit >>= 1u) {
    if (is_less(times(fewer | bit, each), missing)) { fewer |= bit; }
  }
  let n = select(fewer + 1u, atomicLoad(&counts[known_order & 255u]), params.takes_ties != 0u);
  return select(0u, n, any(missing != vec2<u32>(0u)));
}

/* One work group: one KV head, whose count becomes no larger than it was. */
@compute @workgroup_size(WORKGROUP)
fn count_mass(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let kv_head = kerf_item(group, groups);
  if (kv_head >= params.n_kv_heads) { return; }
  let cut = 4u * (params.layer * params.n_kv_heads + kv_head);
  let n_rows = cuts_buf[cut + 1u];
  let n_protected = params.protect_first + params.protect_last;
  /* Without a candidate nothing is counted; barriers stay where every thread meets them. */
  let none = n_rows <= n_protected;
  let candidates = candidates_of(kv_head, max(n_rows, n_protected));
  count_candidates(candidates, lane);
  if (lane == 0u && !none) {
    let n = max(n_protected + n_higher + n_lowest(), params.least);
    let rounded = (n + params.multiple - 1u) / params.multiple * params.multiple;
    cuts_buf[cut + 2u] = min(cuts_buf[cut + 2u], rounded);
  }
}
