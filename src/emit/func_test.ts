/** How functions read as C. What they compute is held by tests/parity_expressions_test.ts. */

import { assertEquals, assertThrows } from "@std/assert";
import { FuncBuilder } from "../ir/builder.ts";
import { testSpan as span } from "../ir/testing_parts.ts";
import type { OpName, Scalar } from "../ir/types.ts";
import { emitFunc } from "./func.ts";
import { readParams, uniform, varying } from "./arguments.ts";
import type { FuncOptions } from "./func.ts";
import { createScope } from "./names.ts";
import { c } from "./targets/c/mod.ts";

/** A builder with short spellings. */
function start(params: Readonly<Record<string, Scalar>>) {
  const b = new FuncBuilder("f", span);
  const ids = Object.entries(params).map(([name, type]) =>
    b.arg(b.param({ name, kind: "scalar", type }), span)
  );
  const op = (name: OpName, args: readonly number[], label?: string) =>
    b.op(name, args, span, label);
  const f32 = (value: number) => b.constant(value, "f32", span);
  const i32 = (value: number) => b.constant(value, "i32", span);
  return { b, ids, op, f32, i32 };
}

type Given = Omit<FuncOptions, "target" | "scope">;
const emit = (func: ReturnType<FuncBuilder["finish"]>, options: Given) => {
  const { uniform, lines, results } = emitFunc(func, {
    target: c,
    scope: createScope(),
    ...options,
  });
  return [uniform.map((l) => l.text), lines.map((l) => l.text), results];
};

Deno.test("values read once are printed in place, the author's names stay", () => {
  const { b, ids: [x, y], op, f32 } = start({ x: "f32", y: "f32" });
  const gate = op("exp", [op("neg", [x!])], "expGate");
  const func = b.finish([op("mul", [op("div", [x!, op("add", [f32(1), gate])]), y!])]);
  assertEquals(emit(func, { form: "scalar", args: [varying("gate"), varying("up")] }), [
    [],
    ["const float exp_gate = kerf_exp(-gate);"],
    ["gate / (1.0f + exp_gate) * up"],
  ]);
});

Deno.test("a value read twice gets a name unless it is short", () => {
  const { b, ids: [i, j], op, i32 } = start({ i: "i32", j: "i32" });
  const short = op("add", [i!, i32(1)]);
  const long = op("imul", [op("xor", [i!, j!]), i32(7)]);
  const func = b.finish([op("sub", [op("mul", [short, long]), op("mul", [long, short])])]);
  assertEquals(emit(func, { form: "scalar", args: [varying("i"), varying("j")] }), [
    [],
    ["const int32_t index = (i ^ j) * 7;"],
    ["(i + 1) * index - index * (i + 1)"],
  ]);
});

Deno.test("what does not vary comes out apart, in scalars", () => {
  const { b, ids: [x, eps], op, f32 } = start({ x: "f32", eps: "f32" });
  const scale = op("div", [f32(1), op("sqrt", [eps!])], "scale");
  const func = b.finish([op("max", [op("mul", [x!, scale]), f32(0)])]);
  const args = [varying("x"), uniform("args->eps")];
  assertEquals(emit(func, { form: "lanes", args, into: ["y"] }), [
    ["const float scale = 1.0f / sqrtf(args->eps);"],
    ["const f32x16 y = kerf_max16(x * scale, kerf_splat16(0.0f));"],
    ["y"],
  ]);
});

Deno.test("results of lanes are vectors even when nothing varies", () => {
  const { b, ids: [p], f32 } = start({ p: "bool" });
  const func = b.finish([f32(2), p!]);
  assertEquals(emit(func, { form: "lanes", args: [uniform("p")] }), [
    [],
    [],
    ["kerf_splat16(2.0f)", "kerf_mask16(p)"],
  ]);
});

Deno.test("a guard inside the branch of the same condition is left out where C evaluates one branch", () => {
  const { b, ids: [i], op, i32 } = start({ i: "i32" });
  const bytes = b.param({ name: "b", kind: "bytes" });
  const low = op("lt", [i!, i32(16)]);
  const at = op("select", [low, op("add", [i!, i32(4)]), i32(0)]);
  const other = op("select", [low, i32(0), op("sub", [i!, i32(12)])]);
  const func = b.finish([op("select", [
    low,
    op("and", [b.load(bytes, [at], span), i32(15)]),
    op("shr", [b.load(bytes, [other], span), i32(4)]),
  ])]);
  assertEquals(emit(func, { form: "scalar", args: [varying("i"), varying("b")] })[2], [
    "i < 16 ? b[i + 4] & 15 : b[i - 12] >> 4",
  ]);
  assertEquals([...readParams(func)].sort(), [0, 1]);
});

Deno.test("a shift's count is cut to 31 unless it is known to be less", () => {
  const { b, ids: [i], op, i32 } = start({ i: "i32" });
  const func = b.finish([
    op("shl", [i!, op("mul", [op("and", [i!, i32(7)]), i32(4)])]),
    op("shr", [i!, op("and", [i!, i32(15)])]),
    op("shl", [i!, i!]),
    op("ushr", [i!, i32(3)]),
  ]);
  assertEquals(emit(func, { form: "scalar", args: [varying("i")] })[2], [
    "i << ((i & 7) * 4)",
    "i >> (i & 15)",
    "i << (i & 31)",
    "(int32_t)((uint32_t)i >> 3)",
  ]);
});

Deno.test("tables of rank 2 are indexed row-major, by the sizes given", () => {
  const { b, ids: [layer, head] } = start({ layer: "i32", head: "i32" });
  const widths = b.param({ name: "widths", kind: "table", type: "i32", rank: 2 });
  const func = b.finish([b.load(widths, [layer!, head!], span)]);
  const args = [varying("layer"), varying("head"), uniform("widths", ["", "n_heads"])];
  assertEquals(emit(func, { form: "scalar", args })[2], [
    "(int32_t)widths[layer * n_heads + head]",
  ]);
  const bare = [varying("layer"), varying("head"), uniform("widths")];
  assertThrows(() => emit(func, { form: "scalar", args: bare }), TypeError, "shape is not given");
});

Deno.test("arguments must match parameters", () => {
  const { b, ids: [x] } = start({ x: "f32" });
  const func = b.finish([x!]);
  assertThrows(() => emit(func, { form: "scalar", args: [] }), TypeError, "0 arguments for 1");
});
