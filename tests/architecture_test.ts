/**
 * ARCHITECTURE.md's table of kernels against the generated signatures: names and order of buffers and
 * constants, for the rows that name all of them.
 */

import { assert, assertEquals } from "@std/assert";
import type { Manifest } from "../src/core/mod.ts";

const read = (path: string) => Deno.readTextFileSync(new URL(`../${path}`, import.meta.url));
const rows = read("ARCHITECTURE.md").split("\n").filter((line) => line.startsWith("| "))
  .map((line) => line.slice(1, -1).split(" | ").map((cell) => cell.trim()));
const manifest: Manifest = JSON.parse(read("generated/manifest.json"));

/** The code-quoted names of a cell; `(…)` explains and may quote other things. */
const names = (cell: string) =>
  [...cell.replaceAll(/\([^)]*\)/g, "").matchAll(/`(\w+)`/g)].map((match) => match[1]);

/** First cell of the table → the kernels it speaks of. */
const KERNELS: Readonly<Record<string, RegExp>> = {
  "pairwise `NAME`": /^rope_/,
  "`embedding__PACKING`": /^embedding__/,
  "`pack__STORAGE`": /^pack__/,
  "`matmul_q8_append__PACKING__LAYOUT`": /^matmul_q8_append__/,
  "`append__LAYOUT`": /^append__/,
  "`append_recording__LAYOUT`": /^append_recording__/,
  "`attention_merge`, `attention_merge_turned`": /^attention_merge(_turned)?(_q8)?$/,
  "`arg_max`": /^arg_max$/,
  "`select_channels`": /^select_channels$/,
};

for (const [first, pattern] of Object.entries(KERNELS)) {
  Deno.test(`ARCHITECTURE.md's row ${first} is the kernels' signature`, () => {
    const [, bindings = "", constants = ""] = rows.find((cells) => cells[0] === first) ?? [];
    assert(bindings !== "" && constants !== "", "no such row");
    const kernels = Object.values(manifest.kernels).filter((k) => pattern.test(k.signature.name));
    assert(kernels.length > 0, "no such kernel");
    for (const { signature } of kernels) {
      assertEquals(signature.bindings.map((b) => b.name), names(bindings), signature.name);
      assertEquals(signature.constants.map((c) => c.name), names(constants), signature.name);
    }
  });
}
