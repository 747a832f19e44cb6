/*
 * y = x · Wᵀ.
 * Of each sixteen outputs of a row only the largest is stored, and its place.
 * W is packed as q4_f16_g32 (src/core/packing.ts).
 *
 * Generated from kernels/ops/matmul.ts by `deno task gen`. Do not edit.
 */
#include "kerf.wgsl"

struct Params {
  rows_field: u32, /* the field of `step` that counts the rows */
  n_in: u32, /* a multiple of the packed group */
  n_out: u32,
  x_stride: u32, /* elements between rows of x */
  groups_stride: u32, /* groups of 16 outputs between rows of largest and places */
  y_offset: u32, /* place of the first output, a multiple of 16 */
}

@group(0) @binding(0) var<storage, read> x_buf: array<f32>; /* f32 [nRows, x_stride] */
@group(0) @binding(1) var<storage, read> weight_buf: array<u32>; /* u8 [packedBytes(nOut, nIn)] */
@group(0) @binding(2) var<storage, read_write> largest_buf: array<f32>; /* f32 [nRows, groups_stride] */
@group(0) @binding(3) var<storage, read_write> places_buf: array<u32>; /* u32 [nRows, groups_stride] */
@group(0) @binding(4) var<uniform> step_buf: array<vec4<u32>, 2>; /* the step header */
@group(0) @binding(5) var<uniform> params: Params;

const WORKGROUP = 64u;

fn step_field(index: u32) -> u32 {
  return step_buf[index / 4u][index % 4u];
}

const OUTPUTS = 16u; /* of a work group: one group of packed rows */
const ROWS = 8u; /* of x, at most */
const QUADS = OUTPUTS / 4u; /* threads side by side: four outputs each */
const SLICES = WORKGROUP / QUADS; /* threads that share the inputs of the same outputs */
const BLOCK_INPUTS = 32u; /* of a packed block, for sixteen outputs */
const SCALE_WORDS = 8u; /* of sixteen scales; the offsets follow, then the codes */
const BLOCK_WORDS = 2u * SCALE_WORDS + BLOCK_INPUTS * 2u;

var<workgroup> sums: array<vec4<f32>, ROWS * WORKGROUP>;
var<workgroup> outputs: array<f32, ROWS * OUTPUTS>;

/* One row of x: every thread sums four outputs over its slice of the inputs. */
fn multiply_row(row: u32, packed_group: u32, lane: u32) {
  let quad = lane % QUADS;
  let x_row = row * params.x_stride;
  var sum = vec4<f32>(0.0);
  for (var k = lane / QUADS * BLOCK_INPUTS; k < params.n_in; k += SLICES * BLOCK_INPUTS) {
    let block = (packed_group * (params.n_in / BLOCK_INPUTS) + k / BLOCK_INPUTS) * BLOCK_WORDS;
    let scale_word = block + quad * 2u;
    let offset_word = scale_word + SCALE_WORDS;
    let scale = vec4<f32>(unpack2x16float(weight_buf[scale_word]),
        unpack2x16float(weight_buf[scale_word + 1u]));
    let offset = vec4<f32>(unpack2x16float(weight_buf[offset_word]),
        unpack2x16float(weight_buf[offset_word + 1u]));
    let codes = block + 2u * SCALE_WORDS + quad;
    for (var j = 0u; j < BLOCK_INPUTS / 2u; j++) {
      let bytes = kerf_bytes(weight_buf[codes + 4u * j]);
      {
        let weight = fma(scale, vec4<f32>(bytes & vec4<u32>(15u)), offset);
        sum = fma(vec4<f32>(x_buf[x_row + k + j]), weight, sum);
      }
      {
        let weight = fma(scale, vec4<f32>(bytes >> vec4<u32>(4u)), offset);
        sum = fma(vec4<f32>(x_buf[x_row + k + j + BLOCK_INPUTS / 2u]), weight, sum);
      }
    }
  }
  sums[lane] = sum;
}

