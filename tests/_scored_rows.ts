/**
 * Rows that a window of queries scores: caches with gaps between positions, lists, codes in classes and memory that
 * holds NaN, the queries in their ring, and what the references take of both.
 */

import { columnSums } from "../src/dsl/mod.ts";
import type { Isa, TypedArray } from "../src/device/testing.ts";
import type { EmittedKernel } from "../src/emit/emit_kernels.ts";
import type { HookRunner, TokenScoresInput } from "../src/reference/mod.ts";
import { randomFrom, renderNamed, runWithPool } from "./_kernel.ts";
import { AT, pageConstants, writeCache } from "./_kv_cache.ts";
import type { HeadRows } from "./_kv_cache.ts";
import { asStored } from "./_stored_rows.ts";

export const DENSE = "k_f16t16_v_f16t1_evicted";
export const LISTED = "k_list_f16t16_f16t16_v_f16t1_evicted";
/** Rows in classes, of which the older are codes. */
const CLASSES = "k_list_mean_q42r64t16_list_mean_q42r64t16_f16t16_v_q4c64t1_q2c64t1_f16t1";
export const N_KV_HEADS = 2;

/** Rows of a cache, and the window of queries that scores them. */
export interface Case {
  readonly rows: number;
  /** Places of the ring, and how many queries were seen. */
  readonly window: number;
  readonly nWindow?: number;
  readonly group?: number;
  readonly headDim?: number;
  readonly layout?: string;
  readonly nListed?: number;
  readonly nCoded?: number;
  readonly nFirst?: number;
  /** How many of the full rows are scored; default: all. */
  readonly nDue?: number;
  readonly isa?: Isa;
  readonly threads?: number;
}

/** Sizes, groups, lists, and a ring that was never filled. */
export const CASES: readonly Case[] = [
  ...[1, 31, 33, 127, 300].map((rows) => ({ rows, window: 32 })),
  { rows: 300, window: 1, group: 1, headDim: 128 },
  { rows: 70, window: 7, nWindow: 3, group: 4, headDim: 48 },
  { rows: 70, window: 40, group: 8 },
  { rows: 150, window: 9, layout: LISTED, nListed: 61 },
  { rows: 40, window: 9, layout: LISTED, nListed: 40 },
  { rows: 70, window: 8, layout: "k_f32t16_v_f32t1_evicted" },
];

/** Full rows behind classes, behind none, a class of no rows, and nothing but full rows. */
export const CLASS_CASES: readonly Case[] = [
  { rows: 300, window: 32, nCoded: 192, nFirst: 64 },
  { rows: 200, window: 32, nCoded: 64, nFirst: 64, nDue: 48, group: 4 },
  { rows: 190, window: 32, nCoded: 128, nFirst: 64, layout: `${CLASSES}_evicted` },
  { rows: 170, window: 9, nCoded: 128, nFirst: 0, group: 1, headDim: 128 },
  { rows: 170, window: 31, nCoded: 128, nFirst: 128, group: 8, headDim: 48 },
  ...[1, 31, 33, 127].map((rows) => ({ rows, window: 32, group: 4 })),
].map((given: Case) => ({ layout: CLASSES, nListed: given.nCoded ?? 0, ...given }));

/** The rows and queries of a case. */
export function problem(given: Case) {
  const { rows, window, group = 3, headDim = 64, layout = DENSE, nListed = 0 } = given;
  const { nCoded = 0, nFirst = 0 } = given;
  const hasGaps = layout.includes("_evicted");
  const random = randomFrom(rows * 31 + group);
  const channels = Array.from({ length: headDim }, (_, i) => i).filter((i) => i % 3 !== 1);
  // Every third row was evicted; heads differ in how many rows they have.
  const heads = Array.from({ length: N_KV_HEADS }, (_, head): HeadRows => {
    const n = Math.max(1, rows - 7 * head);
    const row = (gain: number) =>
      Float32Array.from(
        { length: headDim },
        (_, c) => Math.f16round(gain * random() * (c === 3 ? 4 : 1)),
      );
    return {
      keys: Array.from({ length: n }, () => row(2)),
      values: Array.from({ length: n }, () => row(1)),
      ...{ nListed: Math.min(nListed, n), nCoded, nFirst },
      channels,
      high: 7,
      positions: Array.from({ length: n }, (_, i) => hasGaps ? i + Math.floor(i / 2) : i),
    };
  });
  const nTokens = hasGaps ? rows + Math.floor(rows / 2) + 1 : rows;
  const nWindow = given.nWindow ?? Math.min(window, nTokens);
  const nHeads = group * N_KV_HEADS;
  const ring = new Float32Array(AT.nSlots * AT.nLayers * nHeads * window * headDim).fill(NaN);
  const queryPositions = Array.from({ length: nWindow }, (_, i) => nTokens - nWindow + i);
  const queries = Array.from({ length: nHeads }, (_, head) =>
    queryPositions.map((position) => {
      const row = Float32Array.from({ length: headDim }, () => 2 * random());
      const first = ((AT.slot * AT.nLayers + AT.layer) * nHeads + head) * window;
      ring.set(row, (first + position % window) * headDim);
      return row;
    }));
  // Sums in eighths, so that a mean of group heads is a quotient's rounding away.
  const sums = heads.map(({ keys }) => keys.map(() => Math.round(64 + 64 * random()) / 8));
  const carrying = heads.map((head, kvHead) => ({ ...head, sums: sums[kvHead]! }));
  const cache = writeCache(layout, carrying, { headDim });
  const stored = heads.map((head, kvHead) =>
    asStored(cache, head, { kvHead, nKvHeads: N_KV_HEADS, headDim })
  );
  const nMost = Math.max(...heads.map(({ keys }) => keys.length));
  const logits = Float32Array.from({ length: nHeads * nMost }, () => 3 * random());
  return {
    ...{ heads: stored, queries, queryPositions, ring, cache, sums, logits },
    ...{ nTokens, nWindow, group, headDim, nCoded, nDue: given.nDue ?? Infinity },
  };
}

