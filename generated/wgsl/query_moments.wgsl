/*
 * Adds a step's queries, before they are rotated, to the moments of every head: the first one that counts,
 * the sum of all differences from it, the sum of their products. A sequence's first rows do not count.
 *
 * In front of this text the device puts `const HEAD_DIM: u32 = …;`.
 * Generated from kernels/ops/query_moments.ts by `deno task gen`. Do not edit.
 */
#include "kerf.wgsl"

struct Params {
  layer: u32,
  n_layers: u32,
  n_heads: u32,
  qkv_stride: u32, /* elements between rows of qkv */
  skip: u32, /* first rows of a sequence that do not count */
}

@group(0) @binding(0) var<storage, read> qkv_buf: array<f32>; /* f32 [nRows, qkv_stride] */
@group(0) @binding(1) var<storage, read> seqs_buf: array<u32>; /* u32 [nSeqs, 4] */
@group(0) @binding(2) var<storage, read_write> moments_buf: array<f32>; /* f32 [nSlots, nLayers, nHeads, headDim + 2, headDim] */
@group(0) @binding(3) var<uniform> step_buf: array<vec4<u32>, 2>; /* the step header */
@group(0) @binding(4) var<uniform> params: Params;

const WORKGROUP = 128u;

fn step_field(index: u32) -> u32 {
  return step_buf[index / 4u][index % 4u];
}

const MOMENTS = (HEAD_DIM + 2u) * HEAD_DIM; /* the first query, sums, products */

/*
 * One work group: one query head of a sequence. Differences from the first query keep their digits where the
 * mean is large. Each thread has sums of its own, and takes the step's queries in order.
 */
@compute @workgroup_size(WORKGROUP)
fn query_moments(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let item = kerf_item(group, groups);
  if (item >= step_field(1u /* nSeqs */) * params.n_heads) { return; }
  let head = item % params.n_heads;
  let seq = 4u * (item / params.n_heads);
  let position = seqs_buf[seq + 2u];
  let n_skipped = max(position, params.skip) - position;
  let begins = position <= params.skip;
  if (n_skipped >= seqs_buf[seq]) { return; }
  let moments = ((seqs_buf[seq + 3u] * params.n_layers + params.layer) * params.n_heads + head)
      * MOMENTS;
  let q = (seqs_buf[seq + 1u] + n_skipped) * params.qkv_stride + head * HEAD_DIM;
  let n = seqs_buf[seq] - n_skipped;
  for (var i = lane; i < HEAD_DIM * HEAD_DIM; i += WORKGROUP) {
    let a = i / HEAD_DIM;
    let b = i % HEAD_DIM;
    var first = vec2<f32>(qkv_buf[q + a], qkv_buf[q + b]);
    var sum = 0.0;
    if (!begins) {
      first = vec2<f32>(moments_buf[moments + a], moments_buf[moments + b]);
      sum = moments_buf[moments + 2u * HEAD_DIM + i];
    }
    for (var row = 0u; row < n; row++) {
      let x = q + row * params.qkv_stride;
      sum = fma(qkv_buf[x + a] - first.x, qkv_buf[x + b] - first.y, sum);
    }
    moments_buf[moments + 2u * HEAD_DIM + i] = sum;
  }
  for (var c = lane; c < HEAD_DIM; c += WORKGROUP) {
    var first = qkv_buf[q + c];
    var sum = 0.0;
    if (!begins) {
      first = moments_buf[moments + c];
      sum = moments_buf[moments + HEAD_DIM + c];
    }
    for (var row = 0u; row < n; row++) { sum += qkv_buf[q + row * params.qkv_stride + c] - first; }
    moments_buf[moments + HEAD_DIM + c] = sum;
    if (begins) { moments_buf[moments + c] = first; }
  }
}
