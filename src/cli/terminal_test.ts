import { assertEquals } from "@std/assert";
import { formatBytes, progressLine } from "./terminal.ts";

Deno.test("bytes are printed in the largest unit that keeps them above one", () => {
  assertEquals(formatBytes(0), "0 B");
  assertEquals(formatBytes(1023), "1023 B");
  assertEquals(formatBytes(98_362_432), "93.8 MiB");
});

Deno.test("a bar is as full as its work is done", () => {
  const line = (done: number) => progressLine({ label: "x", done, total: 4 });
  assertEquals(line(0), `x ${"░".repeat(24)} 0 / 4`);
  assertEquals(line(1), `x ${"█".repeat(6)}${"░".repeat(18)} 1 / 4`);
  assertEquals(line(4), `x ${"█".repeat(24)} 4 / 4`);
  assertEquals(progressLine({ label: "x", done: 0, total: 0 }).includes("█"), false);
});
