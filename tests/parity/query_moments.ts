/** Moments of queries and what rows are expected to get of them, as C against the f64 accumulator. */

import { testIsas } from "../../src/device/testing.ts";
import { runPicked } from "../_kernel.ts";
import { assertMoments } from "../_query_moments.ts";
import type { MomentsCase } from "../_query_moments.ts";

const CASE: MomentsCase = {
  ...{ layout: "k_f16t16_v_f16t1_evicted", headDim: 32, nKvHeads: 2, group: 3, skip: 4, ahead: 20 },
  ...{ steps: [[3, 2], [9, 0], [1, 30], [1, 1]], rows: 33 },
};
const isas = await testIsas();

const check = (given: Partial<MomentsCase>, isa = isas[0]!) =>
  assertMoments({ ...CASE, ...given }, runPicked({ isa }));

Deno.test("moments of queries: any steps, groups of heads, one row to many", async () => {
  for (const rows of [1, 31, 127]) await check({ rows });
  for (const group of [1, 4, 8]) await check({ group, headDim: 16 });
  await check({ skip: 0, steps: [[1, 0]] });
  await check({ steps: [[200, 3]], headDim: 64, ahead: 512 });
});

Deno.test("moments of queries: pruned keys, keys of f32", async () => {
  await check({ layout: "k_list_f16t16_f16t16_v_f16t1_evicted", nListed: 20 });
  await check({ layout: "k_f32t16_v_f32t1_evicted" });
  for (const rows of [31, 127]) await check({ layout: "k_f16t16_v_f16t1_cached_evicted", rows });
});

for (const isa of isas.slice(1)) {
  Deno.test(`moments of queries on ${isa}`, () => check({}, isa));
}
