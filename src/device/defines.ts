/** Compile-time values of a kernel: all that its signature names, and nothing else, on every target. */

import type { KernelRequest } from "./types.ts";

/** @throws {TypeError} a define is missing, unknown or no integer */
export function checkDefines({ entry, defines }: Pick<KernelRequest, "entry" | "defines">): void {
  const { name, defines: wanted } = entry.signature;
  for (const define of wanted) {
    const value = defines[define];
    if (!Number.isInteger(value)) {
      throw new TypeError(`Cannot compile kernel "${name}": define "${define}" is ${value}`);
    }
  }
  const unknown = Object.keys(defines).find((define) => !wanted.includes(define));
  if (unknown !== undefined) {
    throw new TypeError(`Cannot compile kernel "${name}": it has no define "${unknown}"`);
  }
}
