import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { KerfError } from "../core/error.ts";
import { layoutName, parseLayoutName, parseSegmentName, segmentName } from "./name.ts";
import type { Layout, Segment } from "./types.ts";

const segments: fc.Arbitrary<Segment> = fc.record({
  channels: fc.constantFrom("all", "list", "bitmap", "none"),
  fill: fc.constantFrom("zero", "mean"),
  basis: fc.constantFrom("identity", "orthogonal"),
  code: fc.oneof(
    fc.constantFrom({ kind: "f32" } as const, { kind: "f16" } as const),
    fc.record({
      kind: fc.constant("affine" as const),
      bits: fc.constantFrom(2 as const, 4 as const, 8 as const),
      along: fc.constantFrom("rows" as const, "channels" as const),
      group: fc.constantFrom(16, 32, 64, 128),
    }),
    fc.record({
      kind: fc.constant("affine" as const),
      bits: fc.constantFrom(4 as const, 8 as const),
      low: fc.constantFrom(2 as const, 4 as const),
      along: fc.constantFrom("rows" as const, "channels" as const),
      group: fc.constantFrom(16, 32, 64, 128),
    }),
  ),
  tile: fc.constantFrom(1 as const, 16 as const, 32 as const),
  flush: fc.constant(null),
});

const streams = fc.record({ segments: fc.array(segments, { minLength: 1, maxLength: 4 }) });

Deno.test("layoutName: every layout's name parses back to it", () => {
  const layouts: fc.Arbitrary<Layout> = fc.record({
    key: streams,
    value: streams,
    positions: fc.constantFrom("true", "cache"),
    rowPositions: fc.boolean(),
    rowSums: fc.boolean(),
  });
  fc.assert(
    fc.property(layouts, (layout) => assertEquals(parseLayoutName(layoutName(layout)), layout)),
    { seed: 1 },
  );
});

Deno.test("segmentName: every segment's name parses back to it", () => {
  fc.assert(
    fc.property(segments, (s) => assertEquals(parseSegmentName(segmentName(s)), s)),
    { seed: 2 },
  );
});

Deno.test("parseLayoutName: what is no layout is refused with an example", () => {
  for (
    const name of ["", "dense", "k_f16t16", "k_f16t3_v_f16t1", "k__v_f16t1", "k_f16t16_v_f16t1_"]
  ) {
    const error = assertThrows(() => parseLayoutName(name), KerfError);
    assertEquals(error.hints, ["a layout's name looks like k_list_f16t16_f16t16_v_f16t1"]);
  }
});
