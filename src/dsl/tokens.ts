/**
 * Token steps: which rows of the cache are evicted, as a score and declared data. The score reads one row;
 * pooling, heads, budget and protection are applied in one place, after the last row has its score.
 */

import { lastQueries } from "./accumulator.ts";
import type {
  Accumulator,
  Amount,
  Derived,
  QueryMoments,
  RowRing,
  Statistic,
} from "./accumulator.ts";
import { checkLimits } from "./enough.ts";
import type { Enough } from "./enough.ts";
import { paramArgs } from "./params.ts";
import type { ParamSpecs } from "./params.ts";
import { tableArgs } from "./table.ts";
import type { ModelDims, TableSpecs } from "./table.ts";
import { column, record, scalar } from "./types.ts";
import type { Column, f32, HookArg, i32 } from "./types.ts";

/** One row of the cache as a score sees it. */
export interface TokenRow {
  /** The key's channels after RoPE; one that is not stored is 0. */
  readonly key: Column;
  /** The value's channels. */
  readonly value: Column;
  /** The softmax weight that each remembered query of one head gives this row, oldest query first. */
  readonly weights: Column;
}

/** What a token score may read beside the row. */
export interface TokenContext {
  /** 0 … nLayers − 1. */
  readonly layer: i32;
  /** 0 … nKvHeads − 1. */
  readonly kvHead: i32;
  /** The token's true position, from 0. */
  readonly position: i32;
  /** key · anchor and ‖anchor‖, where the step declares an `anchor`; else 0. */
  readonly anchorDot: f32;
  readonly anchorNorm: f32;
  /** The row's `columnSums()`, where the step's `statistics` declare them; else 0. */
  readonly attention: f32;
  /** What later queries are expected to give the row, where the step declares `queryMoments()`; else 0. */
  readonly expected: f32;
}

/** Neighbours meet before heads do; a row at the edge of the candidates has fewer. */
export interface Pool {
  /**
   * `max`: the largest of them. `mean`: their sum over the full width. `{ meanIf }`: as the parameter of
   * this name says, 0 `max`, anything else `mean`.
   */
  readonly kind: "max" | "mean" | { readonly meanIf: string };
  /** Rows, odd: as many before as after. */
  readonly width: Amount;
}

/**
 * Rows that stay or leave together: those whose positions, over `rows`, have one whole part. Protected rows
 * belong to no block.
 */
export interface Block {
  /** A block's score is this of its rows' scores. */
  readonly kind: "mean" | "max";
  /** Positions, from a multiple of this on; 1: each row is a block. */
  readonly rows: Amount;
}

/** What a budget function may read: numbers of the model and of the cache, and the variant's parameters. */
export type BudgetSize = Readonly<Record<string, number>> & Omit<ModelDims, "nCtx"> & {
  readonly layer: number;
  readonly kvHead: number;
  /** Rows of the head before the step. */
  readonly nRows: number;
};

