/**
 * A definition's numbers in one case: parameters, tables, and its hooks as the author wrote them and as IR
 * with rounding. Tables that a user would read from a file are filled with random numbers.
 */

import { resolveParams } from "../dsl/params.ts";
import type { ParamSpecs, ParamValues } from "../dsl/params.ts";
import type { Pruning } from "../dsl/pruning.ts";
import { tableValues, tableView } from "../dsl/table.ts";
import type { ModelDims, TableSpec, TableSpecs, TableView } from "../dsl/table.ts";
import type { Definition } from "../dsl/types.ts";
import { hookArguments } from "../reference/hooks.ts";
import { snakeCase } from "../emit/names.ts";
import type { KernelSource } from "../emit/types.ts";
import { paramsOf } from "./case_choices.ts";
import type { ParamChoice } from "./cases.ts";
import { randomFrom } from "./numbers.ts";
import { roundedFunction } from "./rounding.ts";
import type { Rounded, RoundedArg } from "./rounding.ts";

/** A variant: what parameters and tables are declared by. */
export interface Variant extends Definition {
  readonly params: ParamSpecs;
  readonly tables: TableSpecs;
}

/** A variant's numbers. */
export interface Values {
  readonly params: Readonly<Record<string, number>>;
  /** The same in kernels' spelling. */
  readonly constants: Readonly<Record<string, number>>;
  /** Row-major, as kernels bind them, in their spelling. */
  readonly tables: Readonly<Record<string, Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>>>;
  /** Parameters and tables as hooks read them. */
  readonly context: Readonly<Record<string, number | TableView>>;
}

/** The parameters of a variant in a case. */
export function paramValues(
  { name, params, ...variant }: Pick<Variant, "name" | "params"> & Partial<Pick<Pruning, "steps">>,
  choice: ParamChoice,
): ParamValues {
  const codes = variant.steps?.some(({ kind }) => kind === "codes") ?? false;
  return resolveParams(name, params, paramsOf(params, choice, { codes }));
}

/** Parameters and tables for a model of these dimensions. */
export function valuesOf(
  variant: Variant,
  options: { readonly params: ParamChoice; readonly dims: ModelDims },
): Values {
  const { dims } = options;
  const params = paramValues(variant, options.params);
  const tables: Record<string, Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>> = {};
  const context: Record<string, number | TableView> = { ...params };
  for (const [table, spec] of Object.entries(variant.tables)) {
    const values = caseTable(table, spec, dims);
    tables[snakeCase(table)] = values as Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;
    context[table] = tableView(values, spec.shape.map((dim) => dims[dim]));
  }
  const constants = Object.fromEntries(
    Object.entries(params).map(([name, value]) => [snakeCase(name), value]),
  );
  return { params, constants, tables, context };
}

/** A table's values in a case, row-major. */
export function caseTable(
  name: string,
  spec: TableSpec,
  dims: ModelDims,
): Float32Array | Uint32Array {
  if (spec.from) return tableValues(name, spec, dims);
  const { shape, dtype } = spec;
  const length = shape.reduce((n, dim) => n * dims[dim], 1);
  const random = randomFrom(length);
  return dtype === "f32"
    ? Float32Array.from({ length }, random)
    : Uint32Array.from({ length }, () => 1 + Math.floor(8 * Math.abs(random())));
}

/** A hook on arguments as the author takes them; a scalar that is off comes as {@linkcode Rounded}. */
export type RoundedHook = (...args: readonly unknown[]) => Rounded[];

/** The hook `path` of a definition as IR. */
export function roundedHook({ definition, funcs }: KernelSource, path: string): RoundedHook {
  const run = roundedFunction(funcs[path]!);
  const flatten = hookArguments(definition, path);
  return (...args) => run(flatten(args) as RoundedArg[]);
}
