/*
 * Packs Q4_1 as q4_f16_g32 (src/core/packing.ts).
 *
 * 32 values: d f16, m f16, then nibbles (low: values 0 … 15, high: 16 … 31); value = d · q + m.
 *
 * Generated from kernels/storage/q4_1.ts by `deno task gen`. Do not edit.
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

const BLOCK_VALUES = 32u; /* of a block in the file */
const BLOCK_BYTES = 20u;
const BLOCK_INPUTS = 32u; /* of a packed block, for sixteen rows */
const SCALE_WORDS = 8u; /* of sixteen scales; the offsets follow, then the codes */
const BLOCK_WORDS = 2u * SCALE_WORDS + BLOCK_INPUTS * 2u;

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

fn q4_1_code(b: u32, i: i32) -> i32 {
  // kernels/storage/q4_1.ts:7
  return select(load_byte(b + u32(4 + i - 16)) >> 4u, (load_byte(b + u32(4 + i)) & 15), (i < 16));
  // generated/wgsl/pack__q4_1.wgsl:51
}

fn q4_1_scale(b: u32, i: i32) -> f32 {
  // kernels/storage/q4_1.ts:8
  return kerf_f16_to_f32(load_byte(b + u32(0)) | (load_byte(b + u32(1)) << 8u));
  // generated/wgsl/pack__q4_1.wgsl:57
}

fn q4_1_offset(b: u32, i: i32) -> f32 {
  // kernels/storage/q4_1.ts:9
  return kerf_f16_to_f32(load_byte(b + u32(2)) | (load_byte(b + u32(3)) << 8u));
  // generated/wgsl/pack__q4_1.wgsl:63
}

/* Where the file's block with value `c` of output row `row` starts. */
fn block_byte(row: u32, c: u32) -> u32 {
  return (file_row(row) * (params.n_in / BLOCK_VALUES) + c / BLOCK_VALUES) * BLOCK_BYTES;
}

/* Scale and offset, and one packed byte, of the inputs from c on; rows past the last are zeros. */
fn scale_of(row: u32, c: u32) -> f32 {
  if (row >= params.n_out) { return 0.0; }
  return q4_1_scale(block_byte(row, c), i32(c % BLOCK_VALUES));
}
fn offset_of(row: u32, c: u32) -> f32 {
  if (row >= params.n_out) { return 0.0; }
  return q4_1_offset(block_byte(row, c), i32(c % BLOCK_VALUES));
}
fn codes_of(row: u32, c: u32, j: u32) -> u32 {
  if (row >= params.n_out) { return 0u; }
  let b = block_byte(row, c);
  let i = i32(c % BLOCK_VALUES + j);
  /* Low nibble: value j; high nibble: value j + half a block. */
  return u32(q4_1_code(b, i) | (q4_1_code(b, i + i32(BLOCK_INPUTS / 2u)) << 4u));
}

/* Word `w` of a packed block. */
fn block_word(row: u32, c: u32, w: u32) -> u32 {
  if (w >= 2u * SCALE_WORDS) {
    let at = w - 2u * SCALE_WORDS;
    let r = row + at % 4u * 4u;
    let j = at / 4u;
    return codes_of(r, c, j) | (codes_of(r + 1u, c, j) << 8u) | (codes_of(r + 2u, c, j) << 16u)
        | (codes_of(r + 3u, c, j) << 24u);
  }
  let r = row + w % SCALE_WORDS * 2u;
  if (w < SCALE_WORDS) { return kerf_f16_pair(scale_of(r, c), scale_of(r + 1u, c)); }
  return kerf_f16_pair(offset_of(r, c), offset_of(r + 1u, c));
}

/* One work group: sixteen output rows, put next to each other value by value. A thread makes whole words. */
@compute @workgroup_size(WORKGROUP)
fn pack__q4_1(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let packed_group = kerf_item(group, groups);
  if (packed_group * 16u >= params.n_out) { return; }
  let n_words = params.n_in / BLOCK_INPUTS * BLOCK_WORDS;
  let first_word = (params.dst_group + packed_group * params.group_step) * n_words;
  for (var i = lane; i < n_words; i += WORKGROUP) {
    dst_buf[first_word + i] = block_word(packed_group * 16u, i / BLOCK_WORDS * BLOCK_INPUTS,
        i % BLOCK_WORDS);
  }
}
