/*
 * Token embedding: row tokens[r] of the packed table.
 * The table is packed as f32 (src/core/packing.ts).
 *
 * Generated from kernels/ops/embedding.ts by `deno task gen`. Do not edit.
 */
#include "kerf.wgsl"

struct Params {
  width: u32, /* elements of a row, a multiple of the packed group */
  y_stride: u32, /* elements between rows of y */
  first_row: u32, /* the token of the weight's first row */
  n_rows: u32, /* rows in the weight; the others' tokens are left alone */
}

@group(0) @binding(0) var<storage, read> tokens_buf: array<u32>; /* u32 [nRows] */
@group(0) @binding(1) var<storage, read> weight_buf: array<u32>; /* u8 [packedBytes(n_rows, width)] */
@group(0) @binding(2) var<storage, read_write> y_buf: array<f32>; /* f32 [nRows, y_stride] */
@group(0) @binding(3) var<uniform> step_buf: array<vec4<u32>, 2>; /* the step header */
@group(0) @binding(4) var<uniform> params: Params;

const WORKGROUP = 64u;

fn step_field(index: u32) -> u32 {
  return step_buf[index / 4u][index % 4u];
}

/* One work group: one row. */
@compute @workgroup_size(WORKGROUP)
fn embedding__f32(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let row = kerf_item(group, groups);
  if (row >= step_field(0u /* nRows */)) { return; }
  let token = tokens_buf[row] - params.first_row;
  if (token >= params.n_rows) { return; }
  /* Sixteen rows lie next to each other, input by input. */
  let first = token / 16u * params.width * 16u + token % 16u;
  let y_row = row * params.y_stride;

  for (var c = lane; c < params.width; c += WORKGROUP) {
    let at = first + c * 16u;
    let x = bitcast<f32>(weight_buf[at]);

    y_buf[y_row + c] = x;
  }
}
