/**
 * The kernels of token eviction on a GPU, held to the same kernels on the CPU, which are held to their
 * references in tests/parity/. What moves or chooses must be equal; what sums may differ by its roundings.
 */

import { assertEquals } from "@std/assert";
import { hasStatistic, resolveParams, rowBitsOf, stepOf } from "../../src/dsl/mod.ts";
import type { Pruning } from "../../src/dsl/mod.ts";
import type { TypedArray } from "../../src/device/run_kernel.ts";
import { assertClose } from "../_close.ts";
import { gpu, gpuTest, render, runNamed, sources } from "../_gpu.ts";
import { GROUP, N_HEADS, N_KV_HEADS, rowsOf, SEEDS } from "../_head_rows.ts";
import { randomFrom, runNamed as runOnCpu } from "../_kernel.ts";
import { AT, pageConstants, writeCache } from "../_kv_cache.ts";

export const EVICTED = "k_f16t16_v_f16t1_evicted";
const CACHED = "k_f16t16_v_f16t1_cached_evicted";
const LISTED = "k_list_f16t16_f16t16_v_f16t1_evicted";

/** A cache of which every other row was evicted, and queries over it. */
interface Shape {
  readonly layout?: string;
  readonly headDim: number;
  readonly rows: number;
  readonly listed?: number;
  /** Coded rows, and those of them that are of the first class. */
  readonly coded?: readonly [rows: number, first: number];
  readonly window: number;
}

