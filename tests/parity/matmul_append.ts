/**
 * Products that append their outputs, as C: the bits of q, of the cache's rows and of the rings are those of the
 * product and the append apart, which are held to their authors' functions.
 */

import { assertEquals } from "@std/assert";
import { PACKINGS } from "../../src/core/mod.ts";
import type { PackingName } from "../../src/core/mod.ts";
import { testIsas } from "../../src/device/testing.ts";
import type { Isa } from "../../src/device/testing.ts";
import { PAGE_ROWS } from "../../src/layout/mod.ts";
import { blockSums, quantizedBytes, quantizeRows } from "../../src/reference/mod.ts";
import { activations, randomFrom, runPicked } from "../_kernel.ts";
import { AT, withoutPage, writeCache } from "../_kv_cache.ts";
import type { HeadRows } from "../_kv_cache.ts";
import { packedWeights } from "../_weights.ts";

const N_KV_HEADS = 2, N_IN = 64, N_SLOTS = AT.slot + 1;

interface Case {
  readonly packing: PackingName;
  readonly layout: string;
  readonly headDim: number;
  readonly group: number;
  /** Rows of the cache, and of the step behind them. */
  readonly before: number;
  readonly nQuery: number;
  readonly windows: readonly [number, number];
  /** Whether values have a matrix of their own. */
  readonly apart: boolean;
  readonly isa: Isa;
}

async function check(given: Case): Promise<void> {
  const { packing, layout, headDim, group, before, nQuery, windows, apart, isa } = given;
  const random = randomFrom(before + nQuery);
  const filler = () => Array.from({ length: before + nQuery }, () => new Float32Array(headDim));
  const heads = Array.from({ length: N_KV_HEADS }, (): HeadRows => {
    return { keys: filler(), values: filler(), nListed: 0, nCoded: 0, channels: [0] };
  });
  const cache = writeCache(layout, heads, { headDim, nNew: nQuery });
  const nKey = cache.layout.key.segments.length;
  const nSegments = nKey + cache.layout.value.segments.length;
  const { rowPositions, rowSums } = cache.layout;
  const nHeads = group * N_KV_HEADS;
  const stride = (nHeads + 2 * N_KV_HEADS) * headDim;
  const nRows = nQuery + 1;
  const positions = Array.from({ length: nQuery }, (_, i) => before + i);
  // Another sequence's row comes first, in slot 0, all of whose pages are the spare last one.
  const pages = Uint32Array.from(cache.buffers.pages);
  pages.fill(pages.at(-1)!, 0, AT.nLayers * N_KV_HEADS * cache.constants["page_entries"]!);
  const values = activations(nRows * N_IN, random);
  const ring = N_SLOTS * AT.nLayers * nHeads * headDim;
  const buffers = {
    x: quantizedBytes(quantizeRows(values)),
    x_sums: blockSums(values.map((x) => x * x), N_IN),
    rope: Float32Array.from({ length: (before + nRows + 100) * headDim }, () => random()),
    row_position: Uint32Array.of(99, ...positions),
    row_seq: Uint32Array.of(0, ...positions.map(() => 1)),
    seqs: Uint32Array.of(1, 0, 99, 0, nQuery, 1, before, AT.slot),
    q_ring: new Float32Array(ring * (windows[0] + windows[1]) + 1).fill(-1),
    ...{ pages, heads: cache.buffers.heads, arena: cache.buffers.arena },
  };
  const constants = {
    ...cache.constants,
    ...{ rows_field: 0, n_in: N_IN, x_stride: N_IN, y_stride: stride, qkv_stride: stride },
    ...{ eps: 1e-5, n_heads: nHeads, n_kv_heads: N_KV_HEADS },
    ...{ key_page: cache.firstPages[nKey - 1]!, value_page: cache.firstPages.at(-1)! },
    ...{ head_fields: 2 * nSegments, key_field: 2 * (nKey - 1), value_field: 2 * (nSegments - 1) },
    value_start: rowPositions ? 4 * PAGE_ROWS * (rowSums ? 2 : 1) : 0,
    ...{ window: windows[0], second_window: windows[1], second_ring: ring * windows[0] },
  };
  const run = runPicked({ isa });
  const shared = { defines: { HEAD_DIM: headDim }, step: { nRows, nSeqs: 2 } };
  const split = apart ? (nHeads + N_KV_HEADS) * headDim : stride;
  const matrices = [[0, split], [split, stride - split]].filter(([, nOut]) => nOut! > 0);
  /** Runs a product's matrices one after the other, over what the one before wrote. */
  const product = async (kernel: string) => {
    let written: typeof buffers & { y: Float32Array } = {
      ...buffers,
      y: new Float32Array(nRows * stride),
    };
    for (const [firstOut, nOut] of matrices) {
      const weight = packedWeights(packing, { nOut: nOut!, nIn: N_IN }, 7 + firstOut!);
      const own = { n_out: nOut!, y_offset: firstOut! };
      const out = await run(kernel, {
        ...{ ...shared, buffers: { ...written, weight }, constants: { ...constants, ...own } },
      });
      written = { ...written, ...out };
    }
    return written;
  };
  const types = layout.match(/^k_.*(f\d\dt16)_v_.*(f\d\dt1)(_|$)/)!;
  const got = await product(`matmul_q8_append__${packing}__k_${types[1]}_v_${types[2]}`);
  const { y } = await product(`matmul_q8__${packing}`);
  const want = await run(`append_recording__${layout}`, {
    ...{ ...shared, constants, buffers: { ...buffers, qkv: y } },
  });
  const queries = (rows: Float32Array) =>
    Array.from({ length: nRows }, (_, r) => rows.slice(r * stride, r * stride + nHeads * headDim));
  const about = JSON.stringify(given);
  assertEquals(queries(got.y), queries(want["qkv"] as Float32Array), about);
  assertEquals<unknown>(got.q_ring, want["q_ring"], about);
  // In the spare page the heads of the other sequence are one over the other, in any order.
  const own = (arena: Uint8Array) => withoutPage(arena, pages, pages.at(-1)!);
  assertEquals(own(got.arena), own(want["arena"] as Uint8Array), about);
}

