/**
 * The cases as data: which caches, shapes and numbers which variant's kernels meet. Every pair of choices
 * is met, and the variant is one of them: so every variant meets every cache type, every ratio of query
 * heads to KV heads, every length and every layout, and so do those each other. A variant that is verified
 * alone meets every two of the others. Layouts come from the pruning variants that there are; no variant is
 * named.
 */

import type { CacheTypes, LayoutSteps } from "../layout/steps.ts";
import { combinations } from "./combinations.ts";
import type { Strength } from "./combinations.ts";

/** KV heads of every case: two, so that widths differ per head. */
export const N_KV_HEADS = 2;

/**
 * How much stays, of the channels of a pruned row or of the rows: one; a share in one head and all but one
 * in the other; all.
 */
export type Kept = "one" | "mixed" | "all";

/** What the numbers are like: small ones, or with channels and rows far off, as trained models have. */
export type Numbers = "plain" | "outliers";

/**
 * Parameters of a variant: its defaults, values that bite in the few rows of a case, the least there are, and
 * the defaults with every switch (a whole number from 0 to 1) the other way.
 */
export type ParamChoice = "default" | "small" | "least" | "switched";

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
  /** The steps whose layout the cache has, and what they keep; null: dense. */
  readonly cut: { readonly pruning: LayoutSteps; readonly kept: Kept } | null;
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
  // One query, and more than a query tile holds.
  nQuery: [1, 11],
  params: ["default", "small"] as const,
  numbers: ["plain", "outliers"] as const,
};

/**
 * Cache types, and the shapes that go with them in a run of several pruning variants: each variant meets each of
 * both. The pairs are those of its layout, whose kernels are then compiled once; layouts meet all pairs.
 */
const PAIRS = [0, 1, 2, 3];

/** Around a tile of 16 rows, a page of 128 and a chunk of 256; and an empty cache. */
const CACHED = [0, 1, 31, 33, 127, 300];

/** A case and the variant that it is for. */
export type Of<V, C> = C & { readonly variant: V };

/**
 * Cases of attention variants.
 *
 * @param prunings one per layout that caches can have beside the dense one
 */
export function attentionCases<V>(
  variants: readonly V[],
  prunings: readonly LayoutSteps[],
  strength: Strength,
): Of<V, AttentionCase>[] {
  const pruned = [null, ...prunings];
  const stored = { types: TYPES, shape: SHAPES };
  const axes = { ...COMMON, ...stored, cached: CACHED, pruning: pruned, kept: KEPT };
  return combinations({ ...axes, ahead: [0, 1000], variant: variants }, strength)
    .map(({ pruning, kept, ...given }) => ({ ...given, cut: pruning && { pruning, kept } }));
}

/**
 * Cases of pruning variants: scores need at least one row.
 *
 * @param layoutOf counts the layouts of variants
 */
export function pruningCases<V>(
  variants: readonly V[],
  strength: Strength,
  layoutOf: (variant: V) => number,
): Of<V, PruningCase>[] {
  const params = ["default", "small", "switched", "least"] as const;
  const axes = { ...COMMON, params, cached: CACHED.slice(1), kept: KEPT, variant: variants };
  return variants.length === 1
    ? combinations({ types: TYPES, shape: SHAPES, ...axes }, strength)
    : paired(combinations({ pair: PAIRS, ...axes }, strength), layoutOf);
}

/**
 * Cases of compositions beside those of the variants that they are made of, which meet every choice: kernels
 * of layouts that nothing else makes.
 */
export function compositionCases<V>(
  variants: readonly V[],
  strength: Strength,
  layoutOf: (variant: V) => number,
): Of<V, PruningCase>[] {
  const axes = { ...COMMON, cached: [33, 127, 300], kept: KEPT, variant: variants };
  return paired(combinations({ pair: PAIRS.slice(0, 2), ...axes }, strength), layoutOf);
}

const paired = <V, C extends { readonly pair: number; readonly variant: V }>(
  cases: readonly C[],
  layoutOf: (variant: V) => number,
) =>
  cases.map(({ pair, ...given }) => ({
    ...given,
    types: TYPES[pair]!,
    shape: SHAPES[(pair + layoutOf(given.variant)) % SHAPES.length]!,
  }));
