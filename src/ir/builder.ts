/**
 * Builds one `Func`, node by node, typing each through the operation table. A wrong use throws at once,
 * with the span it came from. Merges nothing and folds nothing: that is what the passes are for.
 */

import { describeOperands, resultType } from "./ops.ts";
import type { Func, Node, OpName, Param, Reduction, Scalar, Span } from "./types.ts";
import { isConstant, type Value } from "./value.ts";

/** A node without what the builder adds. */
// deno-lint-ignore no-explicit-any -- distributes Omit over the union of nodes
type Draft = Node extends infer N ? N extends any ? Omit<N, "id"> : never : never;

/**
 * A function under construction.
 *
 * @example
 * ```ts
 * import { FuncBuilder } from "./builder.ts";
 * const span = { file: "square.ts", line: 1, column: 1, endLine: 1, endColumn: 6 };
 * const b = new FuncBuilder("square", span);
 * const x = b.arg(b.param({ name: "x", kind: "scalar", type: "f32" }), span);
 * const func = b.finish([b.op("mul", [x, x], span)]);
 * if (func.nodes[1]?.type !== "f32") throw new Error("wrong type");
 * ```
 */
export class FuncBuilder {
  readonly #name: string;
  readonly #span: Span;
  readonly #params: Param[] = [];
  readonly #nodes: Node[] = [];
  readonly #paramNodes = new Map<number, number>();

  constructor(name: string, span: Span) {
    this.#name = name;
    this.#span = span;
  }

  /** Declares a parameter and returns its index. */
  param(param: Param): number {
    if (this.#params.some((p) => p.name === param.name)) {
      throw new TypeError(
        `Cannot declare parameter "${param.name}" of "${this.#name}": the name is taken`,
      );
    }
    return this.#params.push(Object.freeze({ ...param })) - 1;
  }

  /** The value of scalar parameter `param` (an index); one node however often it is asked for. */
  arg(param: number, span: Span): number {
    const known = this.#paramNodes.get(param);
    if (known !== undefined) return known;
    const p = this.#paramOf(param, ["scalar"], span) as Extract<Param, { kind: "scalar" }>;
    const id = this.#push({ kind: "param", param, type: p.type, span, name: p.name });
    this.#paramNodes.set(param, id);
    return id;
  }

  /** A constant: finite as f32, whole and in range as i32. */
  constant(value: Value, type: Scalar, span: Span, name?: string): number {
    if (!isConstant(value, type)) {
      throw this.#wrong(`constant ${value} is no ${type}`, span);
    }
    return this.#push({ kind: "const", value, type, span, ...named(name) });
  }

