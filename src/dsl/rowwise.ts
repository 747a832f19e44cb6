/**
 * Row-wise kernels: one row of activations in, one row out. `reduce` makes one number of the row (a mean
 * square), `each` makes every output element; the template owns the loops over rows and columns.
 */

import { paramArgs } from "./params.ts";
import type { ParamSpecs, ParamValues } from "./params.ts";
import { column, record, scalar } from "./types.ts";
import type { Column, Definition, f32, Hook, HookArg } from "./types.ts";

/** `row`: f32 [nRows, width]. `vector`: f32 [width], the same for every row. */
export type RowInput = "row" | "vector";

/** `f32`: values. `q8`: codes of 8 bits with a scale for every 32 of them (src/core/quantized_row.ts). */
export type StoredAs = "f32" | "q8";

/** What an author writes. */
export interface RowwiseSpec<I extends Readonly<Record<string, RowInput>>, P extends ParamSpecs> {
  readonly name: string;
  readonly source?: string;
  readonly inputs: I;
  readonly params?: P;
  /** `all`: every row of the step. `listed`: the rows that want logits, gathered by index. */
  readonly rows?: "all" | "listed";
  /** What is made of the output: values, 8-bit codes that products read, or a kernel for each. Default values. */
  readonly stores?: readonly StoredAs[];
  /** One number of the row. */
  readonly reduce?: (columns: { readonly [K in keyof I]: Column }, params: ParamValues<P>) => f32;
  /** One element of the output from the elements at its column. `reduced` is 0 without `reduce`. */
  readonly each: (
    elements: { readonly [K in keyof I]: f32 },
    params: ParamValues<P>,
    reduced: f32,
  ) => f32;
  /** What an element adds to its row's sum, which is left block by block where codes are stored. */
  readonly summed?: (elements: { readonly [K in keyof I]: f32 }) => f32;
}

/** A declared row-wise kernel. */
export interface Rowwise extends Definition {
  readonly kind: "rowwise";
  readonly inputs: Readonly<Record<string, RowInput>>;
  readonly params: ParamSpecs;
  readonly rows: "all" | "listed";
  readonly stores: readonly StoredAs[];
}

const fields = (names: readonly string[], arg: HookArg) =>
  record(Object.fromEntries(names.map((name) => [name, arg])));

/** Declares a row-wise kernel; a file in kernels/ops/ exports one as its default. */
export function rowwise<
  I extends Readonly<Record<string, RowInput>>,
  P extends ParamSpecs = Record<never, never>,
>(spec: RowwiseSpec<I, P>): Rowwise {
  const params: ParamSpecs = spec.params ?? {};
  const stores: readonly StoredAs[] = spec.stores ?? ["f32"];
  const names = Object.keys(spec.inputs);
  const values = record(paramArgs(params));
  const hooks: Hook[] = [];
  if (spec.reduce) {
    hooks.push({
      path: "reduce",
      run: spec.reduce,
      args: [fields(names, column), values],
      results: ["f32"],
    });
  }
  hooks.push({
    path: "each",
    run: spec.each,
    args: [fields(names, scalar("f32")), values, scalar("f32")],
    results: ["f32"],
  });
  if (spec.summed) {
    const args = [fields(names, scalar("f32"))];
    hooks.push({ path: "summed", run: spec.summed, args, results: ["f32"] });
  }
  return Object.freeze({
    kind: "rowwise",
    name: spec.name,
    ...(spec.source === undefined ? {} : { source: spec.source }),
    inputs: spec.inputs,
    params,
    rows: spec.rows ?? "all",
    stores,
    hooks,
  });
}
