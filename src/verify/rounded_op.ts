/**
 * One operation on values that are off: its exact value, and how far f32 on any target may be from it.
 * Errors pass through as the results at the ends of the operands' ranges differ; then comes the
 * operation's own rounding.
 */

import { OPS } from "../ir/ops.ts";
import type { Overload } from "../ir/ops.ts";
import type { Node, OpName, Scalar } from "../ir/types.ts";
import type { Value } from "../ir/value.ts";

/** Half a unit in the last place of 1: what rounding a number to f32 may change, relatively. */
export const HALF_ULP = 2 ** -24;

/** Values of a function's nodes and how far each may be off, by node. */
export interface Slots {
  readonly values: Value[];
  readonly errors: Float64Array;
}

/**
 * Half units that an operation itself may be off by, of the target that promises least
 * (templates/wgsl/kerf.wgsl). One that is not here is rounded once.
 */
const HALF_ULPS: Partial<Record<OpName, number>> = {
  ...{ div: 5, sqrt: 5, exp: 8, exp2: 8, tanh: 8 },
  ...{ log: 8, log2: 8, sin: 8, cos: 8, pow: 32 },
};

/** What some are off by however small the result is, there. */
const ABSOLUTE: Partial<Record<OpName, number>> = {
  ...{ log: 2 ** -21, log2: 2 ** -21, sin: 2 ** -11, cos: 2 ** -11 },
};

/** Operations that round nothing. */
const EXACT: ReadonlySet<OpName> = new Set<OpName>([
  ...["neg", "abs", "min", "max", "sign", "select", "floor", "ceil", "trunc", "round"] as const,
  ...["rem", "f16ToF32"] as const,
]);

/** What passes through the operations that most functions are made of: the farthest of the four ends. */
type Passed = (a: number, b: number, errorA: number, errorB: number) => number;
const sum: Passed = (_a, _b, errorA, errorB) => errorA + errorB;
const PASSED: Partial<Record<OpName, Passed>> = {
  add: sum,
  sub: sum,
  mul: (a, b, errorA, errorB) => Math.abs(a) * errorB + Math.abs(b) * errorA + errorA * errorB,
};

/** The overload of an operation for operands of these types. */
export const overloadFor = (op: OpName, types: readonly Scalar[]): Overload =>
  OPS[op].overloads.find(({ operands }) => operands.every((operand, i) => operand === types[i]))!;

/** Fills the slot of node `id` from those of its operands. */
export function roundedOp(
  { op, type, args }: Node & { readonly kind: "op" },
  id: number,
  { types, slots }: { readonly types: readonly Scalar[]; readonly slots: Slots },
): () => void {
  const { run } = overloadFor(op, types);
  const own = type !== "f32" || EXACT.has(op) ? 0 : (HALF_ULPS[op] ?? 1) * HALF_ULP;
  const always = ABSOLUTE[op] ?? 0;
  const { values, errors } = slots;
  const passed = type === "f32" ? PASSED[op] : undefined;
  const point: Value[] = args.map(() => 0);
  const [a, b] = args as readonly [number, number];
  return () => {
    for (let i = 0; i < args.length; i++) point[i] = values[args[i]!]!;
    const value = run(point);
    const error = passed
      ? passed(point[0] as number, point[1] as number, errors[a]!, errors[b]!)
      : passedOn(run, { args, errors, point }, value);
    values[id] = value;
    errors[id] = own === 0 ? error : error + own * (Math.abs(value as number) + error) + always;
  };
}

/** How far the result moves when the operands that are off go to the ends of their ranges. */
function passedOn(
  run: Overload["run"],
  { args, errors, point }: {
    readonly args: readonly number[];
    readonly errors: Float64Array;
    readonly point: Value[];
  },
  value: Value,
): number {
  const loose = args.map((_, i) => i).filter((i) => errors[args[i]!] !== 0);
  if (loose.length === 0) return 0;
  const middle = [...point];
  let error = 0;
  for (let ends = 0; ends < 1 << loose.length; ends++) {
    loose.forEach((i, bit) => {
      const high = (ends >> bit & 1) === 1;
      const radius = errors[args[i]!]!;
      const at = middle[i]!;
      point[i] = typeof at === "number" ? at + (high ? radius : -radius) : high;
    });
    const end = run(point);
    const away = typeof end === "number" ? Math.abs(end - (value as number)) : +(end !== value);
    if (!(away <= error)) error = away;
  }
  return error;
}
