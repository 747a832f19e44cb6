/** How CUDA prints whole numbers: plain operators only where nothing can overflow. */

import { assertEquals } from "@std/assert";
import { atom } from "../../code.ts";
import type { Operand } from "../../code.ts";
import type { OpName } from "../../../ir/types.ts";
import { CUDA_OPS } from "./ops.ts";

const whole = (text: string, bound?: number): Operand => ({
  ...atom(text),
  type: "i32",
  varying: true,
  ...(bound === undefined ? {} : { bound }),
});
const print = (op: OpName, ...operands: Operand[]) => CUDA_OPS[op](operands, "i32").text;
const LARGEST = 2 ** 31 - 1;

Deno.test("i32 arithmetic wraps by a function unless bounds show that it cannot overflow", () => {
  const [a, b] = [whole("a"), whole("b")];
  assertEquals(print("add", a, b), "kerf_add_i32(a, b)");
  assertEquals(print("sub", a, b), "kerf_sub_i32(a, b)");
  assertEquals(print("mul", a, b), "kerf_mul_i32(a, b)");
  assertEquals(print("imul", a, b), "kerf_mul_i32(a, b)");
  assertEquals(print("neg", a), "kerf_neg_i32(a)");
  const half = whole("h", 2 ** 30);
  assertEquals(print("add", half, whole("k", 2 ** 30 - 1)), "h + k");
  assertEquals(print("add", half, half), "kerf_add_i32(h, h)");
  assertEquals(print("sub", whole("p", LARGEST), whole("q", LARGEST)), "p - q");
  assertEquals(print("mul", half, whole("2", 2)), "kerf_mul_i32(h, 2)");
  assertEquals(print("mul", whole("c", 255), whole("d", 255)), "c * d");
});

Deno.test("shifts go through bits unless the sign bit is 0 before and after", () => {
  assertEquals(print("shl", whole("a"), whole("8", 8)), "(i32)((u32)a << 8)");
  assertEquals(print("shl", whole("a", 255), whole("8", 8)), "a << 8");
  assertEquals(print("shl", whole("a", 255), whole("24", 24)), "(i32)((u32)a << 24)");
  assertEquals(print("ushr", whole("a"), whole("b")), "(i32)((u32)a >> (b & 31))");
  assertEquals(print("ushr", whole("a", LARGEST), whole("3", 3)), "a >> 3");
});