const [best, ...others] = await testIsas();
const LISTED = "k_list_f16t16_f16t16_v_f16t1";
const CASE: Case = {
  ...{ packing: "q4_f16_g32", layout: "k_f16t16_v_f16t1", headDim: 64, group: 3 },
  ...{ before: 120, nQuery: 33, windows: [16, 0], apart: false, isa: best! },
};

for (const { name: packing, scaleType } of Object.values(PACKINGS)) {
  if (scaleType === null) continue;
  Deno.test(`matmul_q8_append ${packing}: the bits of the product and the append apart`, async () => {
    for (const nQuery of [1, 31]) await check({ ...CASE, packing, nQuery });
  });
}

Deno.test("matmul_q8_append: every last segment, positions and sums before values, rings", async () => {
  for (const layout of ["k_f32t16_v_f32t1", "k_f16t16_v_f16t1_evicted_summed", LISTED]) {
    await check({ ...CASE, layout });
    await check({ ...CASE, layout, nQuery: 1, apart: true });
  }
  for (const windows of [[1, 32], [8, 0], [0, 0]] as const) await check({ ...CASE, windows });
});

Deno.test("matmul_q8_append: heads of several sizes and groups, rows of several items", async () => {
  for (const headDim of [32, 96]) await check({ ...CASE, headDim, apart: true });
  for (const group of [1, 4, 8]) await check({ ...CASE, headDim: 32, group });
  await check({ ...CASE, headDim: 32, before: 0, nQuery: 260 });
});

for (const isa of others) {
  Deno.test(`matmul_q8_append on ${isa}: the bits of the product and the append apart`, async () => {
    for (const nQuery of [1, 33]) await check({ ...CASE, nQuery, isa });
  });
}
