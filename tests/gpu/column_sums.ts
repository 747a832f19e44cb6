/**
 * Running sums of attention's columns on a GPU against the f64 reference: the kernels that leave each row's
 * softmax, and the pass that adds it up.
 */

import { DENSE, LISTED, variants } from "../_attention_case.ts";
import type { Case } from "../_attention_case.ts";
import { assertColumnSums, COMPRESSED } from "../_column_sums.ts";
import { gpu, gpuTest, runPicked } from "../_gpu.ts";

/** Running sums of one problem. */
export const assertSums = (given: Partial<Case>) =>
  assertColumnSums({ layout: `${DENSE}_evicted_summed`, ...given }, {
    run: runPicked,
    exact: gpu().exact,
  });

gpuTest("column sums of one row, of a page's, of three chunks", async () => {
  for (const [rows, nQuery] of [[1, 1], [127, 20], [560, 9]] as const) {
    await assertSums({ rows, nQuery, ahead: rows });
  }
});

gpuTest("column sums of groups of heads, of pruned keys, of f32", async () => {
  for (const [group, headDim] of [[1, 64], [8, 48]] as const) {
    await assertSums({ group, headDim, rows: 140, nQuery: 13, ahead: 40 });
  }
  const pruned = { layout: `${LISTED}_evicted_summed`, nListed: 270, width: 20 };
  await assertSums({ ...pruned, rows: 300, nQuery: 11, ahead: 500 });
  await assertSums({ layout: "k_f32t16_v_f32t1_evicted_summed", rows: 60, nQuery: 7 });
});

gpuTest(
  "column sums of rows whose values lost channels, of codes, of classes, of sets",
  async () => {
    for (const layout of COMPRESSED) {
      await assertSums({ ...layout, headDim: 32, rows: 190, nQuery: 3 });
    }
  },
);

gpuTest("column sums of every attention variant", async () => {
  for (const variant of variants) {
    const params = Object.hasOwn(variant.params, "window") ? { window: 30 } : {};
    await assertSums({ variant, params: params as Record<string, number>, rows: 90, nQuery: 6 });
  }
});
