/*
 * Rotary position embedding, channel c paired with c + headDim/2 (Hugging Face's order).
 *
 * In front of this text the device puts `const HEAD_DIM: u32 = …;`.
 * Generated from kernels/ops/rope_half.ts by `deno task gen`. Do not edit.
 */
#include "kerf.wgsl"

struct Params {
  n_heads: u32,
  x_stride: u32, /* elements between rows of x */
  x_offset: u32, /* elements before the first head of x */
}

@group(0) @binding(0) var<storage, read_write> x_buf: array<f32>; /* f32 [nRows, x_stride] */
@group(0) @binding(1) var<storage, read> rope_buf: array<f32>; /* f32 [nCtx, headDim] */
@group(0) @binding(2) var<storage, read> row_position_buf: array<u32>; /* u32 [nRows] */
@group(0) @binding(3) var<uniform> step_buf: array<vec4<u32>, 2>; /* the step header */
@group(0) @binding(4) var<uniform> params: Params;

const WORKGROUP = 64u;

fn step_field(index: u32) -> u32 {
  return step_buf[index / 4u][index % 4u];
}

/* One work group: one row, a channel pair of a head per thread. */
@compute @workgroup_size(WORKGROUP)
fn rope_half(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let row = kerf_item(group, groups);
  if (row >= step_field(0u /* nRows */)) { return; }
  const half = HEAD_DIM / 2u;
  /* Cosines of the half angles, then sines. */
  let angles = row_position_buf[row] * HEAD_DIM;
  let x_row = row * params.x_stride + params.x_offset;

  for (var i = lane; i < params.n_heads * half; i += WORKGROUP) {
    let c = i % half;
    let cos = rope_buf[angles + c];
    let sin = rope_buf[angles + half + c];
    let at = x_row + i / half * HEAD_DIM + c;
    let next = at + half;
    let a = x_buf[at];
    let b = x_buf[next];
    // kernels/ops/rope_half.ts:6
    let new_a: f32 = a * cos - b * sin;
    let new_b: f32 = b * cos + a * sin;
    // generated/wgsl/rope_half.wgsl:51
    x_buf[at] = new_a;
    x_buf[next] = new_b;
  }
}