  /** An operation on earlier nodes. */
  op(op: OpName, args: readonly number[], span: Span, name?: string): number {
    const types = args.map((id) => this.typeOf(id));
    const type = resultType(op, types);
    if (type === null) {
      throw this.#wrong(`"${op}" takes ${describeOperands(op)}, not (${types.join(", ")})`, span);
    }
    return this.#push({
      kind: "op",
      op,
      args: Object.freeze([...args]),
      type,
      span,
      ...named(name),
    });
  }

  /** An element of table or bytes parameter `param` (an index) at i32 nodes, one per dimension. */
  load(param: number, indices: readonly number[], span: Span, name?: string): number {
    const p = this.#paramOf(param, ["table", "bytes"], span);
    const rank = p.kind === "table" ? p.rank : 1;
    if (indices.length !== rank) {
      throw this.#wrong(`"${p.name}" takes ${rank} indices, not ${indices.length}`, span);
    }
    for (const id of indices) {
      const type = this.typeOf(id);
      if (type !== "i32") throw this.#wrong(`an index of "${p.name}" is i32, not ${type}`, span);
    }
    const type = p.kind === "table" ? p.type : "i32";
    const args = Object.freeze([...indices]);
    return this.#push({ kind: "load", param, args, type, span, ...named(name) });
  }

  /** A reduction of column parameter `param` (an index). */
  reduce(reduction: Reduction, param: number, span: Span, name?: string): number {
    this.#paramOf(param, ["column"], span);
    return this.#push({ kind: "reduce", reduction, param, type: "f32", span, ...named(name) });
  }

  /**
   * Splices in another function's body and returns its results.
   *
   * @param args in the callee's parameter order: a node id for a scalar, an index of one of this
   *   function's parameters of the same kind for a column, table or bytes
   */
  inline(func: Func, args: readonly number[], span: Span = func.span): readonly number[] {
    if (args.length !== func.params.length) {
      throw this.#wrong(
        `"${func.name}" takes ${func.params.length} arguments, not ${args.length}`,
        span,
      );
    }
    func.params.forEach((p, i) => this.#checkArgument(func, p, args[i]!, span));
    const ids: number[] = [];
    for (const node of func.nodes) ids.push(this.copy(node, ids, (param) => args[param]!));
    return func.results.map((id) => ids[id]!);
  }

  /**
   * Appends another function's node: its operands are looked up in `ids` (old id → new id), its
   * parameter in `paramOf`, which gives a node id for a scalar and a parameter index otherwise.
   */
  copy(node: Node, ids: readonly number[], paramOf: (param: number) => number): number {
    const args = (old: readonly number[]) => old.map((id) => ids[id]!);
    switch (node.kind) {
      case "const":
        return this.constant(node.value, node.type, node.span, node.name);
      case "param":
        return paramOf(node.param);
      case "op":
        return this.op(node.op, args(node.args), node.span, node.name);
      case "load":
        return this.load(paramOf(node.param), args(node.args), node.span, node.name);
      case "reduce":
        return this.reduce(node.reduction, paramOf(node.param), node.span, node.name);
    }
  }

  /** The type of a node. */
  typeOf(id: number): Scalar {
    const node = this.#nodes[id];
    if (node === undefined) {
      throw new TypeError(`Cannot use node %${id} in "${this.#name}": it does not exist`);
    }
    return node.type;
  }

  /** The node of an id, as built so far. */
  node(id: number): Node {
    this.typeOf(id);
    return this.#nodes[id]!;
  }

  /** The finished function; results are node ids. */
  finish(results: readonly number[]): Func {
    if (results.length === 0) throw this.#wrong("it returns nothing", this.#span);
    for (const id of results) this.typeOf(id);
    return Object.freeze({
      name: this.#name,
      params: Object.freeze([...this.#params]),
      nodes: Object.freeze([...this.#nodes]),
      results: Object.freeze([...results]),
      span: this.#span,
    });
  }

  #push(draft: Draft): number {
    const id = this.#nodes.length;
    this.#nodes.push(Object.freeze({ id, ...draft }) as Node);
    return id;
  }

  #paramOf(index: number, kinds: readonly Param["kind"][], span: Span): Param {
    const param = this.#params[index];
    if (param === undefined) throw this.#wrong(`parameter ${index} does not exist`, span);
    if (!kinds.includes(param.kind)) {
      throw this.#wrong(
        `parameter "${param.name}" is a ${param.kind}, not a ${kinds.join(" or ")}`,
        span,
      );
    }
    return param;
  }

  #checkArgument(callee: Func, param: Param, arg: number, span: Span): void {
    const what = `argument "${param.name}" of "${callee.name}"`;
    if (param.kind === "scalar") {
      const type = this.typeOf(arg);
      if (type !== param.type) throw this.#wrong(`${what} is ${param.type}, not ${type}`, span);
      return;
    }
    const given = this.#paramOf(arg, [param.kind], span);
    if (param.kind !== "table" || given.kind !== "table") return;
    if (given.type !== param.type || given.rank !== param.rank) {
      throw this.#wrong(
        `${what} is ${param.type} of rank ${param.rank}, not ${given.type} of rank ${given.rank}`,
        span,
      );
    }
  }

  #wrong(why: string, span: Span): TypeError {
    const where = `${span.file}:${span.line}:${span.column}`;
    return new TypeError(`Cannot build "${this.#name}": ${why} (${where})`);
  }
}

const named = (name: string | undefined) => name === undefined ? {} : { name };
