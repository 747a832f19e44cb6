/** Runs README's library example as a program, on the default model. */

import { assertEquals, assertMatch } from "@std/assert";
import { runChild } from "../src/sys/testing.ts";

const README = Deno.readTextFileSync(new URL("../README.md", import.meta.url));

Deno.test("README's library example answers", async () => {
  const example = [...README.matchAll(/```ts\n([\s\S]*?)```/g)]
    .map((match) => match[1]!)
    .filter((code) => code.includes('from "kerf"'));
  assertEquals(example.length, 1);
  const { code, stdout, stderr } = await runChild(example[0]!);
  assertEquals(code, 0, stderr);
  assertMatch(stdout, /\d+ of \d+ bytes\n$/);
});
