import { assert, assertEquals } from "@std/assert";
import { recordingOf, reserveRings, slotRanges } from "./query_rings.ts";
import { fakeDevice } from "./testing.ts";

const sizes = { nSlots: 3, nLayers: 2, nHeads: 3, headDim: 16 };
const rings = (windows: readonly number[]) => reserveRings(fakeDevice(), windows, sizes);

Deno.test("no window needs no ring, and equal windows share one", () => {
  assertEquals(recordingOf(rings([0, 0])), null);
  const shared = rings([8, 8]);
  assertEquals([...shared.keys()], [8]);
  assertEquals(recordingOf(shared)!.constants, { window: 8, second_window: 0, second_ring: 0 });
});

Deno.test("two windows lie apart in one buffer, the second where a binding may begin", () => {
  const both = rings([33, 1]);
  const { buffers: { q_ring: { buffer } }, constants } = recordingOf(both)!;
  assertEquals([constants.window, constants.second_window], [1, 33]);
  const second = both.get(33)!;
  assertEquals(second.buffer, buffer);
  assertEquals([second.offset! % 256, second.offset! / 4], [0, constants.second_ring]);
  const ranges = [0, 1, 2].flatMap((slot) => slotRanges(both, slot, sizes))
    .sort((a, b) => a.offset - b.offset);
  ranges.reduce((end, { offset, bytes }) => {
    assert(offset >= end, `${offset} is before ${end}`);
    return offset + bytes;
  }, 0);
  const last = ranges.at(-1)!;
  assert(last.offset + last.bytes <= buffer.bytes);
  assertEquals(last.bytes, 4 * 2 * 3 * 33 * 16);
});
