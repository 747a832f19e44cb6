/**
 * The cases as data: which caches, shapes and numbers a variant's kernels meet. Every pair of choices is
 * met, so every cache type meets every ratio of query heads to KV heads, every length and every layout.
 * Layouts come from the pruning variants that there are; no variant is named.
 */

import type { ParamSpecs } from "../dsl/params.ts";
import type { Pruning } from "../dsl/pruning.ts";
import type { CacheTypes } from "../layout/make.ts";
import { combinations } from "./combinations.ts";
import type { Strength } from "./combinations.ts";

/** KV heads of every case: two, so that widths differ per head. */
export const N_KV_HEADS = 2;

/** How many channels a pruned row keeps: one; a share in one head and all but one in the other; all. */
export type Kept = "one" | "mixed" | "all";

/** What the numbers are like: small ones, or with channels and rows far off, as trained models have. */
export type Numbers = "plain" | "outliers";

/** Parameters of a variant: its defaults, or values that bite in the few rows of a case. */
export type ParamChoice = "default" | "small";

/** What both kinds of cases have. */
interface Case {
  readonly types: CacheTypes;
  readonly shape: { readonly group: number; readonly headDim: number };
  /** Rows in the cache before the last step. */
  readonly cached: number;
  /** Query rows of the last step. */
  readonly nQuery: number;
  readonly params: ParamChoice;
  readonly numbers: Numbers;
}

/** One problem for an attention variant. */
export interface AttentionCase extends Case {
  /** The pruning variant whose layout the cache has, and what it keeps; null: dense. */
  readonly cut: { readonly pruning: Pruning; readonly kept: Kept } | null;
  /** Added to every query's position: keys that lie far behind. */
  readonly ahead: number;
}

/** One problem for a pruning variant: a prompt of `cached` rows, compressed; then a step. */
export interface PruningCase extends Case {
  readonly kept: Kept;
}

const TYPES: readonly CacheTypes[] = [
  { key: "f16", value: "f16" },
  { key: "f32", value: "f32" },
  { key: "f16", value: "f32" },
  { key: "f32", value: "f16" },
];

/** SmolLM2's 3 : 1 heads of 64, Llama 3's 4 : 1 of 128, no grouping, and heads that fill no vector. */
const SHAPES = [
  { group: 3, headDim: 64 },
  { group: 1, headDim: 64 },
  { group: 4, headDim: 128 },
  { group: 8, headDim: 48 },
];

const KEPT: readonly Kept[] = ["mixed", "one", "all"];

const COMMON = {
  types: TYPES,
  shape: SHAPES,
  // One query, and more than a query tile holds.
  nQuery: [1, 11],
  params: ["default", "small"] as const,
  numbers: ["plain", "outliers"] as const,
};

/** Around a tile of 16 rows, a page of 128 and a chunk of 256; and an empty cache. */
const CACHED = [0, 1, 31, 33, 127, 300];

/**
 * Cases of an attention variant.
 *
 * @param prunings one per layout that caches can have beside the dense one
 */
export function attentionCases(prunings: readonly Pruning[], strength: Strength): AttentionCase[] {
  const cuts = prunings.flatMap((pruning) => KEPT.map((kept) => ({ pruning, kept })));
  const axes = { ...COMMON, cached: CACHED, cut: [null, ...cuts], ahead: [0, 1000] };
  return combinations(axes, strength);
}

/** Cases of a pruning variant: scores need at least one row. */
export function pruningCases(strength: Strength): PruningCase[] {
  return combinations({ ...COMMON, cached: CACHED.slice(1), kept: KEPT }, strength);
}

/** Channels that each KV head keeps. */
export function widthsOf(kept: Kept, headDim: number): number[] {
  if (kept === "mixed") return [Math.floor(0.4 * headDim), headDim - 1];
  return new Array(N_KV_HEADS).fill(kept === "one" ? 1 : headDim);
}

/** Small values: fewer than the rows of the longer cases, and near 1, within what a parameter allows. */
export function paramsOf(specs: ParamSpecs, choice: ParamChoice): Record<string, number> {
  if (choice === "default") return {};
  return Object.fromEntries(
    Object.entries(specs).map(([name, { min = -Infinity, max = Infinity, integer }]) => [
      name,
      Math.min(max, Math.max(min, integer ? 40 : 3)),
    ]),
  );
}

/** A case in few words: `k f16, v f32, 4 : 1, headDim 128, 33 + 11 rows, small params, outliers`. */
export function describe(given: AttentionCase | PruningCase): string {
  const { types, shape, cached, nQuery, params, numbers } = given;
  const cut = "kept" in given ? { kept: given.kept } : given.cut;
  return [
    `k ${types.key}, v ${types.value}, ${shape.group} : 1, headDim ${shape.headDim}`,
    `${cached} + ${nQuery} rows`,
    ...(cut ? [`keeps ${widthsOf(cut.kept, shape.headDim).join(" and ")} channels`] : []),
    ...(params === "small" ? ["small params"] : []),
    ...(numbers === "outliers" ? ["outliers"] : []),
    ...("ahead" in given && given.ahead > 0 ? [`${given.ahead} positions ahead`] : []),
  ].join(", ");
}
