/**
 * What follows a token score, as C against plain loops: pooling and the meeting of heads, the choice of
 * rows, and the move of kept rows to the front of their pages.
 */

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { testIsas } from "../../src/device/testing.ts";
import type { Isa } from "../../src/device/testing.ts";
import {
  meetScoresReference,
  orderRowsReference,
  ownRowsReference,
  selectRowsReference,
  shareRowsReference,
} from "../../src/reference/mod.ts";
import type { Meeting } from "../../src/reference/mod.ts";
import { assertClose } from "../_close.ts";
import { randomFrom, runNamed } from "../_kernel.ts";
import { AT, readPosition, readRow, readSum, writeCache } from "../_kv_cache.ts";
import type { HeadRows } from "../_kv_cache.ts";

const isas = await testIsas();
const LAYER = 1, N_LAYERS = 2;

/** `cuts` of heads, those of the other layer filled with what must not be read. */
const cutsOf = (heads: readonly (readonly [listed: number, rows: number, keep: number])[]) =>
  Uint32Array.from([...Array(4 * heads.length).fill(9999), ...heads.flatMap((h) => [...h, 0])]);

interface PoolCase extends Meeting {
  readonly rows: readonly number[];
  readonly group_size: number;
  readonly isa?: Isa;
}

async function checkPool(given: PoolCase, scope: "head" | "layer"): Promise<void> {
  const { rows, group_size: group, pool, first, last } = given;
  const maxRows = Math.max(...rows);
  const nHeads = rows.length * group;
  const random = randomFrom(maxRows + nHeads);
  const heads = Array.from(
    { length: nHeads },
    (_, head) => Float32Array.from({ length: rows[Math.floor(head / group)]! }, random),
  );
  const row_scores = new Float32Array(nHeads * maxRows).fill(NaN);
  heads.forEach((scores, head) => row_scores.set(scores, head * maxRows));
  const { token_scores } = await runNamed("pool_scores", {
    ...(given.isa ? { isa: given.isa } : {}),
    buffers: {
      row_scores,
      cuts: cutsOf(rows.map((n) => [0, n, n])),
      token_scores: new Float32Array(rows.length * maxRows),
    },
    constants: {
      layer: LAYER,
      n_kv_heads: rows.length,
      n_sources: scope === "layer" ? nHeads : group,
      source_step: scope === "layer" ? 0 : group,
      takes_max: given.group === "max" ? 1 : 0,
      pools_max: pool?.kind === "mean" ? 0 : 1,
      pool_width: pool?.width ?? 1,
      protect_first: first,
      protect_last: last,
      max_rows: maxRows,
    },
  });
  rows.forEach((n, kvHead) => {
    if (n <= first + last) return;
    const own = scope === "layer" ? heads : heads.slice(kvHead * group, (kvHead + 1) * group);
    const want = meetScoresReference(own, given);
    const got = token_scores!.subarray(kvHead * maxRows, kvHead * maxRows + n);
    // A sum of at most width · heads numbers below 1, one rounding each.
    const bound = 2 ** -24 * (own.length + 2) * ((pool?.width ?? 1) + 2);
    assertClose(got, want, { bound, label: `${JSON.stringify(given)}, KV head ${kvHead}` });
  });
}

Deno.test("pool_scores: candidates meet their neighbours, then heads meet", async () => {
  for (const n of [1, 31, 33, 127, 300, 600]) {
    for (const group of ["mean", "max"] as const) {
      for (const pool of [null, { kind: "max", width: 7 }, { kind: "mean", width: 5 }] as const) {
        const common = { group, pool, rows: [n, Math.ceil(n / 2)] };
        await checkPool({ ...common, group_size: 3, first: 0, last: 0 }, "head");
        await checkPool({ ...common, group_size: 1, first: 4, last: 32 }, "head");
        await checkPool({ ...common, rows: [n, n], group_size: 4, first: 1, last: 1 }, "layer");
      }
    }
  }
  const wide = { group: "mean", pool: { kind: "max", width: 255 }, first: 0, last: 3 } as const;
  for (const isa of isas) await checkPool({ ...wide, rows: [40], group_size: 8, isa }, "head");
});

