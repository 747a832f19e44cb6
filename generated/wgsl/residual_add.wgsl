/*
 * y = x + residual.
 *
 * Generated from kernels/ops/residual_add.ts by `deno task gen`. Do not edit.
 */
#include "kerf.wgsl"

struct Params {
  rows_field: u32, /* the field of `step` that counts the rows */
  width: u32,
  x_stride: u32, /* elements between rows of x */
  x_offset: u32, /* elements before the first column of x */
  residual_stride: u32, /* elements between rows of residual */
  residual_offset: u32, /* elements before the first column of residual */
  y_stride: u32, /* elements between rows of y */
  y_offset: u32, /* elements before the first column of y */
}

@group(0) @binding(0) var<storage, read> x_buf: array<f32>; /* f32 [nRows, x_stride] */
@group(0) @binding(1) var<storage, read> residual_buf: array<f32>; /* f32 [nRows, residual_stride] */
@group(0) @binding(2) var<storage, read_write> y_buf: array<f32>; /* f32 [nRows, y_stride] */
@group(0) @binding(3) var<uniform> step_buf: array<vec4<u32>, 2>; /* the step header */
@group(0) @binding(4) var<uniform> params: Params;

const WORKGROUP = 128u;

fn step_field(index: u32) -> u32 {
  return step_buf[index / 4u][index % 4u];
}

/* One work group: one row. */
@compute @workgroup_size(WORKGROUP)
fn residual_add(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let row = kerf_item(group, groups);
  if (row >= step_field(params.rows_field)) { return; }
  let width = params.width;
  let x_row = row * params.x_stride + params.x_offset;
  let residual_row = row * params.residual_stride + params.residual_offset;
  let y_row = row * params.y_stride + params.y_offset;

  for (var c = lane; c < width; c += WORKGROUP) {
    let x = x_buf[x_row + c];
    let residual = residual_buf[residual_row + c];
    // kernels/ops/residual_add.ts:7
    let y: f32 = x + residual;
    // generated/wgsl/residual_add.wgsl:49
    y_buf[y_row + c] = y;
  }
}
