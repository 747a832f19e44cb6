/**
 * The exact results of an operation over enclosures of its operands, before any rounding: f64 stands for
 * the real numbers, and i32 wraps. Whole operands of few values are tried one by one; otherwise the
 * extremes are at the corners of the box of operands, or in the table of what is special. Where no tighter
 * range is known the answer is anything.
 */

import {
  ANYTHING,
  type Enclosure,
  exactly,
  holdsZero,
  hull,
  isExact,
  isFinite,
  magnitude,
} from "./enclosure.ts";
import { evaluate } from "./ops.ts";
import type { OpName, Scalar } from "./types.ts";

/** One operation on enclosures. */
export interface Operation {
  readonly op: OpName;
  /** The operands' types. */
  readonly types: readonly Scalar[];
  readonly operands: readonly Enclosure[];
  readonly result: Scalar;
}

/** Combinations of whole operands that are tried one by one. */
const FEW = 64;

/** Everything that the operation may give. */
export function exactRange(operation: Operation): Enclosure {
  const { op, types, operands, result } = operation;
  const at = (values: readonly number[]) =>
    exactly(evaluate(op, types, values.map((v, i) => types[i] === "bool" ? v === 1 : v), "f64"));
  const choices = operands.map((e, i) => isExact(e) ? [e.low] : wholeNumbers(e, types[i]!));
  if (choices.every((c) => c !== undefined)) {
    const all = combinations(choices as number[][]);
    if (all.length <= FEW) return hull(all.map(at), result);
  }
  const [a, b, c] = operands as [Enclosure, Enclosure, Enclosure];
  if (op === "select") return hull(a.low === a.high ? [a.low === 1 ? b : c] : [b, c], result);
  if (op === "toI32") return { low: at([a.low]).low, high: at([a.high]).high };
  if (!operands.every(isFinite)) return ANYTHING[result];
  const special = SPECIAL[op]?.(a, b, result);
  if (special !== undefined) return special;
  if (!AT_CORNERS.has(op)) return ANYTHING[result];
  // The corners of a whole result do not wrap here: beyond i32 any value may come.
  const corners = combinations(operands.map(({ low, high }) => [low, high]));
  const values = corners.map((corner) =>
    // Whole numbers have no −0.
    result === "i32" ? UNWRAPPED[op]!(corner[0]!, corner[1]!) + 0 : at(corner).low
  );
  const whole = hull(values.map(exactly), result);
  const { low, high } = ANYTHING[result];
  return whole.low < low || whole.high > high ? ANYTHING[result] : whole;
}

/** The numbers in an enclosure of few whole ones; undefined for f32. */
function wholeNumbers({ low, high }: Enclosure, type: Scalar): number[] | undefined {
  if (type === "f32" || high - low >= FEW) return undefined;
  return Array.from({ length: high - low + 1 }, (_, i) => low + i);
}

const combinations = (lists: readonly (readonly number[])[]): number[][] =>
  lists.reduce<number[][]>((all, list) => all.flatMap((row) => list.map((v) => [...row, v])), [[]]);

/** Operations whose extremes over a box of operands are at its corners. */
const AT_CORNERS: ReadonlySet<OpName> = new Set<OpName>([
  ...["neg", "sign", "add", "sub", "mul", "imul", "min", "max", "div", "sqrt"] as const,
  ...["exp", "exp2", "log", "log2", "tanh", "pow", "floor", "ceil", "trunc", "round"] as const,
  "toF32",
]);

const UNWRAPPED: Partial<Record<OpName, (a: number, b: number) => number>> = {
  neg: (a) => -a,
  sign: Math.sign,
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  imul: (a, b) => a * b,
  min: Math.min,
  max: Math.max,
};

type Special = (a: Enclosure, b: Enclosure, result: Scalar) => Enclosure | undefined;

/** sin and cos change by no more than their operand. */
const wave = (f: (x: number) => number): Special => ({ low, high }) => {
  const [middle, reach] = [f((low + high) / 2), (high - low) / 2];
  return { low: Math.max(-1, middle - reach), high: Math.min(1, middle + reach) };
};

/** A comparison that holds where `always` and does not where `never`. */
const compared = (
  always: (a: Enclosure, b: Enclosure) => boolean,
  never: (a: Enclosure, b: Enclosure) => boolean,
): Special =>
(a, b) => always(a, b) ? exactly(true) : never(a, b) ? exactly(false) : ANYTHING.bool;

const below = (a: Enclosure, b: Enclosure) => a.high < b.low;
const notAbove = (a: Enclosure, b: Enclosure) => a.high <= b.low;
const same = (a: Enclosure, b: Enclosure) =>
  a.low === a.high && b.low === b.high && a.low === b.low;
const apart = (a: Enclosure, b: Enclosure) => below(a, b) || below(b, a);
const swapped = (f: typeof below): typeof below => (a, b) => f(b, a);

/** What is not at the corners, or not everywhere; undefined leaves it to them. Operands are finite. */
const SPECIAL: Partial<Record<OpName, Special>> = {
  abs: (a, _, result) => {
    if (magnitude(a) > ANYTHING[result].high) return ANYTHING[result];
    const low = holdsZero(a) ? 0 : Math.min(Math.abs(a.low), Math.abs(a.high));
    return { low, high: magnitude(a) };
  },
  div: (_, b) => holdsZero(b) ? ANYTHING.f32 : undefined,
  pow: (a) => a.low > 0 ? undefined : ANYTHING.f32,
  log: (a) => a.low > 0 ? undefined : ANYTHING.f32,
  log2: (a) => a.low > 0 ? undefined : ANYTHING.f32,
  sqrt: (a) => a.low >= 0 ? undefined : ANYTHING.f32,
  rem: (a, b) => {
    if (holdsZero(b)) return ANYTHING.f32;
    const reach = Math.min(magnitude(a), magnitude(b));
    return { low: -reach, high: reach };
  },
  sin: wave(Math.sin),
  cos: wave(Math.cos),
  and: (a, b) => {
    const bounds = [a, b].filter(({ low }) => low >= 0).map(({ high }) => high);
    return bounds.length === 0 ? undefined : { low: 0, high: Math.min(...bounds) };
  },
  lt: compared(below, swapped(notAbove)),
  le: compared(notAbove, swapped(below)),
  gt: compared(swapped(below), notAbove),
  ge: compared(swapped(notAbove), below),
  eq: compared(same, apart),
  ne: compared(apart, same),
};
