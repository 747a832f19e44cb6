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
import { randomFrom, runNamed } from "../_kernel.ts";
import { AT, writeCache } from "../_kv_cache.ts";
import type { HeadRows } from "../_kv_cache.ts";

interface Case {
  /** Rows of the cache, of which the first `nRows` are to be coded. */
  readonly rows: number;
  readonly nRows: number;
  readonly headDim: number;
  readonly type: "f16" | "f32";
  readonly to: string;
  /** Rows come in an order of their own, and count by their scores. */
  readonly ordered?: boolean;
  readonly isa?: Isa;
}

/** The rows of head `kvHead` in an order of their own, and what each counts. */
const orderOf = (n: number, kvHead: number) =>
  Array.from({ length: n }, (_, i) => (i * 37 + 5 * kvHead) % n);
const scoreOf = (row: number, kvHead: number) => Math.fround(1 / (1 + row % 50) + kvHead);

/** A constant channel, one far off, one with an outlier in every other group, and plain ones. */
const rowsOf = ({ rows, headDim }: Case, random: () => number) =>
  Array.from({ length: rows }, (_, r) =>
    Float32Array.from({ length: headDim }, (_, c) => {
      if (c === 3) return -2.5;
      if (c === 1) return Math.f16round(3000 + 8 * random());
      return Math.f16round(random() * (c === 5 && r % 128 === 7 ? 900 : 1));
    }));

async function losses(given: Case) {
  const { headDim, nRows, type, to, ordered = false, isa } = given;
  const random = randomFrom(headDim + nRows);
  const heads = Array.from({ length: 2 }, (): HeadRows => {
    const keys = rowsOf(given, random);
    return { keys, values: keys, nListed: 0, channels: [] };
  });
  const cache = writeCache(`k_${to}_${type}t16_v_f16t1`, heads, { headDim });
  const { pages, arena } = cache.buffers;
  const n = heads.length * headDim;
  const perRow = <T>(of: (n: number, kvHead: number) => T[]) =>
    heads.flatMap((_, kvHead) => of(nRows, kvHead));
  const order = Uint32Array.from(perRow(orderOf));
  const token_scores = Float32Array.from(
    perRow((n, kvHead) => Array.from({ length: n }, (_, row) => scoreOf(row, kvHead))),
  );
  const kernel = `${ordered ? "ordered_" : ""}coding_losses__${type}t16__${to}`;
  const written = await runNamed(kernel, {
    ...(isa ? { isa } : {}),
    defines: { HEAD_DIM: headDim },
    buffers: {
      ...{ pages, arena },
      ...(ordered ? { order, token_scores } : {}),
      losses: new Float32Array(3 * n).fill(NaN),
      means: new Float32Array(n).fill(NaN),
    },
    constants: {
      ...cache.constants,
      ...{ slot: AT.slot, n_kv_heads: heads.length, key_page: cache.firstPages[1]! },
      ...{ n_channels: headDim, n_rows: nRows },
      ...(ordered ? { max_rows: nRows, weighs_rows: 1 } : {}),
    },
  });
  return { heads, losses: written.losses!, means: written.means! };
}

async function checkLosses(given: Case): Promise<void> {
  const { headDim, nRows, to } = given;
  const { heads, losses: got, means } = await losses(given);
  const code = parseSegmentName(to).code as AffineCode;
  heads.forEach(({ keys }, kvHead) => {
    const order = given.ordered
      ? orderOf(nRows, kvHead)
      : Array.from({ length: nRows }, (_, row) => row);
    const weights = order.map((row) => given.ordered ? scoreOf(row, kvHead) : 1);
    const want = codingLossesReference(order.map((row) => keys[row]!), code, weights);
    const at = kvHead * headDim;
    const label = `${to}, ${nRows} rows, head ${kvHead}`;
    const sizes = Array.from(
      { length: headDim },
      (_, c) => Math.max(...keys.map((k) => Math.abs(k[c]!))),
    );
    // Sums of up to 300 terms in f32, then one rounding to f16; a rounding that falls the other way is a
    // whole step of f16.
    const meanBound = (c: number) => sizes[c]! * (2 ** -11 + 2 ** -20);
    assertClose(means.subarray(at, at + headDim), want.means, { bound: meanBound, label });
    const flat = want.losses.flat();
    // Differences carry a rounding of values as large as a channel's, squares and sums a few more; the mean
    // of the class without bits may be off as above.
    assertClose(got.subarray(3 * at, 3 * (at + headDim)), flat, {
      bound: (i) => {
        const off = sizes[Math.floor(i / 3)]! * (i % 3 === 0 ? 2 ** -11 : 2 ** -22);
        return 2 * Math.sqrt(flat[i]!) * off + off ** 2 + flat[i]! * 2 ** -18;
      },
      label,
    });
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
      const got = await losses({ ...given, ordered, isa });
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
  const [nSlots, nLayers, slot, layer] = [2, 3, 1, 2];
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
      const start = (slot * nLayers + layer) * n;
      const size = nSlots * nLayers * n;
      const scores = new Float32Array(size).fill(NaN);
      scores.set(own.map(({ weight }) => weight), start);
      const means = Float32Array.from(own, (_, c) => c + 0.5);
      const written = await runNamed("select_bits", {
        isa,
        defines: { HEAD_DIM },
        buffers: {
          ...{ scores, means },
          losses: Float32Array.from(own.flatMap(({ none, low, high }) => [none, low, high])),
          channels: new Uint32Array(size).fill(99),
          fills: new Float32Array(size).fill(-7),
          class_counts: new Uint32Array(2 * nKvHeads),
        },
        constants: {
          ...{ slot, layer, n_layers: nLayers, n_kv_heads: nKvHeads, budget },
          ...{ low_price: prices[0], high_price: prices[1] },
        },
      });
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
