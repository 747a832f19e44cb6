/**
 * The three-way parity of every kernel: the author's function, the interpreter, compiled C. Runs what
 * tests/parity/ holds, one file per family of kernels, each deriving its list from kernels/; then every
 * kernel of the catalog must have run on C at least once, and every family on every instruction set of
 * this machine. A kernel that no file runs fails here.
 */

import { assertEquals } from "@std/assert";
import { testIsas } from "../src/device/testing.ts";
import { catalog } from "../src/emit/catalog.ts";
import { loadSources } from "../src/emit/sources.ts";
import { kernelName } from "../src/emit/types.ts";
import { projectRoot } from "../src/sys/cache_dir.ts";
import { executed } from "./_kernel.ts";

const folder = new URL("parity/", import.meta.url);
const files = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
for (const file of files) await import(new URL(file, folder).href);

const { sources } = await loadSources(projectRoot());
const kernels = catalog(sources).map(({ source: { definition }, request }) => ({
  name: kernelName(request),
  // A template kernel is a family of its own.
  family: definition.kind === "kernel" ? definition.name : definition.kind,
}));

Deno.test("what x86-64-v2 has and the baseline lacks is named by products of codes alone", async () => {
  const headers = new URL("../templates/c/", import.meta.url);
  const naming: string[] = [];
  for (const { name } of Deno.readDirSync(headers)) {
    const text = await Deno.readTextFile(new URL(name, headers));
    if (/__(SSE3|SSSE3|SSE4_1|SSE4_2|POPCNT)__/.test(text)) naming.push(name);
  }
  // Elsewhere v2 is the baseline's text, between two levels that are tested.
  assertEquals(naming, ["kerf_q8.h"]);
});

// Tests run in the order they were registered: these last.
Deno.test("every kernel of the catalog has run on C", () => {
  assertEquals(kernels.map(({ name }) => name).filter((name) => !executed.has(name)), []);
});

Deno.test("every family of kernels has run on every instruction set", async () => {
  for (const family of new Set(kernels.map((kernel) => kernel.family))) {
    const ran = kernels.filter((kernel) => kernel.family === family)
      .flatMap(({ name }) => [...executed.get(name) ?? []]);
    assertEquals((await testIsas()).filter((isa) => !ran.includes(isa)), [], family);
  }
});
