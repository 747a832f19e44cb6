import { assertEquals, assertThrows } from "@std/assert";
import { KerfError } from "../core/error.ts";
import { STORAGE } from "../core/storage.ts";
import type { StorageName } from "../core/storage.ts";
import type { GgufTensor } from "../model/gguf.ts";
import { packingsOf } from "./model_weights.ts";
import {
  alternateParts,
  groupParts,
  matrixBytes,
  normRange,
  packDrafts,
  partRange,
  wholeTensor,
} from "./weights.ts";

const tensor = (name: string, nOut: number, storage: StorageName): GgufTensor => ({
  name,
  shape: [nOut, 64],
  storage: STORAGE[storage],
  offset: 4096,
  bytes: nOut * 64 / STORAGE[storage].blockValues * STORAGE[storage].blockBytes,
});
const parts = (...list: [number, StorageName][]) =>
  list.map(([nOut, storage], i) => wholeTensor(tensor(`t${i}`, nOut, storage), 0));

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
  const sources = [{ buffer: { label: "a", bytes: 0 } }, { buffer: { label: "b", bytes: 0 } }];
  const drafts = packDrafts(matrix!, { sources, weight: { buffer } });
  assertEquals(drafts.map((d) => d.kernel), ["pack__q4_1", "pack__q4_1"]);
  const groups = (all: typeof drafts) =>
    all.map((d) => [d.constants?.dst_group, d.constants?.group_step]);
  assertEquals(groups(drafts), [[0, 1], [6, 1]]);
  assertEquals(drafts.map((d) => d.buffers?.src), sources);
});

Deno.test("a matrix that cannot be bound is cut between heads, and joins as far as it fits", () => {
  // A row of 64 inputs has 256 bytes in F32; a head of 32 channels 8 KiB.
  const q = wholeTensor(tensor("q", 96, "F32"), 32);
  const v = wholeTensor(tensor("v", 16, "F32"), 0);
  const cut = (maxBytes: number) =>
    groupParts([q, v], packingOf, maxBytes).map(({ firstOut, nOut, parts }) => [
      ...[firstOut, nOut],
      ...parts.map(({ firstRow, nRows }) => `${firstRow}+${nRows}`),
    ]);
  assertEquals(cut(28 * 1024), [[0, 112, "0+96", "0+16"]]);
  assertEquals(cut(24 * 1024), [[0, 96, "0+96"], [96, 16, "0+16"]]);
  assertEquals(cut(20 * 1024), [[0, 64, "0+64"], [64, 48, "64+32", "0+16"]]);
  assertEquals(cut(8 * 1024), [[0, 32, "0+32"], [32, 32, "32+32"], [64, 32, "64+32"], [
    ...[96, 16],
    "0+16",
  ]]);
  const last = groupParts([q], packingOf, 8 * 1024)[2]!.parts[0]!;
  assertEquals(partRange("m.gguf", last), {
    path: "m.gguf",
    offset: 4096 + 64 * 256,
    bytes: 32 * 256,
  });
  assertThrows(() => cut(8 * 1024 - 1), KerfError, 'Cannot bind 32 rows of "q"');
});

Deno.test("two matrices alternate group by group, and are cut alike", () => {
  const [gate, up] = [
    wholeTensor(tensor("gate", 40, "Q4_1"), 0),
    wholeTensor(tensor("up", 40, "Q4_0"), 0),
  ];
  const [matrix] = alternateParts(gate, up, packingOf);
  // Three groups of each, the last of 8 rows.
  assertEquals(matrixBytes(matrix!), 2 * 3 * 2 * (2 * 16 * 2 + 256));
  const sources = [{ buffer: { label: "a", bytes: 0 } }, { buffer: { label: "b", bytes: 0 } }];
  const drafts = packDrafts(matrix!, { sources, weight: { buffer: { label: "w", bytes: 0 } } });
  assertEquals(drafts.map((d) => d.kernel), ["pack__q4_1", "pack__q4_0"]);
  assertEquals(
    drafts.map(({ constants }) => [constants?.dst_group, constants?.group_step, constants?.n_out]),
    [[0, 2, 40], [1, 2, 40]],
  );
  const cut = alternateParts(gate, up, packingOf, 2 * 2 * (2 * 16 * 2 + 256));
  assertEquals(
    cut.map(({ firstOut, nOut, parts }) => [firstOut, nOut, ...parts.map((p) => p.firstRow)]),
    [[0, 16, 0, 0], [16, 16, 16, 16], [32, 8, 32, 32]],
  );
  const wide = wholeTensor(tensor("wide", 40, "Q8_0"), 0);
  assertThrows(
    () => alternateParts(gate, wide, packingOf),
    KerfError,
    'multiply "gate" and "wide"',
  );
});

Deno.test("norms are taken from the file as they are, and only as F32", () => {
  assertEquals(normRange("m.gguf", tensor("n", 1, "F32")), {
    path: "m.gguf",
    offset: 4096,
    bytes: 256,
  });
  assertThrows(() => normRange("m.gguf", tensor("n", 1, "F16")), KerfError, "stored as F16");
});
