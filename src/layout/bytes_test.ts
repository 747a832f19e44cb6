import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { codeBytes, rowBytes, storedBytes, tileBytes } from "./bytes.ts";
import { layoutOf } from "./make.ts";
import { fullSegment, listSegment } from "./segments.ts";
import { codePlace } from "./coded.ts";
import { elementOffset, pageBytes, pageCount, pageIndex } from "./offset.ts";
import { layoutName, parseSegmentName } from "./name.ts";
import { setPlace } from "./sets.ts";
import { ARENA_UNIT, PAGE_ROWS } from "./types.ts";

const think = { name: "think", steps: [{ kind: "channels", of: "key" }] } as const;

Deno.test("storedBytes: the formula of ThinK (oracle 5)", () => {
  const layout = layoutOf(think, { key: "f16", value: "f16" });
  const sizes = fc.record({
    S: fc.integer({ min: 32, max: 5000 }),
    t: fc.nat(300),
    D: fc.constantFrom(64, 80, 128),
    kept: fc.integer({ min: 1, max: 64 }),
  });
  fc.assert(
    fc.property(sizes, ({ S, t, D, kept }) => {
      const R = 32;
      const key = [{ rows: S - R, width: kept }, { rows: R + t, width: D }];
      const bytes = storedBytes(layout.key, key, D) +
        storedBytes(layout.value, [{ rows: S + t, width: D }], D);
      const mask = S > R ? Math.ceil(D / 8) : 0;
      assertEquals(bytes, 2 * ((S - R) * kept + (R + t) * D + (S + t) * D) + mask);
    }),
    { seed: 3 },
  );
});

Deno.test("storedBytes: a stream needs one size per segment", () => {
  const { key } = layoutOf(think, { key: "f16", value: "f16" });
  assertThrows(() => storedBytes(key, [{ rows: 1, width: 1 }], 64), RangeError);
});

Deno.test("codeBytes: codes, scales and minima", () => {
  // KIVI, 4 bits in groups of 32: half a byte a value and 4 bytes for 32 of them, a quarter and an
  // eighth of f16's 2 · 32.
  const keys = parseSegmentName("q4r32t16");
  assertEquals(codeBytes(keys.code, { rows: 64, width: 10 }), 64 * 10 / 2 + 2 * 10 * 4);
  assertEquals(rowBytes(keys, { width: 64 }, 64), 64 / 2 + 64 * 4 / 32);
  assertEquals(tileBytes(keys, { width: 64 }, 64), 32 * 40);
  // Values in groups of kept channels; the last is short.
  const values = parseSegmentName("q2c32t1");
  assertEquals(codeBytes(values.code, { rows: 3, width: 40 }), 3 * (10 + 2 * 4));
  // So are keys along channels, a tile at a time: of an odd count of them no row is whole bytes.
  const tiled = parseSegmentName("list_q2c32t16");
  assertEquals(tileBytes(tiled, { width: 39 }, 64), 39 * 4 + 2 * 16 * 4);
  assertEquals(
    codeBytes(tiled.code, { rows: 32, width: 39 }),
    2 * tileBytes(tiled, { width: 39 }, 64),
  );
  assertEquals(rowBytes(parseSegmentName("bitmap_f16t1"), { width: 5 }, 64), 2 * 5 + 8);
});

Deno.test("codeBytes: two classes of channels, and what names them", () => {
  const keys = parseSegmentName("list_mean_q42r64t16");
  const size = { rows: 128, width: 40, high: 24 };
  // In units of 64 rows: 32 bytes a channel of 4 bits, 16 of 2, and four of scale and minimum.
  assertEquals(codeBytes(keys.code, size), 2 * (24 * 32 + 16 * 16 + 40 * 4));
  assertEquals(tileBytes(keys, size, 64), 64 * rowBytes(keys, size, 64));
  // Two masks, and a mean for each of the other 24 channels.
  const stream = { segments: [keys] };
  const bytes = codeBytes(keys.code, size);
  assertEquals(storedBytes(stream, [size], 64), bytes + 2 * 8 + 2 * 24);
  assertEquals(storedBytes(stream, [{ rows: 0, width: 0, high: 0 }], 64), 0);
  // Each class of rows has a list of its own, once it has rows.
  const classes = { segments: [keys, keys] };
  const few = { rows: 64, width: 60, high: 60 };
  const both = bytes + 2 * 8 + 2 * 24 + codeBytes(keys.code, few) + 2 * 8 + 2 * 4;
  assertEquals(storedBytes(classes, [few, size], 64), both);
  assertEquals(storedBytes(classes, [{ ...few, rows: 0 }, size], 64), bytes + 2 * 8 + 2 * 24);
});

