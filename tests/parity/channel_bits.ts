/**
 * Bits per channel as C against their references: what the rows of a cache lose at each choice, and which
 * channels get how many bits. A choice that the last roundings of f32 decide may fall either way.
 */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { testIsas } from "../../src/device/testing.ts";
import type { Isa } from "../../src/device/testing.ts";
import { CLASS_PARTS, parseSegmentName } from "../../src/layout/mod.ts";
import {
  codingLossesReference,
  rowWeightsReference,
  selectHeadBitsReference,
} from "../../src/reference/mod.ts";
import type { AffineCode } from "../../src/reference/mod.ts";
import { assertClose } from "../_close.ts";
import {
  bitsRun,
  channelSizes,
  dueOf,
  listRowsOf,
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
  const lists = listRowsOf(given);
  const all = heads.flatMap((head, kvHead) =>
    lists[kvHead]!.map((nRows, list) => ({ head, kvHead, nRows, list }))
  );
  all.forEach(({ head, kvHead, nRows, list }, i) => {
    const { keys } = head;
    const nDue = dueOf(given)[kvHead]!;
    const at = i * headDim;
    const own = got.subarray(3 * at, 3 * (at + headDim));
    if (nRows === 0) {
      assert([...own, ...means.subarray(at, at + headDim)].every(Number.isNaN), "left alone");
      return;
    }
    const order = given.ordered
      ? orderOf(nDue, kvHead)
      : Array.from({ length: nDue }, (_, row) => row);
    const first = list === 0 ? 0 : lists[kvHead]![0]!;
    const scores = order.map((row) => given.ordered ? scoreOf(row, kvHead) : 1);
    const rows = order.slice(first, first + nRows).map((row) => keys[row]!);
    const mean = nRows < nDue ? given.mean ?? 0 : 0;
    const weights = rowWeightsReference(scores, mean).slice(first, first + nRows);
    const want = codingLossesReference(rows, code, { weights, total: nDue });
    const label = `${to}, ${nRows} rows, head ${kvHead}, list ${list}`;
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
  const two = { ordered: true, first: 64, mean: 0.2 };
  await checkLosses({ ...base, rows: 300, nRows: [256, 64, 0], nKvHeads: 3, ...two });
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
  for (const how of [{}, { ordered: true, first: 64, mean: 0.3 }]) {
    const want = await losses({ ...given, ...how });
    for (const isa of await testIsas()) {
      const got = await losses({ ...given, ...how }, isa);
      assertEquals(got.losses, want.losses, isa);
      assertEquals(got.means, want.means, isa);
    }
  }
});

const HEAD_DIM = 16;
const isas = await testIsas();
const loss = fc.oneof(fc.constantFrom(0, 1, 1, 2, 1e-3, 1e6), fc.nat(9999).map((x) => x / 64));
const channel = fc.record({ weight: loss, none: loss, low: loss, high: loss });

Deno.test("select_bits: of channels that win as much per bit the first ones, head after head", async () => {
  const alike = { weight: 1, none: 4, low: 2, high: 1 };
  const channels = Array.from({ length: 2 * HEAD_DIM }, () => alike);
  const prices = [160, 288] as const;
  const { run, start } = bitsRun({ channels, headDim: HEAD_DIM, prices, budget: 20 * prices[0] });
  for (const isa of isas) {
    const { class_counts, channels } = await runNamed("select_bits", { ...run, isa });
    assertEquals([...class_counts!], [16, 0, 4, 0], isa);
    const all = Array.from({ length: HEAD_DIM }, (_, c) => c);
    assertEquals([...channels!.subarray(start, start + 2 * HEAD_DIM)], [...all, ...all], isa);
  }
});

Deno.test("select_bits: what costs least at the budget, together or head by head, what has no rows left alone", async () => {
  const problems = fc.record({
    nKvHeads: fc.constantFrom(1, 3),
    nLists: fc.constantFrom(1 as const, 2 as const),
    firstParts: fc.constantFrom(1, 40, 200),
    idle: fc.subarray([0, 1, 2, 3, 4], { maxLength: 3 }),
    shares: fc.boolean(),
    channels: fc.array(channel, { minLength: 6 * HEAD_DIM, maxLength: 6 * HEAD_DIM }),
    share: fc.constantFrom(0, 0.1, 0.4, 0.75, 1),
    prices: fc.constantFrom([160, 288] as const, [96, 160] as const, [160, 544] as const),
    isa: fc.constantFrom(...isas),
  });
  await fc.assert(
    fc.asyncProperty(problems, async ({ nKvHeads, channels, share, isa, ...given }) => {
      const { prices, shares, idle, nLists, firstParts } = given;
      const own = channels.slice(0, nKvHeads * nLists * HEAD_DIM);
      const lists = Array.from({ length: nLists }, (_, list) => list);
      const due = Array.from(
        { length: nKvHeads },
        (_, i) => lists.map((list) => idle.includes(i * nLists + list) ? 0 : 64),
      );
      const nTogether = shares ? due.filter((rows) => rows.some((n) => n > 0)).length : 1;
      const budget = Math.floor(share * nTogether * HEAD_DIM * prices[1]);
      const { run, start } = bitsRun({ channels: own, headDim: HEAD_DIM, budget, ...given });
      const written = await runNamed("select_bits", { ...run, isa });
      const f = Math.fround;
      const costs = due.map((rows, head) =>
        rows.map((_, list) => {
          const weights = own.slice(head * nLists * HEAD_DIM);
          const first = (head * nLists + list) * HEAD_DIM;
          return own.slice(first, first + HEAD_DIM).map(({ none, low, high }, c) => {
            const { weight: w } = weights[c]!;
            return [f(w * none), f(w * low), f(w * high)] as const;
          });
        })
      );
      const want = selectHeadBitsReference(costs, { due, shares, firstParts, prices, budget });
      const got = want.map((wanted, head): number[][] | null => {
        const found = lists.map((list): number[] | null => {
          const at = head * nLists + list;
          const [stored, high] = written.class_counts!.subarray(2 * at);
          const first = start + at * HEAD_DIM;
          const channels = written.channels!.subarray(first, first + HEAD_DIM);
          const fills = written.fills!.subarray(first, first + HEAD_DIM);
          if (wanted === null) {
            assert([stored, high, ...channels].every((x) => x === 99));
            assert(fills.every((x) => x === -7));
            return null;
          }
          // A list without rows has the other's means too.
          const from = due[head]![list]! > 0 ? at : head * nLists + 1 - list;
          const classes = new Array<number>(HEAD_DIM);
          channels.forEach((c, place) => {
            classes[c] = place < high! ? 2 : place < stored! ? 1 : 0;
            assertEquals(fills[place], place < stored! ? 0 : from * HEAD_DIM + c + 0.5);
            const isFirst = place === 0 || place === high || place === stored;
            assert(isFirst || channels[place - 1]! < c, "each class ascends");
          });
          return classes;
        });
        return wanted && found.map((classes) => classes!);
      });
      const outside = written.channels!.filter((_, i) => i < start || i >= start + own.length);
      assert(outside.every((c) => c === 99), "other layers stay");
      const priceOf = (c: number) => c === 0 ? 0 : prices[c - 1]!;
      type Classes = readonly (readonly (readonly number[])[] | null)[];
      const partsOf = (head: number, list: number) => {
        const own = due[head]!;
        if (own[list] === 0) return 0;
        if (own.filter((n) => n > 0).length === 1) return CLASS_PARTS;
        return list === 0 ? firstParts : CLASS_PARTS - firstParts;
      };
      const sumOf = (
        classes: Classes,
        of: (head: number, list: number, channel: number, c: number) => number,
      ) =>
        classes.map((own, head) =>
          sum((own ?? []).flatMap((l, list) => l.map((c, i) => of(head, list, i, c))))
        );
      const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
      const spent = (classes: Classes) => {
        const heads = sumOf(classes, (head, list, _, c) => partsOf(head, list) * priceOf(c));
        return shares ? [sum(heads)] : heads;
      };
      assert(spent(got).every((bits) => bits <= CLASS_PARTS * budget));
      const total = (classes: Classes) =>
        sum(
          sumOf(classes, (head, list, i, c) =>
            due[head]![list]! > 0 ? costs[head]![list]![i]![c]! : 0),
        );
      if (JSON.stringify(got) === JSON.stringify(want)) return;
      // Where rates differ by less than f32 tells, another order is as good: no more than that is lost.
      const slack = 1e-5 * total(want.map((own) => own && own.map((list) => list.map(() => 0))));
      assertEquals(spent(got), spent(want));
      assert(Math.abs(total(got) - total(want)) <= slack, `${got}, not ${want}`);
    }),
    { seed: 6, numRuns: 150 },
  );
});
