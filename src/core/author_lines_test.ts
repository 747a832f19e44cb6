import { assertEquals } from "@std/assert";
import { authorLines } from "./author_lines.ts";

const numbers = (lines: readonly string[]) => authorLines(lines).map((at) => at?.line);

Deno.test("lines behind a mark are the author's, until the mark of the generated file", () => {
  const c = [
    ...["before();", '#line 8 "kernels/attention/x.ts"', "a = 1;", "b = a +", "  2;", "c = b;"],
    ...['#line 8 "generated/c/x.c"', "after();"],
  ];
  const want = [undefined, undefined, 8, 9, 9, 10, undefined, undefined];
  assertEquals(numbers(c), want);
  const wgsl = c.map((line) => line.replace(/^#line (\d+) "(.*)"$/, "  // $2:$1"));
  assertEquals(numbers(wgsl), want);
});

Deno.test("what a template wrote before the first mark is no author's", () => {
  const wgsl = ["fn f() {", "  // kernels/x.ts:12", "  let c = a", "      + b;", "}"];
  assertEquals(numbers(wgsl), [undefined, undefined, 12, 12, 13]);
  assertEquals(authorLines(wgsl)[2], { file: "kernels/x.ts", line: 12 });
});

Deno.test("a comment that names a file is no mark of a line", () => {
  assertEquals(numbers(["// see kernels/x.ts: it says why", "a();"]), [undefined, undefined]);
});