/** What an author writes for a token step. */
export interface TokensSpec {
  /** The score of one row. */
  // deno-lint-ignore no-explicit-any -- the context's parameters and tables are typed by `pruning`
  readonly score: (row: TokenRow, context: TokenContext & Record<string, any>) => f32;
  /** How the scores of query heads become one. */
  readonly group: "mean" | "max";
  /** `head` (the default): each KV head keeps rows of its own. `layer`: all heads of a layer keep the same. */
  readonly scope?: "head" | "layer";
  readonly pool?: Pool;
  /** The highest blocks stay as long as they fit the budget; absent: each row is chosen by itself. */
  readonly block?: Block;
  /** The accumulator that `weights` come from; `window` is short for `lastQueries(window)`. */
  readonly queries?: Accumulator<RowRing>;
  readonly window?: Amount;
  /** What `anchorDot` compares the key with: the mean of a head's keys, each divided by its norm. */
  readonly anchor?: "meanUnitKey";
  /** What is summed up of every query, from a sequence's first step on. */
  readonly statistics?: readonly Statistic[];
  /** Share of the rows removed: floor(remove · rows). Give this or `keep`, or `enough` without a limit. */
  readonly remove?: Amount;
  /**
   * Rows kept, protected ones included: a count, the name of a table [nLayers, nKvHeads], or a function of
   * layer and rows that runs when the step does.
   */
  readonly keep?: Amount | ((size: BudgetSize) => number);
  /** The kept count is rounded up to a multiple of this, as far as there are rows. */
  readonly multiple?: Amount;
  /** Of the rows that `remove` or `keep` leaves, each KV head keeps only as many as its scores say. */
  readonly enough?: Enough;
  /**
   * The KV heads of a layer share their budgets: of its own a head keeps at least this share, protected rows
   * not counted; the rest goes to the highest scores of all. Beside `enough` a head brings, and keeps at least,
   * no more than is enough for it.
   */
  readonly share?: { readonly floor: Amount };
  /** Evicts again whenever this many tokens were decoded; 0 or absent: only where a prefill ends. */
  readonly every?: Amount;
  /**
   * What keys are rotated by. `true` (the default): their token's position. `cache`: their place among the
   * rows that stay, so that a sequence may outgrow the model's context. `{ cacheIf }`: as the parameter of
   * this name says, 0 `true`, anything else `cache`.
   */
  readonly positions?: "true" | "cache" | { readonly cacheIf: string };
  /** Rows that stay whatever their score. */
  readonly protect?: { readonly first?: Amount; readonly last?: Amount | Derived };
}

/** A token step of a variant. */
export interface TokensStep extends Omit<TokensSpec, "window" | "queries" | "scope"> {
  readonly kind: "tokens";
  readonly scope: "head" | "layer";
  /** Null: the score reads no weights. */
  readonly queries: Accumulator<RowRing> | null;
}

/**
 * Evicts rows.
 *
 * @throws {TypeError} both of `remove` and `keep`, neither of them and no `enough`, or both of `queries` and
 * `window`
 *
 * @example
 * ```ts
 * import { norm, tokens } from "kerf/dsl";
 * const step = tokens({ score: ({ key }) => -norm(key), group: "mean", keep: 512 });
 * if (step.scope !== "head") throw new Error("each KV head chooses by default");
 * ```
 */
export function tokens({ window, queries, scope = "head", ...spec }: TokensSpec): TokensStep {
  checkLimits("tokens()", spec);
  if (window !== undefined && queries !== undefined) {
    throw new TypeError("Cannot declare tokens(): give at most one of `queries` and `window`");
  }
  const ring = queries ?? (window === undefined ? null : lastQueries(window));
  return Object.freeze({ kind: "tokens", ...spec, scope, queries: ring });
}

/** Whether a step declares a statistic. */
export const hasStatistic = (
  { statistics = [] }: Pick<TokensStep, "statistics">,
  name: Statistic["name"],
): boolean => statistics.some((statistic) => statistic.name === name);

/** The moments of queries that a step declares; null: none. */
export const momentsOf = (
  { statistics = [] }: Pick<TokensStep, "statistics">,
): QueryMoments | null => statistics.find((statistic) => statistic.name === "queryMoments") ?? null;

/** What keys are rotated by, with a parameter's number. */
export function positionsOf(
  { positions = "true" }: Pick<TokensStep, "positions">,
  values: Readonly<Record<string, number>>,
): "true" | "cache" {
  if (typeof positions === "string") return positions;
  return values[positions.cacheIf] === 0 ? "true" : "cache";
}

/** The IR types of a token score's arguments. */
export function tokenScoreArgs(params: ParamSpecs, tables: TableSpecs): HookArg[] {
  const [i, f] = [scalar("i32"), scalar("f32")];
  return [
    record({ key: column, value: column, weights: column }),
    record({
      ...{
        layer: i,
        kvHead: i,
        position: i,
        anchorDot: f,
        anchorNorm: f,
        attention: f,
        expected: f,
      },
      ...paramArgs(params),
      ...tableArgs(tables),
    }),
  ];
}
