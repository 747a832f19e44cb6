/**
 * How far a target's f32 may take a hook from its exact value: the function's IR is run in f64 with a bound
 * beside each value. Errors pass through an operation as its results at the ends of its operands' ranges
 * differ; then comes the operation's own rounding. First order, and no proof: an operation that turns
 * around inside a range is not seen.
 */

import { OPS } from "../ir/ops.ts";
import type { Overload } from "../ir/ops.ts";
import { reduceColumn } from "../ir/interpret.ts";
import type { Arg, TableArg } from "../ir/interpret.ts";
import type { Func, Node, OpName, Reduction, Scalar } from "../ir/types.ts";
import type { Value } from "../ir/value.ts";

/** Half a unit in the last place of 1: what rounding a number to f32 may change, relatively. */
export const HALF_ULP = 2 ** -24;

/** A value and the largest distance of what a target has in its place; of a boolean 0 or 1. */
export interface Rounded {
  readonly value: Value;
  readonly error: number;
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

/** A function with bounds: arguments in parameter order, those that are off with their errors. */
export type RoundedFunction = (args: readonly (Arg | Rounded)[]) => Rounded[];

/** One node's value from its arguments and the nodes before it. */
type Step = (args: readonly (Arg | Rounded)[], known: readonly Rounded[]) => Rounded;

/** Makes a function run with bounds; what depends on the IR alone is looked up here, once. */
export function roundedFunction(func: Func): RoundedFunction {
  const steps = func.nodes.map((node) => stepOf(func, node));
  return (args) => {
    const known: Rounded[] = [];
    for (const step of steps) known.push(step(args, known));
    return func.results.map((id) => known[id]!);
  };
}

const isRounded = (arg: Arg | Rounded): arg is Rounded => typeof arg === "object" && "error" in arg;

function stepOf(func: Func, node: Node): Step {
  switch (node.kind) {
    case "const": {
      const value = stored(node.value);
      return () => value;
    }
    case "param":
      return (args) => {
        const arg = args[node.param]!;
        return isRounded(arg) ? arg : stored(arg as Value);
      };
    case "load":
      return (args, known) => {
        let element = args[node.param] as number | TableArg;
        for (const id of node.args) element = (element as TableArg)[known[id]!.value as number]!;
        return stored(element as number);
      };
    case "reduce":
      return (args) => roundedReduction(node.reduction, args[node.param] as ArrayLike<number>);
    case "op": {
      const operate = operation(node, node.args.map((id) => func.nodes[id]!.type));
      return (_, known) => operate(node.args.map((id) => known[id]!));
    }
  }
}

/** A number as f32 holds it. */
const stored = (value: Value): Rounded => ({
  value,
  error: typeof value === "number" && Math.fround(value) !== value ? HALF_ULP * Math.abs(value) : 0,
});

/** An operation on operands of these types, with its own rounding. */
function operation(
  { op, type }: Node & { readonly kind: "op" },
  types: readonly Scalar[],
): (operands: readonly Rounded[]) => Rounded {
  const { run } = OPS[op].overloads.find(({ operands }) =>
    operands.every((operand, i) => operand === types[i])
  )!;
  const own = type !== "f32" || EXACT.has(op) ? 0 : (HALF_ULPS[op] ?? 1) * HALF_ULP;
  const always = ABSOLUTE[op] ?? 0;
  return (operands) => {
    const value = run(operands.map((operand) => operand.value));
    const error = passedOn(run, operands, value);
    if (own === 0) return { value, error };
    return { value, error: error + own * (Math.abs(value as number) + error) + always };
  };
}

/** How far the result moves when the operands that are off go to the ends of their ranges. */
function passedOn(run: Overload["run"], operands: readonly Rounded[], value: Value): number {
  const loose: number[] = [];
  for (let i = 0; i < operands.length; i++) if (operands[i]!.error !== 0) loose.push(i);
  if (loose.length === 0) return 0;
  const point = operands.map((operand) => operand.value);
  let error = 0;
  for (let ends = 0; ends < 1 << loose.length; ends++) {
    loose.forEach((i, bit) => {
      const { value: middle, error: radius } = operands[i]!;
      const high = (ends >> bit & 1) === 1;
      point[i] = typeof middle === "number" ? middle + (high ? radius : -radius) : high;
    });
    const end = run(point);
    const away = typeof end === "number" ? Math.abs(end - (value as number)) : +(end !== value);
    if (!(away <= error)) error = away;
  }
  return error;
}

/** Reductions of columns that several hooks read: one key column serves all query heads of its group. */
const reductions = new WeakMap<ArrayLike<number>, Map<Reduction, Rounded>>();

/**
 * A reduction over a column of f32. In whatever order a target adds, an element passes through no more
 * roundings than there are elements, and a few of the step and the finish; partial results are no larger
 * than that of the absolute values.
 */
function roundedReduction(reduction: Reduction, column: ArrayLike<number>): Rounded {
  const known = reductions.get(column) ?? new Map<Reduction, Rounded>();
  reductions.set(column, known);
  let result = known.get(reduction);
  if (result === undefined) {
    const value = reduceColumn(reduction, column, { mode: "f64" });
    const sizes = Float64Array.from(column, Math.abs);
    const size = Math.abs(reduceColumn(reduction, sizes, { mode: "f64" }));
    result = { value, error: (column.length + 8) * HALF_ULP * Math.max(size, Math.abs(value)) };
    known.set(reduction, result);
  }
  return result;
}
