/**
 * Bits per channel as C against their references: what the rows of a cache lose at each choice, and which
 * channels get how many bits. A choice that the last roundings of f32 decide may fall either way.
 */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { testIsas } from "../../src/device/testing.ts";
import type { Isa } from "../../src/device/testing.ts";
import { parseSegmentName } from "../../src/layout/mod.ts";
import { codingLossesReference, selectBitsReference } from "../../src/reference/mod.ts";
import type { AffineCode } from "../../src/reference/mod.ts";
import { assertClose } from "../_close.ts";
import {
  bitsRun,
  channelSizes,
  lossBound,
  lossesRun,
  orderOf,
  scoreOf,
} from "../_channel_bits_case.ts";
import type { LossesCase } from "../_channel_bits_case.ts";
import { runNamed } from "../_kernel.ts";

async function losses(given: LossesCase, isa?: Isa) {
  const { name, run, heads } = lossesRun(given);
  const written = await runNamed(name, { ...run, ...(isa ? { isa } : {}) });
  return { heads, losses: written.losses!, means: written.means! };
}

async function checkLosses(given: LossesCase): Promise<void> {
  const { headDim, nRows, to } = given;
  const { heads, losses: got, means } = await losses(given);
  const code = parseSegmentName(to).code as AffineCode;
  heads.forEach((head, kvHead) => {
    const { keys } = head;
    const order = given.ordered
      ? orderOf(nRows, kvHead)
      : Array.from({ length: nRows }, (_, row) => row);
    const weights = order.map((row) => given.ordered ? scoreOf(row, kvHead) : 1);
    const want = codingLossesReference(order.map((row) => keys[row]!), code, weights);
    const at = kvHead * headDim;
    const label = `${to}, ${nRows} rows, head ${kvHead}`;
    const sizes = channelSizes(head);
    // Sums of up to 300 terms in f32, then one rounding to f16; a rounding that falls the other way is a
    // whole step of f16.
    const meanBound = (c: number) => sizes[c]! * (2 ** -11 + 2 ** -20);
    assertClose(means.subarray(at, at + headDim), want.means, { bound: meanBound, label });
    const flat = want.losses.flat();
    // The mean of the class without bits may be off as above.
    const bound = lossBound(flat, { sizes, mean: 2 ** -11 });
    assertClose(got.subarray(3 * at, 3 * (at + headDim)), flat, { bound, label });
  });
}

Deno.test("coding_losses: each choice's mean square, of the rows that are coded only", async () => {
  const base = { headDim: 64, type: "f16", to: "list_mean_q42r64t16" } as const;
  await checkLosses({ ...base, rows: 300, nRows: 256 });
  await checkLosses({ ...base, rows: 64, nRows: 64 });
  await checkLosses({ ...base, rows: 300, nRows: 192, ordered: true });
  const other = { headDim: 48, type: "f32", to: "list_mean_q84r16t16" } as const;
  await checkLosses({ ...other, rows: 127, nRows: 112 });
});

Deno.test("coding_losses: every instruction set and thread gives the same bits", async () => {
  const given = {
    rows: 160,
    nRows: 128,
    headDim: 32,
    type: "f16",
    to: "list_mean_q42r64t16",
  } as const;
  for (const ordered of [false, true]) {
    const want = await losses({ ...given, ordered });
    for (const isa of await testIsas()) {
      const got = await losses({ ...given, ordered }, isa);
      assertEquals(got.losses, want.losses, isa);
      assertEquals(got.means, want.means, isa);
    }
  }
});

const HEAD_DIM = 16;
const isas = await testIsas();
const loss = fc.oneof(fc.constantFrom(0, 1, 1, 2, 1e-3, 1e6), fc.nat(9999).map((x) => x / 64));
const channel = fc.record({ weight: loss, none: loss, low: loss, high: loss });

Deno.test("select_bits: what costs least at the budget, ties in the order of channels", async () => {
  const problems = fc.record({
    nKvHeads: fc.constantFrom(1, 3),
    channels: fc.array(channel, { minLength: 3 * HEAD_DIM, maxLength: 3 * HEAD_DIM }),
    share: fc.constantFrom(0, 0.1, 0.4, 0.75, 1),
    prices: fc.constantFrom([160, 288] as const, [96, 160] as const, [160, 544] as const),
    isa: fc.constantFrom(...isas),
  });
  await fc.assert(
    fc.asyncProperty(problems, async ({ nKvHeads, channels, share, prices, isa }) => {
      const own = channels.slice(0, nKvHeads * HEAD_DIM);
      const n = own.length;
      const budget = Math.floor(share * n * prices[1]);
      const { run, start } = bitsRun({ channels: own, headDim: HEAD_DIM, prices, budget });
      const written = await runNamed("select_bits", { ...run, isa });
      const f = Math.fround;
      const costs = own.map(({ weight: w, none, low, high }) =>
        [f(w * none), f(w * low), f(w * high)] as const
      );
      const want = selectBitsReference(costs, { prices, budget });
      const got = new Array<number>(n);
      for (let head = 0; head < nKvHeads; head++) {
        const [stored, high] = written.class_counts!.subarray(2 * head);
        const list = written.channels!.subarray(start + head * HEAD_DIM).subarray(0, HEAD_DIM);
        list.forEach((c, place) => {
          got[head * HEAD_DIM + c] = place < high! ? 2 : place < stored! ? 1 : 0;
          const fill = place < stored! ? 0 : head * HEAD_DIM + c + 0.5;
          assertEquals(written.fills![start + head * HEAD_DIM + place], fill);
          const isFirst = place === 0 || place === high || place === stored;
          assert(isFirst || list[place - 1]! < c, "each class ascends");
        });
      }
      const outside = written.channels!.filter((_, i) => i < start || i >= start + n);
      assert(outside.every((c) => c === 99), "other layers stay");
      const priceOf = (c: number) => c === 0 ? 0 : prices[c - 1]!;
      const spent = (classes: readonly number[]) => classes.reduce((sum, c) => sum + priceOf(c), 0);
      assert(spent(got) <= budget);
      const total = (classes: readonly number[]) =>
        classes.reduce((sum, c, i) => sum + costs[i]![c]!, 0);
      // Where rates differ by less than f32 tells, another order is as good: no more than that is lost.
      const slack = 1e-5 * own.reduce((sum, _, i) => sum + costs[i]![0], 0);
      if (JSON.stringify(got) === JSON.stringify(want)) return;
      assert(
        spent(got) === spent(want) && Math.abs(total(got) - total(want)) <= slack,
        `${got}, not ${want}`,
      );
    }),
    { seed: 6, numRuns: 150 },
  );
});
