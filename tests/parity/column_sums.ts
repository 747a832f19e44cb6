/**
 * Running sums of attention's columns as C against the f64 reference, over every attention variant, lists of
 * channels, groups, sizes and several chunks; each step's rows beside rows that were evicted before.
 */

import { testIsas } from "../../src/device/testing.ts";
import { DENSE, LISTED, variants } from "../_attention_case.ts";
import type { Case } from "../_attention_case.ts";
import { assertColumnSums, COMPRESSED } from "../_column_sums.ts";
import { runPicked } from "../_kernel.ts";

const isas = await testIsas();
const EVICTED = { layout: `${DENSE}_evicted_summed` };
const PRUNED = { layout: `${LISTED}_evicted_summed`, nListed: 270, width: 20 };

const check = (given: Partial<Case>, isa = isas[0]!) =>
  assertColumnSums(given, { run: runPicked({ isa }), exact: true });

Deno.test("column sums of one row to several chunks of them", async () => {
  for (const [rows, nQuery] of [[1, 1], [31, 31], [33, 1], [127, 20], [560, 9]] as const) {
    await check({ ...EVICTED, rows, nQuery, ahead: rows });
  }
});

Deno.test("column sums of what queries and keys in bf16 weigh", async () => {
  await check({ ...EVICTED, rows: 290, nQuery: 11, ahead: 90, q8: true });
});

Deno.test("column sums of groups of 1, 4 and 8 heads, of pruned keys, of f32", async () => {
  for (const [group, headDim] of [[1, 64], [4, 128], [8, 48]] as const) {
    await check({ ...EVICTED, group, headDim, rows: 140, nQuery: 13, ahead: 40 });
  }
  await check({ ...PRUNED, rows: 300, nQuery: 11, ahead: 500 });
  await check({ layout: "k_f32t16_v_f32t1_evicted_summed", rows: 60, nQuery: 7 });
});

Deno.test("column sums of rows whose values lost channels, of codes, of classes, of sets", async () => {
  for (const layout of COMPRESSED) await check({ ...layout, rows: 290, nQuery: 5, ahead: 90 });
});

Deno.test("column sums of every attention variant", async () => {
  for (const variant of variants) {
    const params = Object.hasOwn(variant.params, "window") ? { window: 30 } : {};
    await check({ ...EVICTED, variant, params, rows: 150, nQuery: 6, ahead: 20 });
  }
});

for (const isa of isas) {
  Deno.test(`column sums on ${isa}`, async () => {
    await check({ ...PRUNED, rows: 280, nQuery: 5 }, isa);
    await check({ layout: "k_f16t16_v_basis_f16t1_evicted_summed", rows: 40, nQuery: 3 }, isa);
  });
}