Deno.test("storedBytes: rows with channels of their own have a set each, and a head its means", () => {
  const keys = parseSegmentName("bitmap_mean_f16t1");
  const full = parseSegmentName("f16t16");
  const sizes = [{ rows: 9, width: 13 }, { rows: 2, width: 80 }];
  const stream = { segments: [keys, full] };
  assertEquals(storedBytes(stream, sizes, 80), 9 * (10 + 2 * 13) + 2 * 2 * 80 + 2 * 80);
  assertEquals(storedBytes(stream, [{ rows: 0, width: 13 }, sizes[1]!], 80), 2 * 2 * 80);
  assertEquals(setPlace(keys, { row: 127, width: 13, headDim: 80 }).set + 36, 128 * 36);
});

Deno.test("layoutOf: channels per row are f16 whatever the stream is", () => {
  const steps = [{ kind: "channels", of: "key", per: "row" }] as const;
  const layout = layoutOf({ name: "own", steps }, { key: "f32", value: "f32" });
  assertEquals(layoutName(layout), "k_bitmap_mean_f16t1_f32t16_v_f32t1");
});

Deno.test("codePlace: the bits of a page are its codes' and words' places, once each", () => {
  const cases = [
    ...[["list_mean_q42r32t16", 5, 2], ["list_mean_q42r64t16", 3, 0], ["q84r16t16", 4, 4]],
    ...[["q4c32t16", 64, 64], ["q2c16t16", 39, 39], ["q8c64t1", 80, 80]],
  ];
  for (const [name, width, high] of cases as [string, number, number][]) {
    const segment = parseSegmentName(name);
    const { code } = segment;
    if (code.kind !== "affine") throw new TypeError(name);
    const seen = new Set<number>();
    const take = (bit: number, n: number) => {
      for (let i = bit; i < bit + n; i++) {
        assert(!seen.has(i), `${name}: bit ${i} twice`);
        seen.add(i);
      }
    };
    const words = new Set<number>();
    for (let row = 0; row < PAGE_ROWS; row++) {
      for (let channel = 0; channel < width; channel++) {
        const at = codePlace(segment, { row, channel, width, high });
        take(8 * at.byte + at.shift, channel < high ? code.bits : code.low!);
        words.add(at.pair);
      }
    }
    for (const pair of words) take(8 * pair, 32);
    const [along, across] = code.along === "rows" ? [PAGE_ROWS, width] : [width, PAGE_ROWS];
    assertEquals(words.size, across * Math.ceil(along / code.group));
    assertEquals(seen.size, 8 * PAGE_ROWS * rowBytes(segment, { width, high }, 64), name);
    assertEquals(Math.max(...seen) + 1, seen.size, name);
  }
});

Deno.test("elementOffset: the elements of a page are its places, once each", () => {
  for (const name of ["f16t1", "f16t16", "list_f32t32"]) {
    const segment = parseSegmentName(name);
    const width = 5;
    const seen = new Set<number>();
    for (let row = PAGE_ROWS; row < 2 * PAGE_ROWS; row++) {
      assertEquals(pageIndex(row), 1);
      for (let channel = 0; channel < width; channel++) {
        seen.add(elementOffset(segment, { row, channel, width }));
      }
    }
    assertEquals(seen.size, PAGE_ROWS * width);
    assertEquals(Math.max(...seen), PAGE_ROWS * width - 1);
  }
});

Deno.test("pageBytes: whole arena units, at most a tile above the rows", () => {
  assertEquals(pageCount(0), 0);
  assertEquals(pageCount(PAGE_ROWS), 1);
  assertEquals(pageCount(PAGE_ROWS + 1), 2);
  assertEquals(pageBytes(fullSegment("f16", 16), { width: 64, headDim: 64 }), PAGE_ROWS * 128);
  assertEquals(pageBytes(listSegment("f16", 16), { width: 3, headDim: 64, rows: 17 }), 192);
  assertEquals(pageBytes(listSegment("f16", 16), { width: 1, headDim: 64, rows: 1 }), ARENA_UNIT);
});
