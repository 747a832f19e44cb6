/**
 * How much of JavaScript's heap a command may fill with what is young before V8 clears it. Weights and cache lie
 * outside that heap; what a command keeps there is not bounded.
 */

import type { Command } from "./flags/command.ts";

/**
 * Deno's flags for a command's heap. Where a model runs little of the heap is alive at any time, so 2 MiB, not
 * V8's 16, for the newest objects take nothing off its speed and 15 to 36 MiB off a process' peak. `gen`, which
 * keeps what it reads, would be a tenth slower.
 *
 * @example
 * ```ts
 * import { heapFlags } from "./heap_flags.ts";
 * if (heapFlags({ flags: [] }).length > 0) throw new Error("a command without a model");
 * ```
 */
export const heapFlags = (
  { flags }: { readonly flags: readonly Pick<Command["flags"][number], "name">[] },
): string[] => flags.some(({ name }) => name === "m") ? ["--v8-flags=--max-semi-space-size=2"] : [];
