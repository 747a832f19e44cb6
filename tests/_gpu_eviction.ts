/**
 * Caches of which every other row was evicted, with all that the kernels of eviction take, and a kernel's run on a GPU
 * and on the CPU.
 */

import type { TypedArray } from "../src/device/run_kernel.ts";
import { render, runNamed } from "./_gpu.ts";
import { GROUP, N_HEADS, N_KV_HEADS, rowsOf, SEEDS } from "./_head_rows.ts";
import { randomFrom, runNamed as runOnCpu } from "./_kernel.ts";
import { AT, pageConstants, writeCache } from "./_kv_cache.ts";

/** What tests of eviction store rows as. */
export const EVICTED = "k_f16t16_v_f16t1_evicted";

/** A cache of which every other row was evicted, and queries over it. */
export interface Shape {
  readonly layout?: string;
  readonly headDim: number;
  readonly rows: number;
  readonly listed?: number;
  /** Coded rows, and those of them that are of the first class. */
  readonly coded?: readonly [rows: number, first: number];
  readonly window: number;
}

/** What every kernel may take; a kernel gets what its signature names. */
export function pool(shape: Shape) {
  const { layout = EVICTED, headDim, rows, listed = 0, window, coded: [nCoded, nFirst] = [0, 0] } =
    shape;
  const hasGaps = layout.includes("_evicted");
  const heads = SEEDS.map((seed) => ({
    ...rowsOf(rows - seed + 1, { headDim, seed, listed: Math.min(listed, rows - seed + 1) }),
    ...{ nCoded, nFirst, high: 7 },
    positions: Array.from({ length: rows }, (_, i) => hasGaps ? 2 * i : i),
  }));
  const cache = writeCache(layout, heads, { headDim });
  const nKey = cache.layout.key.segments.length;
  const random = randomFrom(rows);
  const ring = AT.nSlots * AT.nLayers * N_HEADS * window * headDim;
  const nWindow = Math.min(window, 2 * rows);
  const kept = SEEDS.map((seed) =>
    Array.from({ length: rows - seed + 1 }, (_, i) => i).filter((i) => i % 3 !== seed % 3)
  );
  const perLayer = AT.layer * N_KV_HEADS;
  return {
    buffers: {
      ...cache.buffers,
      ...(cache.fills ? { fills: cache.fills } : {}),
      rope: Float32Array.from({ length: 2 * rows * headDim }, random),
      q_ring: Float32Array.from({ length: ring }, () => 2 * random()),
      window_sums: new Float32Array(N_HEADS * nWindow * 2).fill(-7),
      anchors: new Float32Array(N_KV_HEADS * (headDim + 16)).fill(-7),
      row_scores: new Float32Array(N_HEADS * rows).fill(-7),
      expected_logits: Float32Array.from({ length: N_HEADS * rows }, () => 3 * random()),
      expected_sums: Float32Array.from({ length: 2 * N_HEADS }, (_, i) => 2 - i % 2 / 2),
      kept: Uint32Array.from(kept.flatMap((own) => [...own, ...Array(rows - own.length).fill(7)])),
      kept_counts: Uint32Array.from([
        ...Array(2 * perLayer).fill(0),
        ...kept.flatMap((own) => [own.filter((row) => row < listed).length, own.length]),
      ]),
    } as Record<string, TypedArray>,
    constants: {
      ...cache.constants,
      ...pageConstants(cache),
      ...{ slot: AT.slot, n_heads: N_HEADS, n_kv_heads: N_KV_HEADS, window, n_window: nWindow },
      n_tokens: hasGaps ? 2 * rows : rows,
      scale: 1 / Math.sqrt(headDim),
      max_rows: rows,
      n_tiles: Math.ceil(rows / 16) + nKey - 1,
    } as Record<string, number>,
    defines: { HEAD_DIM: headDim, GROUP } as Record<string, number>,
  };
}

export type Pool = ReturnType<typeof pool>;

/** Runs a kernel on both: what it writes on the GPU, and on the CPU. */
export async function both(name: string, from: Pool) {
  const { signature } = (await render(name)).entry;
  const pick = <T>(names: readonly string[], values: Record<string, T>) =>
    Object.fromEntries(names.map((name) => [name, values[name]!]));
  const own = {
    buffers: pick(signature.bindings.map((b) => b.name), from.buffers),
    constants: pick(signature.constants.map((c) => c.name), from.constants),
    defines: pick(signature.defines, from.defines),
  };
  const want = await runOnCpu(name, own);
  return { got: await runNamed(name, own), want: { ...from.buffers, ...want } };
}
