/**
 * What a row of logits says: log-probabilities, the likeliest token, and how far one row is from another.
 * Logits are f32; every sum is f64 and runs in the order of the vocabulary, so the digits do not depend on
 * who computes.
 */

/** log Σ e^logit of f32 [nVocab]. */
export function logSumExp(logits: Float32Array): number {
  let largest = -Infinity;
  for (let i = 0; i < logits.length; i++) largest = Math.max(largest, logits[i]!);
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp(logits[i]! - largest);
  return largest + Math.log(sum);
}

/** The token of the largest logit; of equal ones the lowest id. */
export function likeliest(logits: Float32Array): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i;
  return best;
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
  /** −log p(target) of the compared row. */
  readonly nll: number;
  /** KL(reference ‖ row) = Σ p (log p − log q), in nats. */
  readonly kl: number;
  /** Whether both have the same likeliest token. */
  readonly isSameTop: boolean;
}

/**
 * Compares a row of logits with the reference's.
 *
 * @param reference f32 [nVocab]: the full cache's
 * @param logits f32 [nVocab]
 */
export function compareRows(
  reference: Float32Array,
  logits: Float32Array,
  target: number,
): RowComparison {
  const logP = logSumExp(reference);
  const logQ = logSumExp(logits);
  let kl = 0;
  for (let i = 0; i < logits.length; i++) {
    const [p, q] = [reference[i]! - logP, logits[i]! - logQ];
    kl += Math.exp(p) * (p - q);
  }
  const isSameTop = likeliest(reference) === likeliest(logits);
  // Rounding may leave a sum of nothing at −1e-17.
  return { nll: logQ - logits[target]!, kl: Math.max(0, kl), isSameTop };
}
