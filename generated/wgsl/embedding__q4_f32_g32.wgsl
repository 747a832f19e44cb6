/*
 * Token embedding: row tokens[r] of the packed table.
 * The table is packed as q4_f32_g32 (src/core/packing.ts).
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

const BLOCK_INPUTS = 32u; /* of a packed block, for sixteen rows */
const SCALE_WORDS = 16u; /* of sixteen scales; the offsets follow, then the codes */
const BLOCK_WORDS = 2u * SCALE_WORDS + BLOCK_INPUTS * 2u;

/* One work group: one row. */
@compute @workgroup_size(WORKGROUP)
fn embedding__q4_f32_g32(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let row = kerf_item(group, groups);
  if (row >= step_field(0u /* nRows */)) { return; }
  let token = tokens_buf[row] - params.first_row;
  if (token >= params.n_rows) { return; }
  let packed_row = token % 16u;
  let blocks = params.width / BLOCK_INPUTS;
  let first_word = token / 16u * blocks * BLOCK_WORDS;
  let y_row = row * params.y_stride;

  for (var c = lane; c < params.width; c += WORKGROUP) {
    let block = first_word + c / BLOCK_INPUTS * BLOCK_WORDS;
    let j = c % BLOCK_INPUTS;
    let scale = bitcast<f32>(weight_buf[block + packed_row]);
    let offset = bitcast<f32>(weight_buf[block + SCALE_WORDS + packed_row]);
    /* Low nibbles are inputs of the block's first half, high nibbles of its second. */
    let word = weight_buf[block + 2u * SCALE_WORDS + j % (BLOCK_INPUTS / 2u) * 4u
        + packed_row / 4u];
    let code = (word >> (packed_row % 4u * 8u + j / (BLOCK_INPUTS / 2u) * 4u)) & 15u;
    let x = fma(scale, f32(code), offset);

    y_buf[y_row + c] = x;
  }
}
