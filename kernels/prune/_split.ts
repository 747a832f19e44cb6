import type { Derived } from "kerf/dsl";

/** Parameters of a split: what a budget decides unless it is set. */
export const splitParams = {
  budget: { default: 0.16, min: 0.08, max: 0.28, doc: "share of f16 bytes that coded rows keep" },
  keys: { default: -1, min: -1, max: 8, doc: "bits of a key's channel; below 0: by budget" },
  high: { default: -1, min: -1, max: 1, doc: "share of high rows; below 0: by budget" },
  bits: { default: -1, min: -1, max: 8, integer: true, doc: "of high rows' values; below 0: so" },
  low: { default: -1, min: -1, max: 8, integer: true, doc: "of the others; 0: none; below 0: so" },
  group: { default: 64, min: 16, max: 128, integer: true, doc: "keys that share a scale" },
  valueGroup: { default: 64, min: 16, max: 128, integer: true, doc: "of a row's values" },
};

/** 1: a budget so small that rows have values of 2 bits or none. */
const isSmall: Derived = ({ budget }) => Number(budget! < 0.11);

/** Bits of the high rows' values, and of the others'. */
export const highBits: Derived = (p) => p.bits! < 0 ? 4 - 2 * isSmall(p) : p.bits!;
export const lowBits: Derived = (p) => p.low! < 0 ? 2 - 2 * isSmall(p) : p.low!;

/**
 * The share of high rows that lost least at most budgets (docs/think_bits.md, "The rule"), f32 in [0, 1]; above
 * a budget of about 0.24, where keys have nearly all the bits they can use, what is left.
 */
export const highShare: Derived = (p) => {
  const spare = (32 * p.budget! - 5.8 - 32 / p.group! - 32 / p.valueGroup!) / 2;
  const share = isSmall(p) ? 0.75 : Math.max((3.6 * (p.budget! - 0.05)) ** 2, spare);
  return p.high! < 0 ? Math.min(1, share) : p.high!;
};

/** Bits of a key's channel and row, scales included: what values leave of a budget. */
export const keyBits: Derived = (p) => {
  const [high, low] = [highBits(p), lowBits(p)].map((bits) => bits && bits + 32 / p.valueGroup!);
  return p.keys! < 0 ? Math.max(0, 32 * p.budget! - low! - (high! - low!) * highShare(p)) : p.keys!;
};
