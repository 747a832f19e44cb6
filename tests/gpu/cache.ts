/**
 * The kernels around a cache on a GPU. What only moves, rotates or selects is held to the same kernels on
 * the CPU, which are held to the references elsewhere: an element that shares a word with another must
 * keep it, so every byte of the arena is compared. Channel scores are held to the author's function.
 */

import { assertEquals } from "@std/assert";
import { resolveParams } from "../../src/dsl/mod.ts";
import type { Pruning } from "../../src/dsl/mod.ts";
import { argMaxReference, authorRunner, channelScoresReference } from "../../src/reference/mod.ts";
import { argMaxRows } from "../_arg_max.ts";
import { assertClose } from "../_close.ts";
import { randomFrom, runNamed as runOnCpu } from "../_kernel.ts";
import { AT, writeCache } from "../_kv_cache.ts";
import type { HeadRows } from "../_kv_cache.ts";
import { gpu, gpuTest, render, runNamed, sources } from "../_gpu.ts";

const LISTED = "k_list_f16t16_f16t16_v_f16t1";
/** Of the default model. */
const [N_KV_HEADS, GROUP] = [3, 3];
const N_HEADS = N_KV_HEADS * GROUP;

function rowsOf(n: number, options: { headDim: number; seed: number; listed?: number }): HeadRows {
  const { headDim, seed, listed = 0 } = options;
  const random = randomFrom(seed);
  const row = () => Float32Array.from({ length: headDim }, () => Math.f16round(2 * random()));
  const channels = Array.from({ length: headDim }, (_, c) => c).filter((c) => c % 3 !== seed % 3);
  const rows = () => Array.from({ length: n }, row);
  return { keys: rows(), values: rows(), nListed: listed, channels };
}

const SEEDS = Array.from({ length: N_KV_HEADS }, (_, i) => i + 1);

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
  const label = `${shape.nNew} rows behind ${shape.rows}`;
  // WGSL may fuse a product and a sum: values of at most 4 differ by two roundings.
  assertClose(got.qkv, want.qkv!, { bound: gpu().exact ? 0 : 8 * 2 ** -24, label });
  // … which moves a half by one at most, and none that was not stored.
  assertClose(ordered(got.arena), ordered(want.arena!), { bound: gpu().exact ? 0 : 1, label });
}

