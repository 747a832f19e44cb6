/** Attention problems for kernels: rows as a cache stores them, queries, and what the f64 reference takes of both. */

import { resolveParams, tableView } from "../src/dsl/mod.ts";
import type { Attention } from "../src/dsl/mod.ts";
import { keyLists, parseLayoutName } from "../src/layout/mod.ts";
import { authorRunner } from "../src/reference/mod.ts";
import { caseTable } from "../src/verify/hooks.ts";
import { sources } from "./_emitted.ts";
import { randomFrom } from "./_kernel.ts";
import { AT, boundFills, listed, pageConstants, writeCache } from "./_kv_cache.ts";
import type { HeadRows } from "./_kv_cache.ts";
import { ownChannels } from "./_set_case.ts";
import { asStored } from "./_stored_rows.ts";

export const DENSE = "k_f16t16_v_f16t1";
export const LISTED = "k_list_f16t16_f16t16_v_f16t1";
export const TURNED = "k_basis_q4r64t16_basis_f16t16_v_basis_q4c64t1_basis_f16t1";
/** Rows in two classes. */
export const CLASSES = "k_q4r64t16_q4r64t16_f16t16_v_q4c64t1_q2c64t1_f16t1";
/** … whose keys have scales of their rows. */
export const ROW_SCALES = "k_q4c32t16_q4c32t16_f16t16_v_q4c64t1_q2c64t1_f16t1";
/** … whose channels of keys are in two classes, beside those that read as their means. */
export const CHANNEL_CLASSES =
  "k_list_mean_q42r64t16_list_mean_q42r64t16_f16t16_v_q4c64t1_q2c64t1_f16t1";
/** Rows in two classes, of the second of which no values are stored. */
export const EMPTY = "k_q4r64t16_q4r64t16_f16t16_v_q4c64t1_none_mean_f16t1_f16t1";
/** … beside classes of channels and in another basis. */
export const EMPTY_TURNED =
  "k_list_mean_q42r64t16_list_mean_q42r64t16_f16t16_v_basis_q2c64t1_none_mean_basis_f16t1_basis_f16t1";
/** Keys with channels of their own. */
export const SETS = "k_bitmap_mean_f16t1_f16t16_v_f16t1";
/** … beside values that are coded. */
export const SETS_CODED = "k_bitmap_mean_f16t1_f16t16_v_q4c32t1_f16t1";
export const CODED = "k_q4r32t16_f16t16_v_q4c32t1_f16t1";

/** Every variant of kernels/attention/. */
export const variants = sources.flatMap(({ definition }) =>
  definition.kind === "attention" ? [definition as Attention] : []
);

/** The variant of a name. */
export const variantNamed = (name: string): Attention =>
  variants.find((variant) => variant.name === name)!;

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
  /** Rows of a segment of keys with a channel list, or with channels of their own, and how many they keep. */
  readonly nListed: number;
  readonly width: number;
  /** The same of values; absent: as keys. */
  readonly nListedValues?: number;
  readonly valueWidth?: number;
  /** Rows of streams without a list that are coded, where the layout has a segment for them. */
  readonly nCoded: number;
  /** How many of them are of the first class, where there are two. */
  readonly nFirst: number;
  /** How many of the listed channels are of the first class, where the segment has two. */
  readonly high: number;
  /** Whether what meets the cache is rounded: to bytes for codes, to bf16 for halves. */
  readonly q8: boolean;
  /**
   * Added to every query's position: rows far behind it, or between which others were evicted; of layouts with
   * positions absent: every other row was.
   */
  readonly ahead?: number;
}

const BASE: Case = {
  ...{ variant: variantNamed("causal"), params: {}, layout: DENSE },
  ...{ headDim: 64, group: 3, nKvHeads: 2, rows: 40, nQuery: 1, q8: false },
  ...{ nListed: 0, width: 0, nCoded: 0, nFirst: 0, high: 0 },
};

/** True positions where rows were evicted: the cached ones spread over what lies before the step. */
const gaps = ({ rows, nQuery, ahead }: Required<Pick<Case, "rows" | "nQuery" | "ahead">>) =>
  Array.from({ length: rows }, (_, i) => {
    const n = rows - nQuery;
    return i < n ? Math.floor(i * (n + ahead) / n) : i + ahead;
  });

