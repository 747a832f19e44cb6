/** Edits of kernels/: comparing a kernel with its author's function cannot see them. */

import type { Mutant } from "./mutant.ts";

/** Definitions. */
export const DEFINITIONS: readonly Mutant[] = [
  {
    name: "a query does not see itself",
    file: "kernels/attention/causal.ts",
    find: "keyPosition <= queryPosition",
    replace: "keyPosition < queryPosition",
    tests: ["src/reference/attention_test.ts"],
  },
  {
    name: "RoPE pairs swapped",
    file: "kernels/ops/append.ts",
    find: 'pairing: "half"',
    replace: 'pairing: "interleaved"',
    tests: ["tests/parity/append.ts"],
    only: "append stores rows behind",
  },
  {
    name: "RoPE turns the other way",
    file: "kernels/ops/rope_half.ts",
    find: "a * cos - b * sin",
    replace: "a * cos + b * sin",
    tests: ["tests/forward_test.ts"],
    generated: true,
  },
  {
    name: "a file's nibbles in the wrong order",
    file: "kernels/storage/q4_1.ts",
    find: "i < 16 ?",
    replace: "i >= 16 ?",
    tests: ["tests/storage_test.ts"],
  },
  {
    name: "a file's minimum added, not subtracted",
    file: "kernels/storage/q4_k.ts",
    find: "-f16ToF32(",
    replace: "f16ToF32(",
    tests: ["tests/storage_test.ts"],
  },
  {
    name: "a score without its queries",
    file: "kernels/prune/think.ts",
    find: "meanSquare(q) * meanSquare(k)",
    replace: "meanSquare(k)",
    tests: ["tests/oracles_test.ts"],
    generated: true,
    only: "oracles 2 and 4",
  },
];
