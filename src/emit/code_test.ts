import { assertEquals } from "@std/assert";
import { atom, call, conditional, guarded, infix, PRECEDENCE, prefix, relation } from "./code.ts";

const P = PRECEDENCE;
const [a, b, c] = [atom("a"), atom("b"), atom("c")];
const add = infix("+", P.add, a, b);
const or = guarded("|", P.or, a, b);

Deno.test("arithmetic has parentheses where the order of the operations needs them", () => {
  assertEquals(infix("*", P.multiply, add, c).text, "(a + b) * c");
  assertEquals(infix("+", P.add, infix("*", P.multiply, a, b), c).text, "a * b + c");
  assertEquals(infix("-", P.add, add, c).text, "a + b - c");
  assertEquals(infix("+", P.add, c, add).text, "c + (a + b)");
  assertEquals(call("f", add, c).text, "f(a + b, c)");
});

Deno.test("two signs never meet", () => {
  assertEquals(prefix("-", prefix("-", a)).text, "-(-a)");
  assertEquals(prefix("-", { text: "-1.0f", precedence: P.unary }).text, "-(-1.0f)");
  assertEquals(prefix("-", add).text, "-(a + b)");
});

Deno.test("operators of little-known precedence take other operators in parentheses only", () => {
  assertEquals(guarded("|", P.or, or, c).text, "a | b | c");
  assertEquals(guarded("|", P.or, c, or).text, "c | (a | b)");
  assertEquals(guarded("&", P.and, or, c).text, "(a | b) & c");
  assertEquals(guarded("<<", P.shift, guarded(">>", P.shift, a, b), c).text, "(a >> b) << c");
  assertEquals(guarded("|", P.or, a, guarded("<<", P.shift, b, atom("8"))).text, "a | (b << 8)");
  assertEquals(relation("<", P.relation, add, c).text, "a + b < c");
  assertEquals(relation("<", P.relation, or, c).text, "(a | b) < c");
});

Deno.test("a conditional in a conditional is in parentheses", () => {
  assertEquals(conditional(relation("<", P.relation, a, b), a, b).text, "a < b ? a : b");
  const inner = conditional(a, b, c);
  assertEquals(conditional(inner, inner, inner).text, "(a ? b : c) ? (a ? b : c) : (a ? b : c)");
});
