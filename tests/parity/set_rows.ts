/**
 * Rows that have channels of their own, as C: which each keeps against the reference, bit for bit, what is
 * stored of it, and rows made whole again. Bytes that hold nothing stay as they were.
 */

import { assert, assertEquals } from "@std/assert";
import { testIsas } from "../../src/device/testing.ts";
import type { Isa } from "../../src/device/testing.ts";
import { rowBytes } from "../../src/layout/mod.ts";
import { assertClose } from "../_close.ts";
import { runNamed } from "../_kernel.ts";
import { readRow, readSet } from "../_kv_cache.ts";
import { fillRun, meansRun, thinRun } from "../_set_case.ts";
import type { SetCase } from "../_set_case.ts";

async function checkThin(given: SetCase, isa?: Isa): Promise<void> {
  const { name, run, cache, heads, kept, width, headDim, nKvHeads } = thinRun(given);
  const { before = 0, skipped = 0, rows } = given;
  const { arena } = await runNamed(name, { ...run, ...(isa ? { isa } : {}) });
  let stored = 0;
  rows.forEach((n, kvHead) => {
    const { keys, sets } = heads[kvHead]!;
    for (let row = 0; row < before + n; row++) {
      const place = { nKvHeads, kvHead, index: 0, row, width };
      const got = readSet(cache, { ...place, arena: arena! });
      const isOld = row < before;
      const want = isOld ? sets![row]! : kept(kvHead, row - before);
      const key = isOld ? keys[row]! : keys[skipped + row]!;
      assertEquals(got.channels, want, `head ${kvHead}, row ${row}`);
      assertEquals(got.elements, want.map((c) => Math.f16round(key[c]!)));
    }
    stored += n * rowBytes(cache.layout.key.segments[0]!, { width }, headDim);
  });
  const changed = arena!.filter((byte, i) => byte !== run.buffers.arena[i]).length;
  assert(changed <= stored, `${changed} bytes changed, ${stored} are stored`);
}

async function checkFill(given: SetCase, isa?: Isa): Promise<void> {
  const { name, run, cache, heads, headDim, nKvHeads } = fillRun(given);
  const { before = 0, skipped = 0, rows, width } = given;
  const { arena } = await runNamed(name, { ...run, ...(isa ? { isa } : {}) });
  rows.forEach((n, kvHead) => {
    const { keys, sets, fills } = heads[kvHead]!;
    for (let i = 0; i < n; i++) {
      const place = { nKvHeads, kvHead, index: 1, row: before + i, width: headDim };
      const got = readRow(cache, { ...place, arena: arena! });
      const set = new Set(sets![skipped + i]);
      const want = Array.from(keys[skipped + i]!, (x, c) => set.has(c) ? x : fills![c]!);
      assertEquals(got, want, `head ${kvHead}, row ${i} of width ${width}`);
    }
  });
}

const CASES: readonly SetCase[] = [
  { rows: [33, 0], width: 32 },
  { rows: [127, 1], width: 1 },
  { rows: [31], width: 64, before: 3 },
  // Odd numbers of halves a row, from an odd row on, over a page's end.
  { rows: [140, 7], width: 13, before: 121, skipped: 5, headDim: 48 },
  { rows: [20], width: 9, headDim: 16, before: 1 },
  { rows: [17], width: 77, headDim: 256, type: "f32" },
];

/** The next f16: the sum's own rounding may take it over the middle between two. */
const meanBound = (mean: number) => 2 ** -10 * Math.abs(mean) + 2 ** -24;

Deno.test("each row keeps the channels that are worth most to it", async () => {
  for (const given of CASES) await checkThin(given);
});

Deno.test("rows with channels of their own become whole rows", async () => {
  for (const given of CASES) await checkFill(given);
});

Deno.test("missing channels read as the mean over whole rows", async () => {
  for (const rows of [[1, 33], [300, 0], [127, 128]]) {
    const { name, run, want, first } = meansRun({ rows, headDim: rows[0] === 1 ? 16 : 64 });
    const fills = Array.from((await runNamed(name, run)).fills!);
    const own = fills.slice(first);
    assertClose(own, want, { bound: (i) => meanBound(want[i]!), label: `${rows} rows` });
    assertEquals(own, own.map(Math.f16round));
    assert(fills.slice(0, first).every((x) => x === -7), "other layers' fills stay");
  }
});

Deno.test("every instruction set thins and fills alike", async () => {
  for (const isa of await testIsas()) {
    await checkThin({ rows: [20], width: 21 }, isa);
    await checkFill({ rows: [20], width: 21, type: "f32" }, isa);
    const { name, run, want, first } = meansRun({ rows: [40] });
    const own = Array.from((await runNamed(name, { ...run, isa })).fills!).slice(first);
    assertClose(own, want, { bound: (i) => meanBound(want[i]!), label: isa });
  }
});
