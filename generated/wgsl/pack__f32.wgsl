/*
 * Packs F32 as f32 (src/core/packing.ts).
 *
 * IEEE single: the bits as they are.
 *
 * Generated from kernels/storage/f32.ts by `deno task gen`. Do not edit.
 */
#include "kerf.wgsl"

struct Params {
  n_out: u32, /* rows; the last group of sixteen is filled with zeros */
  n_in: u32, /* values of a row, a multiple of a block's */
  head_dim: u32, /* 0: rows as in the file; else heads of interleaved pairs become half-split ones */
  dst_group: u32, /* first 16-row group to write */
  group_step: u32, /* 2: every other group is another product's; else 1 */
}

@group(0) @binding(0) var<storage, read> src_buf: array<u32>; /* u8 [nOut, rowBytes] */
@group(0) @binding(1) var<storage, read_write> dst_buf: array<u32>; /* u8 [packedBytes(nOut, nIn)] */
@group(0) @binding(2) var<uniform> params: Params;

const WORKGROUP = 64u;

/* One byte of the file; `at` counts from the tensor's start. */
fn load_byte(at: u32) -> i32 {
  return i32((src_buf[at / 4u] >> (at % 4u * 8u)) & 255u);
}

/*
 * The file's row for output row `row`. With head_dim the file has a head's channel pairs side by side and
 * the output has all first channels of the pairs, then all second ones.
 */
fn file_row(row: u32) -> u32 {
  let head_dim = params.head_dim;
  if (head_dim == 0u) { return row; }
  let half = head_dim / 2u;
  let c = row % head_dim;
  return row - c + 2u * (c % half) + c / half;
}

fn f32_code(b: u32, i: i32) -> i32 {
  // kernels/storage/f32.ts:7
  return load_byte(b + u32(0)) | (load_byte(b + u32(1)) << 8u) | (load_byte(b + u32(2)) << 16u)
      | (load_byte(b + u32(3)) << 24u);
  // generated/wgsl/pack__f32.wgsl:46
}

/* The bits of one value; rows past the last are zeros. */
fn value_bits(row: u32, c: u32) -> u32 {
  if (row >= params.n_out) { return 0u; }
  return u32(f32_code((file_row(row) * params.n_in + c) * 4u, 0));
}

/* One work group: sixteen output rows, put next to each other value by value. A thread makes whole words. */
@compute @workgroup_size(WORKGROUP)
fn pack__f32(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let packed_group = kerf_item(group, groups);
  if (packed_group * 16u >= params.n_out) { return; }
  let first_word = (params.dst_group + packed_group * params.group_step) * params.n_in * 16u;
  for (var i = lane; i < params.n_in * 16u; i += WORKGROUP) {
    dst_buf[first_word + i] = value_bits(packed_group * 16u + i % 16u, i / 16u);
  }
}
