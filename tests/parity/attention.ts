/**
 * Attention as C against the f64 reference: every variant in kernels/attention/, sizes, positions and masks, and what
 * must not change a bit. Rows that are stored otherwise than whole are the files beside this one; cache types and
 * head groups are `verify`'s, which tests/verify_test.ts runs.
 */

import { assertEquals } from "@std/assert";
import { loadSources } from "../../src/emit/sources.ts";
import { interpreterRunner } from "../../src/reference/mod.ts";
import { projectRoot } from "../../src/sys/cache_dir.ts";
import { assertAttention, decode, kernelOf, prefill, stepOf } from "../_attention.ts";
import { DENSE, LISTED, problem, variantNamed, variants } from "../_attention_case.ts";
import type { Case } from "../_attention_case.ts";
import { reference } from "../_attention_reference.ts";
import { assertClose } from "../_close.ts";
import { runPicked } from "../_kernel.ts";
import { AT, stored, writeCache } from "../_kv_cache.ts";

const { sources } = await loadSources(projectRoot());
const run = runPicked();
const check = (given: Partial<Case>) => assertAttention(given, { run, exact: true });

Deno.test("causal attention over 1 to 600 rows, dense", async () => {
  for (const rows of [1, 31, 33, 127, 257, 600]) await check({ rows, nQuery: Math.min(rows, 19) });
});

Deno.test("an empty cache: every row of the sequence is new", async () => {
  await check({ rows: 40, nQuery: 40 });
});

Deno.test("rows between which others were evicted keep their true positions", async () => {
  for (const rows of [1, 31, 33, 127, 300, 600]) {
    await check({ layout: `${DENSE}_evicted`, rows, nQuery: Math.min(rows, 19) });
  }
  const list = { layout: `${LISTED}_evicted`, nQuery: 11, nListed: 130, width: 20 };
  for (const [group, headDim] of [[1, 64], [4, 128], [8, 48]] as const) {
    await check({ ...list, group, headDim, rows: 150, nListed: 61 });
  }
  for (const variant of variants) {
    // A window shorter than the rows, so that what is seen depends on the positions.
    const params: Record<string, number> = "window" in variant.params ? { window: 40 } : {};
    await check({ ...list, variant, params, rows: 300 });
  }
});

for (const variant of variants) {
  Deno.test(`attention ${variant.name}: function, interpreter and C agree`, async () => {
    // Bounds that the case's 560 rows reach.
    const small: Readonly<Record<string, number>> = { window: 40, cap: 3 };
    const names = Object.keys(variant.params).filter((name) => name in small);
    const params = Object.fromEntries(names.map((name) => [name, small[name]!]));
    const given = { variant, params, rows: 560, nQuery: 17 };
    await check(given);
    await check({ ...given, layout: LISTED, nListed: 290, width: 26 });
    await check({ ...given, q8: true });
    const { funcs } = sources.find(({ definition }) => definition.name === variant.name)!;
    const runner = (path: string) =>
      interpreterRunner(variant, path, { func: funcs[path]!, mode: "f64" });
    const hooks = { score: runner("score"), mask: runner("mask") };
    const asked = { query: 16, roundings: 1 } as const;
    const p = problem(given);
    // The IR was simplified in f32 constants; otherwise it is the same f64 arithmetic.
    assertClose(reference(p, { ...asked, hooks }).want, reference(p, asked).want, { bound: 1e-6 });
  });
}

for (const q8 of [false, true]) {
  Deno.test(`chunks and threads change no bit${q8 ? ", of bf16 too" : ""}`, async () => {
    const p = problem({ rows: 300, nQuery: 40, q8 });
    const whole = await prefill(p, run);
    assertEquals(await prefill(p, runPicked({ threads: 1 })), whole, "one thread");
    const nOut = whole.length / p.nQuery;
    for (const [first, end] of [[0, 1], [1, 8], [8, 33], [33, 40]] as const) {
      const rows = 260 + end;
      const heads = p.heads.map((h) => ({
        ...h,
        keys: h.keys.slice(0, rows),
        values: h.values.slice(0, rows),
      }));
      const cache = writeCache(p.layout, heads, { headDim: 64, nNew: end - first });
      const qkv = p.qkv.slice(first * p.stride, end * p.stride);
      const part = { ...p, rows, nQuery: end - first, heads, cache, qkv };
      const want = whole.slice(first * nOut, end * nOut);
      assertEquals(await prefill(part, run), want, `rows ${first} to ${end}`);
    }
  });
}

Deno.test("other sequences of a step change no bit", async () => {
  // Two sequences with the same rows in the cache and other queries: what they share is the call.
  const p = problem({ layout: LISTED, rows: 300, nQuery: 13, nListed: 256, width: 26 });
  const other = p.qkv.map((x) => 1 - x);
  const step = stepOf(p);
  const width = p.nHeads * p.headDim;
  const seq = (firstRow: number) => [13, firstRow, 287, AT.slot];
  const { out } = await run(kernelOf(p, "prefill"), {
    ...step,
    buffers: {
      ...step.buffers,
      qkv: Float32Array.from([...p.qkv, ...other]),
      tiles: Uint32Array.of(1, 21, 5, 0, 0, 0, 8, 0, 1, 13, 8, 0, 0, 8, 5, 0),
      seqs: Uint32Array.of(...seq(0), ...seq(13)),
      out: new Float32Array(26 * width),
    },
    step: { ...step.step, nRows: 26, nSeqs: 2, nTiles: 4 },
  });
  assertEquals(out!.slice(0, 13 * width), await prefill(p, run));
  assertEquals(out!.slice(13 * width), await prefill({ ...p, qkv: other }, run));
});

/** Positions far past the cache: to the mask, every place lies before them. */
const FAR = { ahead: 1000 };

Deno.test("a row that sees no key is zeros, never NaN (oracle 7)", async () => {
  // The window ends before the cache's rows start.
  const blind = { variant: variantNamed("sliding_window"), params: { window: 4 }, ...FAR };
  const cases: Partial<Case>[] = [
    ...[1, 20, 300].map((rows) => ({ ...blind, rows })),
    { ...blind, layout: LISTED, rows: 300, nListed: 200, width: 26 },
    { ...blind, layout: "k_basis_f16t16_v_basis_f16t1", rows: 20 },
    ...[1, 3, 4, 8].map((group) => ({ ...blind, group, headDim: 16, rows: 33 })),
  ];
  for (const given of cases) {
    const p = problem(given);
    for (const out of [await prefill(p, run), await decode(p, run)]) {
      assertEquals(out, new Float32Array(out.length), `${given.rows} rows, group ${given.group}`);
    }
  }
});

Deno.test("rows behind a query's own do not count, even where the mask lets them through", async () => {
  await check({ ...FAR, rows: 20, nQuery: 3 });
});

Deno.test("the cache of the tests reads back what was written", () => {
  const { cache, heads } = problem({ rows: 3 });
  const x = heads[0]!.keys[0]![0]!;
  assertEquals(stored(x, cache.layout.key.segments[0]!), x);
});
