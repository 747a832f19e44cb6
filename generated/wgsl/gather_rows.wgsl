/*
 * Copies the rows whose logits are wanted.
 *
 * Generated from kernels/ops/gather_rows.ts by `deno task gen`. Do not edit.
 */
#include "kerf.wgsl"

struct Params {
  rows_field: u32, /* the field of `step` that counts the rows */
  width: u32,
  x_stride: u32, /* elements between rows of x */
  x_offset: u32, /* elements before the first column of x */
  y_stride: u32, /* elements between rows of y */
  y_offset: u32, /* elements before the first column of y */
}

@group(0) @binding(0) var<storage, read> x_buf: array<f32>; /* f32 [nRows, x_stride] */
@group(0) @binding(1) var<storage, read> rows_buf: array<u32>; /* u32 [nLogits] */
@group(0) @binding(2) var<storage, read_write> y_buf: array<f32>; /* f32 [nRows, y_stride] */
@group(0) @binding(3) var<uniform> step_buf: array<vec4<u32>, 2>; /* the step header */
@group(0) @binding(4) var<uniform> params: Params;

const WORKGROUP = 128u;

fn step_field(index: u32) -> u32 {
  return step_buf[index / 4u][index % 4u];
}

/* One work group: one row. */
@compute @workgroup_size(WORKGROUP)
fn gather_rows(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let row = kerf_item(group, groups);
  if (row >= step_field(params.rows_field)) { return; }
  let width = params.width;
  let x_row = rows_buf[row] * params.x_stride + params.x_offset;
  let y_row = row * params.y_stride + params.y_offset;

  for (var c = lane; c < width; c += WORKGROUP) {
    let x = x_buf[x_row + c];

    y_buf[y_row + c] = x;
  }
}
