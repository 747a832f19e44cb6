import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { layoutOf } from "../layout/make.ts";
import { PAGE_ROWS } from "../layout/types.ts";
import { KvCache } from "./cache.ts";
import { fitPages } from "./fit_pages.ts";
import { fakeDevice } from "./testing.ts";

const think = { name: "test", steps: [{ kind: "channels", of: "key" }] } as const;

/** A cache of one slot and three heads of 64 channels in f16, so that a row has 128 bytes. */
function cacheOf(variant: typeof think | null) {
  const device = fakeDevice();
  const layout = layoutOf(variant, { key: "f16", value: "f16" });
  const sizes = { nSlots: 1, nLayers: 1, nKvHeads: 3, headDim: 64, nCtx: 1024 };
  return { device, cache: new KvCache(device, { layout, ...sizes }) };
}

Deno.test("fitPages keeps the bytes of rows that stay, whatever grows or shrinks beside them", () => {
  const change = fc.record({ head: fc.nat(2), index: fc.nat(2), to: fc.nat(700) });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
      const { device, cache } = cacheOf(think);
      const rows = new Map<string, number>();
      const marks = new Map<string, number[]>();
      for (const [i, { head, index, to }] of changes.entries()) {
        const at = { slot: 0, head };
        const segment = cache.segments[index]!;
        const key = `${head} ${index}`;
        const from = rows.get(key) ?? 0;
        fitPages(cache, { at, segment, width: 64, from, to });
        rows.set(key, to);
        const kept = (marks.get(key) ?? []).slice(0, to);
        // A mark in the first bytes of every row that came.
        for (let row = kept.length; row < to; row++) {
          const { buffer, offset } = pageOf(cache, { head, entry: segment.page, row });
          const mark = (i + 1) * 1000 + row;
          device.write(buffer, Uint32Array.of(mark), offset + 128 * (row % PAGE_ROWS));
          kept.push(mark);
        }
        marks.set(key, kept);
        for (const [name, list] of marks) {
          const [head, index] = name.split(" ").map(Number) as [number, number];
          const { page: entry } = cache.segments[index]!;
          list.forEach((mark, row) => {
            const { buffer, offset, bytes } = pageOf(cache, { head, entry, row });
            const place = 128 * (row % PAGE_ROWS);
            assert(place < bytes, `row ${row} is behind its page`);
            const view = new DataView(device.bytesOf(buffer).buffer);
            assertEquals(view.getUint32(offset + place, true), mark, `${name}, row ${row}`);
          });
        }
      }
      const { allocated, peak } = cache.table.bytesOf(0);
      assertEquals(allocated, cache.table.allocatedBytes);
      assert(peak >= allocated);
      cache.clearSlot(0);
      assertEquals(cache.table.allocatedBytes, 0);
    }),
    { seed: 5, numRuns: 40 },
  );
});

Deno.test("a page that grows is held once, and a cache that is never compressed has whole pages", () => {
  const grown = (variant: typeof think | null) => {
    const { cache } = cacheOf(variant);
    return [1, 32, 33, 128, 129].map((rows) => {
      cache.reserveRows(0, rows - cache.rowsOf({ slot: 0, head: 0 }));
      cache.advance(0, rows - cache.rowsOf({ slot: 0, head: 0 }));
      const { allocated, peak } = cache.table.bytesOf(0);
      assertEquals(peak, allocated);
      // Of three heads, keys and values, 128 bytes a row.
      return allocated / (3 * 2 * 128);
    });
  };
  assertEquals(grown(think), [32, 32, 64, 128, 160]);
  assertEquals(grown(null), [128, 128, 128, 128, 256]);
});

Deno.test("pages that are cut lie apart, so that those that move leave no gaps among the others", () => {
  const { cache } = cacheOf(think);
  cache.reserveRows(0, 260);
  const offsets = (page: number, p: number) =>
    [0, 1, 2].map((head) =>
      cache.table.pageAt(cache.table.entryIndex({ slot: 0, head, entry: page + p })).offset
    );
  const [keys, values] = cache.segments.filter(({ isLast }) => isLast);
  const whole = 128 * 128;
  const [first] = offsets(keys!.page, 0);
  assertEquals(offsets(keys!.page, 0), [0, 2, 4].map((i) => first! + i * whole));
  assertEquals(offsets(keys!.page, 1), [1, 3, 5].map((i) => first! + i * whole));
  const cut = [...offsets(keys!.page, 2), ...offsets(values!.page, 2)].toSorted((a, b) => a - b);
  assertEquals(cut, cut.map((_, i) => cut[0]! + i * 32 * 128));
  assert(cut[0]! > offsets(values!.page, 1)[2]!);
});

/** The page that holds a row, whose first is in `entry`. */
function pageOf(
  { table }: KvCache,
  { head, entry, row }: { readonly head: number; readonly entry: number; readonly row: number },
) {
  const page = entry + Math.floor(row / PAGE_ROWS);
  return table.pageAt(table.entryIndex({ slot: 0, head, entry: page }));
}
