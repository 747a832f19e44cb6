import { assertEquals } from "@std/assert";
import { FuncBuilder } from "../builder.ts";
import { f32Pair, testMeanSquare, testSpan } from "../testing.ts";
import { cse } from "./cse.ts";

Deno.test("cse merges equal nodes, keeps a name, tells −0 from 0 and operand order apart", () => {
  const func = f32Pair("f", (b, x, y) => {
    const sum = b.op("add", [x, y], testSpan);
    const swapped = b.op("add", [y, x], testSpan, "total");
    const difference = b.op("sub", [x, y], testSpan);
    const reversed = b.op("sub", [y, x], testSpan);
    const zeros = b.op(
      "div",
      [b.constant(0, "f32", testSpan), b.constant(-0, "f32", testSpan)],
      testSpan,
    );
    return [swapped, difference, reversed, zeros].reduce(
      (a, c) => b.op("mul", [a, c], testSpan),
      sum,
    );
  });
  const after = cse(func);
  assertEquals(after.nodes.length, func.nodes.length - 1);
  assertEquals(after.nodes.find((n) => n.kind === "op" && n.op === "add")?.name, "total");
});

Deno.test("cse merges reductions that do the same, whatever object holds them", () => {
  const b = new FuncBuilder("f", testSpan);
  const q = b.param({ name: "q", kind: "column" });
  const k = b.param({ name: "k", kind: "column" });
  const reductions = [
    b.reduce(testMeanSquare, q, testSpan),
    b.reduce({ ...testMeanSquare }, q, testSpan),
    b.reduce(testMeanSquare, k, testSpan),
    b.reduce({ ...testMeanSquare, init: 1 }, q, testSpan),
  ];
  const after = cse(b.finish(reductions));
  assertEquals(after.results, [0, 0, 1, 2]);
});