Deno.test("select_rows: protected rows and the highest scores stay, ties keep the lower row", async () => {
  const score = fc.oneof(
    fc.constantFrom(0, -0, 1, 1, 2, -1, Infinity, -Infinity, NaN, 1e-42, -1e-42),
    fc.float({ noNaN: true }),
  );
  const head = fc.record({
    scores: fc.array(score, { minLength: 1, maxLength: 90 }),
    keep: fc.double({ min: 0, max: 1, noNaN: true }),
    listed: fc.nat(90),
  });
  const spans = fc.record({ first: fc.nat(5), last: fc.nat(7) });
  await fc.assert(
    fc.asyncProperty(
      fc.array(head, { minLength: 3, maxLength: 3 }),
      spans,
      fc.constantFrom(...isas),
      async (given, { first, last }, isa) => {
        const maxRows = Math.max(...given.map(({ scores }) => scores.length));
        const token_scores = new Float32Array(3 * maxRows).fill(NaN);
        const cuts = given.map(({ scores, keep, listed }, h) => {
          token_scores.set(scores, h * maxRows);
          const n = scores.length;
          const kept = Math.max(Math.round(keep * n), first + last);
          return [Math.min(listed, n), n, kept] as const;
        });
        const { kept, kept_counts } = await runNamed("select_rows", {
          isa,
          buffers: {
            token_scores,
            cuts: cutsOf(cuts),
            kept: new Uint32Array(3 * maxRows).fill(99),
            kept_counts: new Uint32Array(N_LAYERS * 3 * 2).fill(99),
          },
          constants: {
            layer: LAYER,
            n_kv_heads: 3,
            shares: 0,
            protect_first: first,
            protect_last: last,
            max_rows: maxRows,
          },
        });
        given.forEach((_, h) => {
          const [listed, n, keep] = cuts[h]!;
          const own = token_scores.subarray(h * maxRows, h * maxRows + n);
          const want = selectRowsReference(own, { keep, first, last });
          assertEquals([...kept!.subarray(h * maxRows, h * maxRows + want.length)], want);
          const counts = [...kept_counts!.subarray(2 * (LAYER * 3 + h), 2 * (LAYER * 3 + h) + 2)];
          assertEquals(counts, [want.filter((row) => row < listed).length, want.length]);
        });
        assertEquals([...kept_counts!.subarray(0, 6)], Array(6).fill(99), "another layer's counts");
      },
    ),
    { seed: 11, numRuns: 200 },
  );
});

Deno.test("select_rows: thousands of rows, in which scores repeat", async () => {
  const random = randomFrom(3);
  for (const n of [127, 300, 5000]) {
    const scores = Float32Array.from({ length: n }, () => Math.round(50 * random()) / 50);
    for (const keep of [36, 37, Math.floor(n / 2), n - 1, n]) {
      const { kept, kept_counts } = await runNamed("select_rows", {
        buffers: {
          token_scores: scores,
          cuts: cutsOf([[0, n, keep]]),
          kept: new Uint32Array(n),
          kept_counts: new Uint32Array(4),
        },
        constants: {
          layer: LAYER,
          n_kv_heads: 1,
          shares: 0,
          protect_first: 4,
          protect_last: 32,
          max_rows: n,
        },
      });
      const want = selectRowsReference(scores, { keep, first: 4, last: 32 });
      assertEquals([...kept!.subarray(0, kept_counts![3]!)], want, `${keep} of ${n}`);
      assertEquals(want.length, keep);
    }
  }
});

Deno.test("order_rows: the chosen rows, then the others", async () => {
  const random = randomFrom(12);
  const maxRows = 300;
  const counts = [[0, 0], [1, 0], [31, 31], [33, 1], [127, 60], [300, 128]] as const;
  const heads = counts.map(([n, nChosen]) => {
    const rows = Array.from({ length: n }, (_, row) => ({ row, key: random() }))
      .sort((a, b) => a.key - b.key).slice(0, nChosen).map(({ row }) => row);
    return rows.sort((a, b) => a - b);
  });
  await checkOrder(heads, counts, { first: 0, maxRows });
  // The first rows were chosen whatever their score: they are in neither class.
  const first = [0, 1, 2, 3, 4];
  const behind = heads.map((rows) => [...first, ...rows.filter((row) => row > 4)]);
  await checkOrder(
    behind.map((rows, h) => counts[h]![0] > 5 ? rows : []),
    counts.map(([n], h) => [n > 5 ? n : 0, behind[h]!.length] as const),
    { first: 5, maxRows },
  );
});

