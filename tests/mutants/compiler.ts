/** Edits of the front end, the IR and the op tables. */

import type { Mutant } from "./mutant.ts";

/** Front end and IR. */
export const COMPILER: readonly Mutant[] = [
  {
    name: "a comparison read as another",
    file: "src/frontend/operators.ts",
    find: '[SyntaxKind.LessThanEqualsToken, "le"]',
    replace: '[SyntaxKind.LessThanEqualsToken, "lt"]',
    tests: ["src/frontend/accept_test.ts", "src/frontend/kernels_test.ts"],
  },
  {
    name: "constants folded in f64",
    file: "src/ir/passes/fold.ts",
    find: 'evaluate(node.op, types, constants, "f32")',
    replace: 'evaluate(node.op, types, constants, "f64")',
    tests: ["src/ir/passes/fold_test.ts"],
  },
  {
    name: "x + 0 dropped, though −0 + 0 is 0",
    file: "src/ir/passes/fold.ts",
    find: "add: { f32: both(-0)",
    replace: "add: { f32: both(0)",
    tests: ["src/ir/passes/fold_test.ts"],
  },
  {
    name: "a varying node hoisted",
    file: "src/ir/passes/hoist.ts",
    find: "if (reads || operandsOf(node).some((id) => changing.has(id)))",
    replace: "if (reads)",
    tests: ["src/ir/passes/hoist_test.ts"],
  },
  {
    name: "a wrong operator in C's op table",
    file: "src/emit/targets/c/ops.ts",
    find: 'sub: arithmetic("-", P.add)',
    replace: 'sub: arithmetic("+", P.add)',
    tests: ["tests/parity/rowwise.ts"],
    only: "rope_half",
  },
];
