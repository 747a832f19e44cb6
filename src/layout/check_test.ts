import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { KerfError } from "../core/error.ts";
import { checkLayout } from "./check.ts";
import { denseLayout, layoutOf } from "./make.ts";
import { fullSegment } from "./segments.ts";
import { layoutName, parseSegmentName } from "./name.ts";
import { drawLayout } from "./picture.ts";
import type { Segment } from "./types.ts";

const full = fullSegment("f16", 16);

const rejected: readonly [segments: readonly Segment[], why: string][] = [
  [[], "it has no segment"],
  [[{ ...full, channels: "bitmap" }, full], "leaves no channel-major tile"],
  [[{ ...full, fill: "mean" }], "has none to fill"],
  [[parseSegmentName("bitmap_q4c32t1"), full], "are stored as f16"],
  [
    [parseSegmentName("bitmap_mean_f16t1"), { ...full, flush: { atRows: 64, rows: 32 } }],
    "are not coded",
  ],
  [
    [parseSegmentName("bitmap_mean_f16t1"), parseSegmentName("list_f16t16"), full],
    "a head has one channel list",
  ],
  [[full, { ...full, channels: "none" }, full], "read as their mean"],
  [[parseSegmentName("none_mean_f16t1"), full], "nothing is left"],
  [[parseSegmentName("q4c0t1"), full], "positive whole number"],
  [[parseSegmentName("q4r48t16"), full], "divide a page"],
  [[parseSegmentName("q4r16t32"), full], "fill whole tiles"],
  [[parseSegmentName("list_q42r32t16"), full], "leave others a mean"],
  [[parseSegmentName("list_mean_q44r32t16"), full], "channels of two classes"],
  [[parseSegmentName("list_f16t16")], "new rows go to the last segment"],
  [[parseSegmentName("q4r32t16")], "new rows go to the last segment"],
  [[{ ...full, flush: { atRows: 64, rows: 32 } }], "no earlier segment"],
  [
    [parseSegmentName("q4r32t16"), { ...full, flush: { atRows: 64, rows: 33 } }],
    "whole groups of the segment before",
  ],
  [
    [parseSegmentName("q4c64t16"), { ...full, flush: { atRows: 64, rows: 32, unit: 24 } }],
    "whole groups of the segment before",
  ],
  [[full, { ...full, flush: { atRows: 8, rows: 16 } }], "no more than there are"],
  [
    [parseSegmentName("list_f16t16"), parseSegmentName("list_f32t16"), full],
    "a head has one channel list",
  ],
];

for (const [segments, why] of rejected) {
  Deno.test(`checkLayout refuses: ${why} (${segments.length} segments)`, () => {
    const dense = denseLayout({ key: "f16", value: "f16" });
    const error = assertThrows(() => checkLayout({ ...dense, key: { segments } }), KerfError);
    assertStringIncludes(error.message, why);
    assertEquals(error.hints.length, 1);
  });
}

Deno.test("checkLayout: a KIVI-like layout is legal", () => {
  const kivi = [parseSegmentName("list_q2r32t16"), { ...full, flush: { atRows: 256, rows: 128 } }];
  const dense = denseLayout({ key: "f16", value: "f16" });
  const layout = checkLayout({ ...dense, key: { segments: kivi } });
  assertEquals(layoutName(layout), "k_list_q2r32t16_f16t16_v_f16t1");
});

Deno.test("layoutOf: two channel steps on keys are refused with the variant's name", () => {
  const twice = {
    name: "twice",
    steps: [{ kind: "channels", of: "key" }, { kind: "channels", of: "key" }],
  } as const;
  const error = assertThrows(() => layoutOf(twice, { key: "f16", value: "f16" }), KerfError);
  assertStringIncludes(error.message, 'of "twice"');
});

Deno.test("drawLayout: rows, widths, bytes and the stored share", () => {
  const think = { name: "think", steps: [{ kind: "channels", of: "key" }] } as const;
  const picture = drawLayout(layoutOf(think, { key: "f16", value: "f32" }), {
    headDim: 64,
    key: [{ rows: 992, width: 32 }, { rows: 32, width: 64 }],
    value: [{ rows: 1024, width: 64 }],
  });
  const [whole, half] = ["█".repeat(16), "█".repeat(8) + "·".repeat(8)];
  assertEquals(
    picture,
    [
      "layout k_list_f16t16_f16t16_v_f32t1, headDim 64",
      `keys    list_f16t16      992 rows ×  32 channels × 16 bits   63496 B  ${half}`,
      `        f16t16            32 rows ×  64 channels × 16 bits    4096 B  ${whole}`,
      `values  f32t1           1024 rows ×  64 channels × 32 bits  262144 B  ${whole}`,
      "total                                                       329736 B",
    ].join("\n"),
  );
});

Deno.test("drawLayout: the bits of codes with what they share, and positions", () => {
  const code = (along: "rows" | "channels") =>
    ({ kind: "affine", bits: 2, along, group: 32 }) as const;
  const flush = { rows: 32, atRows: 64 };
  const steps = [
    { kind: "tokens" },
    { kind: "codes", of: "key", code: code("rows"), flush },
    { kind: "codes", of: "value", code: code("channels"), flush },
  ] as const;
  const sizes = [{ rows: 96, width: 64 }, { rows: 0, width: 64 }];
  const picture = drawLayout(layoutOf({ name: "x", steps }, { key: "f16", value: "f16" }), {
    ...{ headDim: 64, key: sizes, value: sizes },
  });
  const bar = "███·············";
  assertEquals(
    picture,
    [
      "layout k_q2r32t16_f16t16_v_q2c32t1_f16t1_evicted, headDim 64",
      `keys       q2r32t16       96 rows ×  64 channels × 3 bits   2304 B  ${bar}`,
      "           f16t16          0 rows ×  64 channels × 16 bits     0 B",
      `values     q2c32t1        96 rows ×  64 channels × 3 bits   2304 B  ${bar}`,
      "           f16t1           0 rows ×  64 channels × 16 bits     0 B",
      "positions  i32            96 rows                            384 B",
      "total                                                       4992 B",
    ].join("\n"),
  );
});
