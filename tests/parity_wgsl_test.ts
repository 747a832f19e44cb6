/**
 * Parity on the WebGPU adapter: runs what tests/wgsl/ holds, one file per group of kernels; then every
 * kernel that is generated as WGSL must have run at least once. A kernel that no file runs fails here.
 */

import { assertEquals } from "@std/assert";
import { catalog } from "../src/emit/catalog.ts";
import { kernelName } from "../src/emit/types.ts";
import { executed, gpuTest, sources } from "./_wgsl.ts";

const folder = new URL("wgsl/", import.meta.url);
const files = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
for (const file of files) await import(new URL(file, folder).href);

// Tests run in the order they were registered: this one last.
gpuTest("every kernel of the catalog has run as WGSL", () => {
  const names = catalog(sources).map(({ request }) => kernelName(request));
  assertEquals(names.filter((name) => !executed.has(name)), []);
  return Promise.resolve();
});
