/**
 * What `deno task test mutants` edits is still there, once, and so are the tests that must notice. Running
 * them takes an hour; that an edit no longer applies shows here at once.
 */

import { assertEquals } from "@std/assert";
import { MUTANTS } from "./mutants/list.ts";

const here = new URL("../", import.meta.url);

Deno.test("every mutant finds its text exactly once, and its tests", async () => {
  const stale: string[] = [];
  for (const { name, file, find, tests } of MUTANTS) {
    const text = await Deno.readTextFile(new URL(file, here));
    const n = text.split(find).length - 1;
    if (n !== 1) stale.push(`${name}: ${n} times in ${file}`);
    for (const test of tests) {
      const found = await Deno.stat(new URL(test, here)).then(() => true, () => false);
      if (!found) stale.push(`${name}: no ${test}`);
    }
  }
  assertEquals(stale, []);
});
