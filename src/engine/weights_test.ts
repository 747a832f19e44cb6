import { assertEquals, assertThrows } from "@std/assert";
import { KerfError } from "../core/error.ts";
import { STORAGE } from "../core/storage.ts";
import type { StorageName } from "../core/storage.ts";
import type { GgufTensor } from "../model/gguf.ts";
import { packingsOf } from "./model_weights.ts";
import { groupParts, matrixBytes, normSlice, packDrafts } from "./weights.ts";

const tensor = (name: string, nOut: number, storage: StorageName): GgufTensor => ({
  name,
  shape: [nOut, 64],
  storage: STORAGE[storage],
  offset: 4096,
  bytes: 0,
});
const parts = (...list: [number, StorageName][]) =>
  list.map(([nOut, storage], i) => ({ tensor: tensor(`t${i}`, nOut, storage), headDim: 0 }));

const packingOf = await packingsOf(["Q4_0", "Q4_1", "Q8_0", "F32"]);

Deno.test("matrices of one packing become one, unless a group of rows would be torn", () => {
  const grouped = (...list: [number, StorageName][]) =>
    groupParts(parts(...list), packingOf).map((m) => [m.parts.length, m.firstOut, m.nOut]);
  assertEquals(grouped([96, "Q4_1"], [32, "Q4_1"], [32, "Q4_1"]), [[3, 0, 160]]);
  // Q4_0 and Q4_1 share a packed order; Q8_0 does not.
  assertEquals(grouped([96, "Q4_1"], [32, "Q4_0"], [32, "Q8_0"]), [[2, 0, 128], [1, 128, 32]]);
  assertEquals(grouped([24, "F32"], [8, "F32"], [8, "F32"]), [[1, 0, 24], [1, 24, 8], [1, 32, 8]]);
  assertEquals(grouped([16, "F32"], [8, "F32"]), [[2, 0, 24]]);
});

Deno.test("a grouped matrix is packed part below part", () => {
  const [matrix] = groupParts(parts([96, "Q4_1"], [32, "Q4_1"]), packingOf);
  // 8 groups of 16 rows, 2 blocks of 32 inputs: 32 scales and offsets of 2 bytes each, 256 code bytes.
  assertEquals(matrixBytes(matrix!), 8 * 2 * (2 * 16 * 2 + 256));
  const buffer = { label: "w", bytes: 0 };
  const drafts = packDrafts(matrix!, { file: buffer, weight: { buffer } });
  assertEquals(drafts.map((d) => d.kernel), ["pack__q4_1", "pack__q4_1"]);
  assertEquals(drafts.map((d) => d.constants?.dst_group), [0, 6]);
  assertEquals(drafts[1]?.buffers?.src, { buffer, offset: 4096 });
});

Deno.test("norms are read where they lie, and only as F32", () => {
  const file = { label: "file", bytes: 0 };
  assertEquals(normSlice(tensor("n", 64, "F32"), file), { buffer: file, offset: 4096 });
  assertThrows(() => normSlice(tensor("n", 64, "F16"), file), KerfError, "stored as F16");
});
