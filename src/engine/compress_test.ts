import { assertEquals } from "@std/assert";
import { compressing, uniform } from "./_compressing.ts";
import { streamSegments } from "./compress_drafts.ts";

Deno.test("a layer that keeps every channel and a short slot are left alone", async () => {
  const shape = { nLayers: 2, nKvHeads: 2, headDim: 32, recent: 32 };
  const whole = compressing({ ...shape, widths: Uint32Array.of(32, 32, 8, 32) });
  const slot = whole.cache.openSlot();
  whole.cache.reserveRows(slot, 100);
  whole.cache.advance(slot, 100);
  await whole.compress(slot);
  const { compressed, full } = streamSegments(whole.cache, "key")!;
  const list = compressed[0]!;
  const rows = (head: number) =>
    [list, full].map(({ index }) => whole.cache.sizeOf({ slot, head }, index).rows);
  assertEquals([0, 1, 2, 3].map(rows), [[0, 100], [0, 100], [68, 32], [68, 32]]);
  assertEquals(whole.cache.sizeOf({ slot, head: 2 }, list.index).width, 8);
  assertEquals(whole.ran.filter((kernel) => kernel === "select_channels").length, 1);

  const short = compressing({ ...shape, widths: uniform(4, 8) });
  short.cache.openSlot();
  short.cache.reserveRows(0, 32);
  short.cache.advance(0, 32);
  await short.compress(0);
  assertEquals(short.ran, []);
});

Deno.test("a later turn keeps the first mask and the bytes of a page that was cut", async () => {
  const shape = { nLayers: 1, nKvHeads: 1, headDim: 32, recent: 8, widths: uniform(1, 8) };
  const { device, cache, compress, ran } = compressing(shape);
  const slot = cache.openSlot();
  const grow = async (n: number) => {
    cache.reserveRows(slot, n);
    cache.advance(slot, n);
    await compress(slot);
  };
  await grow(48);
  const list = streamSegments(cache, "key")!.compressed[0]!;
  const index = cache.table.entryIndex({ slot, head: 0, entry: list.page });
  const marks = Uint8Array.from({ length: 48 * 8 * 2 }, (_, i) => i % 251);
  assertEquals(cache.table.bytesAt(index), marks.length);
  const page = () => cache.table.pageAt(index);
  device.write(page().buffer, marks.subarray(0, 640), page().offset);
  await grow(100);
  assertEquals(cache.sizeOf({ slot, head: 0 }, list.index), { rows: 140, width: 8 });
  assertEquals(
    (await device.read(page().buffer, page().offset, 640)).join(),
    marks.subarray(0, 640).join(),
  );
  assertEquals(ran.filter((kernel) => kernel === "select_channels").length, 1);
  assertEquals(ran.filter((kernel) => kernel.startsWith("move_rows")).length, 4);
});
