import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  codingLossesReference,
  rowWeightsReference,
  selectBitsReference,
  selectHeadBitsReference,
} from "./channel_bits.ts";

const cost = fc.tuple(fc.nat(40), fc.nat(40), fc.nat(40));

Deno.test("selectBitsReference: no other choice at what it spends costs less", () => {
  const prices = [3, 5] as const;
  const priceOf = (c: number) => c === 0 ? 0 : prices[c - 1]!;
  fc.assert(
    fc.property(
      fc.array(cost, { minLength: 1, maxLength: 6 }),
      fc.nat(30),
      (costs, budget) => {
        const classes = selectBitsReference(costs, { prices, budget });
        const spent = classes.reduce((sum, c) => sum + priceOf(c), 0);
        assert(spent <= budget);
        const own = classes.reduce((sum, c, i) => sum + costs[i]![c]!, 0);
        for (let code = 0; code < 3 ** costs.length; code++) {
          const other = costs.map((_, i) => Math.floor(code / 3 ** i) % 3);
          if (other.reduce((sum, c) => sum + priceOf(c), 0) > spent) continue;
          assert(other.reduce((sum, c, i) => sum + costs[i]![c]!, 0) >= own);
        }
      },
    ),
    { seed: 3, numRuns: 200 },
  );
});

Deno.test("selectBitsReference: ties, nothing to win, no budget, everything", () => {
  const prices = [2, 4] as const;
  const same = [[4, 2, 0], [4, 2, 0], [4, 2, 0]] as const;
  assertEquals(selectBitsReference(same, { prices, budget: 6 }), [2, 1, 0]);
  assertEquals(selectBitsReference(same, { prices, budget: 1 }), [0, 0, 0]);
  assertEquals(selectBitsReference(same, { prices, budget: 99 }), [2, 2, 2]);
  assertEquals(selectBitsReference([[0, 0, 0], [1, 2, 0]], { prices, budget: 9 }), [0, 2]);
});

Deno.test("selectHeadBitsReference: together, each by itself, and without a row that is due", () => {
  const costs = [[[[8, 2, 0]]], [[[100, 0, 0]]], [[[4, 3, 0]]]] as const;
  const options = { due: [[16], [0], [16]], firstParts: 256, prices: [2, 4], budget: 4 } as const;
  const of = (shares: boolean) => selectHeadBitsReference(costs, { ...options, shares });
  assertEquals(of(true), [[[2]], null, [[0]]]);
  assertEquals(of(false), [[[2]], null, [[2]]]);
});

Deno.test("selectHeadBitsReference: a list costs by its share of rows, one without rows has the other's", () => {
  const costs = [[[[8, 2, 0]], [[9, 0, 0]]]] as const;
  // An eighth of the rows: 4 bits of its channel cost half a bit, 2 bits of the other one and three quarters.
  const of = (due: readonly number[], budget: number) =>
    selectHeadBitsReference(costs, {
      ...{ due: [due], shares: true, firstParts: 32, prices: [2, 4], budget },
    });
  assertEquals(of([16, 112], 1), [[[2], [0]]]);
  assertEquals(of([16, 112], 3), [[[2], [1]]]);
  assertEquals(of([0, 128], 3), [[[1], [1]]]);
  assertEquals(of([128, 0], 1), [[[0], [0]]]);
});

Deno.test("rowWeightsReference: 1 on average, and all alike without scores", () => {
  assertEquals(rowWeightsReference([1, 3], 0), [0.5, 1.5]);
  assertEquals(rowWeightsReference([1, 3], 0.5), [0.75, 1.25]);
  assertEquals(rowWeightsReference([0, 0], 0.5), [1, 1]);
});

Deno.test("codingLossesReference: a line's four levels, a constant, and what its mean loses", () => {
  const rows = Array.from({ length: 32 }, (_, r) => [r % 4, 7, r % 2 ? 1 : -1]);
  const code = { kind: "affine", bits: 4, low: 2, along: "rows", group: 16 } as const;
  const { means, losses } = codingLossesReference(rows, code);
  assertEquals([...means], [1.5, 7, 0]);
  // Four levels are two bits' own; of the sixteen of four bits every third is one of them, but for f16.
  assertEquals(losses[0]!.slice(0, 2), [1.25, 0]);
  assertAlmostEquals(losses[0]![2], 0, 1e-6);
  assertEquals(losses[1], [0, 0, 0]);
  assertEquals(losses[2]![0], 1);
});
