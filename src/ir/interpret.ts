/**
 * Runs a function node by node on the CPU: the middle of the three computations that must meet (author's
 * function, interpreter, target). In mode "f32" every argument, element and result is rounded to f32, as a
 * target without contraction does; i32 wraps in both modes. Slow on purpose.
 */

import { evaluate } from "./ops.ts";
import type { Func, Node, Param, Reduction, Scalar } from "./types.ts";
import { type Mode, roundTo, type Value } from "./value.ts";

/** A table's values: nested array-likes, outermost dimension first, as deep as its rank. */
export interface TableArg extends ArrayLike<number | TableArg> {}

/** An argument: a value for a scalar, an array-like for a column, bytes or a table. */
export type Arg = Value | TableArg;

/** Options of {@linkcode interpret}. */
export interface InterpretOptions {
  readonly mode: Mode;
}

/**
 * The results of a function.
 *
 * @param args in parameter order
 * @throws {TypeError} when an argument does not fit its parameter
 * @throws {RangeError} when a load lies outside its table or bytes
 *
 * @example
 * ```ts
 * import { FuncBuilder } from "./builder.ts";
 * import { interpret } from "./interpret.ts";
 * const span = { file: "third.ts", line: 1, column: 1, endLine: 1, endColumn: 6 };
 * const b = new FuncBuilder("third", span);
 * const x = b.arg(b.param({ name: "x", kind: "scalar", type: "f32" }), span);
 * const func = b.finish([b.op("div", [x, b.constant(3, "f32", span)], span)]);
 * const [third] = interpret(func, [1], { mode: "f32" });
 * if (third !== Math.fround(1 / 3)) throw new Error("not rounded");
 * ```
 */
export function interpret(func: Func, args: readonly Arg[], options: InterpretOptions): Value[] {
  const { mode } = options;
  if (args.length !== func.params.length) {
    throw new TypeError(
      `Cannot run "${func.name}": it takes ${func.params.length} arguments, not ${args.length}`,
    );
  }
  func.params.forEach((p, i) => checkArg(func, p, args[i]!));
  const values: Value[] = [];
  for (const node of func.nodes) values.push(evaluateNode(func, node, values, args, mode));
  return func.results.map((id) => values[id]!);
}

/** The value of a reduction over a column: init, step in order, finish. */
export function reduceColumn(
  reduction: Reduction,
  column: ArrayLike<number>,
  options: InterpretOptions,
): number {
  let acc: Value = reduction.init;
  for (let i = 0; i < column.length; i++) {
    acc = interpret(reduction.step, [acc, column[i]!], options)[0]!;
  }
  return interpret(reduction.finish, [acc, column.length], options)[0] as number;
}

function evaluateNode(
  func: Func,
  node: Node,
  values: readonly Value[],
  args: readonly Arg[],
  mode: Mode,
): Value {
  switch (node.kind) {
    case "const":
      return roundTo(node.value, node.type, mode);
    case "param":
      return roundTo(args[node.param] as Value, node.type, mode);
    case "op": {
      const types: Scalar[] = node.args.map((id) => func.nodes[id]!.type);
      return evaluate(node.op, types, node.args.map((id) => values[id]!), mode);
    }
    case "load": {
      const indices = node.args.map((id) => values[id] as number);
      const element = elementAt(func, node.param, args[node.param] as TableArg, indices);
      return node.type === "i32" ? element | 0 : roundTo(element, "f32", mode);
    }
    case "reduce":
      return reduceColumn(node.reduction, args[node.param] as ArrayLike<number>, { mode });
  }
}

function elementAt(func: Func, param: number, table: TableArg, indices: readonly number[]): number {
  let element: number | TableArg | undefined = table;
  for (const index of indices) element = typeof element === "object" ? element[index] : undefined;
  if (typeof element === "number") return element;
  throw new RangeError(
    `Cannot load element [${indices.join("][")}] of "${func.params[param]!.name}" in ` +
      `"${func.name}": it has no such element`,
  );
}

function checkArg(func: Func, p: Param, arg: Arg): void {
  const fits = p.kind === "scalar" ? fitsScalar(arg, p.type) : typeof arg === "object";
  if (fits) return;
  const kind = p.kind === "scalar" ? p.type : p.kind;
  throw new TypeError(
    `Cannot run "${func.name}" with ${p.name} = ${String(arg)}: the parameter is ${kind}`,
  );
}

function fitsScalar(arg: Arg, type: Scalar): boolean {
  if (type === "bool") return typeof arg === "boolean";
  if (typeof arg !== "number") return false;
  return type === "f32" || arg === (arg | 0);
}
