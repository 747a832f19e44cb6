/** Moments of queries and what rows are expected to get of them, on a GPU against the f64 accumulator. */

import { gpuTest, runPicked } from "../_gpu.ts";
import { assertMoments } from "../_query_moments.ts";
import type { MomentsCase } from "../_query_moments.ts";

const CASE: MomentsCase = {
  ...{ layout: "k_f16t16_v_f16t1_evicted", headDim: 32, nKvHeads: 2, group: 3, skip: 4, ahead: 20 },
  ...{ steps: [[3, 2], [9, 0], [1, 30], [1, 1]], rows: 33 },
};

/** Moments of one case. */
export const assertExpected = (given: Partial<MomentsCase>) =>
  assertMoments({ ...CASE, ...given }, runPicked);

gpuTest("moments of queries: any steps, groups of heads, pruned keys, keys of f32", async () => {
  for (const rows of [1, 127]) await assertExpected({ rows });
  for (const group of [1, 8]) await assertExpected({ group, headDim: 16 });
  await assertExpected({ layout: "k_list_f16t16_f16t16_v_f16t1_evicted", nListed: 20 });
  await assertExpected({ layout: "k_f32t16_v_f32t1_evicted" });
  await assertExpected({ layout: "k_f16t16_v_f16t1_cached_evicted", rows: 127 });
});
