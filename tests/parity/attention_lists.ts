/**
 * Attention as C over rows that lack channels, those of a list or their own, and over values in another basis; what
 * such rows must equal, to the bit where the design says so.
 */

import { assertEquals } from "@std/assert";
import { testIsas } from "../../src/device/testing.ts";
import { assertAttention, decode, prefill } from "../_attention.ts";
import { DENSE, LISTED, problem, SETS, SETS_CODED, TURNED } from "../_attention_case.ts";
import type { Case, Problem } from "../_attention_case.ts";
import { reference } from "../_attention_reference.ts";
import { assertClose } from "../_close.ts";
import { runPicked } from "../_kernel.ts";
import { writeCache } from "../_kv_cache.ts";
import type { HeadRows } from "../_kv_cache.ts";

const run = runPicked();
const check = (given: Partial<Case>) => assertAttention(given, { run, exact: true });

/** A problem whose rows are stored in another layout. */
const storedAs = (p: Problem, layout: string, heads: readonly HeadRows[]): Problem => ({
  ...{ ...p, layout, heads: [...heads] },
  cache: writeCache(layout, heads, { headDim: p.headDim, nNew: p.nQuery }),
});

Deno.test("list segments of a chunk and a row, of no rows, and of no channels", async () => {
  for (const [width, nListed] of [[32, 257], [32, 0], [0, 64]] as const) {
    await check({ layout: LISTED, rows: nListed + 45, nQuery: 11, nListed, width });
  }
  // Heads of 16 channels.
  const shape = { group: 2, headDim: 16, nQuery: 9 };
  await check({ ...shape, layout: LISTED, rows: 290, nListed: 130, width: 4 });
});

Deno.test("compact decode equals dense decode with the pruned channels zero (oracle 1)", async () => {
  const p = problem({ layout: LISTED, rows: 330, nListed: 280, width: 32 });
  const heads = p.heads.map((head) => {
    const kept = new Set(head.channels);
    const keys = head.keys.map((key, i) =>
      i < head.nListed ? key.map((x, c) => kept.has(c) ? x : 0) : key
    );
    return { ...head, keys, nListed: 0, channels: [] };
  });
  const { bound } = reference(p, { query: 0, roundings: 1 });
  // The segments are cut elsewhere, so partial sums differ by rounding (oracle 6 too).
  const dense = await decode(storedAs(p, DENSE, heads), run);
  assertClose(await decode(p, run), dense, { bound: (i) => bound[i]! });
});

Deno.test("a list of every channel over whole chunks is dense, bit for bit (oracle 3)", async () => {
  const dense = problem({ rows: 512 + 33, nQuery: 9 });
  const channels = Array.from({ length: 64 }, (_, c) => c);
  const heads = dense.heads.map((head) => ({ ...head, nListed: 512, channels }));
  assertEquals(await prefill(storedAs(dense, LISTED, heads), run), await prefill(dense, run));
});

Deno.test("keys with channels of their own: a chunk and a row, none, one channel, all but one", async () => {
  const sets = { layout: SETS, nQuery: 11 };
  for (const [width, nListed] of [[32, 257], [32, 0], [1, 64], [63, 300]] as const) {
    await check({ ...sets, rows: nListed + 45, nListed, width });
  }
  for (const [group, headDim, width] of [[1, 16, 5], [4, 128, 77], [8, 48, 7]] as const) {
    await check({ ...sets, group, headDim, rows: 150, nListed: 133, width });
  }
  await check({ ...sets, layout: `${SETS}_evicted`, rows: 200, nListed: 130, width: 20 });
  const f32 = "k_bitmap_mean_f16t1_f32t16_v_f32t1";
  await check({ ...sets, layout: f32, rows: 60, nListed: 33, width: 20 });
  await check({ ...sets, layout: SETS_CODED, rows: 160, nListed: 130, width: 20, nCoded: 96 });
});

Deno.test("keys with channels of their own over whole chunks are dense over fills, bit for bit", async () => {
  const p = problem({ layout: SETS, rows: 512 + 33, nQuery: 9, nListed: 512, width: 26 });
  const dense = storedAs(p, DENSE, p.heads.map((head) => ({ ...head, nListed: 0 })));
  assertEquals(await prefill(p, run), await prefill(dense, run));
  for (const isa of await testIsas()) {
    const run = runPicked({ isa });
    assertEquals(await decode(p, run), await decode(dense, run), isa);
  }
});

Deno.test("values with a channel list, keys and values with lists of their own", async () => {
  const plain = "k_f16t16_v_list_f16t1_f16t1";
  for (const [nListed, width] of [[257, 32], [0, 32], [64, 0], [300, 45], [31, 1]] as const) {
    await check({ layout: plain, rows: nListed + 45, nQuery: 11, nListed, width });
  }
  const shape = { rows: 330, nQuery: 9, nListed: 61, nListedValues: 97 };
  for (const [group, headDim] of [[1, 16], [4, 128], [8, 48]] as const) {
    const layout = "k_list_f16t16_f16t16_v_list_f16t1_f16t1_evicted";
    await check({ ...shape, layout, group, headDim, rows: 150, width: 5, valueWidth: 7 });
  }
  const f32 = "k_list_f32t16_f32t16_v_list_f32t1_f32t1";
  await check({ ...shape, layout: f32, width: 13, valueWidth: 21 });
  for (const [bits, group, valueWidth] of [[2, 32, 48], [4, 32, 16], [8, 64, 32], [4, 16, 64]]) {
    const layout = `k_list_q2r32t16_f16t16_v_list_q${bits}c${group}t1_f16t1`;
    const cut = { nListed: 64, width: 13, nListedValues: 200, valueWidth: valueWidth! };
    await check({ ...shape, layout, ...cut });
  }
});

Deno.test("values in another basis are turned back, by prefill and by merging alike", async () => {
  const plain = "k_basis_f16t16_v_basis_f16t1";
  for (const rows of [1, 31, 33, 127, 300]) {
    await check({ layout: plain, rows, nQuery: Math.min(rows, 19) });
  }
  for (const [group, headDim] of [[1, 16], [4, 128], [8, 32]] as const) {
    const shape = { group, headDim, rows: 150, nQuery: 9 };
    await check({ layout: plain, ...shape });
    const listed = "k_list_f16t16_f16t16_v_basis_f16t1_evicted";
    await check({ layout: listed, ...shape, nListed: 61, width: 5 });
  }
  await check({ layout: TURNED, rows: 300, nQuery: 11, nCoded: 192 });
});
