/** Spans, small functions and reductions that tests build with. Only tests import them. */

import { FuncBuilder } from "./builder.ts";
import type { Func, Reduction, Span } from "./types.ts";

/** A span for functions that no file holds. */
export const testSpan: Span = { file: "test.ts", line: 1, column: 1, endLine: 1, endColumn: 2 };

/** A function of two f32 parameters, as reductions are made of. */
export function f32Pair(
  name: string,
  body: (builder: FuncBuilder, a: number, b: number) => number,
): Func {
  const builder = new FuncBuilder(name, testSpan);
  const [a, b] = ["a", "b"].map((p) =>
    builder.arg(builder.param({ name: p, kind: "scalar", type: "f32" }), testSpan)
  ) as [number, number];
  return builder.finish([body(builder, a, b)]);
}

/** Σ x² / n. */
export const testMeanSquare: Reduction = {
  name: "meanSquare",
  init: 0,
  step: f32Pair("step", (b, acc, x) => b.op("add", [acc, b.op("mul", [x, x], testSpan)], testSpan)),
  merge: f32Pair("merge", (b, left, right) => b.op("add", [left, right], testSpan)),
  finish: f32Pair("finish", (b, acc, n) => b.op("div", [acc, n], testSpan)),
};

/** max |x|. */
export const testMaxAbs: Reduction = {
  name: "maxAbs",
  init: 0,
  step: f32Pair("step", (b, acc, x) => b.op("max", [acc, b.op("abs", [x], testSpan)], testSpan)),
  merge: f32Pair("merge", (b, left, right) => b.op("max", [left, right], testSpan)),
  finish: f32Pair("finish", (_, acc) => acc),
};
