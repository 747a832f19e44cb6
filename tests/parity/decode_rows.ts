/**
 * Decoding of rows as C against what their codes stand for, bit for bit: units in the middle, channel lists
 * whose other channels are zero, short groups, positions that move along, rows behind others. Bytes of other
 * rows stay as they were.
 */

import { assertEquals } from "@std/assert";
import { testIsas } from "../../src/device/testing.ts";
import type { Isa } from "../../src/device/testing.ts";
import { codeRowsReference, decoded } from "../../src/reference/mod.ts";
import { decodeRun } from "../_decode_case.ts";
import type { DecodeCase } from "../_decode_case.ts";
import { runNamed } from "../_kernel.ts";
import { AT, readPosition, readRow, readSum, stored } from "../_kv_cache.ts";
import type { WrittenCache } from "../_kv_cache.ts";

async function check(given: DecodeCase, isa?: Isa): Promise<void> {
  const { headDim = 64, first = 0, to = 0, rows, high } = given;
  const { name, run, cache, heads, channels, move, index } = decodeRun(given);
  const { code } = move.from;
  if (code.kind !== "affine") throw new TypeError("a case decodes");
  const every = Array.from({ length: headDim }, (_, c) => c);
  const nKvHeads = rows.length;
  const { arena } = await runNamed(name, { ...run, ...(isa ? { isa } : {}) });
  rows.forEach((n, kvHead) => {
    const gathered = heads[kvHead]!.keys.slice(0, n).map((row) => channels.map((c) => row[c]!));
    const read = (row: number) => {
      const at = { nKvHeads, kvHead, index: index + 1, row, width: headDim, arena: arena! };
      return { values: readRow(cache, at), at };
    };
    const fills = new Map(missingFills(cache, { kvHead, nKvHeads, headDim }, channels.length));
    codeRowsReference(gathered, code, high).slice(first).forEach((row, i) => {
      const want = every.map((c) => {
        const place = channels.indexOf(c);
        // The sum is rounded to f32, then to the type of whole rows.
        if (place < 0) return fills.get(c) ?? 0;
        return stored(Math.fround(decoded(row[place]!)), move.to);
      });
      const { values, at } = read(to + i);
      assertEquals(values, want, `${given.from}, head ${kvHead}, row ${first + i}`);
      if (move.sides.positions) {
        assertEquals(readPosition(cache, at), heads[kvHead]!.positions![first + i]);
      }
      if (move.sides.sums) assertEquals(readSum(cache, at), (first + i) / 8);
    });
    for (let row = 0; row < to; row++) {
      assertEquals(read(row).values, Array.from(heads[kvHead]!.keys[n + row]!), "rows before stay");
    }
  });
}

/** Channels that a head's rows lack, with what they read as; none where that is 0. */
function missingFills(
  { fills, buffers: { channels } }: WrittenCache,
  { kvHead, nKvHeads, headDim }: { kvHead: number; nKvHeads: number; headDim: number },
  width: number,
): [number, number][] {
  if (fills === null) return [];
  const start = ((AT.slot * AT.nLayers + AT.layer) * nKvHeads + kvHead) * headDim;
  return Array.from({ length: headDim - width }, (_, i) => {
    const place = start + width + i;
    return [channels[place]!, fills[place]!];
  });
}

Deno.test("keys in classes of channels become whole rows, means where nothing is stored", async () => {
  const channels = [3, 7, 1, 40, 63, 2, 5, 62];
  const from = "list_mean_q42r64t16";
  for (const high of [0, 3, 8]) {
    await check({ stream: "key", from, rows: [192, 64], first: 64, to: 40, channels, high });
  }
  await check({ stream: "key", from, rows: [64], channels, high: 5, type: "f32" });
  await check({ stream: "key", from: "list_mean_q84r16t16", rows: [48], channels, high: 2 });
  await check({ stream: "key", from, rows: [64], channels: [], high: 0 });
});

Deno.test("coded keys become whole rows, of all channels and of a list", async () => {
  for (const bits of [2, 4, 8]) {
    await check({ stream: "key", from: `q${bits}r32t16`, rows: [128, 32, 0] });
    const channels = Array.from({ length: 64 }, (_, c) => c).filter((c) => c % 5 !== 2);
    await check({
      stream: "key",
      from: `list_q${bits}r32t16`,
      rows: [160, 96],
      first: 64,
      channels,
    });
  }
  await check({ stream: "key", from: "q4r64t16", rows: [64] });
  await check({ stream: "key", from: "q4r16t16", rows: [144], to: 33 });
  await check({ stream: "key", from: "q2r128t16", rows: [256], headDim: 48 });
  await check({ stream: "key", from: "list_q4r64t16", rows: [192], channels: [63], type: "f32" });
});

Deno.test("coded values become whole rows, with a short last group, from any row", async () => {
  for (const bits of [2, 4, 8]) {
    await check({ stream: "value", from: `q${bits}c32t1`, rows: [128, 31, 0] });
    await check({ stream: "value", from: `q${bits}c32t1`, rows: [33], headDim: 80, first: 1 });
  }
  await check({ stream: "value", from: "q2c64t1", rows: [127], headDim: 128, type: "f32", to: 5 });
  await check({ stream: "value", from: "q4c64t1", rows: [33] });
  await check({ stream: "value", from: "q2c64t1", rows: [33] });
  await check({ stream: "value", from: "q4c128t1", rows: [40] });
});

Deno.test("coded values of a list become whole rows, other channels 0", async () => {
  const channels = Array.from({ length: 64 }, (_, c) => c).filter((c) => c % 4 !== 2);
  const value = { stream: "value", channels } as const;
  for (const bits of [2, 4, 8]) {
    await check({ ...value, from: `list_q${bits}c32t1`, rows: [130, 31, 0], first: 3, to: 9 });
  }
  await check({ ...value, from: "list_q4c64t1", rows: [33], type: "f32", positions: true });
});

Deno.test("keys coded along channels become whole rows", async () => {
  const channels = Array.from({ length: 64 }, (_, c) => c).filter((c) => c % 5 !== 2);
  const list = { stream: "key", from: "list_q2c32t16", channels } as const;
  await check({ ...list, rows: [144, 96, 16], first: 16, to: 5 });
  await check({ stream: "key", from: "q4c32t16", rows: [32, 0], to: 33 });
  await check({ stream: "key", from: "q8c128t16", rows: [32], headDim: 48, type: "f32" });
});

Deno.test("positions and sums move along with decoded rows", async () => {
  const given = { stream: "value", from: "q4c32t1", rows: [130, 7], positions: true } as const;
  await check(given);
  await check({ ...given, first: 3, to: 100 });
  await check({ ...given, sums: true, first: 3, to: 100 });
});

Deno.test("every instruction set decodes alike", async () => {
  for (const isa of await testIsas()) {
    await check({ stream: "key", from: "q4r32t16", rows: [64] }, isa);
    await check({ stream: "value", from: "q2c32t1", rows: [20] }, isa);
  }
});
