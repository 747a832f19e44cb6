import { assertEquals } from "@std/assert";
import { unifiedDiff } from "./diff.ts";

Deno.test("equal texts have no difference", () => {
  assertEquals(unifiedDiff("f", "a\n", "a\n"), "");
});

Deno.test("a difference has three lines of context on each side", () => {
  const before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
  assertEquals(
    unifiedDiff("f", before, before.replace("5\n", "five\nand\n")),
    "--- a/f\n+++ b/f\n@@ -2,7 +2,8 @@\n 2\n 3\n 4\n-5\n+five\n+and\n 6\n 7\n 8\n",
  );
});

Deno.test("files that come and go", () => {
  assertEquals(
    unifiedDiff("f", undefined, "a\nb\n"),
    "--- /dev/null\n+++ b/f\n@@ -0,0 +1,2 @@\n+a\n+b\n",
  );
  assertEquals(unifiedDiff("f", "a\n", undefined), "--- a/f\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-a\n");
});

Deno.test("a long file is cut and says by how much", () => {
  const numbers = (n: number) => Array.from({ length: n }, (_, i) => `${i}\n`).join("");
  const lines = unifiedDiff("f", "old\n", numbers(30)).split("\n");
  assertEquals(lines.slice(2, 5), ["@@ -1,1 +1,30 @@", "-old", "+0"]);
  assertEquals(lines.slice(-3), ["+23", "+… 6 more lines", ""]);
  // One line more is shorter than to say so.
  assertEquals(unifiedDiff("f", undefined, numbers(25)).includes("more"), false);
});
