/** Plan-time tables as arguments of hooks: the buffer of the table's name, and its sizes for indexing. */

import { KerfError } from "../core/error.ts";
import type { TableSpec } from "../dsl/table.ts";
import { uniform } from "./arguments.ts";
import type { Argument } from "./arguments.ts";
import { snakeCase } from "./names.ts";
import type { EmitTarget } from "./target.ts";

/** Constants that hold a dimension. HEAD_DIM is a define; nCtx no kernel knows. */
const SIZES: Readonly<Record<string, string>> = {
  nLayers: "n_layers",
  nHeads: "n_heads",
  nKvHeads: "n_kv_heads",
};

/**
 * Table `name` as an argument.
 *
 * @throws {KerfError} a dimension that kernels do not know stands behind another
 */
export function tableArgument(name: string, spec: TableSpec, target: EmitTarget): Argument {
  const dims = spec.shape.map((dim, axis) => {
    if (dim === "headDim") return target.countAsI32("HEAD_DIM");
    const size = SIZES[dim];
    if (size !== undefined) return target.countAsI32(target.constant(size));
    // The outermost size is never multiplied by.
    if (axis === 0) return dim;
    throw new KerfError(`Cannot index table "${name}": ${dim} stands behind ${spec.shape[0]}`, {
      hint: `put ${dim} first in the table's shape`,
    });
  });
  return uniform(target.binding(snakeCase(name)), dims);
}
