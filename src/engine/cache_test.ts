import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { KerfError } from "../core/error.ts";
import { compressing, uniform } from "./_compressing.ts";
import { slotDenseBytes, slotStoredBytes } from "./cache_bytes.ts";

Deno.test("stored bytes are THINK.md's formula, allocated ones at most a tile and 31 rows above", async () => {
  const random = fc.record({
    rows: fc.integer({ min: 1, max: 700 }),
    decoded: fc.nat(200),
    width: fc.integer({ min: 1, max: 63 }),
    recent: fc.constantFrom(0, 1, 32, 33),
    keys: fc.constantFrom("f16" as const, "f32" as const),
  });
  await fc.assert(
    fc.asyncProperty(random, async ({ rows, decoded, width, recent, keys }) => {
      const [nLayers, nKvHeads, headDim] = [3, 2, 64];
      const widths = uniform(nLayers * nKvHeads, width);
      const types = { key: keys, value: "f16" } as const;
      const { cache, compress } = compressing({
        nLayers,
        nKvHeads,
        headDim,
        recent,
        widths,
        types,
      });
      const slot = cache.openSlot();
      cache.reserveRows(slot, rows);
      cache.advance(slot, rows);
      await compress(slot);
      cache.reserveRows(slot, decoded);
      cache.advance(slot, decoded);

      const pruned = Math.max(0, rows - recent);
      const keyBytes = keys === "f16" ? 2 : 4;
      const perHead = keyBytes * (pruned * width + (rows - pruned + decoded) * headDim) +
        2 * (rows + decoded) * headDim + (pruned > 0 ? headDim / 8 : 0);
      assertEquals(slotStoredBytes(cache, slot), nLayers * nKvHeads * perHead);
      assertEquals(cache.tokensOf(slot), rows + decoded);
      assertEquals(
        slotDenseBytes(cache, slot),
        nLayers * nKvHeads * (rows + decoded) * headDim * (keyBytes + 2),
      );
      const slack = 16 * width * keyBytes + 64 + 31 * headDim * (keyBytes + 2);
      const { allocated, peak } = cache.table.bytesOf(slot);
      assert(allocated >= slotStoredBytes(cache, slot) - nLayers * nKvHeads * headDim / 8);
      assert(allocated <= slotStoredBytes(cache, slot) + nLayers * nKvHeads * slack);
      assert(peak >= allocated);
      cache.closeSlot(slot);
      assertEquals(cache.table.allocatedBytes, 0);
    }),
    { seed: 3, numRuns: 40 },
  );
});

Deno.test("rows that lose channels layer by layer lie together, page behind page", async () => {
  const [nLayers, nKvHeads] = [4, 2];
  const widths = uniform(nLayers * nKvHeads, 32);
  const { cache, compress } = compressing({ nLayers, nKvHeads, headDim: 64, recent: 32, widths });
  const slot = cache.openSlot();
  for (let rows = 0; rows < 1024; rows += 256) {
    cache.reserveRows(slot, 256);
    cache.advance(slot, 256);
  }
  await compress(slot);
  const [pruned] = cache.segments;
  const pages = Array.from({ length: nLayers * nKvHeads * 8 }, (_, i) => {
    const at = { slot, head: Math.floor(i / 8), entry: pruned!.page + i % 8 };
    return cache.table.pageAt(cache.table.entryIndex(at));
  });
  for (const [i, page] of pages.entries()) {
    const before = pages[i - 1] ?? { offset: page.offset, bytes: 0 };
    assertEquals(page.offset, before.offset + before.bytes);
  }
});

Deno.test("slots run out with a hint, and freed pages are discarded", () => {
  const shape = { nLayers: 1, nKvHeads: 1, headDim: 64, recent: 0, widths: uniform(1, 8) };
  const { device, cache } = compressing(shape);
  const slots = [cache.openSlot(), cache.openSlot()];
  assertEquals(slots, [0, 1]);
  assertThrows(() => cache.openSlot(), KerfError, "all 2 are in use");
  cache.reserveRows(0, 300);
  cache.advance(0, 300);
  assertEquals(cache.chunksOf(0, 1), 2);
  cache.clearSlot(0);
  const discarded = device.discarded.reduce((sum, { bytes }) => sum + bytes, 0);
  // The last 44 rows of either stream lie in a page of 64.
  assertEquals(discarded, 2 * (2 * 128 + 64) * 64 * 2);
});