/** The rows and queries of a case. */
export function problem(given: Partial<Case>) {
  const filled = { ...BASE, ...given };
  const { headDim, group, nKvHeads, rows, nQuery, nListed, nCoded, nFirst, width, high } = filled;
  const { variant, layout, nListedValues = nListed, valueWidth } = filled;
  const evicted = layout.includes("_evicted");
  const ahead = filled.ahead ?? (evicted ? rows - nQuery : 0);
  const nHeads = group * nKvHeads;
  const random = randomFrom(rows + headDim + width);
  const heads = Array.from({ length: nKvHeads }, (): HeadRows => {
    // A channel far off, as trained models have them, and one that is nothing.
    const gains = new Map([[3, 12], [5, 0]]);
    const row = (gain: (c: number) => number) =>
      Float32Array.from({ length: headDim }, (_, c) => Math.f16round(2 * random() * gain(c)));
    const some = (n: number) =>
      Array.from({ length: headDim }, (_, c) => ({ c, order: random() }))
        .sort((a, b) => a.order - b.order).slice(0, n).map(({ c }) => c).sort((a, b) => a - b);
    const keys = Array.from({ length: rows }, () => row((c) => gains.get(c) ?? 1));
    const values = Array.from({ length: rows }, () => row(() => 1));
    const positions = evicted ? { positions: gaps({ rows, nQuery, ahead }) } : {};
    const sets = layout.includes("bitmap") ? ownChannels({ nListed, headDim, width }, random) : {};
    const others = some(Math.floor((width + headDim) / 3));
    const second = { channels: others, high: Math.floor(others.length / 3) };
    const lists = {
      ...{ nListed, channels: some(width), high, nListedValues },
      // Rows of the second class have a list of their own, where the layout has one for it.
      ...(keyLists(parseLayoutName(layout)) > 1 ? { second } : {}),
      ...(valueWidth === undefined ? {} : { valueChannels: some(valueWidth) }),
    };
    return { keys, values, nCoded, nFirst, ...lists, ...positions, ...sets };
  });
  const stride = (nHeads + 2 * nKvHeads) * headDim;
  const dims = { nLayers: AT.nLayers, nHeads, nKvHeads, headDim, nCtx: 4096 };
  const cache = writeCache(layout, heads, { headDim, nNew: nQuery });
  return {
    ...filled,
    ...{ ahead, nHeads, stride, dims, cache },
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
  return {
    defines: { HEAD_DIM: headDim, GROUP: group },
    buffers: {
      ...rest,
      ...(lists("key") ? { channels } : {}),
      ...(lists("value") ? { value_channels } : {}),
      ...boundFills(cache),
      ...tables,
    },
    constants: {
      ...cache.constants,
      ...{ n_heads: nHeads, n_kv_heads: nKvHeads, qkv_stride: stride },
      ...pageConstants(cache),
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
  const own = p.heads[kvHead]!;
  const cut = (stream: "key" | "value", rows: readonly Float32Array[]) => {
    if (p.cache.layout[stream].segments[0]!.channels !== "list") return rows;
    const { rows: nListed, channels } = listed(own, stream);
    return rows.map((row, i) =>
      i < nListed ? row.map((x, c) => channels.includes(c) ? x : 0) : row
    );
  };
  const keys = own.keys.slice(0, nSeen);
  const { positions } = own;
  return {
    q: p.qkv.subarray(query * p.stride + head * headDim).subarray(0, headDim),
    // Where channels have fills, they have been put in.
    keys: p.cache.fills ? keys : cut("key", keys),
    values: cut("value", own.values),
    ...{ scale: 1 / Math.sqrt(headDim), ...(positions ? { positions } : {}) },
    score: authorRunner(variant, "score"),
    mask: authorRunner(variant, "mask"),
    context: {
      ...{ ...p.params, ...views, queryPosition: nSeen - 1 + p.ahead },
      ...{ head, kvHead, layer: AT.layer },
    },
  };
}
