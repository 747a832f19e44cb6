/**
 * Tables: read-only tensors an author needs beside q and k, computed in TypeScript when a plan is made
 * or read from a safetensors file that a parameter names. One buffer each, indexed by layer, head,
 * channel or position.
 */

import type { HookArg } from "./types.ts";

/** Dimensions of the model a table may be shaped by and computed from. */
export interface ModelDims {
  readonly nLayers: number;
  readonly nHeads: number;
  readonly nKvHeads: number;
  readonly headDim: number;
  readonly nCtx: number;
}

/** A declared table. */
export interface TableSpec {
  /** Dimension names, outermost first. */
  readonly shape: readonly (keyof ModelDims)[];
  readonly dtype: "f32" | "u32";
  /** Row-major values; or, with `file`, absent. */
  readonly from?: (dims: ModelDims) => ArrayLike<number>;
  /** The tensor's name in a safetensors file that the spec names. */
  readonly file?: string;
  /** What the spec names that file by; tables may share one. Default: the table's own name. */
  readonly path?: string;
}

export type TableSpecs = Readonly<Record<string, TableSpec>>;

/**
 * Declares a table: f32 or u32 of the given shape, row-major.
 *
 * @throws {TypeError} not exactly one of `from` and `file`
 *
 * @example
 * ```ts
 * import { table } from "kerf/dsl";
 * const from = ({ nHeads }: { nHeads: number }) => Array.from({ length: nHeads }, (_, h) => 1 / (h + 1));
 * const slopes = table({ shape: ["nHeads"], dtype: "f32", from });
 * if (slopes.shape[0] !== "nHeads") throw new Error("wrong");
 * ```
 */
export function table(spec: TableSpec): TableSpec {
  if ((spec.from === undefined) === (spec.file === undefined)) {
    throw new TypeError("Cannot declare a table: give exactly one of `from` and `file`");
  }
  return Object.freeze({ ...spec });
}

/** What a spec names a table's file by; undefined: the table is computed. */
export const pathName = (name: string, { file, path }: TableSpec): string | undefined =>
  file === undefined ? undefined : path ?? name;

/**
 * The values of a computed table for a model, row-major.
 *
 * @throws {RangeError} their number is not the shape's
 * @throws {TypeError} the table is read from a file
 */
export function tableValues(
  name: string,
  spec: TableSpec,
  dims: ModelDims,
): Float32Array | Uint32Array {
  const length = spec.shape.reduce((n, d) => n * dims[d], 1);
  if (spec.from === undefined) {
    throw new TypeError(`Cannot compute table "${name}": its values are in a file`);
  }
  const values = spec.from(dims);
  if (values.length !== length) {
    throw new RangeError(
      `Cannot use table "${name}": it has ${values.length} values, its shape [${spec.shape}] ` +
        `needs ${length}`,
    );
  }
  return spec.dtype === "f32" ? Float32Array.from(values) : Uint32Array.from(values);
}

/** The IR types of tables, for hook schemas. */
export function tableArgs(tables: TableSpecs): Record<string, HookArg> {
  return Object.fromEntries(
    Object.entries(tables).map(([name, t]) => [
      name,
      { kind: "table", type: t.dtype === "f32" ? "f32" : "i32", rank: t.shape.length },
    ]),
  );
}

/** What a table is to an author's function: nested array-likes, outermost dimension first. */
// deno-lint-ignore no-explicit-any -- the rank is data; the front end checks every index
export type TableView = any;

/** Row-major values as nested array-likes of the given sizes. */
export function tableView(values: ArrayLike<number>, sizes: readonly number[]): TableView {
  if (sizes.length <= 1) return values;
  const inner = sizes.slice(1).reduce((a, b) => a * b, 1);
  return Array.from(
    { length: sizes[0]! },
    (_, i) =>
      tableView(Array.prototype.slice.call(values, i * inner, (i + 1) * inner), sizes.slice(1)),
  );
}
