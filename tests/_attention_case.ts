/** Attention problems for kernels: rows as a cache stores them, queries, and the f64 reference over both. */

import { resolveParams, tableView } from "../src/dsl/mod.ts";
import type { Attention } from "../src/dsl/mod.ts";
import { isTurned } from "../src/layout/mod.ts";
import {
  attentionReference,
  authorRunner,
  roundFactor,
  roundToBf16,
  turnReference,
} from "../src/reference/mod.ts";
import { caseTable } from "../src/verify/hooks.ts";
import { sources } from "./_gpu.ts";
import { randomFrom } from "./_kernel.ts";
import { AT, writeCache } from "./_kv_cache.ts";
import { ownChannels } from "./_set_case.ts";
import type { HeadRows } from "./_kv_cache.ts";
import { asStored } from "./_stored_rows.ts";

export const DENSE = "k_f16t16_v_f16t1";
export const LISTED = "k_list_f16t16_f16t16_v_f16t1";
export const TURNED = "k_basis_q4r64t16_basis_f16t16_v_basis_q4c64t1_basis_f16t1";
/** Rows in two classes. */
export const CLASSES = "k_q4r64t16_q4r64t16_f16t16_v_q4c64t1_q2c64t1_f16t1";
/** … whose channels of keys are in two classes, beside those that read as their means. */
export const CHANNEL_CLASSES =
  "k_list_mean_q42r64t16_list_mean_q42r64t16_f16t16_v_q4c64t1_q2c64t1_f16t1";
/** Keys with channels of their own. */
export const SETS = "k_bitmap_mean_f16t1_f16t16_v_f16t1";
export const CODED = "k_q4r32t16_f16t16_v_q4c32t1_f16t1";

/** Every variant of kernels/attention/. */
export const variants = sources.flatMap(({ definition }) =>
  definition.kind === "attention" ? [definition as Attention] : []
);
const causal = variants.find((variant) => variant.name === "causal")!;

export interface Case {
  readonly variant: Attention;
  readonly params: Readonly<Record<string, number>>;
  readonly layout: string;
  readonly headDim: number;
  readonly group: number;
  readonly nKvHeads: number;
  /** Rows after this step; its queries are the last `nQuery`. */
  readonly rows: number;
  readonly nQuery: number;
  readonly nListed: number;
  /** Rows of streams without a list that are coded, where the layout has a segment for them. */
  readonly nCoded: number;
  /** How many of them are of the first class, where there are two. */
  readonly nFirst: number;
  readonly width: number;
  /** How many of the listed channels are of the first class, where the segment has two. */
  readonly high: number;
  /** Whether the softmax is of queries and keys, halves all, that are rounded to bf16. */
  readonly q8: boolean;
  /** Added to every query's position: rows far behind it, or between which others were evicted. */
  readonly ahead: number;
}

const BASE: Case = {
  ...{ variant: causal, params: {}, layout: DENSE, headDim: 64, group: 3, nKvHeads: 2 },
  ...{ rows: 40, nQuery: 1, nListed: 0, nCoded: 0, nFirst: 0, width: 0, high: 0, ahead: 0 },
  q8: false,
};

/** True positions where rows were evicted: the cached ones spread over what lies before the step. */
const gaps = ({ rows, nQuery, ahead }: Case) =>
  Array.from({ length: rows }, (_, i) => {
    const n = rows - nQuery;
    return i < n ? Math.floor(i * (n + ahead) / n) : i + ahead;
  });

/** The rows and queries of a case. */
export function problem(given: Partial<Case>) {
  const filled = { ...BASE, ...given };
  const { headDim, group, nKvHeads, rows, nQuery, nListed, nCoded, nFirst, width, high } = filled;
  const { variant, layout } = filled;
  const nHeads = group * nKvHeads;
  const random = randomFrom(rows + headDim);
  const heads = Array.from({ length: nKvHeads }, (_, h): HeadRows => {
    // A channel far off, as trained models have them.
    const row = (gain: number) =>
      Float32Array.from(
        { length: headDim },
        (_, c) => Math.f16round(2 * random() * (c === 3 ? gain : 1)),
      );
    const channels = Array.from({ length: headDim }, (_, c) => c)
      .filter((c) => (c * 7 + h) % headDim < width);
    const keys = Array.from({ length: rows }, () => row(12));
    const values = Array.from({ length: rows }, () => row(1));
    const positions = layout.includes("_evicted") ? { positions: gaps(filled) } : {};
    const sets = layout.includes("bitmap") ? ownChannels({ nListed, headDim, width }, random) : {};
    // Rows of the second class have a list of their own, where the layout has one for it.
    const others = Array.from({ length: headDim }, (_, c) => c)
      .filter((c) => (c * 5 + h) % headDim < (width + headDim) / 3);
    const second = { channels: others, high: Math.floor(others.length / 3) };
    const lists = { nListed, channels, high, second };
    return { keys, values, nCoded, nFirst, ...lists, ...positions, ...sets };
  });
  const stride = (nHeads + 2 * nKvHeads) * headDim;
  const dims = { nLayers: AT.nLayers, nHeads, nKvHeads, headDim, nCtx: 4096 };
  const cache = writeCache(layout, heads, { headDim, nNew: nQuery });
  return {
    ...filled,
    ...{ nHeads, stride, dims, cache },
    heads: heads.map((head, kvHead) => asStored(cache, head, { kvHead, nKvHeads, headDim })),
    params: resolveParams(variant.name, variant.params, filled.params),
    qkv: Float32Array.from({ length: nQuery * stride }, () => 2 * random()),
    tables: Object.fromEntries(
      Object.entries(variant.tables).map(([name, t]) => [name, caseTable(name, t, dims)]),
    ) as Record<string, Float32Array<ArrayBuffer>>,
  };
}

