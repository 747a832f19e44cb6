/*
 * Root-mean-square normalisation: y = x / √(mean(x²) + eps) · weight.
 *
 * Generated from kernels/ops/rms_norm.ts by `deno task gen`. Do not edit.
 */
#include "kerf.wgsl"

struct Params {
  rows_field: u32, /* the field of `step` that counts the rows */
  width: u32,
  x_stride: u32, /* elements between rows of x */
  x_offset: u32, /* elements before the first column of x */
  y_stride: u32, /* elements between rows of y */
  y_offset: u32, /* elements before the first column of y */
  eps: f32,
}

@group(0) @binding(0) var<storage, read> x_buf: array<f32>; /* f32 [nRows, x_stride] */
@group(0) @binding(1) var<storage, read> weight_buf: array<f32>; /* f32 [width] */
@group(0) @binding(2) var<storage, read_write> y_buf: array<f32>; /* f32 [nRows, y_stride] */
@group(0) @binding(3) var<uniform> step_buf: array<vec4<u32>, 2>; /* the step header */
@group(0) @binding(4) var<uniform> params: Params;

const WORKGROUP = 128u;

fn step_field(index: u32) -> u32 {
  return step_buf[index / 4u][index % 4u];
}

var<workgroup> mean_square_x_lanes_shared: array<f32, WORKGROUP>;

/* One work group: one row. */
@compute @workgroup_size(WORKGROUP)
fn rms_norm(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let row = kerf_item(group, groups);
  if (row >= step_field(params.rows_field)) { return; }
  let width = params.width;
  let x_row = row * params.x_stride + params.x_offset;
  let y_row = row * params.y_stride + params.y_offset;

  var mean_square_x_lanes: f32 = 0.0;
  for (var c = lane; c < width; c += WORKGROUP) {
    let x = x_buf[x_row + c];
    mean_square_x_lanes = mean_square_x_lanes + x * x;
  }
  /* Partial results meet in a fixed tree: the same bits on every call. */
  mean_square_x_lanes_shared[lane] = mean_square_x_lanes;
  workgroupBarrier();
  for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
    if (lane < half) {
      mean_square_x_lanes_shared[lane] = mean_square_x_lanes_shared[lane]
          + mean_square_x_lanes_shared[lane + half];
    }
    workgroupBarrier();
  }
  // src/dsl/reductions.ts:41
  let mean_square_x: f32 = mean_square_x_lanes_shared[0] / f32(width);
  // kernels/ops/rms_norm.ts:9
  let scale: f32 = 1.0 / sqrt(mean_square_x + params.eps);

  // generated/wgsl/rms_norm.wgsl:64
  for (var c = lane; c < width; c += WORKGROUP) {
    let x = x_buf[x_row + c];
    let weight = weight_buf[c];
    // kernels/ops/rms_norm.ts:10
    let y: f32 = x * scale * weight;
    // generated/wgsl/rms_norm.wgsl:70
    y_buf[y_row + c] = y;
  }
}
