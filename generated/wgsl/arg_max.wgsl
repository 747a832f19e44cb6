/*
 * The place of each row's largest logit, of equal ones the lowest; what is no number is never the largest,
 * and a row of nothing else gives 0. Greedy decoding reads this one number and no logits.
 *
 * Generated from kernels/ops/arg_max.ts by `deno task gen`. Do not edit.
 */
#include "kerf.wgsl"

struct Params {
  width: u32, /* logits of a row, at least one */
}

@group(0) @binding(0) var<storage, read> logits_buf: array<f32>; /* f32 [nLogits, width] */
@group(0) @binding(1) var<storage, read_write> picks_buf: array<u32>; /* u32 [nLogits] */
@group(0) @binding(2) var<uniform> step_buf: array<vec4<u32>, 2>; /* the step header */
@group(0) @binding(3) var<uniform> params: Params;

const WORKGROUP = 256u;

fn step_field(index: u32) -> u32 {
  return step_buf[index / 4u][index % 4u];
}

var<workgroup> largest: array<u32, WORKGROUP>;
var<workgroup> place: array<u32, WORKGROUP>;

/* One work group: one row. */
@compute @workgroup_size(WORKGROUP)
fn arg_max(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let row = kerf_item(group, groups);
  if (row >= step_field(2u /* nLogits */)) { return; }
  let first = row * params.width;

  /* What is no number has order 0 and is larger than nothing. */
  var own_largest = 0u;
  var own_place = 0u;
  for (var c = lane; c < params.width; c += WORKGROUP) {
    let order = kerf_order(logits_buf[first + c]);
    if (order > own_largest) {
      own_largest = order;
      own_place = c;
    }
  }
  largest[lane] = own_largest;
  place[lane] = own_place;
  workgroupBarrier();
  for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
    if (lane < half) {
      let other = lane + half;
      /* Of equal logits the lowest place. */
      if (largest[other] > largest[lane]
          || (largest[other] == largest[lane] && place[other] < place[lane])) {
        largest[lane] = largest[other];
        place[lane] = place[other];
      }
    }
    workgroupBarrier();
  }
  if (lane == 0u) { picks_buf[row] = place[0]; }
}