/** What {@linkcode problem} makes. */
export type Problem = ReturnType<typeof problem>;

/** What prefill and decode bind alike. */
export function shared(
  { cache, tables, params, nHeads, nKvHeads, stride, headDim, group }: Problem,
) {
  const { channels, value_channels, ...rest } = cache.buffers;
  const lists = (stream: "key" | "value") =>
    cache.layout[stream].segments.some((segment) => segment.channels === "list");
  const nKey = cache.layout.key.segments.length;
  const pages = cache.firstPages.map((page, i) =>
    [i < nKey ? `key_page_${i}` : `value_page_${i - nKey}`, page] as const
  );
  return {
    defines: { HEAD_DIM: headDim, GROUP: group },
    buffers: {
      ...rest,
      ...(lists("key") ? { channels } : {}),
      ...(lists("value") ? { value_channels } : {}),
      ...(cache.fills ? { fills: cache.fills } : {}),
      ...tables,
    },
    constants: {
      ...cache.constants,
      ...{ n_heads: nHeads, n_kv_heads: nKvHeads, qkv_stride: stride },
      ...Object.fromEntries(pages),
      scale: 1 / Math.sqrt(headDim),
      ...params,
    },
  };
}

/** One query of one head as the reference takes it, over the rows that it may look at. */
export function queryOf(p: Problem, { query, head }: { query: number; head: number }) {
  const { headDim, variant } = p;
  const nSeen = p.rows - p.nQuery + query + 1;
  const views = Object.fromEntries(
    Object.entries(variant.tables).map(([name, { shape }]) => {
      return [name, tableView(p.tables[name]!, shape.map((dim) => p.dims[dim]))];
    }),
  );
  const kvHead = Math.floor(head / p.group);
  const { keys, values, channels, positions } = p.heads[kvHead]!;
  const kept = new Set(channels);
  const cut = (row: Float32Array, i: number) =>
    i < p.nListed ? row.map((x, c) => kept.has(c) ? x : 0) : row;
  const listsValues = p.cache.layout.value.segments[0]!.channels === "list";
  const queryPosition = nSeen - 1 + p.ahead;
  const q = p.qkv.subarray(query * p.stride + head * headDim).subarray(0, headDim);
  const seen = p.cache.layout.key.segments[0]!.channels === "list" && !p.cache.fills
    ? keys.slice(0, nSeen).map(cut)
    : keys.slice(0, nSeen);
  return {
    q: p.q8 ? q.map(roundFactor) : q,
    keys: p.q8 ? seen.map((key) => key.map(roundToBf16)) : seen,
    values: listsValues ? values.map(cut) : values,
    ...{ scale: 1 / Math.sqrt(headDim), ...(positions ? { positions } : {}) },
    score: authorRunner(variant, "score"),
    mask: authorRunner(variant, "mask"),
    context: { ...p.params, ...views, queryPosition, head, kvHead, layer: AT.layer },
  };
}

/**
 * How far a logit may be off, in units of 2⁻²⁴: two roundings per multiply-add, where a target does not fuse
 * them, each at most half a unit of Σ|q k|; some of the hook's own (alibi's bias is as large as the distance).
 */
export function logitError(
  { headDim, rows, variant, layout }: Problem,
  { q, keys, scale }: ReturnType<typeof queryOf>,
): number {
  // A code's product and its minimum's are each at most thrice the channel's largest key's.
  const coded = layout.includes("q") ? channelMaxima(keys).map((x) => 3 * x) : null;
  const sizes = keys.map((key) =>
    (coded ?? key).reduce((a, x, c) => a + Math.abs(x * q[c]!), 0) * scale
  );
  const hook = variant.name === "alibi" ? rows : 64;
  return 2 * (headDim + 2) * Math.max(...sizes) + 4 * hook;
}

/** The reference's output of one query, all heads, and how far rounding may take f32 from it. */
export function reference(p: Problem, query: number) {
  const { headDim, nHeads } = p;
  const want = new Float64Array(nHeads * headDim);
  const bound = new Float64Array(want.length);
  for (let head = 0; head < nHeads; head++) {
    const own = queryOf(p, { query, head });
    const out = attentionReference(own);
    want.set(isTurned(p.cache.layout.value) ? turnReference(out) : out, head * headDim);
    // A weight is off by twice as much as its logit; the sums over keys add one rounding each. All first order.
    const largest = own.values.reduce((a, row) => Math.max(a, ...row.map(Math.abs)), 0);
    const error = 4 * logitError(p, own) + 2 * p.rows + 64;
    // Errors of an output's channels meet when it is turned back.
    const meet = isTurned(p.cache.layout.value) ? Math.sqrt(headDim) : 1;
    bound.fill(meet * 2 ** -24 * largest * error, head * headDim);
  }
  return { want, bound };
}

/** The largest size of each channel. */
const channelMaxima = (rows: readonly Float32Array[]) =>
  rows[0]!.map((_, c) => rows.reduce((a, row) => Math.max(a, Math.abs(row[c]!)), 0));
