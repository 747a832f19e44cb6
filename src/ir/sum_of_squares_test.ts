/** Which of the reductions that ship an orthogonal basis leaves alone: those, and no others, are said to be. */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import * as dsl from "../dsl/mod.ts";
import type { ReductionFn } from "../dsl/mod.ts";
import { loadSources } from "../emit/sources.ts";
import { turnReference } from "../reference/mod.ts";
import { projectRoot } from "../sys/cache_dir.ts";
import { sumsSquares } from "./sum_of_squares.ts";
import type { Reduction } from "./types.ts";

const shipped = Object.values(dsl).flatMap((value) =>
  typeof value === "function" && "spec" in value ? [value as ReductionFn] : []
);

Deno.test("norm, sumSquare and meanSquare are the same of a turned row, the others are not", () => {
  const row = Array.from({ length: 32 }, (_, c) => Math.sin(5 * c) * (c === 3 ? 12 : 1));
  const turned = turnReference(row);
  const same = shipped.filter((reduce) => Math.abs(reduce(row) - reduce(turned)) < 1e-9);
  assertEquals(same.map(({ spec }) => spec.name).sort(), ["meanSquare", "norm", "sumSquare"]);
  assertAlmostEquals(turnReference(turned)[3]!, row[3]!, 1e-12);
});

Deno.test("what the IR of a reduction says is what its function does", async () => {
  const { sources } = await loadSources(projectRoot());
  const found = new Map<string, Reduction>();
  for (const { funcs } of sources) {
    for (const { nodes } of Object.values(funcs)) {
      for (const node of nodes) {
        if (node.kind === "reduce") found.set(node.reduction.name, node.reduction);
      }
    }
  }
  assert(found.size >= 3, "too few reductions are in use");
  for (const [name, reduction] of found) {
    const isKnown = ["meanSquare", "norm", "sumSquare"].includes(name);
    assertEquals(sumsSquares(reduction), isKnown, name);
  }
});
