/**
 * Values that lose all they store as C against their mean by its definition, and rows that become whole again as
 * it: first rows and rows that join others, positions and sums that move along, sizes around a page and a slice.
 */

import { assert, assertEquals } from "@std/assert";
import { testIsas } from "../../src/device/testing.ts";
import type { Isa } from "../../src/device/testing.ts";
import { meanOf } from "../../src/verify/coding_losses_stage.ts";
import { assertClose } from "../_close.ts";
import { runNamed } from "../_kernel.ts";
import { readPosition, readRow, readSum } from "../_kv_cache.ts";
import { byClass } from "../_encode_case.ts";
import { averageRun, repeatRun, UNTOUCHED } from "../_mean_case.ts";
import type { AverageCase } from "../_mean_case.ts";

async function checkAverage(given: AverageCase, isa?: Isa): Promise<void> {
  const { headDim = 64, coded = 0, rows } = given;
  const { name, run, cache, heads, move: { sides }, first, from, start } = averageRun(given);
  const { arena, fills } = await runNamed(name, { ...run, ...(isa ? { isa } : {}) });
  const want = new Float64Array(fills!.length).fill(UNTOUCHED);
  const bound = new Float64Array(want.length);
  rows.forEach((n, kvHead) => {
    for (let i = 0; i < n; i++) {
      const at = { nKvHeads: rows.length, kvHead, index: first, row: coded + i, arena: arena! };
      const place = from(kvHead, coded + i);
      if (sides.positions) assertEquals(readPosition(cache, at), heads[kvHead]!.positions![place]);
      if (sides.sums) assertEquals(readSum(cache, at), place / 8);
    }
    // Rows that join others read as those do.
    if (n === 0 || coded > 0) return;
    const values = Array.from({ length: n }, (_, i) => heads[kvHead]!.values[from(kvHead, i)]!);
    for (let c = 0; c < headDim; c++) {
      const { value, error } = meanOf(values.map((row) => row[c]!));
      want[start + kvHead * headDim + c] = value;
      bound[start + kvHead * headDim + c] = error;
    }
  });
  assertClose(fills!, want, { bound: (i) => bound[i]!, label: JSON.stringify(given) });
  if (!sides.positions) assertEquals(arena, run.buffers.arena, "nothing is stored");
}

Deno.test("values that lose all they store leave their mean", async () => {
  for (const isa of await testIsas()) {
    await checkAverage({ rows: [130, 33, 0], order: [200, 33, 7].map(byClass) }, isa);
  }
  await checkAverage({ rows: [1, 9], order: [1, 31].map(byClass), headDim: 48, type: "f32" });
  await checkAverage({ rows: [127], order: [127].map(byClass), headDim: 128 });
  await checkAverage({ rows: [64, 20], order: [64, 90].map(byClass), coded: 100 });
});

Deno.test("… and what they carry moves along", async () => {
  const sides = { positions: true, sums: true };
  const order = [131, 60].map(byClass);
  await checkAverage({ rows: [131, 40], order, ...sides });
  await checkAverage({ rows: [70, 40], order, coded: 100, positions: true, type: "f32" });
});

Deno.test("rows without values become whole as what they read as", async () => {
  for (
    const given of [
      { rows: [130, 31, 0], first: 0, to: 0 },
      { rows: [70, 20], first: 9, to: 33, positions: true, sums: true },
      { rows: [40], first: 0, to: 100, headDim: 48, type: "f32", positions: true },
    ] as const
  ) {
    const { rows, first, to } = given;
    const headDim = "headDim" in given ? given.headDim : 64;
    const { name, run, cache, heads, move: { sides }, index, start } = repeatRun(given);
    const { arena } = await runNamed(name, run);
    const { fills } = run.buffers;
    rows.forEach((n, kvHead) => {
      const own = fills.subarray(start + kvHead * headDim, start + (kvHead + 1) * headDim);
      for (let row = 0; row < to + Math.max(0, n - first); row++) {
        const at = { nKvHeads: rows.length, kvHead, index: index + 1, row, width: headDim };
        const place = { ...at, arena: arena! };
        const want = row < to ? heads[kvHead]!.values[n + row]! : own;
        assertEquals(readRow(cache, place), [...want], `row ${row} of head ${kvHead}`);
        if (row < to || !sides.positions) continue;
        assertEquals(readPosition(cache, place), heads[kvHead]!.positions![first + row - to]);
        if (sides.sums) assertEquals(readSum(cache, place), (first + row - to) / 8);
      }
    });
    assert(start > 0);
  }
});
