import { assertEquals, assertThrows } from "@std/assert";
import { FuncBuilder } from "../builder.ts";
import { testMeanSquare, testSpan } from "../testing.ts";
import { hoist } from "./hoist.ts";

Deno.test("hoist splits by what varies, loads and reductions included", () => {
  const b = new FuncBuilder("f", testSpan);
  const slopes = b.param({ name: "slopes", kind: "table", type: "f32", rank: 1 });
  const [head, key] = ["head", "key"].map((name) =>
    b.arg(b.param({ name, kind: "scalar", type: "i32" }), testSpan)
  ) as [number, number];
  const q = b.param({ name: "q", kind: "column" });
  const slope = b.load(slopes, [head], testSpan);
  const distance = b.op("toF32", [key], testSpan);
  const bias = b.op("mul", [slope, distance], testSpan);
  const scale = b.reduce(testMeanSquare, q, testSpan);
  const func = b.finish([b.op("add", [bias, scale], testSpan)]);
  const ids = (varying: string[]) => hoist(func, new Set(varying)).uniform.map((node) => node.id);
  assertEquals(ids(["key"]), [head, slope, scale]);
  assertEquals(ids(["q"]), [head, key, slope, distance, bias]);
  assertEquals(ids(["slopes"]), [head, key, distance, scale]);
  const { uniform, varying } = hoist(func, new Set(["key"]));
  assertEquals(uniform.length + varying.length, func.nodes.length);
  assertThrows(() => ids(["kye"]), TypeError, 'it has no parameter "kye"');
});
