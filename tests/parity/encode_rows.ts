/**
 * Coding of rows as C against codes by their definition, bit for bit: keys along rows and values along
 * channels, gathered channels, short groups, constant groups, outliers, positions that move along. Bytes
 * that hold nothing stay as they were.
 */

import { assertEquals } from "@std/assert";
import { testIsas } from "../../src/device/testing.ts";
import type { Isa } from "../../src/device/testing.ts";
import { storedBytes } from "../../src/layout/mod.ts";
import { codeRowsReference, decoded } from "../../src/reference/mod.ts";
import { encodeRun } from "../_encode_case.ts";
import type { EncodeCase } from "../_encode_case.ts";
import { randomFrom, runNamed } from "../_kernel.ts";
import { readPosition, readRow, readSum } from "../_kv_cache.ts";

/** @returns bytes that changed */
async function check(given: EncodeCase, isa?: Isa): Promise<number> {
  const { headDim = 64, coded = 0, rows, high } = given;
  const { name, run, cache, heads, channels, move, first, from } = encodeRun(given);
  const { to, sides: { positions, sums } } = move;
  const { code } = to;
  if (code.kind !== "affine") throw new TypeError("a case codes");
  const nKvHeads = rows.length;
  const before = run.buffers.arena;
  const { arena } = await runNamed(name, { ...run, ...(isa ? { isa } : {}) });
  let written = 0;
  rows.forEach((n, kvHead) => {
    const gathered = heads[kvHead]!.keys.map((row) => channels.map((c) => row[c]!));
    const moved = Array.from({ length: n }, (_, i) => gathered[from(kvHead, coded + i)]!);
    const groups = [gathered.slice(0, coded), moved];
    const want = groups.flatMap((rows) => codeRowsReference(rows, code, high))
      .map((row) => row.map(decoded));
    want.forEach((row, at) => {
      const size = { width: channels.length, ...(high === undefined ? {} : { high }) };
      const place = { nKvHeads, kvHead, index: first, row: at, ...size };
      const got = readRow(cache, { ...place, arena: arena! });
      assertEquals(got, row, `${given.to}, head ${kvHead}, row ${at}`);
      if (!positions) return;
      const position = readPosition(cache, { ...place, arena: arena! });
      assertEquals(position, heads[kvHead]!.positions![from(kvHead, at)]);
      if (!sums) return;
      assertEquals(readSum(cache, { ...place, arena: arena! }), from(kvHead, at) / 8);
    });
    const size = { rows: n, width: channels.length, high: high ?? channels.length };
    const stream = { segments: [{ ...to, channels: "all" as const }] };
    written += storedBytes(stream, [size], headDim) + 4 * n * (Number(positions) + Number(sums));
  });
  const changed = arena!.filter((byte, i) => byte !== before[i]).length;
  // A written byte may happen to be what it was; many more than were stored would be stray ones.
  if (changed > written) throw new Error(`${changed} bytes changed, ${written} are stored`);
  return changed;
}

Deno.test("keys are coded along rows, of all channels and of those kept", async () => {
  for (const bits of [2, 4, 8]) {
    await check({ stream: "key", to: `q${bits}r32t16`, rows: [128, 32, 0] });
    const channels = Array.from({ length: 64 }, (_, c) => c).filter((c) => c % 5 !== 2);
    await check({ stream: "key", to: `list_q${bits}r32t16`, rows: [96, 32], coded: 64, channels });
  }
  await check({ stream: "key", to: "q4r16t16", rows: [48], coded: 112 });
  await check({ stream: "key", to: "q4r64t16", rows: [64] });
  await check({ stream: "key", to: "q2r128t16", rows: [256], headDim: 48 });
  await check({ stream: "key", to: "list_q4r64t16", rows: [192], channels: [63], type: "f32" });
});

Deno.test("keys are coded along channels, with a short last group", async () => {
  const channels = Array.from({ length: 64 }, (_, c) => c).filter((c) => c % 5 !== 2);
  const list = { stream: "key", to: "list_q2c32t16", channels } as const;
  await check({ ...list, rows: [96, 32], coded: 64, order: [shuffled(96), shuffled(32)] });
  await check({ ...list, rows: [16], channels: [63] });
  await check({ stream: "key", to: "q8c128t16", rows: [32], headDim: 48, type: "f32" });
  for (const isa of await testIsas()) {
    await check({ stream: "key", to: "q4c32t16", rows: [128, 16, 0], coded: 48 }, isa);
  }
});

