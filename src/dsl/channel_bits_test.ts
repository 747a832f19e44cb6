import { assertEquals, assertThrows } from "@std/assert";
import { byChannel, byRow, codes, pruning, sum } from "./mod.ts";
import { weighsRows } from "./channel_bits.ts";
import type { ChannelBitsSpec } from "./channel_bits.ts";

const bits = (rows: NonNullable<ChannelBitsSpec["rows"]>) =>
  byChannel({ choices: [0, 2, 4], average: 2, weight: () => 1, rows, group: "mean", window: 8 });

Deno.test("rows count alike, as their scores, or as a parameter says", () => {
  const all = [bits("alike"), bits("score"), bits({ scoreIf: "scored" })];
  assertEquals(all.map((own) => weighsRows(own, { scored: 1 })), [false, true, true]);
  assertEquals(weighsRows(bits({ scoreIf: "scored" }), { scored: 0 }), false);
});

Deno.test("rows that count as scores need byRow(), and a parameter that is there", () => {
  const of = (rows: NonNullable<ChannelBitsSpec["rows"]>, hasScore: boolean) => {
    const whole = { group: 64, residual: 64 };
    const row = byRow({ high: 4, low: 2, share: 0.5, score: ({ key }) => sum(key), group: "mean" });
    return pruning({
      name: "test",
      params: { scored: { default: 1 } },
      steps: [
        codes({ of: "key", along: "rows", ...whole, bits: bits(rows) }),
        codes({ of: "value", along: "channels", ...whole, bits: hasScore ? row : 4 }),
      ],
    });
  };
  for (const rows of ["score", { scoreIf: "scored" }] as const) {
    of(rows, true);
    assertThrows(
      () => of(rows, false),
      TypeError,
      "counts rows by a score, which no byRow() gives",
    );
  }
  assertThrows(() => of({ scoreIf: "weighed" }, true), TypeError, 'scoreIf names "weighed"');
});
