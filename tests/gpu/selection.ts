/**
 * What scores channels and selects: selecting is held to the CPU's kernel, scores to the author's function,
 * arg_max to its reference.
 */

import { assertEquals } from "@std/assert";
import { PACK_ROWS } from "../../src/core/mod.ts";
import { channelHooks, isPerRow, resolveParams, stepOf, tableView } from "../../src/dsl/mod.ts";
import type { Pruning } from "../../src/dsl/mod.ts";
import {
  argMaxReference,
  authorRunner,
  channelScoresReference,
  largestOfGroups,
} from "../../src/reference/mod.ts";
import { snakeCase } from "../../src/emit/names.ts";
import { caseTable } from "../../src/verify/hooks.ts";
import { argMaxRows } from "../_arg_max.ts";
import { CHANNEL_CLASSES, LISTED, SETS } from "../_attention_case.ts";
import { assertClose } from "../_close.ts";
import { gpuTest, render, runNamed, sources } from "../_gpu.ts";
import { GROUP, N_HEADS, N_KV_HEADS, rowsOf, SEEDS } from "../_head_rows.ts";
import { randomFrom, runNamed as runOnCpu } from "../_kernel.ts";
import { AT, writeCache } from "../_kv_cache.ts";

/** Every variant of kernels/prune/ that scores channels of keys. */
export const prunings = sources.flatMap(({ definition }) =>
  definition.kind === "pruning" && channelHooks(definition as Pruning)[0]?.of === "key"
    ? [definition as Pruning]
    : []
);

/** Scores of every channel from `rows` keys and `nWindow` queries. */
export async function assertScores(
  definition: Pruning,
  { headDim, rows, nWindow }: { headDim: number; rows: number; nWindow: number },
): Promise<void> {
  const { name, params } = definition;
  const window = 32;
  const { path, group } = channelHooks(definition)[0]!;
  const isPruned = stepOf(definition, "channels") !== null;
  const pruned = definition.steps.some(isPerRow) ? SETS : LISTED;
  const layout = isPruned ? pruned : CHANNEL_CLASSES;
  const kernel = `channel_scores_${name}__${layout}`;
  const { bindings, constants: declared } = (await render(kernel)).entry.signature;
  const known = declared.map((constant) => constant.name);
  const { nLayers } = AT;
  const dims = { nLayers, nHeads: N_HEADS, nKvHeads: N_KV_HEADS, headDim, nCtx: 4096 };
  // Tables that only a budget reads are none of its buffers.
  const tables = Object.entries(definition.tables)
    .filter(([table]) => bindings.some(({ name }) => name === snakeCase(table)))
    .map(([table, spec]) => [table, spec, caseTable(table, spec, dims)] as const);
  const views = tables.map(([table, { shape }, data]) =>
    [table, tableView(data, shape.map((dim) => dims[dim]))] as const
  );
  const values = resolveParams(name, params);
  const heads = SEEDS.map((seed) => rowsOf(rows, { headDim, seed }));
  const cache = writeCache(layout, heads.map((head) => ({ ...head, sets: [] })), { headDim });
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
    ...{ n_window: nWindow, key_page: cache.firstPages[cache.layout.key.segments.length - 1]! },
  };
  const layer = AT.slot * AT.nLayers + AT.layer;
  const { scores } = await runNamed(kernel, {
    buffers: {
      ...{ q_ring: ring, pages, heads: sizes, arena },
      ...Object.fromEntries(tables.map(([table, , data]) => [snakeCase(table), data])),
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
      ...{ queries, keys, headDim, group },
      score: authorRunner(definition, path),
      context: { ...values, ...Object.fromEntries(views), layer: AT.layer, kvHead },
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
  const groups = rows.map((row) => largestOfGroups(row, PACK_ROWS));
  const { picks } = await runNamed("arg_max", {
    buffers: {
      largest: Float32Array.from(groups.flatMap(({ largest }) => largest)),
      places: Uint32Array.from(groups.flatMap(({ places }) => places)),
      picks: new Uint32Array(nLogits + 1).fill(99),
    },
    constants: { n_groups: Math.ceil(width / PACK_ROWS) },
    step: { nLogits },
  });
  assertEquals([...picks], [...rows.map(argMaxReference), 99], `${nLogits} × ${width}`);
}

gpuTest("arg_max keeps the reference's places: ties, zeros, infinities and NaN", async () => {
  // Subnormal numbers among them: their order is that of their bits, though WGSL may take them as 0.
  for (const rows of argMaxRows()) await assertArgMax(rows);
});
