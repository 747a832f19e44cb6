/** A row-wise kernel on one row: the row's reduction, then each element. */

import type { Rowwise } from "../dsl/rowwise.ts";
import type { HookRunner } from "./hooks.ts";

/** One row of a row-wise kernel. */
export interface RowwiseRow {
  readonly definition: Rowwise;
  /** A runner per hook of the definition, by path. */
  readonly hooks: Readonly<Record<string, HookRunner>>;
  /** Every input's values at this row (of a vector: the vector), [width]. */
  readonly columns: Readonly<Record<string, ArrayLike<number>>>;
  readonly params: Readonly<Record<string, number>>;
}

/** The output row, f64 [width]. */
export function rowwiseReference({ hooks, columns, params }: RowwiseRow): Float64Array {
  const reduced = hooks["reduce"]?.(columns, params)[0] ?? 0;
  const width = Object.values(columns)[0]!.length;
  return Float64Array.from({ length: width }, (_, c) => {
    const elements = Object.fromEntries(Object.entries(columns).map(([name, v]) => [name, v[c]!]));
    return hooks["each"]!(elements, params, reduced)[0] as number;
  });
}
