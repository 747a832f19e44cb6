/**
 * Attention on a GPU against the f64 reference over the rows as stored: every variant in
 * kernels/attention/, dense and with a list segment, prefill, and decode with its merge. What `verify`
 * measures on every target (cache types, head groups, lengths up to 300 rows) is left to tests/verify_test.ts.
 */

import { assert } from "@std/assert";
import { assertAttention, decode, prefill } from "../_attention.ts";
import { DENSE, LISTED, problem, variantNamed, variants } from "../_attention_case.ts";
import type { Case } from "../_attention_case.ts";
import { gpu, gpuTest, runPicked } from "../_gpu.ts";

/** Prefill and decode of one problem. */
export const checkAttention = (given: Partial<Case>): Promise<void> =>
  assertAttention(given, { run: runPicked, exact: gpu().exact });

gpuTest("causal attention over three chunks, and over nothing but the step's rows", async () => {
  await checkAttention({ rows: 600, nQuery: 19 });
  await checkAttention({ rows: 40, nQuery: 40 });
});

gpuTest("list segments of a chunk and a row, of no rows, and of no channels", async () => {
  for (const [width, nListed] of [[32, 257], [32, 0], [0, 64]]) {
    const shape = { nListed: nListed!, width: width!, rows: nListed! + 45 };
    await checkAttention({ layout: LISTED, nQuery: 11, ...shape });
  }
});

gpuTest("heads of 16, 80 and 256 channels", async () => {
  for (const [group, headDim] of [[2, 16], [3, 80], [2, 256]]) {
    const shape = { group: group!, headDim: headDim!, width: headDim! / 4 };
    await checkAttention({ layout: LISTED, rows: 290, nListed: 130, nQuery: 9, ...shape });
  }
});

gpuTest("values in another basis are turned back", async () => {
  const layout = "k_basis_f16t16_v_basis_f16t1";
  for (const [group, headDim] of [[3, 64], [1, 16], [4, 128], [8, 32]]) {
    await checkAttention({ layout, rows: 290, nQuery: 9, group: group!, headDim: headDim! });
  }
});

gpuTest("values with a channel list, keys with one of their own or none", async () => {
  const layout = "k_f16t16_v_list_f16t1_f16t1";
  for (const [nListed, width] of [[257, 32], [0, 32], [64, 0], [130, 45]]) {
    const cut = { nListed: nListed!, width: width!, rows: nListed! + 45 };
    await checkAttention({ layout, nQuery: 11, ...cut });
  }
  const both = "k_list_f16t16_f16t16_v_list_f16t1_f16t1_evicted";
  for (const [group, headDim] of [[1, 16], [4, 128], [8, 48]]) {
    const shape = { group: group!, headDim: headDim!, rows: 150, nQuery: 9 };
    await checkAttention({ layout: both, ...shape, nListed: 61, width: 7 });
  }
  const f32 = "k_list_f32t16_f32t16_v_list_f32t1_f32t1";
  await checkAttention({ layout: f32, rows: 150, nQuery: 9, nListed: 70, width: 13 });
});

for (const variant of variants) {
  gpuTest(`attention ${variant.name} agrees with its function`, async () => {
    // Bounds that the case's 560 rows reach.
    const small: Readonly<Record<string, number>> = { window: 40, cap: 3 };
    const names = Object.keys(variant.params).filter((name) => name in small);
    const params = Object.fromEntries(names.map((name) => [name, small[name]!]));
    const given = { variant, params, rows: 560, nQuery: 17 };
    await checkAttention(given);
    await checkAttention({ ...given, layout: LISTED, nListed: 290, width: 26 });
  });
}

gpuTest("rows between which others were evicted keep their true positions", async () => {
  const evicted = { layout: `${LISTED}_evicted`, nListed: 130, width: 20 };
  for (const rows of [33, 150, 300]) {
    await checkAttention({ layout: `${DENSE}_evicted`, rows, nQuery: 19, ahead: rows });
  }
  for (const [group, headDim] of [[1, 64], [4, 128], [8, 48]]) {
    const shape = { group: group!, headDim: headDim!, rows: 290, nQuery: 9, ahead: 500 };
    await checkAttention({ ...evicted, ...shape });
  }
  for (const variant of variants) {
    const names = Object.keys(variant.params).filter((name) => name === "window");
    const params = Object.fromEntries(names.map((name) => [name, 90]));
    await checkAttention({ ...evicted, variant, params, rows: 260, nQuery: 5, ahead: 300 });
  }
});

gpuTest("a query sees no later row of its step, whatever its position", async () => {
  // The mask alone would let every row through.
  await checkAttention({ rows: 50, nQuery: 13, ahead: 1000 });
  await checkAttention({
    rows: 50,
    nQuery: 13,
    ahead: 1000,
    layout: LISTED,
    nListed: 20,
    width: 16,
  });
});

gpuTest("a fully masked row is zeros (oracle 7)", async () => {
  const variant = variantNamed("sliding_window");
  // The window ends before the cache's rows start.
  const p = problem({ variant, params: { window: 4 }, rows: 20, ahead: 1000 });
  for (const out of [await prefill(p, runPicked), await decode(p, runPicked)]) {
    assert(out.every((x) => x === 0), `got ${out.find((x) => x !== 0)}`);
  }
});
