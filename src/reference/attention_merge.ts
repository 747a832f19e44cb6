/** Partial softmaxes put together in f64, all at once: the largest logit of all, then one weighted sum. */

/** One chunk's share. */
export interface PartialSoftmax {
  readonly largest: number;
  /** Σ e^(logit − largest); 0 for a chunk that sees no key. */
  readonly sum: number;
  /** Weighted by the same; [headDim]. */
  readonly values: ArrayLike<number>;
}

/**
 * The output row, f64 [headDim]; zeros when no chunk sees a key.
 *
 * Source: arXiv:2205.14135, section 3.1.
 */
export function attentionMergeReference(
  partials: readonly PartialSoftmax[],
  headDim: number,
): Float64Array {
  const seen = partials.filter((p) => p.sum > 0);
  const largest = Math.max(...seen.map((p) => p.largest));
  const out = new Float64Array(headDim);
  let sum = 0;
  for (const partial of seen) {
    const scale = Math.exp(partial.largest - largest);
    sum += partial.sum * scale;
    for (let c = 0; c < headDim; c++) out[c]! += partial.values[c]! * scale;
  }
  return sum === 0 ? out : out.map((value) => value / sum);
}
