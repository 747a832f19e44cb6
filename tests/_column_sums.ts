/**
 * The running sums of attention's columns: prefill and decode leave each row's softmax and do what they do
 * without it; the sums of rows that were there go on, those of the step's rows begin at zero.
 */

import { assert, assertEquals } from "@std/assert";
import { mergeKernel } from "../src/layout/mod.ts";
import {
  quantizedBytes,
  quantizeRows,
  roundFactor,
  roundToBf16,
  softmaxReference,
} from "../src/reference/mod.ts";
import { kernelOf, stepOf } from "./_attention.ts";
import type { Running } from "./_attention.ts";
import { problem, queryOf } from "./_attention_case.ts";
import type { Case } from "./_attention_case.ts";
import { logitError } from "./_attention_reference.ts";
import { assertClose } from "./_close.ts";
import { segmentStarts, sumByte } from "./_kv_cache.ts";

/** Values in another basis, and compressed rows beside whole ones, in each way that sums compose with. */
export const COMPRESSED: readonly Partial<Case>[] = [
  { layout: "k_f16t16_v_basis_f16t1" },
  { layout: "k_f16t16_v_list_f16t1_f16t1", nListed: 130, width: 20 },
  { layout: "k_bitmap_mean_f16t1_f16t16_v_f16t1", nListed: 130, width: 20 },
  { layout: "k_q4r32t16_f16t16_v_q4c32t1_f16t1", nCoded: 160 },
  { layout: "k_list_q2r32t16_f16t16_v_list_q4c32t1_f16t1", nListed: 64, nCoded: 64, width: 25 },
  {
    layout: "k_list_mean_q42r64t16_list_mean_q42r64t16_f16t16_v_q4c64t1_q2c64t1_f16t1",
    ...{ nListed: 128, nCoded: 128, nFirst: 64, width: 20, high: 9 },
  },
].map((given) => ({ ...given, layout: `${given.layout}_evicted_summed` }));

/** What a row's sum is before the step. */
const before = (kvHead: number, row: number) => Math.fround(kvHead + row / 8);

/** A query of a problem that rounds, and the keys it meets, in bf16. */
const inBf16 = (query: ReturnType<typeof queryOf>) => ({
  ...query,
  q: query.q.map(roundFactor),
  keys: query.keys.map((key) => key.map(roundToBf16)),
});

/** What one step adds to the running sums of its rows, and the softmax that each query leaves. */
export async function assertColumnSums(
  given: Partial<Case>,
  { run, exact }: Running,
): Promise<void> {
  const p = problem(given);
  const { variant: _, ...shape } = given;
  const label = `${p.variant.name} ${JSON.stringify(shape)}`;
  const { arena } = p.cache.buffers;
  const view = new DataView(arena.buffer);
  const { key, value } = p.cache.layout;
  const at = (kvHead: number, row: number) => {
    const starts = segmentStarts(p.heads[kvHead]!, value.segments, "value").slice(0, -1);
    const segment = starts.findLastIndex((start) => row >= start);
    const index = key.segments.length + segment;
    return sumByte(p.cache, { nKvHeads: p.nKvHeads, kvHead, index, row: row - starts[segment]! });
  };
  const nOld = p.rows - p.nQuery;
  for (let kvHead = 0; kvHead < p.nKvHeads; kvHead++) {
    for (let row = 0; row < nOld; row++) {
      view.setFloat32(at(kvHead, row), before(kvHead, row), true);
    }
  }
  const plainStep = stepOf(p);
  // Fewer items than chunks: each takes several.
  const step = { ...plainStep, constants: { ...plainStep.constants, n_ctx: 300 } };
  const kernel = (phase: string) => kernelOf(p, phase);
  const { row_softmax, out } = await run(kernel("prefill_recording"), step);
  const plain = await run(kernel("prefill"), step);
  assertEquals(out, plain["out"], `${label}: what comes out`);
  if (p.q8) {
    const constants = { ...step.constants, stores_codes: 1 };
    const coded = await run(kernel("prefill_recording"), { ...step, constants });
    const codes = quantizedBytes(quantizeRows(out as Float32Array));
    const stored = new Uint8Array(coded["out"]!.slice().buffer).slice(0, codes.length);
    assertEquals(stored, codes, `${label}: what comes out as codes`);
    assertEquals(coded["row_softmax"], row_softmax, `${label}: beside codes`);
  }
  const { partials } = await run(kernel("decode"), step);
  const merging = { ...step, buffers: { ...step.buffers, partials: partials! } };
  const merged = await run(mergeKernel(p.cache.layout), merging);
  const unrecorded = await run(mergeKernel({ value, rowSums: false }), merging);
  assertEquals(merged["out"], unrecorded["out"], label);
  const lastRow = row_softmax!.slice(-2 * p.nHeads);
  const decoded = merged["row_softmax"]!.slice(-2 * p.nHeads);
  if (exact) assertEquals(decoded, lastRow, `${label}: decoded`);

  const sums = await run(kernel("sums"), {
    ...step,
    buffers: { ...step.buffers, row_softmax: row_softmax! },
  });
  const got = new DataView((sums["arena"] as Uint8Array).slice().buffer);
  for (let kvHead = 0; kvHead < p.nKvHeads; kvHead++) {
    const want = Float64Array.from({ length: p.rows }, (_, i) => i < nOld ? before(kvHead, i) : 0);
    const bound = new Float64Array(p.rows);
    for (let query = 0; query < p.nQuery; query++) {
      for (let head = kvHead * p.group; head < (kvHead + 1) * p.group; head++) {
        const whole = queryOf(p, { query, head });
        const own = p.q8 ? inBf16(whole) : whole;
        const { weights, largest, sum } = softmaxReference(own);
        // What rounds takes weights that are 4e-6 off, 68 units.
        const coarse = p.q8 ? 68 : 0;
        const error = 2 ** -24 * (4 * logitError(p, own, 2) + p.rows + 64 + coarse);
        weights.forEach((weight, row) => {
          want[row]! += weight;
          // A rounding of the sum for each query that is added.
          bound[row]! += weight * error + 2 ** -24 * (want[row]! + 1);
        });
        for (const softmax of query === p.nQuery - 1 ? [row_softmax!, decoded] : [row_softmax!]) {
          const place = 2 * (softmax === decoded ? head : query * p.nHeads + head);
          const [top, weight] = [softmax[place]!, softmax[place + 1]!];
          if (sum === 0) assertEquals(weight, 0, `${label}: a query that sees nothing`);
          else {
            assertClose([top], [largest], { bound: error, label: `${label}: largest logit` });
            assertClose([weight], [sum], { bound: error * sum, label: `${label}: sum of weights` });
          }
        }
      }
    }
    const own = want.map((_, row) => got.getFloat32(at(kvHead, row), true));
    assert(want.some((x, row) => x !== before(kvHead, row)), "nothing was added");
    assertClose(own, want, { bound: (i) => bound[i]!, label: `${label}: sums of ${kvHead}` });
    for (let row = 0; row < p.rows; row++) {
      got.setUint32(at(kvHead, row), view.getUint32(at(kvHead, row)));
    }
  }
  assertEquals(new Uint8Array(got.buffer), arena, `${label}: bytes beside the sums`);
}
