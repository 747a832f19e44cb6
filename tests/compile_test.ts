/**
 * Every generated C file compiles as it stands, with the warnings that src/build turns into errors, for
 * the best instruction set of this machine. The parity tests compile for the others.
 */

import { assertEquals } from "@std/assert";
import type { Manifest } from "../src/core/mod.ts";
import { testDevice } from "../src/device/testing.ts";
import { projectRoot } from "../src/sys/cache_dir.ts";

/** The default model's head size and query heads per KV head. */
const DEFINES: Readonly<Record<string, number>> = { HEAD_DIM: 64, GROUP: 3 };

Deno.test("every generated C file compiles without a warning", async () => {
  const root = projectRoot();
  const { kernels }: Manifest = JSON.parse(
    await Deno.readTextFile(`${root}/generated/manifest.json`),
  );
  const requests = Object.values(kernels).map((entry) => ({
    entry,
    text: Deno.readTextFileSync(`${root}/${entry.sources.c!.file}`),
    defines: Object.fromEntries(entry.signature.defines.map((name) => [name, DEFINES[name]!])),
  }));
  const compiled = await (await testDevice()).compile(requests);
  assertEquals(compiled.map((kernel) => kernel.entry), requests.map(({ entry }) => entry));
});
