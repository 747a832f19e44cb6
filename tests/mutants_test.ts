/**
 * What `deno task test mutants` edits is still there, once, and so are the tests that must notice. Running
 * them takes half an hour; that an edit no longer applies, or would change nothing that runs, shows here at once.
 */

import { assertEquals } from "@std/assert";
import { MUTANTS } from "./mutants/list.ts";

const here = new URL("../", import.meta.url);

/** Kernels that are rendered afresh include these headers from generated/ all the same. */
const HEADER = /^templates\/(?:c|cuda)\/.*\.h$/;

Deno.test("every mutant finds its text exactly once, and its tests", async () => {
  const stale: string[] = [];
  for (const { name, file, find, tests, generated } of MUTANTS) {
    const text = await Deno.readTextFile(new URL(file, here));
    const n = text.split(find).length - 1;
    if (n !== 1) stale.push(`${name}: ${n} times in ${file}`);
    if (HEADER.test(file) && !generated) stale.push(`${name}: kernels read ${file} in generated/`);
    for (const test of tests) {
      const found = await Deno.stat(new URL(test, here)).then(() => true, () => false);
      if (!found) stale.push(`${name}: no ${test}`);
    }
  }
  assertEquals(stale, []);
});
