/*
 * The place of each row's largest logit, of equal ones the lowest, from the largest of each group of them and
 * its place; what is no number is never the largest, and a row of nothing else gives its first place. Greedy
 * decoding reads this one number, and no logits are stored.
 *
 * Generated from kernels/ops/arg_max.ts by `deno task gen`. Do not edit.
 */
#include "kerf.wgsl"

struct Params {
  n_groups: u32, /* of a row's logits, in their order; at least one */
}

@group(0) @binding(0) var<storage, read> largest_buf: array<f32>; /* f32 [nLogits, n_groups] */
@group(0) @binding(1) var<storage, read> places_buf: array<u32>; /* u32 [nLogits, n_groups] */
@group(0) @binding(2) var<storage, read_write> picks_buf: array<u32>; /* u32 [nLogits] */
@group(0) @binding(3) var<uniform> step_buf: array<vec4<u32>, 2>; /* the step header */
@group(0) @binding(4) var<uniform> params: Params;

const WORKGROUP = 256u;

fn step_field(index: u32) -> u32 {
  return step_buf[index / 4u][index % 4u];
}

var<workgroup> largest: array<u32, WORKGROUP>;
var<workgroup> first_group: array<u32, WORKGROUP>;

/* One work group: one row. */
@compute @workgroup_size(WORKGROUP)
fn arg_max(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let row = kerf_item(group, groups);
  if (row >= step_field(2u /* nLogits */)) { return; }
  let first = row * params.n_groups;

  /* What is no number has order 0 and is larger than nothing. */
  var own_largest = 0u;
  var own_group = 0u;
  for (var g = lane; g < params.n_groups; g += WORKGROUP) {
    let order = kerf_order(largest_buf[first + g]);
    if (order > own_largest) {
      own_largest = order;
      own_group = g;
    }
  }
  largest[lane] = own_largest;
  first_group[lane] = own_group;
  workgroupBarrier();
  for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
    if (lane < half) {
      let other = lane + half;
      /* Of equal logits the lowest place. */
      if (largest[other] > largest[lane]
          || (largest[other] == largest[lane] && first_group[other] < first_group[lane])) {
        largest[lane] = largest[other];
        first_group[lane] = first_group[other];
      }
    }
    workgroupBarrier();
  }
  if (lane == 0u) { picks_buf[row] = places_buf[first + first_group[0]]; }
}
