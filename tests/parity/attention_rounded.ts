/**
 * Attention as C that rounds what meets the cache, to bytes where it meets codes, to bf16 where it meets halves, against
 * the reference that rounds alike; and its outputs as codes.
 */

import { assert, assertEquals } from "@std/assert";
import { quantizedBytes, quantizeRows } from "../../src/reference/mod.ts";
import { assertAttention, prefill } from "../_attention.ts";
import {
  CHANNEL_CLASSES,
  DENSE,
  EMPTY_TURNED,
  LISTED,
  problem,
  SETS,
  TURNED,
} from "../_attention_case.ts";
import type { Case } from "../_attention_case.ts";
import { runPicked } from "../_kernel.ts";

const run = runPicked();
const check = (given: Partial<Case>) =>
  assertAttention({ nQuery: 9, ...given, q8: true }, { run, exact: true });

Deno.test("codes multiply as whole numbers: 2, 4 and 8 bits, channels in classes, scales of rows, short groups", async () => {
  const coded = (key: string, value: string) => `k_${key}t16_f16t16_v_${value}t1_f16t1`;
  for (const [bits, group, nCoded] of [[2, 32, 288], [8, 128, 256]] as const) {
    const layout = coded(`q${bits}r${group}`, `q${bits}c${group}`);
    await check({ layout, rows: nCoded + 45, nCoded });
  }
  const layout = coded("q4r32", "q4c32");
  for (const [group, headDim] of [[1, 16], [4, 80], [8, 128]] as const) {
    await check({ layout, group, headDim, rows: 150, nCoded: 96 });
  }
  await check({ layout, rows: 20, nCoded: 0 });
  for (const width of [39, 1]) {
    const layout = coded("list_q2r32", "q2c32");
    await check({ layout, rows: 333, nListed: 288, nCoded: 288, width });
  }
  const own = { layout: coded("list_q2c32", "q2c32"), headDim: 80, group: 4 };
  for (const width of [80, 39, 1]) {
    await check({ ...own, rows: 333, nListed: 272, nCoded: 272, width });
  }
  const rows = { rows: 371, nListed: 320, nCoded: 320, nFirst: 128 };
  for (const [width, high] of [[40, 17], [64, 64], [33, 0]] as const) {
    await check({ layout: CHANNEL_CLASSES, ...rows, width, high });
  }
  await check({ layout: TURNED, rows: 300, nCoded: 192 });
  await check({ layout: EMPTY_TURNED, ...rows, width: 40, high: 17 });
});

Deno.test("halves meet bf16: all sizes, pairs that end alone, lists, gaps, other channels, beside f32", async () => {
  for (const rows of [1, 31, 33, 600]) await check({ rows, nQuery: Math.min(rows, 19) });
  for (const [width, nListed] of [[39, 257], [1, 64], [0, 64]] as const) {
    await check({ layout: LISTED, rows: nListed + 45, nListed, width });
  }
  for (const [group, headDim] of [[1, 16], [8, 80]] as const) {
    await check({ layout: LISTED, group, headDim, rows: 150, nListed: 61, width: 5 });
  }
  await check({ layout: `${DENSE}_evicted`, rows: 300 });
  await check({ layout: SETS, rows: 190, nListed: 133, width: 20 });
  await check({ layout: "k_f16t16_v_list_f16t1_f16t1", nListed: 97, width: 21, rows: 150 });
  await check({ layout: "k_f32t16_v_f16t1", rows: 60 });
});

Deno.test("outputs are stored as the codes of what is stored as f32, and nothing beside them", async () => {
  const cases: Partial<Case>[] = [
    { rows: 40, nQuery: 19 },
    { headDim: 32, rows: 1 },
    { layout: TURNED, rows: 80, nQuery: 3, nCoded: 64 },
  ];
  for (const given of cases) {
    const p = problem({ ...given, q8: true });
    const codes = quantizedBytes(quantizeRows(await prefill(p, run)));
    const stored = new Uint8Array((await prefill(p, run, { storesCodes: true })).buffer);
    const rest = new Uint8Array(Float32Array.of(NaN).buffer);
    assertEquals(stored.slice(0, codes.length), codes, `${p.layout}, ${p.rows} rows`);
    assert(stored.slice(codes.length).every((byte, i) => byte === rest[i % 4]), "bytes beside");
  }
});
