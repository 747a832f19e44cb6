/**
 * What a row of logits says: log-probabilities, the likeliest token, and how far one row is from another.
 * Logits are f32; every sum is f64 and runs in the order of the vocabulary, so the digits do not depend on
 * who computes.
 */

/** The token of the largest logit; of equal ones the lowest id. @param logits f32 [nVocab] */
export function likeliest(logits: Float32Array): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i;
  return best;
}

/** log Σ e^logit. @param logits f32 [nVocab] */
export function logSumExp(logits: Float32Array): number {
  const largest = logits[likeliest(logits)]!;
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp(logits[i]! - largest);
  return largest + Math.log(sum);
}

/**
 * −log p(target) in nats, p being softmax(logits).
 *
 * @example
 * ```ts
 * import { negativeLogLikelihood } from "./distribution.ts";
 * const nll = negativeLogLikelihood(Float32Array.of(0, 0), 1);
 * if (Math.abs(nll - Math.LN2) > 1e-15) throw new Error(`${nll}`);
 * ```
 */
export function negativeLogLikelihood(logits: Float32Array, target: number): number {
  return logSumExp(logits) - logits[target]!;
}

/** How a row compares with the one it should be. */
export interface RowComparison {
  /** −log q(target) of the compared row. */
  readonly nll: number;
  /** KL(p ‖ q) = Σ p (log p − log q), in nats. */
  readonly kl: number;
  /** Whether both have the same likeliest token. */
  readonly isSameTop: boolean;
}

/**
 * Compares a row of logits, whose softmax is q, with the reference's, whose softmax is p. With P and Q the
 * sums of e^(logit − largest) and d the difference of such shifted logits, KL = Σ e^… d / P − log P + log Q:
 * one pass over both.
 *
 * @param reference f32 [nVocab]: the full cache's
 * @param logits f32 [nVocab]
 */
export function compareRows(
  reference: Float32Array,
  logits: Float32Array,
  target: number,
): RowComparison {
  const [topP, topQ] = [likeliest(reference), likeliest(logits)];
  const [maxP, maxQ] = [reference[topP]!, logits[topQ]!];
  let [sumP, sumQ, weighted] = [0, 0, 0];
  for (let i = 0; i < logits.length; i++) {
    const [p, q] = [reference[i]! - maxP, logits[i]! - maxQ];
    const weight = Math.exp(p);
    sumP += weight;
    sumQ += Math.exp(q);
    weighted += weight * (p - q);
  }
  const logQ = Math.log(sumQ);
  return {
    nll: maxQ + logQ - logits[target]!,
    // Rounding may leave a difference of nothing at −1e−16.
    kl: Math.max(0, weighted / sumP - Math.log(sumP) + logQ),
    isSameTop: topP === topQ,
  };
}
