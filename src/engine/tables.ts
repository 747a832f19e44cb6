/**
 * The values of a variant's declared tables for one model: computed by the variant, or read from the
 * safetensors file that a spec names (`my_variant:widths=widths.safetensors`). Shapes are checked
 * against the model either way.
 */

import { resolve } from "@std/path";
import { KerfError } from "../core/error.ts";
import { pathName, tableValues } from "../dsl/table.ts";
import type { ModelDims, TableSpec, TableSpecs } from "../dsl/table.ts";
import { readSafetensors } from "../model/safetensors.ts";
import type { SpecValue } from "./spec.ts";

/** The values of a variant's tables, by name. */
export type TableData = Readonly<Record<string, Float32Array | Uint32Array>>;

/**
 * Fills every table of a variant.
 *
 * @param values what the spec says: a path for every table that is read from a file, relative to INIT_CWD
 * @throws {KerfError} exit code 2: no path given; 1: the file lacks the tensor or has another shape
 */
export async function fillTables(
  owner: string,
  tables: TableSpecs,
  { dims, values }: { dims: ModelDims; values: Readonly<Record<string, SpecValue>> },
): Promise<TableData> {
  const filled: Record<string, Float32Array | Uint32Array> = {};
  for (const [name, spec] of Object.entries(tables)) {
    const key = pathName(name, spec);
    filled[name] = key === undefined
      ? tableValues(name, spec, dims)
      : await fromFile({ owner, name, key, path: values[key] }, spec, dims);
  }
  return filled;
}

async function fromFile(
  { owner, name, key, path }: {
    readonly owner: string;
    readonly name: string;
    readonly key: string;
    readonly path: SpecValue | undefined;
  },
  spec: TableSpec,
  dims: ModelDims,
): Promise<Float32Array | Uint32Array> {
  if (typeof path !== "string") {
    throw new KerfError(`Cannot use "${owner}": its table "${name}" is read from a file`, {
      hint: `name the file: ${owner}:${key}=FILE.safetensors`,
      exitCode: 2,
    });
  }
  const file = resolve(Deno.env.get("INIT_CWD") ?? Deno.cwd(), path);
  const tensor = (await readSafetensors(file)).get(spec.file!);
  const shape = spec.shape.map((d) => dims[d]);
  if (!tensor || tensor.shape.join() !== shape.join()) {
    const state = tensor ? `it is [${tensor.shape.join(", ")}]` : "there is none";
    throw new KerfError(
      `Cannot read tensor "${spec.file}" of "${path}" as [${shape.join(", ")}]: ${state}`,
      { hint: `the model's ${spec.shape.join(", ")} are ${shape.join(", ")}` },
    );
  }
  const numbers = Array.from(tensor.data, Number);
  return spec.dtype === "f32" ? Float32Array.from(numbers) : Uint32Array.from(numbers);
}

/** An author's name as kernels spell it: `queryPosition` → `query_position`. */
export const kernelSpelling = (name: string): string =>
  name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toLowerCase();

/** A record with its keys as kernels spell them. */
export const inKernelSpelling = <T>(values: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [kernelSpelling(name), value]));