for (const layout of ["k_f16t16_v_f16t1", LISTED, "k_f16t1_v_f16t16"]) {
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

interface Move {
  readonly source: number;
  readonly destination: number;
  readonly rows: number;
  readonly width: number;
}

/** A run that moves rows from the last key segment to the first, one move per KV head. */
function moveRun(pair: string, moves: readonly Move[], headDim: number) {
  const [from, to] = pair.split("__");
  const layout = `k_${to}_${from}_v_f16t1`;
  const listed = to!.startsWith("list");
  const heads = moves.map(({ width }, i) => ({
    ...rowsOf(300, { headDim, seed: i, listed: 100 }),
    channels: Array.from({ length: width }, (_, c) => c === width - 1 ? headDim - 1 : c),
  }));
  const cache = writeCache(layout, heads, { headDim, spare: 2 });
  const { pages, channels, arena } = cache.buffers;
  const entries = cache.constants["page_entries"]!;
  const own = (AT.slot * AT.nLayers + AT.layer) * moves.length;
  const table = new Uint32Array(AT.nLayers * moves.length * 4);
  moves.forEach((m, i) =>
    table.set(
      [m.source, m.destination, m.rows, m.width],
      (AT.layer * moves.length + i) * 4,
    )
  );
  return {
    buffers: {
      src_pages: pages.slice(own * entries),
      dst_pages: pages,
      ...(listed ? { channels } : {}),
      moves: table,
      arena,
    },
    defines: { HEAD_DIM: headDim },
    constants: {
      ...cache.constants,
      ...{ slot: AT.slot, n_kv_heads: moves.length },
      src_page: cache.firstPages[1]!,
      dst_page: cache.firstPages[0]!,
      max_rows: Math.max(...moves.map((m) => m.rows)),
    },
  };
}

/** Moves of one list per KV head: every byte of the arena. */
export async function assertMoved(
  pair: string,
  at: { source: number; destination: number; rows: number },
  headDim = 32,
): Promise<void> {
  const width = (listed: number) => pair.includes("list") ? listed : headDim;
  const moves = [
    { ...at, width: width(13) },
    { ...at, rows: 0, width: width(1) },
    { ...at, source: 2, width: width(headDim) },
  ];
  const run = moveRun(pair, moves, headDim);
  const want = await runOnCpu(`move_rows__${pair}`, run);
  const got = await runNamed(`move_rows__${pair}`, run);
  assertEquals(got.arena, want.arena, `${at.rows} rows from ${at.source} to ${at.destination}`);
}

for (
  const pair of [
    "f16t16__list_f16t16",
    "f16t16__f16t16",
    "f32t16__list_f32t16",
    "f16t1__list_f16t1",
  ]
) {
  gpuTest(`move_rows ${pair} gives the CPU's arena`, async () => {
    for (const [source, destination, rows] of [[0, 0, 1], [3, 5, 20], [16, 121, 79], [1, 15, 2]]) {
      await assertMoved(pair, { source: source!, destination: destination!, rows: rows! });
    }
  });
}

/** Two sequences' queries, of which the first 16 rows are one's. */
export async function assertRecorded(
  { headDim, window, nRows }: { headDim: number; window: number; nRows: number },
): Promise<void> {
  const stride = (N_HEADS + 2 * N_KV_HEADS) * headDim;
  const random = randomFrom(3);
  const options = {
    buffers: {
      qkv: Float32Array.from({ length: nRows * stride }, random),
      row_seq: Uint32Array.from({ length: nRows }, (_, i) => i < 16 ? 0 : 1),
      seqs: Uint32Array.of(16, 0, 3, 1, nRows - 16, 16, 40, 0),
      q_ring: new Float32Array(AT.nSlots * AT.nLayers * N_HEADS * window * headDim).fill(-7),
    },
    defines: { HEAD_DIM: headDim },
    constants: { layer: 1, n_layers: AT.nLayers, n_heads: N_HEADS, qkv_stride: stride, window },
    step: { nRows, nSeqs: 2 },
  };
  const want = await runOnCpu("record_queries", options);
  assertEquals((await runNamed("record_queries", options)).q_ring, want.q_ring);
}

gpuTest(
  "record_queries keeps the last of each place",
  () => assertRecorded({ headDim: 16, window: 8, nRows: 21 }),
);

/** Every pruning variant of kernels/prune/. */
export const prunings = sources.flatMap(({ definition }) =>
  definition.kind === "pruning" ? [definition as Pruning] : []
);

/** Scores of every channel from `rows` keys and `nWindow` queries. */
export async function assertScores(
  definition: Pruning,
  { headDim, rows, nWindow }: { headDim: number; rows: number; nWindow: number },
): Promise<void> {
  const { name, params, steps } = definition;
  const window = 32;
  const kernel = `channel_scores_${name}__${LISTED}`;
  const known = (await render(kernel)).entry.signature.constants.map((constant) => constant.name);
  const values = resolveParams(name, params);
  const heads = SEEDS.map((seed) => rowsOf(rows, { headDim, seed }));
  const cache = writeCache(LISTED, heads, { headDim });
  const { pages, heads: sizes, arena } = cache.buffers;
  const random = randomFrom(rows);
  const ring = Float32Array.from(
    { length: AT.nSlots * AT.nLayers * N_HEADS * window * headDim },
    random,
  );
  const constants: Record<string, number> = {
    ...values,
    ...cache.constants,
    ...{ slot: AT.slot, n_heads: N_HEADS, n_kv_heads: N_KV_HEADS, window },
    ...{ n_window: nWindow, key_page: cache.firstPages[1]! },
  };
  const layer = AT.slot * AT.nLayers + AT.layer;
  const { scores } = await runNamed(kernel, {
    buffers: {
      ...{ q_ring: ring, pages, heads: sizes, arena },
      scores: new Float32Array((layer + 1) * N_KV_HEADS * headDim).fill(-7),
    },
    defines: { HEAD_DIM: headDim, GROUP },
    constants: Object.fromEntries(known.map((constant) => [constant, constants[constant]!])),
  });
  heads.forEach(({ keys }, kvHead) => {
    const queries = Array.from(
      { length: GROUP },
      (_, g) =>
        Array.from({ length: nWindow }, (_, i) => {
          const head = layer * N_HEADS + kvHead * GROUP + g;
          return ring.subarray((head * window + i) * headDim).subarray(0, headDim);
        }),
    );
    const want = channelScoresReference({
      ...{ queries, keys, headDim, group: steps[0]!.group },
      score: authorRunner(definition, "steps[0].score"),
      context: { ...values, layer: AT.layer, kvHead },
    });
    // Sums of squares, all positive: n/128 + 7 roundings, two means and their product, the group's.
    const unit = (rows / 128 + 7 + 16) * 2 ** -23;
    const at = (layer * N_KV_HEADS + kvHead) * headDim;
    assertClose(scores.subarray(at, at + headDim), want, {
      bound: (i) => unit * Math.abs(want[i]!),
      label: `${name}, head ${kvHead} of ${rows} rows`,
    });
  });
}

for (const definition of prunings) {
  gpuTest(`channel scores of ${definition.name} agree with its function`, async () => {
    for (const [rows, nWindow] of [[1, 1], [33, 7], [600, 32]] as const) {
      await assertScores(definition, { headDim: 32, rows, nWindow });
    }
  });
}

/** Channels chosen from scores with ties, zeros, infinities and NaN; three KV heads of two layers. */
export async function assertSelected(
  { headDim, widths }: { headDim: number; widths: readonly number[] },
): Promise<void> {
  const edges = [0, -0, 1, 1, 1, NaN, Infinity, -Infinity, -1, NaN, 1e-45, -1e-45];
  const scores = Float32Array.from(
    { length: AT.nSlots * AT.nLayers * 3 * headDim },
    (_, i) => edges[Math.imul(i, 7) % 31] ?? Math.sin(i),
  );
  const options = {
    buffers: {
      scores,
      widths: Uint32Array.from(widths),
      channels: new Uint32Array(scores.length).fill(99),
    },
    defines: { HEAD_DIM: headDim },
    constants: { slot: 1, layer: 1, n_layers: AT.nLayers, n_kv_heads: 3 },
  };
  const want = await runOnCpu("select_channels", options);
  assertEquals((await runNamed("select_channels", options)).channels, want.channels);
}

gpuTest("select_channels keeps the CPU's channels: ties, zeros, infinities and NaN", async () => {
  for (const widths of [[1, 17, 48, 24, 0, 47], [5, 5, 5, 40, 41, 42]]) {
    await assertSelected({ headDim: 48, widths });
  }
});

/** The places of the largest logits of some rows. */
export async function assertArgMax(rows: readonly (readonly number[])[]): Promise<void> {
  const [nLogits, width] = [rows.length, rows[0]!.length];
  const { picks } = await runNamed("arg_max", {
    buffers: {
      logits: Float32Array.from(rows.flat()),
      picks: new Uint32Array(nLogits + 1).fill(99),
    },
    constants: { width },
    step: { nLogits },
  });
  assertEquals([...picks], [...rows.map(argMaxReference), 99], `${nLogits} × ${width}`);
}

gpuTest("arg_max keeps the reference's places: ties, zeros, infinities and NaN", async () => {
  // Subnormal numbers among them: their order is that of their bits, though WGSL may take them as 0.
  for (const rows of argMaxRows()) await assertArgMax(rows);
});
