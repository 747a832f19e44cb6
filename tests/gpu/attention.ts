/**
 * Attention on a GPU against the f64 reference over the rows as stored: every variant in
 * kernels/attention/, dense and with a list segment, prefill, and decode with its merge. What `verify`
 * measures on every target (cache types, head groups, lengths up to 300 rows) is left to tests/verify_test.ts.
 */

import { assert, assertEquals } from "@std/assert";
import { QUERY_TILE } from "../../src/core/mod.ts";
import { mergeKernel } from "../../src/layout/mod.ts";
import { DENSE, LISTED, problem, reference, shared, variants } from "../_attention_case.ts";
import type { Case, Problem } from "../_attention_case.ts";
import { assertClose } from "../_close.ts";
import { gpu, gpuTest, runNamed } from "../_gpu.ts";
import { AT } from "../_kv_cache.ts";

/** The outputs of the step's queries in tiles: f32 [nQuery, nHeads · headDim]. */
async function prefill(p: Problem): Promise<Float32Array> {
  const width = p.nHeads * p.headDim;
  const tiles: number[] = [];
  for (let i = 0; i < p.nQuery; i += QUERY_TILE) {
    tiles.push(0, i, Math.min(QUERY_TILE, p.nQuery - i), 0);
  }
  const { defines, buffers, constants } = shared(p);
  const { out } = await runNamed(`attention_${p.variant.name}_prefill__${p.layout}`, {
    defines,
    buffers: {
      qkv: p.qkv,
      tiles: Uint32Array.from(tiles),
      seqs: Uint32Array.of(p.nQuery, 0, p.rows - p.nQuery + p.ahead, AT.slot),
      ...buffers,
      out: new Float32Array(p.nQuery * width).fill(NaN),
    },
    constants: { ...constants, out_stride: width },
    step: { nRows: p.nQuery, nSeqs: 1, nTiles: tiles.length / 4 },
  });
  return out;
}

/** The output of the step's last query, decoded: f32 [nHeads · headDim]. */
async function decode(p: Problem): Promise<Float32Array> {
  const { defines, buffers, constants } = shared(p);
  // One split more than there are chunks, as a longer sequence beside this one would ask for.
  const nSplits = p.cache.nSplits + 1;
  const step = { nRows: p.nQuery, nSeqs: 1, nDecode: 1, nSplits };
  const decode_rows = Uint32Array.of(p.nQuery - 1);
  const { partials } = await runNamed(`attention_${p.variant.name}_decode__${p.layout}`, {
    ...{ defines, step, constants },
    buffers: {
      qkv: p.qkv,
      decode_rows,
      row_seq: new Uint32Array(p.nQuery),
      seqs: Uint32Array.of(p.nQuery, 0, p.rows - p.nQuery + p.ahead, AT.slot),
      ...buffers,
      partials: new Float32Array(p.nHeads * nSplits * (p.headDim + 16)).fill(NaN),
    },
  });
  const width = p.nHeads * p.headDim;
  const { out } = await runNamed(mergeKernel(p.cache.layout), {
    ...{ defines: { HEAD_DIM: p.headDim }, step },
    buffers: { partials, decode_rows, out: new Float32Array(p.nQuery * width).fill(NaN) },
    constants: { n_heads: p.nHeads, out_stride: width },
  });
  return out.slice(-width);
}

/** Prefill and decode of one problem. */
export async function assertAttention(given: Partial<Case>): Promise<void> {
  const p = problem(given);
  const { variant: _, ...shape } = given;
  const about = `${p.variant.name} ${JSON.stringify(shape)}`;
  const out = await prefill(p);
  const width = p.nHeads * p.headDim;
  for (const query of new Set([0, Math.floor(p.nQuery / 2), p.nQuery - 1])) {
    const { want, bound } = reference(p, query);
    const label = `${about}, query ${query}`;
    const got = out.subarray(query * width, (query + 1) * width);
    assertClose(got, want, { bound: (i) => bound[i]!, label });
  }
  const { want, bound } = reference(p, p.nQuery - 1);
  const decoded = await decode(p);
  assertClose(decoded, want, { bound: (i) => bound[i]!, label: `${about}, decoded` });
  // Prefill does in one place what decode and merge do in two.
  if (gpu().exact) assertEquals(decoded, out.slice(-width), `${about}, decoded`);
}

