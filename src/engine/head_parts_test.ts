/** Every column of `qkv` belongs to the head that reads it. */

import { assertEquals } from "@std/assert";
import { kvHeadParts, productParts, queryHeadParts } from "./head_parts.ts";

Deno.test("queries, keys and values are parts of their KV head, in one matrix or in three", () => {
  const heads = { nHeads: 6, nKvHeads: 2, headDim: 16 };
  assertEquals(kvHeadParts(heads), { along: "n_kv_heads", of: [0, 1] });
  assertEquals(queryHeadParts(heads), { along: "n_heads", of: [0, 0, 0, 1, 1, 1] });
  const all = productParts(heads, { firstOut: 0, nOut: 160 });
  assertEquals(all.along, "n_out");
  // Six query heads, two key heads, two value heads.
  assertEquals(all.of, [0, 0, 0, 1, 1, 1, 0, 1, 0, 1].flatMap((part) => Array(16).fill(part)));
  const columns = [[0, 96], [96, 32], [128, 32]] as const;
  const apart = columns.flatMap(([firstOut, nOut]) => productParts(heads, { firstOut, nOut }).of);
  assertEquals(apart, all.of);
});
