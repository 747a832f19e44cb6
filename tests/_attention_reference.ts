/** What attention's outputs must be: the f64 reference over a problem's rows, and how far f32 may be from it. */

import { isTurned } from "../src/layout/mod.ts";
import { attentionQ8Reference, attentionReference, turnReference } from "../src/reference/mod.ts";
import type { HookRunner } from "../src/reference/mod.ts";
import { codedRows } from "../src/verify/coded_rows.ts";
import { queryOf } from "./_attention_case.ts";
import type { Problem } from "./_attention_case.ts";

/**
 * How far a logit may be off, in units of 2⁻²⁴: `roundings` per multiply-add, one where they are fused, each at most
 * half a unit of Σ|q k|; some of the hook's own (alibi's bias is as large as the distance).
 */
export function logitError(
  { headDim, rows, variant, layout }: Problem,
  { q, keys, scale }: Pick<ReturnType<typeof queryOf>, "q" | "keys" | "scale">,
  roundings: 1 | 2,
): number {
  // A code's product and its minimum's are each at most thrice the channel's largest key's.
  const coded = layout.includes("_q") ? channelMaxima(keys).map((x) => 3 * x) : null;
  const sizes = keys.map((key) =>
    (coded ?? key).reduce((a, x, c) => a + Math.abs(x * q[c]!), 0) * scale
  );
  const hook = variant.name === "alibi" ? rows : 64;
  return roundings * (headDim + 2) * Math.max(...sizes) + 4 * hook;
}

/** The reference's output of one query, all heads, and how far rounding may take f32 from it. */
export function reference(
  p: Problem,
  { query, roundings, hooks = {} }: {
    readonly query: number;
    readonly roundings: 1 | 2;
    /** Instead of the author's functions. */
    readonly hooks?: { readonly score?: HookRunner; readonly mask?: HookRunner };
  },
): { want: Float64Array; bound: Float64Array } {
  const { headDim, nHeads, nKvHeads } = p;
  const want = new Float64Array(nHeads * headDim);
  const bound = new Float64Array(want.length);
  const turned = isTurned(p.cache.layout.value);
  for (let head = 0; head < nHeads; head++) {
    const own = { ...queryOf(p, { query, head }), ...hooks };
    const { kvHead } = own.context;
    // A weight is off by twice as much as its logit; the sums over keys add one rounding each. All first order.
    const logit = logitError(p, own, roundings);
    // What rounds takes weights that are 4e-6 off, 68 units, and so is their sum.
    const coarse = p.q8 ? 136 : 0;
    const error = 2 ** -24 * (4 * logit + roundings * p.rows + 64 + coarse);
    const { out, ties } = p.q8
      ? attentionQ8Reference({
        ...{ ...own, ...codedRows(p.cache, p.heads[kvHead]!, { kvHead, nKvHeads }) },
        weightError: error,
      })
      : { out: attentionReference(own), ties: new Float64Array(headDim) };
    want.set(turned ? turnReference(out) : out, head * headDim);
    const largest = own.values.reduce((a, row) => Math.max(a, ...row.map(Math.abs)), 0);
    // Errors of an output's channels meet when it is turned back, and so do ties.
    const meet = turned ? Math.sqrt(headDim) : 1;
    const flips = turned ? ties.fill(Math.max(...ties)) : ties;
    bound.set(flips.map((flip) => meet * (flip + largest * error)), head * headDim);
  }
  return { want, bound };
}

/** The largest size of each channel. */
const channelMaxima = (rows: readonly Float32Array[]) =>
  rows[0]!.map((_, c) => rows.reduce((a, row) => Math.max(a, Math.abs(row[c]!)), 0));
