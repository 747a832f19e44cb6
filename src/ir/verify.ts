/**
 * The rules every `Func` keeps, checked one by one: ids, order, types, parameter kinds, ranks, reductions,
 * constants. Lists every problem, so a broken pass is seen whole. Does not judge what a function computes.
 */

import { describeOperands, resultType } from "./ops.ts";
import type { Func, Node, Param, Reduction, Scalar, Span } from "./types.ts";
import { isConstant } from "./value.ts";

/** One broken rule. */
export interface Problem {
  /** `score %3: "mul" takes …`. */
  readonly message: string;
  readonly span: Span;
}

/** Every rule that `func` breaks; empty for a valid function. */
export function verify(func: Func): readonly Problem[] {
  const problems: Problem[] = [];
  const names = new Set<string>();
  for (const p of func.params) {
    const report = (why: string) =>
      problems.push({ message: `${func.name} parameter "${p.name}": ${why}`, span: func.span });
    if (names.has(p.name)) report("the name is taken");
    names.add(p.name);
    if (p.kind === "table" && !(Number.isInteger(p.rank) && p.rank >= 1)) {
      report(`a table's rank is a whole number from 1, not ${p.rank}`);
    }
  }
  func.nodes.forEach((node, index) => {
    for (const why of nodeProblems(func, node, index)) {
      problems.push({ message: `${func.name} %${index}: ${why}`, span: node.span });
    }
    if (node.kind === "reduce") problems.push(...reductionProblems(node.reduction, node.span));
  });
  if (func.results.length === 0) {
    problems.push({ message: `${func.name}: it has no result`, span: func.span });
  }
  for (const id of func.results) {
    if (func.nodes[id] === undefined) {
      problems.push({ message: `${func.name}: result %${id} does not exist`, span: func.span });
    }
  }
  return problems;
}

/**
 * Throws when a function breaks a rule.
 *
 * @throws {TypeError} listing every broken rule with its place
 */
export function assertValid(func: Func): void {
  const problems = verify(func);
  if (problems.length === 0) return;
  const lines = problems.map(({ message, span }) =>
    `  ${message} (${span.file}:${span.line}:${span.column})`
  );
  throw new TypeError(`Cannot use function "${func.name}": it is not valid\n${lines.join("\n")}`);
}

function nodeProblems(func: Func, node: Node, index: number): string[] {
  const problems: string[] = [];
  if (node.id !== index) problems.push(`its id is ${node.id}`);
  const args = node.kind === "op" || node.kind === "load" ? node.args : [];
  const late = args.filter((id) => !(Number.isInteger(id) && id >= 0 && id < index));
  if (late.length > 0) {
    return [...problems, ...late.map((id) => `operand %${id} is not an earlier node`)];
  }
  const { type, why } = expectedType(func, node, args.map((id) => func.nodes[id]!.type));
  if (why !== undefined) problems.push(why);
  else if (type !== node.type) problems.push(`its type is ${type}, not ${node.type}`);
  return problems;
}

/** The type a node must have, or why it can have none. */
function expectedType(
  func: Func,
  node: Node,
  types: readonly Scalar[],
): { type?: Scalar; why?: string } {
  switch (node.kind) {
    case "const":
      if (isConstant(node.value, node.type)) return { type: node.type };
      return { why: `constant ${node.value} is no ${node.type}` };
    case "param": {
      const p = paramOf(func, node.param, ["scalar"]);
      return typeof p === "string" ? { why: p } : { type: (p as { type: Scalar }).type };
    }
    case "op": {
      const type = resultType(node.op, types);
      if (type !== null) return { type };
      return { why: `"${node.op}" takes ${describeOperands(node.op)}, not (${types.join(", ")})` };
    }
    case "load": {
      const p = paramOf(func, node.param, ["table", "bytes"]);
      if (typeof p === "string") return { why: p };
      const rank = p.kind === "table" ? p.rank : 1;
      if (types.length !== rank) {
        return { why: `"${p.name}" takes ${rank} indices, not ${types.length}` };
      }
      const wrong = types.find((t) => t !== "i32");
      if (wrong !== undefined) return { why: `an index of "${p.name}" is i32, not ${wrong}` };
      return { type: p.kind === "table" ? p.type : "i32" };
    }
    case "reduce": {
      const p = paramOf(func, node.param, ["column"]);
      return typeof p === "string" ? { why: p } : { type: "f32" };
    }
  }
}

function paramOf(func: Func, index: number, kinds: readonly Param["kind"][]): Param | string {
  const p = func.params[index];
  if (p === undefined) return `parameter ${index} does not exist`;
  if (!kinds.includes(p.kind)) {
    return `parameter "${p.name}" is a ${p.kind}, not a ${kinds.join(" or ")}`;
  }
  return p;
}

function reductionProblems(reduction: Reduction, span: Span): Problem[] {
  const problems: Problem[] = [];
  const report = (why: string) =>
    problems.push({ message: `reduction "${reduction.name}": ${why}`, span });
  if (!isConstant(reduction.init, "f32")) report(`init ${reduction.init} is no f32`);
  for (const part of ["step", "merge", "finish"] as const) {
    const func = reduction[part];
    const inner = verify(func);
    problems.push(...inner);
    const params = func.params.map((p) => p.kind === "scalar" ? p.type : p.kind).join(", ");
    const results = func.results.map((id) => func.nodes[id]?.type).join(", ");
    if (params !== "f32, f32" || results !== "f32") {
      report(`${part} is (f32, f32) → f32, not (${params}) → ${results}`);
    }
  }
  return problems;
}
