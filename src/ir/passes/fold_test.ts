import { assert, assertEquals } from "@std/assert";
import { FuncBuilder } from "../builder.ts";
import { printFunc } from "../print.ts";
import { testSpan } from "../testing.ts";
import type { Func, OpName, Scalar } from "../types.ts";
import type { Value } from "../value.ts";
import { dce } from "./dce.ts";
import { fold } from "./fold.ts";

/** The node that `op` of x (a parameter) and a constant becomes. */
function foldedWith(op: OpName, type: Scalar, value: Value, side: "left" | "right") {
  const b = new FuncBuilder("f", testSpan);
  const x = b.arg(b.param({ name: "x", kind: "scalar", type }), testSpan);
  const c = b.constant(value, type, testSpan);
  const func = dce(fold(b.finish([b.op(op, side === "left" ? [c, x] : [x, c], testSpan)])));
  return printFunc(func, { spans: false }).split("\n").at(1)!.split(" = ")[1]! +
    (func.nodes.length > 1 ? " …" : "");
}

Deno.test("fold uses identities that keep every bit, and no others", () => {
  const kept: [OpName, Scalar, Value, "left" | "right"][] = [
    ["mul", "f32", 1, "left"],
    ["mul", "f32", 1, "right"],
    ["add", "f32", -0, "left"],
    ["sub", "f32", 0, "right"],
    ["div", "f32", 1, "right"],
    ["add", "i32", 0, "left"],
    ["and", "i32", -1, "right"],
    ["shl", "i32", 0, "right"],
    ["land", "bool", true, "left"],
  ];
  for (const c of kept) assertEquals(foldedWith(...c), "param x", c.join(" "));
  const untouched: [OpName, Scalar, Value, "left" | "right"][] = [
    ["add", "f32", 0, "right"],
    ["sub", "f32", -0, "right"],
    ["sub", "f32", 0, "left"],
    ["mul", "f32", 0, "right"],
    ["div", "f32", 1, "left"],
    ["div", "f32", 2, "right"],
    ["sub", "i32", 0, "left"],
    ["shl", "i32", 0, "left"],
    ["shl", "i32", 32, "right"],
    ["idiv", "i32", 1, "left"],
  ];
  for (const c of untouched) assert(foldedWith(...c).endsWith("…"), c.join(" "));
  assertEquals(foldedWith("mul", "i32", 0, "left"), "const 0");
  assertEquals(foldedWith("or", "i32", -1, "right"), "const -1");
  assertEquals(foldedWith("lor", "bool", true, "right"), "const true");
});

const constants = (op: OpName, ...values: number[]): Func => {
  const b = new FuncBuilder("f", testSpan);
  return b.finish([b.op(op, values.map((v) => b.constant(v, "f32", testSpan)), testSpan, "scale")]);
};

Deno.test("fold computes constants in f32 and leaves what no constant can hold", () => {
  const folded = fold(constants("div", 1, 3)).nodes.at(-1)!;
  assert(folded.kind === "const" && folded.value === Math.fround(1 / 3) && folded.name === "scale");
  assertEquals(fold(constants("div", 1, 0)).nodes.at(-1)!.kind, "op");
  assertEquals(fold(constants("sqrt", -1)).nodes.at(-1)!.kind, "op");
});

Deno.test("fold resolves select and what undoes itself", () => {
  const b = new FuncBuilder("f", testSpan);
  const [x, y] = ["x", "y"].map((name) =>
    b.arg(b.param({ name, kind: "scalar", type: "f32" }), testSpan)
  ) as [number, number];
  const p = b.arg(b.param({ name: "p", kind: "scalar", type: "bool" }), testSpan);
  const [yes, no] = [true, false].map((v) => b.constant(v, "bool", testSpan)) as [number, number];
  const results = [
    b.op("select", [yes, x, y], testSpan),
    b.op("select", [no, x, y], testSpan),
    b.op("select", [p, y, y], testSpan),
    b.op("select", [p, yes, no], testSpan),
    b.op("neg", [b.op("neg", [x], testSpan)], testSpan),
    b.op("lnot", [b.op("lnot", [p], testSpan)], testSpan),
    b.op("select", [p, no, yes], testSpan),
  ];
  const func = dce(fold(b.finish(results)));
  assertEquals(func.results.slice(0, 6), [0, 1, 1, 2, 0, 2]);
  assertEquals(func.nodes[func.results[6]!]!.kind, "op");
});
