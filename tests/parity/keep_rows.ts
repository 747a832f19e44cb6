/** Kept rows as C moves them to the front of their pages, with what they carry; what lies behind them stays. */

import { assertEquals } from "@std/assert";
import { testIsas } from "../../src/device/testing.ts";
import type { Isa } from "../../src/device/testing.ts";
import { randomFrom, runNamed } from "../_kernel.ts";
import { AT, pageConstants, readPosition, readRow, readSum, writeCache } from "../_kv_cache.ts";
import type { HeadRows } from "../_kv_cache.ts";

const isas = await testIsas();

interface KeepCase {
  readonly layout: string;
  readonly headDim?: number;
  readonly nListed?: number;
  /** Kept rows of each KV head. */
  readonly kept: readonly (readonly number[])[];
  readonly isa?: Isa;
}

/** Moves the kept rows of a cache, and of another one their sums. */
async function checkKeep(
  { layout, headDim = 64, nListed = 0, kept, isa }: KeepCase,
): Promise<void> {
  const random = randomFrom(kept.length + headDim);
  const nRows = Math.max(...kept.flat()) + 3;
  const row = () => Float32Array.from({ length: headDim }, () => Math.f16round(9 * random()));
  const channels = Array.from({ length: headDim }, (_, c) => c).filter((c) => c % 4 !== 2);
  const heads = kept.map((): HeadRows => ({
    keys: Array.from({ length: nRows }, row),
    values: Array.from({ length: nRows }, row),
    nListed,
    channels: nListed > 0 ? channels : [],
    positions: Array.from({ length: nRows }, (_, i) => 3 * i + 1),
  }));
  const cache = writeCache(layout, heads, { headDim });
  const { pages, heads: sizes, arena: source } = cache.buffers;
  const nKvHeads = kept.length;
  const nKey = cache.layout.key.segments.length;
  const own = {
    ...(isa ? { isa } : {}),
    defines: { HEAD_DIM: headDim },
    buffers: {
      pages,
      heads: sizes,
      kept: Uint32Array.from(
        kept.flatMap((rows) => [...rows, ...Array(nRows - rows.length).fill(7)]),
      ),
      kept_counts: Uint32Array.from([
        ...Array(2 * nKvHeads).fill(0),
        ...kept.flatMap((rows) => [rows.filter((r) => r < nListed).length, rows.length]),
      ]),
      arena: source,
    },
    constants: {
      ...cache.constants,
      slot: AT.slot,
      n_kv_heads: nKvHeads,
      max_rows: nRows,
      ...pageConstants(cache),
    },
  };
  const after = (await runNamed(`keep_rows__${layout}`, own)).arena!;
  kept.forEach((rows, kvHead) => {
    const nKeptListed = rows.filter((r) => r < nListed).length;
    rows.forEach((from, i) => {
      const at = { arena: after, nKvHeads, kvHead };
      const what = `head ${kvHead}, row ${i} from ${from}`;
      assertEquals(readPosition(cache, { ...at, row: i }), 3 * from + 1, what);
      if (cache.layout.rowSums) assertEquals(readSum(cache, { ...at, row: i }), from / 8, what);
      const value = readRow(cache, { ...at, index: nKey, row: i, width: headDim });
      assertEquals(value, Array.from(heads[kvHead]!.values[from]!), what);
      const listed = from < nListed;
      const index = listed ? 0 : nKey - 1;
      const width = listed ? channels.length : headDim;
      const row = listed || nListed === 0 ? i : i - nKeptListed;
      const key = heads[kvHead]!.keys[from]!;
      const want = listed ? channels.map((c) => key[c]!) : Array.from(key);
      assertEquals(readRow(cache, { ...at, index, row, width }), want, what);
    });
  });
  // Behind the kept rows lies what lay there.
  kept.forEach(({ length }, kvHead) => {
    for (let row = length; row < nRows; row++) {
      const at = { nKvHeads, kvHead, row };
      const what = `head ${kvHead}, row ${row} behind the kept ones`;
      assertEquals(readPosition(cache, { ...at, arena: after }), 3 * row + 1, what);
      if (cache.layout.rowSums) {
        assertEquals(readSum(cache, { ...at, arena: after }), row / 8, what);
      }
      const value = readRow(cache, { ...at, arena: after, index: nKey, width: headDim });
      assertEquals(value, Array.from(heads[kvHead]!.values[row]!), what);
      if (nListed > 0) continue;
      const key = readRow(cache, { ...at, arena: after, index: nKey - 1, width: headDim });
      assertEquals(key, Array.from(heads[kvHead]!.keys[row]!), what);
    }
  });
}

const upTo = (n: number, keep: (i: number) => boolean) =>
  Array.from({ length: n }, (_, i) => i).filter(keep);

Deno.test("keep_rows: kept rows in order, each head its own, across tiles and pages", async () => {
  const dense = "k_f16t16_v_f16t1_evicted";
  const listed = "k_list_f16t16_f16t16_v_f16t1_evicted";
  const kept = [upTo(300, (i) => i % 3 !== 1), upTo(130, (i) => i > 90), [299]];
  await checkKeep({ layout: dense, kept });
  await checkKeep({ layout: dense, kept: [upTo(33, () => true), [], [0]] });
  await checkKeep({ layout: `${dense}_summed`, kept });
  await checkKeep({ layout: `${listed}_summed`, kept, nListed: 140 });
  await checkKeep({ layout: listed, kept, nListed: 140 });
  await checkKeep({ layout: listed, kept: [[0, 5, 139], [140, 200], [139, 140]], nListed: 140 });
  await checkKeep({ layout: "k_f32t16_v_f32t1_evicted", kept, headDim: 48 });
  await checkKeep({ layout: dense, kept, headDim: 128 });
  for (const isa of isas) await checkKeep({ layout: listed, kept: [[1, 30]], nListed: 17, isa });
  for (const isa of isas) await checkKeep({ layout: dense, kept: [[1, 30]], isa });
});
