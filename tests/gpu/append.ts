/**
 * What stores and moves rows, held to the same kernels on the CPU, which are held to the references
 * elsewhere: an element that shares a word with another must keep it, so every byte of the arena is compared.
 */

import { assertEquals } from "@std/assert";
import { CHANNEL_CLASSES, CODED, DENSE, LISTED, SETS, TURNED } from "../_attention_case.ts";
import { assertClose } from "../_close.ts";
import { gpu, gpuTest, runNamed } from "../_gpu.ts";
import { N_HEADS, N_KV_HEADS, rowsOf, SEEDS } from "../_head_rows.ts";
import { randomFrom, runNamed as runOnCpu } from "../_kernel.ts";
import { AT, writeCache } from "../_kv_cache.ts";
import type { Appended } from "../_recording.ts";

/** A run that appends `nNew` rows to `rows` rows. */
function appendRun(layout: string, shape: { headDim: number; rows: number; nNew: number }) {
  const { headDim, rows, nNew } = shape;
  const heads = SEEDS.map((seed) => rowsOf(rows, { headDim, seed }));
  const cache = writeCache(layout, heads, { headDim, spare: 2 });
  const random = randomFrom(rows);
  const stride = (N_HEADS + 2 * N_KV_HEADS) * headDim;
  const nSegments = cache.firstPages.length;
  const { pages, heads: sizes, arena } = cache.buffers;
  return {
    buffers: {
      qkv: Float32Array.from({ length: nNew * stride }, () => 2 * random()),
      rope: Float32Array.from({ length: (rows + nNew) * headDim }, random),
      row_position: Uint32Array.from({ length: nNew }, (_, i) => rows + i),
      row_seq: new Uint32Array(nNew),
      seqs: Uint32Array.of(nNew, 0, rows, AT.slot),
      pages,
      heads: sizes,
      arena,
    },
    defines: { HEAD_DIM: headDim },
    constants: {
      ...cache.constants,
      ...{ n_heads: N_HEADS, n_kv_heads: N_KV_HEADS, qkv_stride: stride },
      key_page: cache.firstPages[cache.layout.key.segments.length - 1]!,
      value_page: cache.firstPages[nSegments - 1]!,
    },
    step: { nRows: nNew, nSeqs: 1 },
  };
}

/** Halves as whole numbers in their order, so that neighbours differ by one. */
const ordered = (bytes: Uint8Array<ArrayBuffer>) =>
  Float64Array.from(new Uint16Array(bytes.buffer), (h) => h & 0x8000 ? 0x8000 - h : h);

/** Appending of halves: the queries, and every byte of the arena. */
export async function assertAppend(
  layout: string,
  shape: { headDim: number; rows: number; nNew: number },
): Promise<void> {
  const run = appendRun(layout, shape);
  const want = await runOnCpu(`append__${layout}`, run);
  const got = await runNamed(`append__${layout}`, run);
  assertAppended(
    got,
    { qkv: want.qkv!, arena: want.arena! },
    `${shape.nNew} rows behind ${shape.rows}`,
  );
}

/**
 * Appending in another basis: a channel is a sum of all, so that what WGSL rounds otherwise is that of the
 * largest, and a half near zero may lie many halves off.
 */
export async function assertTurned(
  layout: string,
  shape: { headDim: number; rows: number; nNew: number },
): Promise<void> {
  const run = appendRun(layout, shape);
  const want = await runOnCpu(`append__${layout}`, run);
  const got = await runNamed(`append__${layout}`, run);
  const label = `${layout}, ${shape.nNew} rows behind ${shape.rows}`;
  const sums = 64 * Math.sqrt(shape.headDim) * 2 ** -24;
  assertClose(got.qkv, want.qkv!, { bound: gpu().exact ? 0 : sums, label });
  const halves = (bytes: Uint8Array<ArrayBuffer>) =>
    // The bytes of no element are NaN.
    Float64Array.from(new Float16Array(bytes.buffer), (x) => Number.isNaN(x) ? -7 : x);
  const stored = halves(want.arena!);
  const bound = (i: number) => gpu().exact ? 0 : sums + Math.abs(stored[i]!) * 2 ** -10;
  assertClose(halves(got.arena), stored, { bound, label });
}

