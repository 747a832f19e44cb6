/**
 * Bits by row: of the rows that a codes step codes, a share keeps its values in more bits than the rest. Which
 * rows those are follows from a score, as for tokens(); selection and order are applied in one place.
 */

import { lastQueries } from "./accumulator.ts";
import type { Accumulator, Amount, Derived, RowRing } from "./accumulator.ts";
import type { TokenContext, TokenRow } from "./tokens.ts";
import type { f32 } from "./types.ts";

/** What an author writes for bits by row. */
export interface RowBitsSpec {
  /** Bits of a code in the rows of the highest scores. */
  readonly high: Amount | Derived;
  /** In the others; 0: nothing of them is stored, and each reads as their mean. */
  readonly low: Amount | Derived;
  /** Share of a head's coded rows that get `high`, to whole units of the keys' rows. */
  readonly share: Amount | Derived;
  /** The score of one row, whose key and value are still whole. */
  // deno-lint-ignore no-explicit-any -- the context's parameters and tables are typed by `pruning`
  readonly score: (row: TokenRow, context: TokenContext & Record<string, any>) => f32;
  /** How the scores of query heads become one. */
  readonly group: "mean" | "max";
  /** The accumulator that `weights` come from; `window` is short for `lastQueries(window)`. */
  readonly queries?: Accumulator<RowRing>;
  readonly window?: Amount;
  /** Rows that are never coded: the first ones of a sequence, which models attend to whatever they hold. */
  readonly protect?: { readonly first?: Amount };
}

/** Bits by row, as a codes step holds them. */
export interface RowBits extends Omit<RowBitsSpec, "window" | "queries"> {
  readonly kind: "byRow";
  /** Null: the score reads no weights. */
  readonly queries: Accumulator<RowRing> | null;
}

/**
 * Gives the values of some rows more bits than those of others.
 *
 * @throws {TypeError} both of `queries` and `window`
 *
 * @example
 * ```ts
 * import { byRow, codes, sum } from "kerf/dsl";
 * const bits = byRow({
 *   high: 4,
 *   low: 2,
 *   share: 0.25,
 *   window: 32,
 *   score: ({ weights }) => sum(weights),
 *   group: "mean",
 * });
 * const step = codes({ of: "value", bits, along: "channels", group: 64, residual: 64 });
 * if (step.bits !== bits) throw new Error("codes of two sizes");
 * ```
 */
export function byRow({ window, queries, ...spec }: RowBitsSpec): RowBits {
  if (window !== undefined && queries !== undefined) {
    throw new TypeError("Cannot declare byRow(): give at most one of `queries` and `window`");
  }
  const ring = queries ?? (window === undefined ? null : lastQueries(window));
  return Object.freeze({ kind: "byRow", ...spec, queries: ring });
}
