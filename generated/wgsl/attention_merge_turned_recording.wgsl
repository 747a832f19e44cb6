/*
 * `attention_merge_turned`, which also leaves the softmax of each row, as `attention_merge_recording` does.
 *
 * In front of this text the device puts `const HEAD_DIM: u32 = …;`.
 * Generated from kernels/ops/attention_merge_turned_recording.ts by `deno task gen`. Do not edit.
 */
#include "kerf.wgsl"

struct Params {
  n_heads: u32,
  out_stride: u32, /* elements between rows of out */
}

@group(0) @binding(0) var<storage, read> partials_buf: array<f32>; /* f32 [nDecode, nHeads, nSplits, headDim + 16] */
@group(0) @binding(1) var<storage, read> decode_rows_buf: array<u32>; /* u32 [nDecode] */
@group(0) @binding(2) var<storage, read_write> out_buf: array<f32>; /* f32 [nRows, nHeads * headDim] */
@group(0) @binding(3) var<uniform> step_buf: array<vec4<u32>, 2>; /* the step header */
@group(0) @binding(4) var<storage, read_write> row_softmax_buf: array<f32>; /* f32 [nRows, nHeads, 2] */
@group(0) @binding(5) var<uniform> params: Params;

const WORKGROUP = 64u;

fn step_field(index: u32) -> u32 {
  return step_buf[index / 4u][index % 4u];
}

/* The logit of a key that is not seen, and the largest of none: WGSL has no infinities. */
const MASKED = -1e30;

const PARTIAL = HEAD_DIM + 16u; /* weighted values, the largest logit, the sum of weights */
var<workgroup> turned: array<f32, HEAD_DIM>;

/*
 * Turns heads into the Walsh-Hadamard basis, or back: n channels of `turned`, one head behind the other. Every
 * thread of the work group takes part, before others' channels are read and after they were written.
 */
fn turn(n: u32, lane: u32) {
  for (var half = 1u; half < HEAD_DIM; half *= 2u) {
    workgroupBarrier();
    for (var i = lane; i < n / 2u; i += WORKGROUP) {
      let first = i / half * 2u * half + i % half;
      let a = turned[first];
      let b = turned[first + half];
      turned[first] = a + b;
      turned[first + half] = a - b;
    }
  }
  workgroupBarrier();
  let scale = 1.0 / sqrt(f32(HEAD_DIM));
  for (var i = lane; i < n; i += WORKGROUP) { turned[i] *= scale; }
  workgroupBarrier();
}

/* One work group: one query head of one decoded row, a channel per thread. */
@compute @workgroup_size(WORKGROUP)
fn attention_merge_turned_recording(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let item = kerf_item(group, groups);
  if (item >= step_field(4u /* nDecode */) * params.n_heads) { return; }
  let n_splits = step_field(5u /* nSplits */);
  let first = item * n_splits * PARTIAL;
  let head = item % params.n_heads;
  let out_row = decode_rows_buf[item / params.n_heads] * params.out_stride + head * HEAD_DIM;

  var largest = MASKED;
  for (var split = 0u; split < n_splits; split++) {
    largest = max(largest, partials_buf[first + split * PARTIAL + HEAD_DIM]);
  }
  var sum = 0.0;
  for (var split = 0u; split < n_splits; split++) {
    let partial = first + split * PARTIAL + HEAD_DIM;
    sum += partials_buf[partial + 1u] * kerf_exp(partials_buf[partial] - largest);
  }
  for (var c = lane; c < HEAD_DIM; c += WORKGROUP) {
    var value = 0.0;
    for (var split = 0u; split < n_splits; split++) {
      let partial = first + split * PARTIAL;
      value += partials_buf[partial + c] * kerf_exp(partials_buf[partial + HEAD_DIM] - largest);
    }
    turned[c] = value;
  }
  turn(HEAD_DIM, lane);
  for (var c = lane; c < HEAD_DIM; c += WORKGROUP) {
    /* Zeros when no key was seen. */
    out_buf[out_row + c] = select(turned[c] / sum, 0.0, sum == 0.0);
  }

  if (lane == 0u) {
    let softmax = 2u * (decode_rows_buf[item / params.n_heads] * params.n_heads + head);
    row_softmax_buf[softmax] = largest;
    row_softmax_buf[softmax + 1u] = sum;
  }
}
