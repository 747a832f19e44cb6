/** What a score's own parameters and tables are in its kernel: constants and buffers. */

import { KerfError } from "../../core/error.ts";
import type { Pruning } from "../../dsl/pruning.ts";
import { uniform } from "../arguments.ts";
import type { Argument } from "../arguments.ts";
import { snakeCase } from "../names.ts";
import { tableArgument } from "../table_argument.ts";
import type { EmitTarget } from "../target.ts";
import type { KernelSource } from "../types.ts";

/** Whose parameter it is, and what else the kernel has. */
export interface ScoreArgumentOptions {
  readonly source: KernelSource;
  readonly target: EmitTarget;
  /** The parameters and tables that the score reads. */
  readonly read: ReadonlySet<string>;
  /** The constants of the kernel itself. */
  readonly own: readonly string[];
  /** What declares the window: the name of a parameter, or a number. */
  readonly window: string | number | undefined;
}

/**
 * The table or the constant that a name of the score stands for.
 *
 * @throws {KerfError} the score reads a parameter that has the name of one of the kernel's own constants
 */
export function scoreArgument(name: string, options: ScoreArgumentOptions): Argument {
  const { source, target, read, own, window } = options;
  const { name: variant, params, tables } = source.definition as Pruning;
  const table = tables[name];
  if (table !== undefined) return tableArgument(name, table, target);
  const constant = snakeCase(name);
  // The window that the score reads and the one that the kernel was given are the same number.
  const isWindow = constant === "window" && params[name]!.integer && window === name;
  if (read.has(name) && own.includes(constant) && !isWindow) {
    throw new KerfError(
      `Cannot emit the scores of "${variant}": its parameter "${name}" has the name of one of the ` +
        "kernel's own constants",
      { where: source.file, hint: `rename "${name}"` },
    );
  }
  return uniform(target.constant(constant));
}
