/** Pruned value channels on a GPU: the window's outputs and their scores held to the CPU's, which references hold. */

import type { Pruning } from "../../src/dsl/mod.ts";
import { stepOf } from "../../src/dsl/mod.ts";
import { assertClose } from "../_close.ts";
import { gpuTest, runNamed, sources } from "../_gpu.ts";
import { rowsOf } from "../_head_rows.ts";
import { randomFrom, runNamed as runOnCpu } from "../_kernel.ts";
import { AT, writeCache } from "../_kv_cache.ts";

/** The layout of pruned values. */
export const VALUES = "k_f16t16_v_list_f16t1_f16t1";

/** Sizes of a case. */
interface Shape {
  readonly headDim: number;
  readonly group: number;
  readonly nKvHeads: number;
  readonly rows: number;
  readonly nWindow: number;
  readonly layout?: string;
}

/** What attention makes for the last queries. */
export async function assertOutputs(given: Shape): Promise<void> {
  const { headDim, group, nKvHeads, rows, nWindow, layout = VALUES } = given;
  const heads = Array.from({ length: nKvHeads }, (_, seed) => rowsOf(rows, { headDim, seed }));
  const cache = writeCache(layout, heads, { headDim });
  const random = randomFrom(rows + headDim);
  const nHeads = group * nKvHeads;
  const { pages, heads: sizes, arena } = cache.buffers;
  const ring = AT.nSlots * AT.nLayers * nHeads * nWindow * headDim;
  const run = {
    buffers: {
      q_ring: Float32Array.from({ length: ring }, random),
      ...{ pages, heads: sizes, arena },
      outputs: new Float32Array(nHeads * nWindow * headDim).fill(NaN),
    },
    defines: { HEAD_DIM: headDim, GROUP: group },
    constants: {
      ...cache.constants,
      ...{ slot: AT.slot, n_heads: nHeads, n_kv_heads: nKvHeads },
      ...{ window: nWindow, n_window: nWindow, n_tokens: rows, scale: 1 / Math.sqrt(headDim) },
      key_page: cache.firstPages[cache.layout.key.segments.length - 1]!,
      value_page: cache.firstPages.at(-1)!,
    },
  };
  const want = await runOnCpu(`window_outputs__${layout}`, run);
  const got = await runNamed(`window_outputs__${layout}`, run);
  // Sums in another order: a rounding per product of a logit, some of each weight and sum, on values of 2.
  const bound = 2 * 2 ** -24 * (8 * (headDim + 2) * Math.sqrt(headDim) + 2 * rows + 256);
  assertClose(got.outputs, want.outputs!, { bound, label: JSON.stringify(given) });
}

/** Scores of value channels of every variant that has them. */
export async function assertOutputScores(
  { headDim, group, nKvHeads, nWindow }: Shape,
): Promise<void> {
  const random = randomFrom(headDim);
  const size = AT.nSlots * AT.nLayers * nKvHeads * headDim;
  for (const { definition } of sources) {
    if (definition.kind !== "pruning") continue;
    if (stepOf(definition as Pruning, "channels")?.step.of !== "value") continue;
    const run = {
      buffers: {
        outputs: Float32Array.from({ length: group * nKvHeads * nWindow * headDim }, random),
        scores: new Float32Array(size).fill(-7),
      },
      defines: { HEAD_DIM: headDim, GROUP: group },
      constants: {
        ...{ slot: AT.slot, layer: AT.layer, n_layers: AT.nLayers },
        ...{ n_kv_heads: nKvHeads, n_window: nWindow },
      },
    };
    const name = `channel_scores_${definition.name}`;
    const want = (await runOnCpu(name, run)).scores!;
    const got = (await runNamed(name, run)).scores;
    const units = 2 * (nWindow + group + 8);
    assertClose(got, want, { bound: (i) => units * 2 ** -24 * Math.abs(want[i]!), label: name });
  }
}

gpuTest("window_outputs is what the CPU makes, over rows with and without positions", async () => {
  for (const rows of [1, 31, 33, 127, 300]) {
    const shape = { headDim: 32, group: 3, nKvHeads: 2, rows, nWindow: Math.min(rows, 4) };
    await assertOutputs(shape);
    await assertOutputs({ ...shape, layout: `${VALUES}_evicted` });
  }
  for (const [group, headDim] of [[1, 16], [4, 128], [8, 48]] as const) {
    await assertOutputs({ headDim, group, nKvHeads: 2, rows: 40, nWindow: 3 });
  }
  const f32 = "k_list_f32t16_f32t16_v_list_f32t1_f32t1";
  await assertOutputs({ headDim: 16, group: 2, nKvHeads: 2, rows: 20, nWindow: 2, layout: f32 });
});

gpuTest("scores of value channels are the CPU's", async () => {
  for (const [group, headDim, nWindow] of [[3, 64, 32], [1, 16, 1], [8, 48, 5]] as const) {
    await assertOutputScores({ headDim, group, nKvHeads: 2, rows: 0, nWindow });
  }
});
