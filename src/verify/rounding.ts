/**
 * How far a target's f32 may take a hook from its exact value: the function's IR is run in f64 with a bound
 * beside each value. First order, and no proof: an operation that turns around inside a range is not seen.
 */

import type { Arg, TableArg } from "../ir/interpret.ts";
import type { Func, Node } from "../ir/types.ts";
import type { Value } from "../ir/value.ts";
import { HALF_ULP, roundedOp } from "./rounded_op.ts";
import type { Slots } from "./rounded_op.ts";
import { roundedReduction } from "./rounded_reduction.ts";
import type { RoundedColumn } from "./rounded_reduction.ts";

export { HALF_ULP } from "./rounded_op.ts";
export type { RoundedColumn } from "./rounded_reduction.ts";

/** A value and the largest distance of what a target has in its place; of a boolean 0 or 1. */
export interface Rounded {
  readonly value: Value;
  readonly error: number;
}

/** An argument: exact, or with how far it is off. */
export type RoundedArg = Arg | Rounded | RoundedColumn;

/** A function with bounds: arguments in parameter order, those that are off with their errors. */
export type RoundedFunction = (args: readonly RoundedArg[]) => Rounded[];

/** Fills one node's slot from the arguments and the slots before it. */
type Step = (args: readonly RoundedArg[]) => void;

/** Makes a function run with bounds; what depends on the IR alone is looked up here, once. */
export function roundedFunction(func: Func): RoundedFunction {
  const n = func.nodes.length;
  const slots: Slots = { values: new Array(n).fill(0), errors: new Float64Array(n) };
  const steps = func.nodes.map((node, id) => stepOf(func, node, { id, slots }));
  return (args) => {
    for (const step of steps) step(args);
    return func.results.map((id) => ({ value: slots.values[id]!, error: slots.errors[id]! }));
  };
}

function stepOf(
  func: Func,
  node: Node,
  { id, slots }: { readonly id: number; readonly slots: Slots },
): Step {
  const { values, errors } = slots;
  const store = (value: Value) => {
    values[id] = value;
    errors[id] = storedError(value);
  };
  switch (node.kind) {
    case "const":
      return () => store(node.value);
    case "param":
      return (args) => {
        const arg = args[node.param]!;
        if (typeof arg === "object" && "error" in arg) {
          [values[id], errors[id]] = [arg.value, arg.error];
        } else store(arg as Value);
      };
    case "load":
      return (args) => {
        let element = args[node.param] as number | TableArg;
        for (const index of node.args) element = (element as TableArg)[values[index] as number]!;
        store(element as number);
      };
    case "reduce":
      return (args) => {
        const column = args[node.param] as ArrayLike<number> | RoundedColumn;
        const { value, error } = roundedReduction(node.reduction, column);
        [values[id], errors[id]] = [value, error];
      };
    case "op":
      return roundedOp(node, id, { types: node.args.map((arg) => func.nodes[arg]!.type), slots });
  }
}

/** How far f32 holds a number from itself. */
const storedError = (value: Value): number =>
  typeof value === "number" && Math.fround(value) !== value ? HALF_ULP * Math.abs(value) : 0;
