/** The error of a device that has no room for something: the one failure that a smaller run avoids. */

import { KerfError } from "../core/error.ts";

/** Flags that make everything a run holds smaller. */
export const SMALLER: readonly string[] = [
  "a shorter context: -c 2048",
  "a smaller cache: --kv-max 256M",
  "smaller steps: -ub 64",
];

/** There is no room; the message says how much was asked and how much there is. */
export class OutOfMemory extends KerfError {
  override name = "OutOfMemory";

  /** @param options `hint`: what else helps, behind {@linkcode SMALLER} */
  constructor(message: string, options: { hint?: string; cause?: unknown } = {}) {
    const { hint, cause } = options;
    super(message, { hint: hint === undefined ? SMALLER : [...SMALLER, hint], cause });
  }
}