export type Problem = ReturnType<typeof problem>;

/** What a softmax of this largest logit and this sum expects of a row, in the mean of the group's heads. */
const [LARGEST, WEIGHTS] = [2, 1.5];
const expectedOf = (p: Problem, kvHead: number, row: number) => {
  const heads = Array.from({ length: p.group }, (_, g) => kvHead * p.group + g);
  const weights = heads.map((head) => Math.exp(p.logits[head * maxRows(p) + row]! - LARGEST));
  return weights.reduce((sum, weight) => sum + weight / WEIGHTS, 0) / p.group;
};

/** One KV head as the reference takes it: channels that the list lacks are zero. */
export function inputOf(
  p: Problem,
  kvHead: number,
  score: HookRunner,
  params = {},
): TokenScoresInput {
  const { keys, values, positions, nListed, channels } = p.heads[kvHead]!;
  const kept = new Set(channels);
  return {
    queries: p.queries.slice(kvHead * p.group, (kvHead + 1) * p.group),
    queryPositions: p.queryPositions,
    keys: keys.map((key, i) =>
      i < nListed && !p.cache.fills ? key.map((x, c) => kept.has(c) ? x : 0) : key
    ),
    values,
    positions: positions!,
    expected: p.sums[kvHead]!.map((_, row) => expectedOf(p, kvHead, row)),
    attention: p.sums[kvHead]!.map((sum) => columnSums().finish(sum, p.group)),
    scale: 1 / Math.sqrt(p.headDim),
    score,
    context: { ...params, layer: AT.layer, kvHead },
  };
}

/** How many rows of a head are scored. */
export const maxRows = (p: Problem) => Math.min(p.nDue, p.heads[0]!.keys.length - p.nCoded);

/** What every kernel may take. */
function poolOf(p: Problem, given: Case) {
  const { layout, buffers, constants } = p.cache;
  const nKey = layout.key.segments.length;
  return {
    defines: { HEAD_DIM: p.headDim, GROUP: p.group },
    step: {},
    buffers: {
      ...{ ...buffers, q_ring: p.ring, expected_logits: p.logits },
      expected_sums: Float32Array.from(p.queries.flatMap(() => [LARGEST, WEIGHTS])),
      ...(p.cache.fills ? { fills: p.cache.fills } : {}),
    } as Record<string, TypedArray>,
    constants: {
      ...constants,
      ...pageConstants(p.cache),
      slot: AT.slot,
      n_heads: p.group * N_KV_HEADS,
      n_kv_heads: N_KV_HEADS,
      window: given.window,
      n_window: p.nWindow,
      n_tokens: p.nTokens,
      scale: 1 / Math.sqrt(p.headDim),
      max_rows: maxRows(p),
      // Only full rows of classes are scored, else every segment may end in a tile of its own.
      n_tiles: Math.ceil(maxRows(p) / 16) + (layout.rowPositions ? nKey - 1 : 0),
    } as Record<string, number>,
  };
}

/** Runs a kernel on a case. */
export async function runOn(
  kernel: EmittedKernel,
  p: Problem,
  given: Case,
  extra: { buffers: Record<string, TypedArray>; constants?: Record<string, number> },
): Promise<Record<string, TypedArray>> {
  const pool = poolOf(p, given);
  const buffers = { ...pool.buffers, ...extra.buffers };
  const constants = { ...pool.constants, ...extra.constants };
  return await runWithPool(kernel, { ...pool, buffers, constants }, given);
}

/** Of each query of the window: its largest logit, and the sum of its weights. */
export async function windowSums(p: Problem, given: Case): Promise<Float32Array> {
  const kernel = await renderNamed(`window_softmax__${given.layout ?? DENSE}`);
  const window_sums = new Float32Array(p.queries.length * p.nWindow * 2).fill(NaN);
  return (await runOn(kernel, p, given, { buffers: { window_sums } }))[
    "window_sums"
  ] as Float32Array;
}

/**
 * How far a weight may be off, relative: a logit of size s by headDim + 2 roundings of Σ|q k| ≤ s, twice
 * that of its exponential and once of the sum's; then the sums themselves.
 */
export function weightError(p: Problem): number {
  let size = 0;
  p.queries.forEach((window, head) => {
    const { keys } = p.heads[Math.floor(head / p.group)]!;
    for (const q of window) {
      for (const key of keys) {
        let sum = 0;
        for (let ch = 0; ch < p.headDim; ch++) sum += Math.abs(q[ch]! * key[ch]!);
        size = Math.max(size, sum);
      }
    }
  });
  const logit = (p.headDim + 2) * size / Math.sqrt(p.headDim);
  return 2 ** -24 * (4 * logit + p.heads[0]!.keys.length + 64);
}

/** The mean of unit keys of each head, then its norm. */
export async function anchors(p: Problem, given: Case): Promise<Float32Array> {
  const kernel = await renderNamed(`key_anchors__${given.layout ?? DENSE}`);
  const anchors = new Float32Array(N_KV_HEADS * (p.headDim + 16)).fill(NaN);
  return (await runOn(kernel, p, given, { buffers: { anchors } }))["anchors"] as Float32Array;
}
