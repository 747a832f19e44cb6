/** How WGSL prints what its constant expressions refuse. */

import { assertEquals } from "@std/assert";
import type { OpName } from "../../../ir/types.ts";
import { atom, PRECEDENCE } from "../../code.ts";
import type { Operand } from "../../code.ts";
import { WGSL_OPS } from "./ops.ts";

const whole = (text: string): Operand => ({
  ...(text.startsWith("-") ? { text, precedence: PRECEDENCE.unary } : atom(text)),
  type: "i32",
  varying: true,
});
const print = (op: OpName, ...operands: Operand[]) => WGSL_OPS[op](operands, "i32").text;

Deno.test("a negative literal is shifted as bits: it has no conversion to u32", () => {
  assertEquals(print("ushr", whole("-47"), whole("j")), "i32(4294967249u >> u32(j & 31))");
  assertEquals(print("ushr", whole("a"), whole("33")), "i32(u32(a) >> 1u)");
});

Deno.test("operands that are all literals are hidden: they may overflow", () => {
  assertEquals(print("add", whole("1"), whole("2")), "kerf_opaque_i32(1) + 2");
  assertEquals(print("add", whole("1"), whole("b")), "1 + b");
});