/* Up to ROWS rows: each weight is unpacked once for all of them. Rows past the last repeat it. */
fn multiply_rows(row: u32, n_rows: u32, packed_group: u32, lane: u32) {
  let quad = lane % QUADS;
  var x_rows: array<u32, ROWS>;
  var sum: array<vec4<f32>, ROWS>;
  for (var r = 0u; r < ROWS; r++) { x_rows[r] = (row + min(r, n_rows - 1u)) * params.x_stride; }
  for (var k = lane / QUADS * BLOCK_INPUTS; k < params.n_in; k += SLICES * BLOCK_INPUTS) {
    let block = (packed_group * (params.n_in / BLOCK_INPUTS) + k / BLOCK_INPUTS) * BLOCK_WORDS;
    let scale_word = block + quad * 2u;
    let offset_word = scale_word + SCALE_WORDS;
    let scale = vec4<f32>(unpack2x16float(weight_buf[scale_word]),
        unpack2x16float(weight_buf[scale_word + 1u]));
    let offset = vec4<f32>(unpack2x16float(weight_buf[offset_word]),
        unpack2x16float(weight_buf[offset_word + 1u]));
    let codes = block + 2u * SCALE_WORDS + quad;
    for (var j = 0u; j < BLOCK_INPUTS / 2u; j++) {
      let bytes = kerf_bytes(weight_buf[codes + 4u * j]);
      {
        let weight = fma(scale, vec4<f32>(bytes & vec4<u32>(15u)), offset);
        for (var r = 0u; r < ROWS; r++) {
          sum[r] = fma(vec4<f32>(x_buf[x_rows[r] + k + j]), weight, sum[r]);
        }
      }
      {
        let weight = fma(scale, vec4<f32>(bytes >> vec4<u32>(4u)), offset);
        for (var r = 0u; r < ROWS; r++) {
          sum[r] = fma(vec4<f32>(x_buf[x_rows[r] + k + j + BLOCK_INPUTS / 2u]), weight, sum[r]);
        }
      }
    }
  }
  for (var r = 0u; r < ROWS; r++) { sums[r * WORKGROUP + lane] = sum[r]; }
}

/* One work group: up to ROWS rows by OUTPUTS outputs, the outputs running faster. */
@compute @workgroup_size(WORKGROUP)
fn matmul_largest__q4_f16_g32(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let n_groups = (params.n_out + OUTPUTS - 1u) / OUTPUTS;
  let item = kerf_item(group, groups);
  let packed_group = item % n_groups;
  let row = item / n_groups * ROWS;
  let all_rows = step_field(params.rows_field);
  if (row >= all_rows) { return; }
  let n_rows = min(ROWS, all_rows - row);

  if (n_rows == 1u) {
    multiply_row(row, packed_group, lane);
  } else {
    multiply_rows(row, n_rows, packed_group, lane);
  }
  workgroupBarrier();
  /* Slices meet in a fixed tree: a row's bits do not depend on the rows beside it. */
  for (var half = WORKGROUP / 2u; half >= QUADS; half /= 2u) {
    if (lane < half) {
      for (var r = 0u; r < n_rows; r++) {
        sums[r * WORKGROUP + lane] += sums[r * WORKGROUP + lane + half];
      }
    }
    workgroupBarrier();
  }

  for (var i = lane; i < n_rows * OUTPUTS; i += WORKGROUP) {
    let r = i / OUTPUTS;
    let c = i % OUTPUTS;
    let column = packed_group * OUTPUTS + c;
    if (column < params.n_out) {
      let sum = sums[r * WORKGROUP + c / 4u][c % 4u];

      outputs[i] = sum;
    }
  }
  workgroupBarrier();

  /* Of equal outputs the lowest place; what is no number has order 0. */
  if (lane < n_rows) {
    let first_column = packed_group * OUTPUTS;
    let n_columns = min(OUTPUTS, params.n_out - first_column);
    var place = 0u;
    for (var c = 1u; c < n_columns; c++) {
      if (kerf_order(outputs[lane * OUTPUTS + c]) > kerf_order(outputs[lane * OUTPUTS
          + place])) { place = c; }
    }
    let first_place = params.y_offset + first_column;
    let at = (row + lane) * params.groups_stride + first_place / OUTPUTS;
    largest_buf[at] = outputs[lane * OUTPUTS + place];
    places_buf[at] = first_place + place;
  }
}