Deno.test("keys are coded in two classes of channels, either of them empty", async () => {
  const channels = [3, 7, 1, 40, 63, 2, 5, 62];
  const to = "list_mean_q42r64t16";
  for (const high of [0, 3, 8]) {
    await check({ stream: "key", to, rows: [192, 0], channels, high });
    await check({ stream: "key", to, rows: [64], coded: 128, channels, high, type: "f32" });
  }
  await check({ stream: "key", to: "list_mean_q84r16t16", rows: [48], channels, high: 2 });
  await check({ stream: "key", to: "list_mean_q82r128t16", rows: [128], channels, high: 5 });
  const none = await check({ stream: "key", to, rows: [64], channels: [], high: 0 });
  assertEquals(none, 0, "no channel, no byte");
});

Deno.test("values are coded along channels, with a short last group, at any row", async () => {
  for (const bits of [2, 4, 8]) {
    await check({ stream: "value", to: `q${bits}c32t1`, rows: [128, 31, 0], coded: 5 });
    await check({ stream: "value", to: `q${bits}c32t1`, rows: [33], headDim: 80 });
  }
  await check({ stream: "value", to: "q2c64t1", rows: [127], headDim: 128, type: "f32" });
  await check({ stream: "value", to: "q4c64t1", rows: [33] });
  await check({ stream: "value", to: "q4c128t1", rows: [40] });
});

Deno.test("values of a list are coded along its channels, with a short last group", async () => {
  const channels = Array.from({ length: 64 }, (_, c) => c).filter((c) => c % 4 !== 2);
  const value = { stream: "value", channels } as const;
  for (const bits of [2, 4, 8]) {
    await check({ ...value, to: `list_q${bits}c32t1`, rows: [128, 31, 0], coded: 5 });
  }
  await check({ ...value, to: "list_q4c64t1", rows: [33], type: "f32", positions: true });
});

/** A shuffled list of n rows, the same on every run. */
const shuffled = (n: number) => {
  const random = randomFrom(n);
  return Array.from({ length: n }, (_, row) => ({ row, key: random() }))
    .sort((a, b) => a.key - b.key).map(({ row }) => row);
};

Deno.test("rows are coded in an order of their own, from any place of it", async () => {
  const orders = (...counts: number[]) => counts.map(shuffled);
  for (const to of ["q4r64t16", "q2r32t16"]) {
    await check({ stream: "key", to, rows: [128, 64, 0], order: orders(128, 64, 0) });
  }
  const kept = Array.from({ length: 64 }, (_, c) => c).filter((c) => c % 5 !== 2);
  const list = { stream: "key", to: "list_q2r32t16", channels: kept } as const;
  await check({ ...list, rows: [96, 32], coded: 64, order: orders(96, 32) });
  const classes = { stream: "key", to: "list_mean_q42r64t16", channels: kept, high: 20 } as const;
  await check({ ...classes, rows: [128, 64], coded: 64, order: orders(128, 64) });
  await check({ stream: "value", to: "q4c64t1", rows: [64, 0], order: orders(128, 64) });
  await check({
    ...{ stream: "value", to: "q2c64t1", coded: 5 } as const,
    ...{ rows: [31, 127], order: orders(33, 127) },
  });
  const positions = { stream: "value", to: "q2c32t1", rows: [70], positions: true } as const;
  await check({ ...positions, coded: 100, order: orders(70) });
  await check({ ...positions, sums: true, coded: 100, order: orders(70) });
  for (const isa of await testIsas()) {
    await check({ stream: "key", to: "q4r32t16", rows: [64], order: orders(64) }, isa);
    await check({ stream: "value", to: "q4c32t1", rows: [20], order: orders(20) }, isa);
  }
});

Deno.test("positions move along, and sums", async () => {
  const given = { stream: "value", to: "q4c32t1", rows: [130, 7], positions: true } as const;
  await check(given);
  await check({ ...given, coded: 100 });
  await check({ ...given, sums: true, coded: 100 });
});

Deno.test("every instruction set codes alike", async () => {
  for (const isa of await testIsas()) {
    await check({ stream: "key", to: "q4r32t16", rows: [64] }, isa);
    await check({ stream: "value", to: "q4c32t1", rows: [20] }, isa);
    const classes = { channels: [9, 2, 11], high: 1, to: "list_mean_q42r32t16" };
    await check({ stream: "key", rows: [64], ...classes }, isa);
  }
});
