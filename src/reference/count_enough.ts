/** How many of the highest scores are enough, on the whole numbers that every target counts in. */

import { massParts } from "../dsl/enough.ts";
import type { EnoughRule } from "../dsl/enough.ts";

/** What a head keeps of its rows or channels: candidates stand between protected ones. */
export interface EnoughOptions {
  readonly rule: EnoughRule;
  /** The most that stays, protected ones included. */
  readonly most: number;
  /** Kept counts are rounded up to this. */
  readonly multiple: number;
  readonly first: number;
  readonly last: number;
  /** Whether all that equal the lowest which stays do too. */
  readonly takesTies?: boolean;
}

/** Bits of a score's mass: as many as an f32 has. */
const MASS_BITS = 24;

/** The exponent of an f32 that is neither 0 nor subnormal; infinity is as the number behind the largest. */
const exponentOf = (score: number): number => Math.min(128, Math.floor(Math.log2(score)));

/**
 * A score's mass where `largest` is the largest score: 0 for 0, what is below, what is no number, and what is
 * subnormal; else ⌊score / 2^(e − 23)⌋, e the exponent of the largest.
 */
function massOf(score: number, largest: number): bigint {
  if (!(score >= 2 ** -126)) return 0n;
  const unit = 2 ** (exponentOf(largest) - (MASS_BITS - 1));
  return BigInt(Math.floor(Math.min(score, 2 ** 128) / unit));
}

/**
 * The candidates whose masses, from the highest, first reach the share `mass` of all.
 *
 * @param candidates f32
 */
function countMass(candidates: readonly number[], mass: number, takesTies: boolean): number {
  const falling = candidates.toSorted((a, b) => b - a);
  const masses = falling
    .map((score, _, [largest]) => massOf(score, largest!));
  const total = masses.reduce((a, b) => a + b, 0n);
  let sum = 0n;
  let n = 0;
  while (sum * BigInt(massParts(1)) < total * BigInt(massParts(mass))) sum += masses[n++]!;
  if (takesTies) { while (n > 0 && falling[n] === falling[n - 1]) n++; }
  return n;
}

/** The candidates of a score of at least `amount`, times the largest where that is what counts. */
function countAbove(candidates: readonly number[], { kind, amount }: EnoughRule): number {
  const lowest = Math.fround(amount);
  const largest = candidates.reduce((a, b) => Math.max(a, b), -Infinity);
  const bound = kind === "ofLargest" ? Math.fround(lowest * largest) : lowest;
  return candidates.filter((score) => !(score < bound)).length;
}

/**
 * How many rows, or channels, of a KV head stay.
 *
 * @param scores one KV head's, f32; what is no number ranks below every other
 */
export function countEnoughReference(
  scores: ArrayLike<number>,
  { rule, most, multiple, first, last, takesTies = false }: EnoughOptions,
): number {
  if (scores.length <= first + last) return most;
  const candidates = Array.from(scores, Math.fround).slice(first, scores.length - last)
    .filter((score) => !Number.isNaN(score));
  const n = rule.kind === "mass"
    ? countMass(candidates, rule.amount, takesTies)
    : countAbove(candidates, rule);
  const kept = Math.max(first + last + n, rule.least);
  return Math.min(most, Math.ceil(kept / multiple) * multiple);
}
