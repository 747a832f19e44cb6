import { assertEquals } from "@std/assert";
import { progressLine, wrap } from "./terminal.ts";

Deno.test("a bar is as full as its work is done", () => {
  const line = (done: number) => progressLine({ label: "x", done, total: 4 });
  assertEquals(line(0), `x ${"░".repeat(24)} 0 / 4`);
  assertEquals(line(1), `x ${"█".repeat(6)}${"░".repeat(18)} 1 / 4`);
  assertEquals(line(4), `x ${"█".repeat(24)} 4 / 4`);
  assertEquals(progressLine({ label: "x", done: 0, total: 0 }).includes("█"), false);
});

Deno.test("a text is broken at spaces, and a word that is too long stays whole", () => {
  assertEquals(wrap("one two three", 20), "one two three");
  assertEquals(wrap("one two three", 7), "one two\nthree");
  assertEquals(wrap("one two three", 8, "  "), "one two\n  three");
  assertEquals(wrap("a https://example.org b", 4), "a\nhttps://example.org\nb");
});
