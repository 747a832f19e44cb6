/**
 * Reductions of columns in f64, with how far a target's f32 may be from them: by the order in which it
 * adds, and by what the elements themselves are off.
 */

import type { Func, Reduction } from "../ir/types.ts";
import type { Value } from "../ir/value.ts";
import { HALF_ULP, overloadFor } from "./rounded_op.ts";

/** Elements that are off. */
export interface RoundedColumn {
  readonly elements: ArrayLike<number>;
  /** The largest distance of each from what a target has in its place. */
  readonly errors: ArrayLike<number>;
}

/** A reduction's value and the largest distance from it. */
export interface RoundedNumber {
  readonly value: number;
  readonly error: number;
}

/** Reductions of columns that several hooks read: one key column serves all query heads of its group. */
const known = new WeakMap<ArrayLike<number>, Map<Reduction, RoundedNumber>>();

/**
 * A reduction over a column of f32. In whatever order a target adds, an element passes through no more
 * roundings than there are elements, and a few of the step and the finish; partial results are no larger
 * than that of the absolute values.
 */
export function roundedReduction(
  reduction: Reduction,
  column: ArrayLike<number> | RoundedColumn,
): RoundedNumber {
  if ("elements" in column) return reduceLoose(reduction, column);
  const own = known.get(column) ?? new Map<Reduction, RoundedNumber>();
  known.set(column, own);
  let result = own.get(reduction);
  if (result === undefined) {
    const value = reduce(reduction, column);
    const size = reduce(reduction, Float64Array.from(column, Math.abs));
    result = { value, error: orderError(column.length, size, value) };
    own.set(reduction, result);
  }
  return result;
}

const orderError = (n: number, size: number, value: number): number =>
  (n + 8) * HALF_ULP * Math.max(Math.abs(size), Math.abs(value));

/** Elements move the most together: away from zero, or all up or all down. */
function reduceLoose(
  { init, step, finish }: Reduction,
  { elements, errors }: RoundedColumn,
): RoundedNumber {
  const run = runner(step);
  const start = init as number;
  let [exact, size, far, up, down] = [start, start, start, start, start];
  for (let i = 0; i < elements.length; i++) {
    const [x, error] = [elements[i]!, errors[i]!];
    const absolute = Math.abs(x);
    exact = run(exact, x);
    size = run(size, absolute);
    far = run(far, absolute + error);
    up = run(up, x + error);
    down = run(down, x - error);
  }
  const end = (total: number) => runner(finish)(total, elements.length);
  const value = end(exact);
  const ends = [end(far) - end(size), end(up) - value, end(down) - value];
  const away = Math.max(...ends.map(Math.abs));
  return { value, error: away + orderError(elements.length, end(far), value) };
}

/** Functions of reductions, made to run once. */
const compiled = new WeakMap<Func, (a: number, b: number) => number>();

function reduce({ init, step, finish }: Reduction, column: ArrayLike<number>): number {
  const run = runner(step);
  let total = init as number;
  for (let i = 0; i < column.length; i++) total = run(total, column[i]!);
  return runner(finish)(total, column.length);
}

function runner(func: Func): (a: number, b: number) => number {
  const made = compiled.get(func) ?? makeRunner(func);
  compiled.set(func, made);
  return made;
}

/** A function of two numbers; what depends on the IR alone is looked up here. */
function makeRunner({ nodes, results }: Func): (a: number, b: number) => number {
  const values: Value[] = nodes.map((node) => node.kind === "const" ? node.value : 0);
  const steps = nodes.flatMap((node, id): ((a: number, b: number) => void)[] => {
    if (node.kind === "const") return [];
    if (node.kind === "param") return [(a, b) => values[id] = node.param === 0 ? a : b];
    if (node.kind !== "op") {
      throw new TypeError(`Cannot reduce with a ${node.kind} in step or finish`);
    }
    const { run } = overloadFor(node.op, node.args.map((arg) => nodes[arg]!.type));
    const operands = [...node.args] as Value[];
    return [() => {
      for (let i = 0; i < operands.length; i++) operands[i] = values[node.args[i]!]!;
      values[id] = run(operands);
    }];
  });
  return (a, b) => {
    for (const step of steps) step(a, b);
    return values[results[0]!] as number;
  };
}
