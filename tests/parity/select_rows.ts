/** The choice of rows as C against plain loops: by each head alone, and by heads that share their budgets. */

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { testIsas } from "../../src/device/testing.ts";
import {
  ownRowsReference,
  selectRowsReference,
  shareRowsReference,
} from "../../src/reference/mod.ts";
import { cutsOf, LAYER, N_LAYERS } from "../_cuts.ts";
import { randomFrom, runNamed } from "../_kernel.ts";

const isas = await testIsas();

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
