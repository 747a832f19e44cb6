/**
 * Running error analysis: evaluates a function on enclosures instead of numbers, so that every value that a
 * target may compute, node by node and within its promises, is in the node's enclosure. An uncertain
 * comparison makes both branches of a select admissible; certain values stay exact, to the bit.
 *
 * Not modelled: a driver that reorders sums.
 */

import type { Arithmetic } from "./arithmetic.ts";
import {
  ANYTHING,
  type Enclosure,
  exactly,
  holdsZero,
  hull,
  isExact,
  isFinite,
  LARGEST,
  magnitude,
  roundDown,
  roundUp,
  SMALLEST_NORMAL,
  ulp,
} from "./enclosure.ts";
import { exactRange, type Operation } from "./exact_range.ts";
import { type Arg, reduceColumn, type TableArg } from "./interpret.ts";
import type { Func, Node, OpName } from "./types.ts";
import type { Value } from "./value.ts";

/**
 * What each node of `func` may be on a target.
 *
 * @param args in parameter order; a column's reduction is taken in its order, in f32
 * @returns by node id
 * @throws {RangeError} when a load certainly lies outside its table or bytes
 */
export function errorBounds(
  func: Func,
  args: readonly Arg[],
  arithmetic: Arithmetic,
): Enclosure[] {
  const known: Enclosure[] = [];
  for (const node of func.nodes) known.push(boundOf(node, { func, args, known, arithmetic }));
  return known;
}

interface State {
  readonly func: Func;
  readonly args: readonly Arg[];
  readonly known: readonly Enclosure[];
  readonly arithmetic: Arithmetic;
}

function boundOf(node: Node, { func, args, known, arithmetic }: State): Enclosure {
  const given = (value: Value) =>
    node.type === "f32" ? stored(exactly(Math.fround(Number(value))), arithmetic) : exactly(value);
  switch (node.kind) {
    case "const":
      return given(node.value);
    case "param":
      return given(args[node.param] as Value);
    case "reduce":
      return given(
        reduceColumn(node.reduction, args[node.param] as ArrayLike<number>, { mode: "f32" }),
      );
    case "load": {
      const elements = elementsAt(args[node.param] as TableArg, node.args.map((id) => known[id]!));
      if (elements.length === 0) {
        throw new RangeError(`Cannot bound "${func.name}": %${node.id} loads out of bounds`);
      }
      return hull(elements.map(given), node.type);
    }
    case "op": {
      const types = node.args.map((id) => func.nodes[id]!.type);
      const operands = node.args.map((id) => known[id]!);
      const operation = { op: node.op, types, operands, result: node.type };
      return node.type === "f32" ? realResult(operation, arithmetic) : exactRange(operation);
    }
  }
}

/** Every element that indices in these enclosures reach; indices past the ends reach none. */
function elementsAt(table: TableArg, indices: readonly Enclosure[]): number[] {
  const [index, ...inner] = indices;
  if (index === undefined) return [table as unknown as number];
  const within = Array.from(table).slice(Math.max(0, index.low), index.high + 1);
  return within.flatMap((element) => elementsAt(element as TableArg, inner));
}

/** The f32 result of an operation: the exact one's enclosure, and what the target makes of it. */
function realResult(operation: Operation, arithmetic: Arithmetic): Enclosure {
  const { op, operands } = operation;
  const exact = exactRange(operation);
  if (EXACT.has(op)) return stored(exact, arithmetic);
  const bound = arithmetic.errors[op];
  if (bound === undefined) return stored(rounded(operation, exact, arithmetic.ieee), arithmetic);
  if (bound.covers?.(operands) === false) return ANYTHING.f32;
  // What certainly overflows, is no number or is infinite has no neighbours.
  if (isExact(exact) && !(Math.abs(exact.low) < 2 * LARGEST)) {
    return stored(exactly(Math.fround(exact.low)), arithmetic);
  }
  const ulps = typeof bound.ulp === "number" ? bound.ulp : bound.ulp(operands);
  // The exact result came from f64 functions, whose own error is far below 2⁻⁵⁰ of it.
  const error = (ulps + 2 ** -20) * ulp(magnitude(exact)) + (bound.absolute ?? 0);
  return stored({ low: exact.low - error, high: exact.high + error }, arithmetic);
}

/** Operations whose result is one of f32 already. */
const EXACT: ReadonlySet<OpName> = new Set<OpName>([
  ...["neg", "abs", "sign", "min", "max", "floor", "ceil", "trunc", "round"] as const,
  ...["rem", "f16ToF32", "select"] as const,
]);

/** A correctly rounded result: to nearest, or either neighbour. */
function rounded({ op, operands }: Operation, exact: Enclosure, ieee: boolean): Enclosure {
  const { low, high } = exact;
  if (!isFinite(exact)) return exact;
  if (ieee) return { low: Math.fround(low), high: Math.fround(high) };
  // A sum of two f32 may have more than the 53 bits of f64; other results with neighbours are exact.
  const slack = (op === "add" || op === "sub") && !operands.every(isWhole) ? 2 ** -52 : 0;
  return {
    low: roundDown(low - Math.abs(low) * slack),
    high: roundUp(high + Math.abs(high) * slack),
  };
}

/** One whole number so small that sums of two are exact. */
const isWhole = (e: Enclosure): boolean =>
  isExact(e) && Number.isInteger(e.low) && magnitude(e) <= 2 ** 52;

/** An f32 as the target holds it. */
function stored(value: Enclosure, { ieee }: Arithmetic): Enclosure {
  if (isExact(value) && ieee) return value;
  if (!(magnitude(value) <= LARGEST)) return ANYTHING.f32;
  if (ieee) return value;
  const { low, high } = value;
  const flushed = (low < SMALLEST_NORMAL && low > 0) || (high > -SMALLEST_NORMAL && high < 0);
  const zero = holdsZero(value) || flushed;
  return zero ? { low: Math.min(low, -0), high: Math.max(high, 0) } : value;
}
