/**
 * Bits per channel as C against their references: what the rows of a cache lose at each choice, and which
 * channels get how many bits. A choice that the last roundings of f32 decide may fall either way.
 */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { testIsas } from "../../src/device/testing.ts";
import type { Isa } from "../../src/device/testing.ts";
import { parseSegmentName } from "../../src/layout/mod.ts";
import { codingLossesReference, selectHeadBitsReference } from "../../src/reference/mod.ts";
import type { AffineCode } from "../../src/reference/mod.ts";
import { assertClose } from "../_close.ts";
import {
  bitsRun,
  channelSizes,
  dueOf,
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
  const { headDim, to } = given;
  const { heads, losses: got, means } = await losses(given);
  const code = parseSegmentName(to).code as AffineCode;
  heads.forEach((head, kvHead) => {
    const { keys } = head;
    const nRows = dueOf(given)[kvHead]!;
    const at = kvHead * headDim;
    const own = got.subarray(3 * at, 3 * (at + headDim));
    if (nRows === 0) {
      assert([...own, ...means.subarray(at, at + headDim)].every(Number.isNaN), "left alone");
      return;
    }
    const order = given.ordered
      ? orderOf(nRows, kvHead)
      : Array.from({ length: nRows }, (_, row) => row);
    const weights = order.map((row) => given.ordered ? scoreOf(row, kvHead) : 1);
    const want = codingLossesReference(order.map((row) => keys[row]!), code, weights);
    const label = `${to}, ${nRows} rows, head ${kvHead}`;
    const sizes = channelSizes(head);
    // Sums of up to 300 terms in f32, then one rounding to f16; a rounding that falls the other way is a
    // whole step of f16.
    const meanBound = (c: number) => sizes[c]! * (2 ** -11 + 2 ** -20);
    assertClose(means.subarray(at, at + headDim), want.means, { bound: meanBound, label });
    const flat = want.losses.flat();
    // The mean of the class without bits may be off as above.
    const bound = lossBound(flat, { sizes, mean: 2 ** -11 });
    assertClose(own, flat, { bound, label });
  });
}

Deno.test("coding_losses: each choice's mean square, of the rows that are coded only", async () => {
  const base = { headDim: 64, type: "f16", to: "list_mean_q42r64t16" } as const;
  await checkLosses({ ...base, rows: 300, nRows: 256 });
  await checkLosses({ ...base, rows: 64, nRows: 64 });
  await checkLosses({ ...base, rows: 300, nRows: 192, ordered: true });
  for (const ordered of [false, true]) {
    await checkLosses({ ...base, rows: 300, nRows: [64, 0, 256], nKvHeads: 3, ordered });
  }
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

Deno.test("select_bits: what costs least at the budget, together or head by head, heads without rows left alone", async () => {
  const problems = fc.record({
    nKvHeads: fc.constantFrom(1, 3),
    idle: fc.subarray([0, 1, 2], { maxLength: 2 }),
    shares: fc.boolean(),
    channels: fc.array(channel, { minLength: 3 * HEAD_DIM, maxLength: 3 * HEAD_DIM }),
    share: fc.constantFrom(0, 0.1, 0.4, 0.75, 1),
    prices: fc.constantFrom([160, 288] as const, [96, 160] as const, [160, 544] as const),
    isa: fc.constantFrom(...isas),
  });
  await fc.assert(
    fc.asyncProperty(problems, async ({ nKvHeads, channels, share, isa, ...given }) => {
      const { prices, shares, idle } = given;
      const own = channels.slice(0, nKvHeads * HEAD_DIM);
      const due = Array.from({ length: nKvHeads }, (_, i) => idle.includes(i) ? 0 : 64);
      const nTogether = shares ? due.filter((rows) => rows > 0).length : 1;
      const budget = Math.floor(share * nTogether * HEAD_DIM * prices[1]);
      const { run, start } = bitsRun({ channels: own, headDim: HEAD_DIM, budget, ...given });
      const written = await runNamed("select_bits", { ...run, isa });
      const f = Math.fround;
      const costs = Array.from(
        { length: nKvHeads },
        (_, i) =>
          own.slice(i * HEAD_DIM, (i + 1) * HEAD_DIM).map(({ weight: w, none, low, high }) =>
            [f(w * none), f(w * low), f(w * high)] as const
          ),
      );
      const want = selectHeadBitsReference(costs, { due, shares, prices, budget });
      const got = want.map((wanted, head): number[] | null => {
        const [stored, high] = written.class_counts!.subarray(2 * head);
        const first = start + head * HEAD_DIM;
        const list = written.channels!.subarray(first, first + HEAD_DIM);
        const fills = written.fills!.subarray(first, first + HEAD_DIM);
        if (wanted === null) {
          assert([stored, high, ...list].every((x) => x === 99) && fills.every((x) => x === -7));
          return null;
        }
        const classes = new Array<number>(HEAD_DIM);
        list.forEach((c, place) => {
          classes[c] = place < high! ? 2 : place < stored! ? 1 : 0;
          assertEquals(fills[place], place < stored! ? 0 : head * HEAD_DIM + c + 0.5);
          const isFirst = place === 0 || place === high || place === stored;
          assert(isFirst || list[place - 1]! < c, "each class ascends");
        });
        return classes;
      });
      const outside = written.channels!.filter((_, i) => i < start || i >= start + own.length);
      assert(outside.every((c) => c === 99), "other layers stay");
      const priceOf = (c: number) => c === 0 ? 0 : prices[c - 1]!;
      type Classes = readonly (readonly number[] | null)[];
      const sumOf = (classes: Classes, of: (head: number, channel: number, c: number) => number) =>
        classes.map((own, head) => (own ?? []).reduce((sum, c, i) => sum + of(head, i, c), 0));
      const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
      const spent = (classes: Classes) => {
        const heads = sumOf(classes, (_head, _channel, c) => priceOf(c));
        return shares ? [sum(heads)] : heads;
      };
      assert(spent(got).every((bits) => bits <= budget));
      const total = (classes: Classes) => sum(sumOf(classes, (head, i, c) => costs[head]![i]![c]!));
      if (JSON.stringify(got) === JSON.stringify(want)) return;
      // Where rates differ by less than f32 tells, another order is as good: no more than that is lost.
      const slack = 1e-5 * total(want.map((own) => own && own.map(() => 0)));
      assertEquals(spent(got), spent(want));
      assert(Math.abs(total(got) - total(want)) <= slack, `${got}, not ${want}`);
    }),
    { seed: 6, numRuns: 150 },
  );
});
