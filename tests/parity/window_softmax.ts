/** What scores of rows are made from, as C against the f64 reference: the window's softmax, and anchors. */

import { meanUnitKeyReference, windowWeightsReference } from "../../src/reference/mod.ts";
import { assertClose } from "../_close.ts";
import { writeCache } from "../_kv_cache.ts";
import {
  anchors,
  CASES,
  CLASS_CASES,
  DENSE,
  inputOf,
  N_KV_HEADS,
  problem,
  weightError,
  windowSums,
} from "../_scored_rows.ts";
import type { Case } from "../_scored_rows.ts";

async function checkWindow(given: Case): Promise<void> {
  const p = problem(given);
  const sums = await windowSums(p, given);
  for (let head = 0; head < p.queries.length; head++) {
    const input = inputOf(p, Math.floor(head / p.group), () => [0]);
    const weights = windowWeightsReference(input, p.queries[head]!);
    weights.forEach((row, query) => {
      // The largest weight is 1 over the sum of e^(logit − largest).
      const sum = sums[2 * (head * p.nWindow + query) + 1]!;
      assertClose([1 / sum], [Math.max(...row)], {
        bound: weightError(p),
        label: `head ${head}, query ${query} of ${given.rows} rows`,
      });
    });
  }
}

Deno.test("window_softmax: every query's softmax over all rows, causal by positions", async () => {
  for (const given of CASES) await checkWindow(given);
});

Deno.test("window_softmax reads codes of both classes; full rows' places are positions, or carried", async () => {
  for (const given of CLASS_CASES) await checkWindow(given);
  const listed = "k_list_q2r32t16_list_q2r32t16_f16t16_v_q4c64t1_q2c64t1_f16t1";
  await checkWindow({ rows: 150, window: 9, layout: listed, nListed: 96, nCoded: 96, nFirst: 32 });
});

Deno.test("key_anchors: the mean of unit keys and its norm; a key of zeros adds nothing", async () => {
  for (const given of CASES) {
    const p = problem(given);
    p.heads[0]!.keys[0]!.fill(0);
    const own = { ...p, cache: writeCache(given.layout ?? DENSE, p.heads, { headDim: p.headDim }) };
    const got = await anchors(own, given);
    for (let kvHead = 0; kvHead < N_KV_HEADS; kvHead++) {
      const want = meanUnitKeyReference(inputOf(own, kvHead, () => [0]).keys);
      const at = kvHead * (p.headDim + 16);
      // A norm of headDim squares, a quotient, a sum over rows: each element is at most 1 before the mean.
      const bound = 2 ** -24 * (p.headDim + given.rows + 8);
      assertClose(got.subarray(at, at + p.headDim), want, { bound, label: "anchor" });
      const norm = Math.sqrt(want.reduce((sum, x) => sum + x * x, 0));
      assertClose([got[at + p.headDim]!], [norm], { bound: bound * p.headDim, label: "its norm" });
    }
  }
});
