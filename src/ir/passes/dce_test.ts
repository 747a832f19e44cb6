import { assertEquals } from "@std/assert";
import { f32Pair, testSpan } from "../testing.ts";
import { dce } from "./dce.ts";

Deno.test("dce drops what no result needs and keeps the parameters", () => {
  const func = f32Pair("f", (b, x, y) => {
    b.op("exp", [y], testSpan);
    return b.op("neg", [x], testSpan);
  });
  const after = dce(func);
  assertEquals(after.nodes.map((n) => n.kind), ["param", "op"]);
  assertEquals(after.params, func.params);
});