/** Runs order_rows where `heads` were chosen, the `first` of each protected. */
async function checkOrder(
  heads: readonly number[][],
  counts: readonly (readonly [rows: number, chosen: number])[],
  { first, maxRows }: { readonly first: number; readonly maxRows: number },
): Promise<void> {
  const kept = new Uint32Array(heads.length * maxRows).fill(7);
  heads.forEach((rows, h) => kept.set(rows, h * maxRows));
  const kept_counts = new Uint32Array(N_LAYERS * heads.length * 2);
  kept_counts.set(heads.flatMap((rows) => [0, rows.length]), LAYER * heads.length * 2);
  for (const isa of isas) {
    const { order } = await runNamed("order_rows", {
      isa,
      buffers: {
        kept,
        kept_counts,
        cuts: cutsOf(counts.map(([n, nChosen]) => [0, n, nChosen] as const)),
        order: new Uint32Array(heads.length * maxRows).fill(99),
      },
      constants: {
        ...{ layer: LAYER, n_kv_heads: heads.length, max_rows: maxRows },
        protect_first: first,
      },
    });
    heads.forEach((rows, h) => {
      const n = Math.max(0, counts[h]![0] - first);
      const chosen = rows.slice(first).map((row) => row - first);
      const own = [...order!.subarray(h * maxRows, (h + 1) * maxRows)];
      assertEquals(own.slice(0, n), orderRowsReference(chosen, n).map((row) => row + first));
      assertEquals(own.slice(n), Array(maxRows - n).fill(99), "places that no row takes");
    });
  }
}

Deno.test("heads that share: own rows are raised, then all heads choose together", async () => {
  const [first, last, floor] = [2, 3, 0.25];
  for (const [seed, rows] of [[1, [40, 33, 127]], [2, [300, 300, 300]], [3, [9, 6, 60]]] as const) {
    const random = randomFrom(seed);
    const maxRows = Math.max(...rows);
    const scores = new Float32Array(3 * maxRows).fill(NaN);
    const keep = rows.map((n) => Math.max(first + last, Math.floor(n / 2)));
    rows.forEach((n, h) => {
      // Heads differ in how large their scores are, and scores repeat.
      for (let i = 0; i < n; i++) scores[h * maxRows + i] = Math.round(20 * (h + 1) * random()) / 8;
    });
    const cuts = cutsOf(rows.map((n, h) => [0, n, keep[h]!] as const));
    const own = cutsOf(
      rows.map((n, h) =>
        [0, n, first + last + Math.floor(floor * (keep[h]! - first - last))] as const
      ),
    );
    const common = { layer: LAYER, n_kv_heads: 3, max_rows: maxRows };
    const spans = { protect_first: first, protect_last: last };
    for (const isa of isas) {
      const buffers = {
        token_scores: scores.slice(),
        kept: new Uint32Array(3 * maxRows),
        kept_counts: new Uint32Array(N_LAYERS * 3 * 2),
      };
      const choose = async (of: typeof buffers, limits: Uint32Array<ArrayBuffer>, shares: number) =>
        await runNamed("select_rows", {
          isa,
          buffers: { ...of, cuts: limits },
          constants: { ...common, ...spans, shares },
        });
      const chosen = await choose(buffers, own, 0);
      const { kept, kept_counts } = { ...buffers, ...chosen };
      const raised = await runNamed("raise_rows", {
        isa,
        buffers: { kept, kept_counts, token_scores: buffers.token_scores },
        constants: common,
      });
      const token_scores = raised.token_scores!;
      const all = { ...buffers, ...await choose({ ...buffers, token_scores }, cuts, 1) };
      const want = shareRowsReference(
        rows.map((n, h) => ({
          scores: scores.subarray(h * maxRows, h * maxRows + n),
          keep: keep[h]!,
          own: ownRowsReference(keep[h]!, { floor, first, last }),
        })),
        { first, last },
      );
      want.forEach((list, h) => {
        const count = all.kept_counts[2 * (LAYER * 3 + h) + 1]!;
        assertEquals([...all.kept.subarray(h * maxRows, h * maxRows + count)], list, `head ${h}`);
      });
      const total = keep.reduce((a, b) => a + b);
      assertEquals(want.reduce((sum, list) => sum + list.length, 0), total);
    }
  }
});

interface KeepCase {
  readonly layout: string;
  readonly headDim?: number;
  readonly nListed?: number;
  /** Kept rows of each KV head. */
  readonly kept: readonly (readonly number[])[];
  readonly isa?: Isa;
}

