import { assertEquals, assertThrows } from "@std/assert";
import { byChannel, byRow, codes, pruning, sum } from "./mod.ts";
import { rowWeights } from "./channel_bits.ts";
import type { ChannelBitsSpec } from "./channel_bits.ts";

const bits = (rows: NonNullable<ChannelBitsSpec["rows"]>) =>
  byChannel({ choices: [0, 2, 4], average: 2, weight: () => 1, rows, group: "mean", window: 8 });

Deno.test("rows count alike, as their scores, or as a parameter says", () => {
  const mixed = { scoreIf: "scored", mean: 0.3 };
  const all = [bits("alike"), bits("score"), bits({ scoreIf: "scored" }), bits(mixed)];
  const of = (scored: number) => all.map((own) => rowWeights(own, { scored }));
  const weights = (weighsRows: boolean, meanShare = 0) => ({ weighsRows, meanShare });
  assertEquals(of(1), [weights(false), weights(true), weights(true), weights(true, 0.3)]);
  assertEquals(of(0), [weights(false), weights(true), weights(false), weights(false, 0.3)]);
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
  for (const mean of [-0.1, 1.5, NaN]) {
    const mixed = { scoreIf: "scored", mean };
    assertThrows(() => of(mixed, true), TypeError, `${mean} is no share of a mean: use 0 to 1`);
  }
});