gpuTest("causal attention over three chunks, and over nothing but the step's rows", async () => {
  await assertAttention({ rows: 600, nQuery: 19 });
  await assertAttention({ rows: 40, nQuery: 40 });
});

gpuTest("list segments of a chunk and a row, of no rows, and of no channels", async () => {
  for (const [width, nListed] of [[32, 257], [32, 0], [0, 64]]) {
    const shape = { nListed: nListed!, width: width!, rows: nListed! + 45 };
    await assertAttention({ layout: LISTED, nQuery: 11, ...shape });
  }
});

gpuTest("heads of 16, 80 and 256 channels", async () => {
  for (const [group, headDim] of [[2, 16], [3, 80], [2, 256]]) {
    const shape = { group: group!, headDim: headDim!, width: headDim! / 4 };
    await assertAttention({ layout: LISTED, rows: 290, nListed: 130, nQuery: 9, ...shape });
  }
});

gpuTest("values in another basis are turned back", async () => {
  const layout = "k_basis_f16t16_v_basis_f16t1";
  for (const [group, headDim] of [[3, 64], [1, 16], [4, 128], [8, 32]]) {
    await assertAttention({ layout, rows: 290, nQuery: 9, group: group!, headDim: headDim! });
  }
});

gpuTest("values with a channel list, keys with one of their own or none", async () => {
  const layout = "k_f16t16_v_list_f16t1_f16t1";
  for (const [nListed, width] of [[257, 32], [0, 32], [64, 0], [130, 45]]) {
    const cut = { nListed: nListed!, width: width!, rows: nListed! + 45 };
    await assertAttention({ layout, nQuery: 11, ...cut });
  }
  const both = "k_list_f16t16_f16t16_v_list_f16t1_f16t1_evicted";
  for (const [group, headDim] of [[1, 16], [4, 128], [8, 48]]) {
    const shape = { group: group!, headDim: headDim!, rows: 150, nQuery: 9 };
    await assertAttention({ layout: both, ...shape, nListed: 61, width: 7 });
  }
  const f32 = "k_list_f32t16_f32t16_v_list_f32t1_f32t1";
  await assertAttention({ layout: f32, rows: 150, nQuery: 9, nListed: 70, width: 13 });
});

for (const variant of variants) {
  gpuTest(`attention ${variant.name} agrees with its function`, async () => {
    // Bounds that the case's 560 rows reach.
    const small: Readonly<Record<string, number>> = { window: 40, cap: 3 };
    const names = Object.keys(variant.params).filter((name) => name in small);
    const params = Object.fromEntries(names.map((name) => [name, small[name]!]));
    const given = { variant, params, rows: 560, nQuery: 17 };
    await assertAttention(given);
    await assertAttention({ ...given, layout: LISTED, nListed: 290, width: 26 });
  });
}

gpuTest("rows between which others were evicted keep their true positions", async () => {
  const evicted = { layout: `${LISTED}_evicted`, nListed: 130, width: 20 };
  for (const rows of [33, 150, 300]) {
    await assertAttention({ layout: `${DENSE}_evicted`, rows, nQuery: 19, ahead: rows });
  }
  for (const [group, headDim] of [[1, 64], [4, 128], [8, 48]]) {
    const shape = { group: group!, headDim: headDim!, rows: 290, nQuery: 9, ahead: 500 };
    await assertAttention({ ...evicted, ...shape });
  }
  for (const variant of variants) {
    const names = Object.keys(variant.params).filter((name) => name === "window");
    const params = Object.fromEntries(names.map((name) => [name, 90]));
    await assertAttention({ ...evicted, variant, params, rows: 260, nQuery: 5, ahead: 300 });
  }
});

gpuTest("a query sees no later row of its step, whatever its position", async () => {
  // The mask alone would let every row through.
  await assertAttention({ rows: 50, nQuery: 13, ahead: 1000 });
  await assertAttention({
    rows: 50,
    nQuery: 13,
    ahead: 1000,
    layout: LISTED,
    nListed: 20,
    width: 16,
  });
});

gpuTest("a fully masked row is zeros (oracle 7)", async () => {
  const variant = variants.find(({ name }) => name === "sliding_window")!;
  // The window ends before the cache's rows start.
  const p = problem({ variant, params: { window: 4 }, rows: 20, ahead: 1000 });
  for (const out of [await prefill(p), await decode(p)]) {
    assert(out.every((x) => x === 0), `got ${out.find((x) => x !== 0)}`);
  }
});