gpuTest("append turns what a layout stores in another basis", async () => {
  const plain = "k_basis_f16t16_v_basis_f16t1";
  for (const [rows, nNew] of [[0, 1], [7, 1], [15, 4], [126, 31]] as const) {
    await assertTurned(plain, { headDim: 32, rows, nNew });
  }
  for (const headDim of [16, 64, 128]) await assertTurned(plain, { headDim, rows: 3, nNew: 2 });
  for (const layout of ["k_basis_f16t16_v_f16t1", "k_f16t1_v_basis_f16t16_evicted", TURNED]) {
    await assertTurned(layout, { headDim: 64, rows: 0, nNew: 3 });
  }
});

/** Queries and arena of halves to the CPU's. */
export function assertAppended(got: Appended, want: Appended, label = ""): void {
  // WGSL may fuse a product and a sum: values of at most 4 differ by two roundings.
  assertClose(got.qkv, want.qkv, { bound: gpu().exact ? 0 : 8 * 2 ** -24, label });
  // … which moves a half by one at most, and none that was not stored.
  assertClose(ordered(got.arena), ordered(want.arena), { bound: gpu().exact ? 0 : 1, label });
}

const EVICTED = "k_f16t16_v_f16t1_evicted";
const CACHED = "k_f16t16_v_f16t1_cached_evicted";
for (
  const layout of [
    DENSE,
    LISTED,
    "k_f16t16_v_list_f16t1_f16t1",
    CODED,
    CHANNEL_CLASSES,
    SETS,
    "k_f16t1_v_f16t16",
    EVICTED,
    `${EVICTED}_summed`,
    CACHED,
    "k_q4r32t16_f16t16_v_q4c32t1_f16t1_cached_evicted",
  ]
) {
  gpuTest(`append to ${layout} stores the CPU's rows and nothing else`, async () => {
    // Odd and even starts and counts; over the end of a tile and of a page.
    for (const [rows, nNew] of [[0, 1], [0, 5], [7, 1], [15, 4], [127, 2], [126, 133]] as const) {
      await assertAppend(layout, { headDim: 32, rows, nNew });
    }
  });
}

gpuTest("halves are rounded to the nearest, ties to even", async () => {
  const shape = { headDim: 16, rows: 0, nNew: 3 };
  const run = appendRun("k_f16t16_v_f16t1", shape);
  const ulp = 2 ** -10;
  const ties = [1, 3, 5, -1, -3].map((n) => (n < 0 ? -1 : 1) * (1 + Math.abs(n) * ulp / 2));
  const edges = [
    ...ties,
    65504,
    65519,
    65520,
    1e9,
    2 ** -24,
    2 ** -25,
    3 * 2 ** -25,
    1e-9,
    6.1e-5,
    0,
  ];
  // A rotation by 0: keys stay as they are.
  run.buffers.rope.forEach((_, i, rope) => rope[i] = i % 16 < 8 ? 1 : 0);
  run.buffers.qkv.forEach((x, i, qkv) => qkv[i] = i % 2 === 0 ? x : edges[i % edges.length]!);
  const want = await runOnCpu("append__k_f16t16_v_f16t1", run);
  assertEquals((await runNamed("append__k_f16t16_v_f16t1", run)).arena, want.arena);
});

gpuTest("append in f32 stores the CPU's rows", async () => {
  const shape = { headDim: 16, rows: 5, nNew: 30 };
  const run = appendRun("k_f32t16_v_f32t1", shape);
  const want = await runOnCpu("append__k_f32t16_v_f32t1", run);
  const got = await runNamed("append__k_f32t16_v_f32t1", run);
  const floats = (bytes: Uint8Array<ArrayBuffer>) =>
    // The bytes of no element are NaN.
    new Float32Array(bytes.buffer).map((x) => Number.isNaN(x) ? -7 : x);
  const bound = gpu().exact ? 0 : 8 * 2 ** -24;
  assertClose(floats(got.arena), floats(want.arena!), { bound });
});
