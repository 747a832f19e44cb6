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
  {
    name: "C rounds halves up",
    file: "src/emit/targets/c/ops.ts",
    find: 'round: named("rintf")',
    replace: 'round: named("roundf")',
    tests: ["tests/property_expressions_test.ts"],
    only: "as c are",
  },
  {
    name: "CUDA's shifts do not take their count modulo 32",
    file: "src/emit/targets/cuda/ops.ts",
    find: 'cast("u32", a!), shiftCount(b!)',
    replace: 'cast("u32", a!), b!',
    tests: ["tests/property_expressions_test.ts"],
    only: "as cuda are",
  },
  {
    name: "WGSL's select takes the other branch",
    file: "src/emit/targets/wgsl/ops.ts",
    find: 'call("select", condition(b!), condition(a!)',
    replace: 'call("select", condition(a!), condition(b!)',
    tests: ["tests/property_expressions_test.ts"],
    only: "as wgsl are",
  },
  {
    name: "a comparison near a tie taken for certain",
    file: "src/ir/exact_range.ts",
    find: "lt: compared(below, swapped(notAbove))",
    replace: "lt: compared(below, (a, b) => !below(a, b))",
    tests: ["src/ir/error_bound_test.ts"],
  },
];
