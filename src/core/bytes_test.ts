import { assertEquals } from "@std/assert";
import { formatBytes } from "./bytes.ts";

Deno.test("bytes are printed in the largest unit that keeps them above one", () => {
  assertEquals(formatBytes(0), "0 B");
  assertEquals(formatBytes(1023), "1023 B");
  assertEquals(formatBytes(98_362_432), "93.8 MiB");
});
