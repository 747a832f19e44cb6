import { assertEquals } from "@std/assert";
import { FuncBuilder } from "./builder.ts";
import { printFunc } from "./print.ts";
import { testMeanSquare, testSpan } from "./testing.ts";
import type { Span } from "./types.ts";

const at = (line: number, column: number): Span => ({
  ...testSpan,
  file: "kernels/prune/think.ts",
  line,
  column,
});

function example() {
  const b = new FuncBuilder("score", at(27, 5));
  const q = b.param({ name: "q", kind: "column" });
  const slopes = b.param({ name: "slopes", kind: "table", type: "f32", rank: 1 });
  const head = b.param({ name: "head", kind: "scalar", type: "i32" });
  b.param({ name: "block", kind: "bytes" });
  const slope = b.load(slopes, [b.arg(head, at(28, 16))], at(28, 9), "slope");
  const product = b.op("mul", [b.reduce(testMeanSquare, q, at(27, 22)), slope], at(27, 14));
  return b.finish([b.op("add", [product, b.constant(-0, "f32", at(27, 40))], at(27, 10))]);
}

Deno.test("printFunc shows types, names and places", () => {
  const [body] = printFunc(example()).split("\nreduction");
  assertEquals(
    body,
    `score(q: column, slopes: table f32 rank 1, head: i32, block: bytes) → f32
  %0:i32 = param head            ; kernels/prune/think.ts:28:16
  %1:f32 = load slopes %0        ; kernels/prune/think.ts:28:9 slope
  %2:f32 = reduce meanSquare q   ; kernels/prune/think.ts:27:22
  %3:f32 = mul %2 %1             ; kernels/prune/think.ts:27:14
  %4:f32 = const -0              ; kernels/prune/think.ts:27:40
  %5:f32 = add %3 %4             ; kernels/prune/think.ts:27:10
  return %5`,
  );
});

Deno.test("printFunc without spans, reductions below", () => {
  assertEquals(
    printFunc(example(), { spans: false }).split("\n").slice(5, 16).join("\n"),
    `  %4:f32 = const -0
  %5:f32 = add %3 %4
  return %5
reduction meanSquare, init 0
  step(a: f32, b: f32) → f32
    %0:f32 = param a
    %1:f32 = param b
    %2:f32 = mul %1 %1
    %3:f32 = add %0 %2
    return %3
  merge(a: f32, b: f32) → f32`,
  );
});