/** Moves the kept rows of a cache, and of another one their sums. */
async function checkKeep(
  { layout, headDim = 64, nListed = 0, kept, isa }: KeepCase,
): Promise<void> {
  const random = randomFrom(kept.length + headDim);
  const nRows = Math.max(...kept.flat()) + 3;
  const row = () => Float32Array.from({ length: headDim }, () => Math.f16round(9 * random()));
  const channels = Array.from({ length: headDim }, (_, c) => c).filter((c) => c % 4 !== 2);
  const heads = kept.map((): HeadRows => ({
    keys: Array.from({ length: nRows }, row),
    values: Array.from({ length: nRows }, row),
    nListed,
    channels: nListed > 0 ? channels : [],
    positions: Array.from({ length: nRows }, (_, i) => 3 * i + 1),
  }));
  const cache = writeCache(layout, heads, { headDim });
  const { pages, heads: sizes, arena: source } = cache.buffers;
  const nKvHeads = kept.length;
  const nKey = cache.layout.key.segments.length;
  const own = {
    ...(isa ? { isa } : {}),
    defines: { HEAD_DIM: headDim },
    buffers: {
      pages,
      heads: sizes,
      kept: Uint32Array.from(
        kept.flatMap((rows) => [...rows, ...Array(nRows - rows.length).fill(7)]),
      ),
      kept_counts: Uint32Array.from([
        ...Array(2 * nKvHeads).fill(0),
        ...kept.flatMap((rows) => [rows.filter((r) => r < nListed).length, rows.length]),
      ]),
      arena: source,
    },
    constants: {
      ...cache.constants,
      slot: AT.slot,
      n_kv_heads: nKvHeads,
      max_rows: nRows,
      ...Object.fromEntries(
        cache.firstPages.map((page, i) => [i < nKey ? `key_page_${i}` : "value_page_0", page]),
      ),
    },
  };
  const after = (await runNamed(`keep_rows__${layout}`, own)).arena!;
  kept.forEach((rows, kvHead) => {
    const nKeptListed = rows.filter((r) => r < nListed).length;
    rows.forEach((from, i) => {
      const at = { arena: after, nKvHeads, kvHead };
      const what = `head ${kvHead}, row ${i} from ${from}`;
      assertEquals(readPosition(cache, { ...at, row: i }), 3 * from + 1, what);
      if (cache.layout.rowSums) assertEquals(readSum(cache, { ...at, row: i }), from / 8, what);
      const value = readRow(cache, { ...at, index: nKey, row: i, width: headDim });
      assertEquals(value, Array.from(heads[kvHead]!.values[from]!), what);
      const listed = from < nListed;
      const index = listed ? 0 : nKey - 1;
      const width = listed ? channels.length : headDim;
      const row = listed || nListed === 0 ? i : i - nKeptListed;
      const key = heads[kvHead]!.keys[from]!;
      const want = listed ? channels.map((c) => key[c]!) : Array.from(key);
      assertEquals(readRow(cache, { ...at, index, row, width }), want, what);
    });
  });
  // Behind the kept rows lies what lay there.
  kept.forEach(({ length }, kvHead) => {
    for (let row = length; row < nRows; row++) {
      const at = { nKvHeads, kvHead, row };
      const what = `head ${kvHead}, row ${row} behind the kept ones`;
      assertEquals(readPosition(cache, { ...at, arena: after }), 3 * row + 1, what);
      if (cache.layout.rowSums) {
        assertEquals(readSum(cache, { ...at, arena: after }), row / 8, what);
      }
      const value = readRow(cache, { ...at, arena: after, index: nKey, width: headDim });
      assertEquals(value, Array.from(heads[kvHead]!.values[row]!), what);
      if (nListed > 0) continue;
      const key = readRow(cache, { ...at, arena: after, index: nKey - 1, width: headDim });
      assertEquals(key, Array.from(heads[kvHead]!.keys[row]!), what);
    }
  });
}

const upTo = (n: number, keep: (i: number) => boolean) =>
  Array.from({ length: n }, (_, i) => i).filter(keep);

Deno.test("keep_rows: kept rows in order, each head its own, across tiles and pages", async () => {
  const dense = "k_f16t16_v_f16t1_evicted";
  const listed = "k_list_f16t16_f16t16_v_f16t1_evicted";
  const kept = [upTo(300, (i) => i % 3 !== 1), upTo(130, (i) => i > 90), [299]];
  await checkKeep({ layout: dense, kept });
  await checkKeep({ layout: dense, kept: [upTo(33, () => true), [], [0]] });
  await checkKeep({ layout: `${dense}_summed`, kept });
  await checkKeep({ layout: `${listed}_summed`, kept, nListed: 140 });
  await checkKeep({ layout: listed, kept, nListed: 140 });
  await checkKeep({ layout: listed, kept: [[0, 5, 139], [140, 200], [139, 140]], nListed: 140 });
  await checkKeep({ layout: "k_f32t16_v_f32t1_evicted", kept, headDim: 48 });
  await checkKeep({ layout: dense, kept, headDim: 128 });
  for (const isa of isas) await checkKeep({ layout: listed, kept: [[1, 30]], nListed: 17, isa });
  for (const isa of isas) await checkKeep({ layout: dense, kept: [[1, 30]], isa });
});