/** What every kernel may take; a kernel gets what its signature names. */
function pool(shape: Shape) {
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

type Pool = ReturnType<typeof pool>;

/** Runs a kernel on both: what it writes on the GPU, and on the CPU. */
async function both(name: string, from: Pool) {
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

/** The window's softmax over rows in classes, and the scores of those full rows that are to be coded. */
export async function assertClassScores(shape: Shape): Promise<void> {
  const { layout, rows, coded: [nCoded] = [0] } = shape;
  const from = pool(shape);
  const label = JSON.stringify(shape);
  const bound = weightBound(shape);
  const { got, want } = await both(`window_softmax__${layout}`, from);
  assertClose(got["window_sums"]!, want["window_sums"]!, {
    bound: (i) => bound * (Math.abs(want["window_sums"]![i]!) + 1),
    label: `window_softmax ${label}`,
  });
  // Whole units are coded, and the shortest head has some rows fewer.
  const due = Math.floor((rows - nCoded - SEEDS.length) / 16) * 16;
  const buffers = { ...from.buffers, window_sums: want["window_sums"]! };
  for (const { name, params } of classings) {
    const own = { ...resolveParams(name, params), window: shape.window, max_rows: due };
    const constants = { ...from.constants, ...own, n_tiles: Math.ceil(due / 16) };
    const scores = await both(`class_scores_${name}__${layout}`, { ...from, buffers, constants });
    for (let head = 0; head < N_HEADS; head++) {
      const at = (b: Partial<Record<string, TypedArray>>) =>
        (b["row_scores"] as Float32Array).subarray(head * due, (head + 1) * due);
      assertClose(at(scores.got), at(scores.want), {
        bound: (i) => bound * (Math.abs(at(scores.want)[i]!) + 2 ** -20) + 2 ** -20,
        label: `${name} ${label}, head ${head}`,
      });
    }
  }
}

/** The order of rows in classes: chosen ones, then the others. */
export async function assertOrdered(rows: number): Promise<void> {
  for (const first of [0, 3]) await assertOrderedBehind(first, rows);
}

async function assertOrderedBehind(first: number, rows: number): Promise<void> {
  const chosen = SEEDS.map((seed) =>
    Array.from({ length: rows }, (_, i) => i).filter((i) => i < first || i % 5 < seed)
  );
  const perLayer = AT.layer * N_KV_HEADS;
  const counts = (own: readonly number[][]) =>
    Uint32Array.from([...Array(own[0]!.length * perLayer).fill(9), ...own.flat()]);
  const { got, want } = await both("order_rows", {
    buffers: {
      kept: Uint32Array.from(
        chosen.flatMap((own) => [...own, ...Array(rows - own.length).fill(7)]),
      ),
      kept_counts: counts(chosen.map((own) => [0, own.length])),
      cuts: counts(SEEDS.map((seed) => [0, rows - seed + 1, 0, 0])),
      order: new Uint32Array(N_KV_HEADS * rows).fill(99),
    },
    constants: {
      ...{ layer: AT.layer, n_kv_heads: N_KV_HEADS },
      ...{ protect_first: first, max_rows: rows },
    },
    defines: {},
  });
  assertEquals(got["order"], want["order"], `${rows} rows, ${first} whole`);
}

/** Every variant of kernels/prune/ that puts rows in classes. */
const classings = sources.flatMap(({ definition }) =>
  definition.kind === "pruning" && rowBitsOf(definition as Pruning) ? [definition as Pruning] : []
);

/** Every variant of kernels/prune/ that scores rows. */
const evictions = sources.flatMap(({ definition }) =>
  definition.kind === "pruning" && stepOf(definition as Pruning, "tokens")
    ? [definition as Pruning]
    : []
);

/**
 * Largest relative difference of a softmax weight between two orders of summing: keys and queries are below
 * 2 in size, so a logit has √headDim · 4 at most and headDim roundings of it; its exponential doubles that.
 */
const weightBound = ({ headDim, rows }: Shape) =>
  2 ** -23 * (headDim * 4 * Math.sqrt(headDim) + rows + 64);

/** The window's softmax, anchors, and the scores of every variant, each on what the CPU made before. */
export async function assertRowScores(shape: Shape): Promise<void> {
  const { layout = EVICTED, rows, headDim } = shape;
  const from = pool(shape);
  const label = JSON.stringify(shape);
  const bound = weightBound(shape);
  const softmax = await both(`window_softmax__${layout}`, from);
  const sums = softmax.want["window_sums"]!;
  assertClose(softmax.got["window_sums"]!, sums, {
    bound: (i) => bound * (Math.abs(sums[i]!) + 1),
    label: `window_softmax ${label}`,
  });
  const mean = await both(`key_anchors__${layout}`, from);
  // Each element is a mean of numbers below 1.
  assertClose(mean.got["anchors"]!, mean.want["anchors"]!, {
    bound: 2 ** -23 * (headDim + rows),
    label: `key_anchors ${label}`,
  });
  const { window_sums } = softmax.want, { anchors } = mean.want;
  const buffers = { ...from.buffers, window_sums, anchors } as Record<string, TypedArray>;
  const summed = pool({ ...shape, layout: `${layout}_summed` });
  for (const variant of evictions) {
    const { name, params } = variant;
    const readsSums = hasStatistic(stepOf(variant, "tokens")!.step, "columnSums");
    const { arena } = (readsSums ? summed : from).buffers;
    const constants = { ...from.constants, ...resolveParams(name, params), window: shape.window };
    const scores = await both(`token_scores_${name}__${layout}${readsSums ? "_summed" : ""}`, {
      ...from,
      buffers: { ...buffers, pages: (readsSums ? summed : from).buffers["pages"]!, arena: arena! },
      constants,
    });
    const want = scores.want["row_scores"]!;
    assertClose(scores.got["row_scores"]!, want, {
      bound: (i) => bound * (Math.abs(want[i]!) + 2 ** -20) + 2 ** -20,
      label: `${name} ${label}`,
    });
  }
}

/** Pooling and the choice of rows; scores repeat, and one is no number. */
export async function assertChosen(rows: number): Promise<void> {
  const random = randomFrom(rows);
  const scores = Float32Array.from(
    { length: N_HEADS * rows },
    () => Math.round(64 * random()) / 64,
  );
  const cuts = Uint32Array.from([
    ...Array(4 * AT.layer * N_KV_HEADS).fill(9999),
    ...SEEDS.flatMap((seed) => [5, rows - seed + 1, Math.min(rows, 9 + seed * (rows >> 2)), 0]),
  ]);
  const constants = { layer: AT.layer, n_kv_heads: N_KV_HEADS, max_rows: rows };
  const spans = { protect_first: 2, protect_last: 3 };
  for (const [takes_max, pools_max, pool_width] of [[0, 1, 7], [1, 0, 5], [0, 1, 1]] as const) {
    const pooled = await both("pool_scores", {
      buffers: { row_scores: scores, cuts, token_scores: new Float32Array(N_KV_HEADS * rows) },
      constants: {
        ...{ ...constants, ...spans, n_sources: GROUP, source_step: GROUP },
        ...{ takes_max, pools_max, pool_width },
      },
      defines: {},
    });
    const want = pooled.want["token_scores"]!;
    // Sums of small multiples of 1/64 are exact; each quotient may be off by two units.
    assertClose(pooled.got["token_scores"]!, want, { bound: 2 ** -21, label: `${rows} rows` });
    const edges = Float32Array.from(want, (x, i) => i % 11 === 3 ? NaN : i % 13 === 5 ? -0 : x);
    for (const shares of [0, 1]) {
      const buffers = {
        ...{ token_scores: edges, cuts, kept: new Uint32Array(N_KV_HEADS * rows).fill(99) },
        kept_counts: new Uint32Array(2 * AT.nLayers * N_KV_HEADS).fill(99),
      };
      const all = { ...constants, ...spans, shares };
      const chosen = await both("select_rows", { buffers, constants: all, defines: {} });
      const { kept, kept_counts } = chosen.want;
      assertEquals(chosen.got["kept_counts"], kept_counts, `${rows} rows, shares ${shares}`);
      assertEquals(chosen.got["kept"], kept, `${rows} rows, shares ${shares}`);
      const raised = await both("raise_rows", {
        buffers: { kept, kept_counts, token_scores: want } as Record<string, TypedArray>,
        constants,
        defines: {},
      });
      assertEquals(raised.got["token_scores"], raised.want["token_scores"], `${rows} rows`);
    }
  }
}

/** Halves as whole numbers in their order, so that neighbours differ by one. */
const ordered = (bytes: TypedArray) =>
  Float64Array.from(
    new Uint16Array(bytes.buffer as ArrayBuffer),
    (h) => h & 0x8000 ? 0x8000 - h : h,
  );

/** The move of kept rows: every byte of the arena. */
export async function assertKept(shape: Shape): Promise<void> {
  const { layout = EVICTED } = shape;
  const from = pool(shape);
  const { got, want } = await both(`keep_rows__${layout}`, from);
  const label = JSON.stringify(shape);
  if (!layout.includes("_cached")) {
    assertEquals(got["arena"], want["arena"], label);
    return;
  }
  // WGSL may fuse a product and a sum, which moves a half by one at most.
  const bound = gpu().exact ? 0 : 1;
  assertClose(ordered(got["arena"]!), ordered(want["arena"]!), { bound, label });
}

gpuTest("eviction: rows are scored as on the CPU", async () => {
  for (const [rows, window] of [[5, 1], [33, 8], [150, 20]] as const) {
    await assertRowScores({ headDim: 32, rows, window });
  }
  await assertRowScores({ layout: LISTED, headDim: 48, rows: 70, listed: 37, window: 4 });
  await assertRowScores({ layout: "k_f32t16_v_f32t1_evicted", headDim: 16, rows: 20, window: 3 });
});

gpuTest("eviction: the CPU's rows are chosen, ties, zeros and NaN", async () => {
  for (const rows of [12, 33, 300]) await assertChosen(rows);
});

gpuTest("eviction: kept rows move with what they carry, and nothing else", async () => {
  for (const rows of [5, 33, 150]) await assertKept({ headDim: 32, rows, window: 1 });
  await assertKept({ layout: `${EVICTED}_summed`, headDim: 32, rows: 150, window: 1 });
  await assertKept({ layout: LISTED, headDim: 48, rows: 200, listed: 137, window: 1 });
  await assertKept({ layout: CACHED, headDim: 48, rows: 150, window: 1 });
  await assertKept({ layout: "k_f32t16_v_f32t1_evicted", headDim: 16, rows: 20, window: 1 });
});
