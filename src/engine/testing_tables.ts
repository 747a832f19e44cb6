/** For tests: the spec of a variant with files for the tables that it reads. */

import { pathName } from "../dsl/table.ts";
import type { ModelDims, TableSpecs } from "../dsl/table.ts";
import { encodeSafetensors } from "../model/write_safetensors.ts";
import type { WrittenTable } from "../model/write_safetensors.ts";
import type { TestFolder } from "../model/testing_files.ts";

/**
 * A variant as a spec; one whose tables come from a file gets one with values of the right shapes: half of
 * headDim where they are counts, else numbers that all differ.
 */
export async function specWithTables(
  { name, tables }: { readonly name: string; readonly tables?: TableSpecs },
  dims: ModelDims,
  folder: TestFolder,
): Promise<string> {
  const keys = new Set<string>();
  const written: Record<string, WrittenTable> = {};
  for (const [own, table] of Object.entries(tables ?? {})) {
    const key = pathName(own, table);
    if (key === undefined) continue;
    keys.add(key);
    const shape = table.shape.map((dim) => dims[dim]);
    const length = shape.reduce((n, size) => n * size, 1);
    written[table.file!] = table.dtype === "u32"
      ? { type: "U32", shape, data: new Uint32Array(length).fill(dims.headDim / 2) }
      : { type: "F32", shape, data: Float32Array.from({ length }, (_, i) => i * 7919 % length) };
  }
  if (keys.size === 0) return name;
  const path = await folder.write(`${name}.safetensors`, encodeSafetensors(written));
  return `${name}:${[...keys].map((key) => `${key}=${path}`).join()}`;
}
