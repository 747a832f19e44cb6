/*
 * The gated unit of a feed-forward layer: y = silu(gate) · up, silu(x) = x / (1 + e^−x).
 *
 * Generated from kernels/ops/swiglu.ts by `deno task gen`. Do not edit.
 */
#include "kerf.wgsl"

struct Params {
  rows_field: u32, /* the field of `step` that counts the rows */
  width: u32,
  gate_stride: u32, /* elements between rows of gate */
  gate_offset: u32, /* elements before the first column of gate */
  up_stride: u32, /* elements between rows of up */
  up_offset: u32, /* elements before the first column of up */
  y_stride: u32, /* elements between rows of y */
  y_offset: u32, /* elements before the first column of y */
}

@group(0) @binding(0) var<storage, read> gate_buf: array<f32>; /* f32 [nRows, gate_stride] */
@group(0) @binding(1) var<storage, read> up_buf: array<f32>; /* f32 [nRows, up_stride] */
@group(0) @binding(2) var<storage, read_write> y_buf: array<f32>; /* f32 [nRows, y_stride] */
@group(0) @binding(3) var<uniform> step_buf: array<vec4<u32>, 2>; /* the step header */
@group(0) @binding(4) var<uniform> params: Params;

const WORKGROUP = 128u;

fn step_field(index: u32) -> u32 {
  return step_buf[index / 4u][index % 4u];
}

/* One work group: one row. */
@compute @workgroup_size(WORKGROUP)
fn swiglu(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let row = kerf_item(group, groups);
  if (row >= step_field(params.rows_field)) { return; }
  let width = params.width;
  let gate_row = row * params.gate_stride + params.gate_offset;
  let up_row = row * params.up_stride + params.up_offset;
  let y_row = row * params.y_stride + params.y_offset;

  for (var c = lane; c < width; c += WORKGROUP) {
    let gate = gate_buf[gate_row + c];
    let up = up_buf[up_row + c];
    // kernels/ops/swiglu.ts:8
    let y: f32 = gate / (1.0 + kerf_exp(-gate)) * up;
    // generated/wgsl/swiglu.wgsl:49
    y_buf[y_row + c] = y;
  }
}
