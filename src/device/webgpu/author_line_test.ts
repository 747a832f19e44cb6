import { assertEquals } from "@std/assert";
import { authorLine } from "./author_line.ts";

const LINES = [
  "fn f() {",
  "  let n = 1u;",
  "  // kernels/attention/x.ts:7",
  "  let a = 1.0;",
  "  let b = 2.0;",
  "  // kernels/attention/x.ts:12",
  "  let c = a",
  "      + b;",
  "  // generated/wgsl/f.wgsl:10",
  "  store(c);",
  "}",
];
const at = (line: string) => authorLine(LINES, LINES.findIndex((text) => text.includes(line)) + 1);

Deno.test("lines under a mark are the author's, counted from it", () => {
  assertEquals(at("let a"), "kernels/attention/x.ts:7");
  assertEquals(at("let b"), "kernels/attention/x.ts:8");
  assertEquals(at("let c"), "kernels/attention/x.ts:12");
});

Deno.test("a statement of several lines is where it begins", () => {
  assertEquals(at("+ b"), "kernels/attention/x.ts:12");
});

Deno.test("what a template wrote is no author's", () => {
  for (const line of ["fn f", "let n", "store", "}"]) assertEquals(at(line), undefined, line);
});
