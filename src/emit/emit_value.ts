/**
 * A function of one result as two texts for a template: its statements, those that depend on nothing varying
 * first, and its value. For where the statements stand together; hooks around an inner loop take them apart.
 */

import type { Func } from "../ir/types.ts";
import { emitFunc } from "./func.ts";
import type { FuncOptions } from "./func.ts";
import { markedText } from "./lines.ts";

/** A value and the statements before it; none: an empty text. */
export interface EmittedValue {
  readonly lines: string;
  readonly value: string;
}

/** Prints `func`; see {@linkcode emitFunc}. */
export function emitValue(func: Func, options: FuncOptions): EmittedValue {
  const { uniform, lines, results } = emitFunc(func, options);
  return { lines: markedText([...uniform, ...lines]), value: results[0]! };
}
