/*
 * Keeps the last `window` rotated queries of every sequence in a ring: row p of the sequence goes to
 * place p mod window, so that scores at the end of prefill do not depend on how it was chunked.
 *
 * In front of this text the device puts `const HEAD_DIM: u32 = …;`.
 * Generated from kernels/ops/record_queries.ts by `deno task gen`. Do not edit.
 */
#include "kerf.wgsl"

struct Params {
  layer: u32,
  n_layers: u32,
  n_heads: u32,
  qkv_stride: u32, /* elements between rows of qkv */
  window: u32, /* places of the ring */
}

@group(0) @binding(0) var<storage, read> qkv_buf: array<f32>; /* f32 [nRows, qkvStride] */
@group(0) @binding(1) var<storage, read> row_seq_buf: array<u32>; /* u32 [nRows] */
@group(0) @binding(2) var<storage, read> seqs_buf: array<u32>; /* u32 [nSeqs, 4] */
@group(0) @binding(3) var<storage, read_write> q_ring_buf: array<f32>; /* f32 [nSlots, nLayers, nHeads, window, headDim] */
@group(0) @binding(4) var<uniform> step_buf: array<vec4<u32>, 2>; /* the step header */
@group(0) @binding(5) var<uniform> params: Params;

const WORKGROUP = 64u;

fn step_field(index: u32) -> u32 {
  return step_buf[index / 4u][index % 4u];
}

/* One work group: one row. */
@compute @workgroup_size(WORKGROUP)
fn record_queries(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let row = kerf_item(group, groups);
  if (row >= step_field(0u /* nRows */)) { return; }
  let seq = 4u * row_seq_buf[row];
  let n_query = seqs_buf[seq];
  let offset = row - seqs_buf[seq + 1u];
  let slot = seqs_buf[seq + 3u];
  let window = params.window;
  /* Of two rows of this step that share a place the later one stays, whoever runs first. */
  if (n_query - offset > window) { return; }

  let place = (seqs_buf[seq + 2u] + offset) % window;
  let first_head = (slot * params.n_layers + params.layer) * params.n_heads;
  for (var i = lane; i < params.n_heads * HEAD_DIM; i += WORKGROUP) {
    let head = first_head + i / HEAD_DIM;
    q_ring_buf[(head * window + place) * HEAD_DIM + i % HEAD_DIM] = qkv_buf[row * params.qkv_stride
        + i];
  }
}
