/**
 * What every lowering function is given: the function under construction, the reporter, and the way to
 * lower a nested expression. Conversions between the author's values and typed IR nodes live here.
 */

import type { CallExpression, Node } from "ts-morph";
import type { FuncBuilder } from "../ir/builder.ts";
import type { OpName, Reduction, Scalar, Span } from "../ir/types.ts";
import type { Detail, Report } from "./diagnostic.ts";
import type { FunctionNode } from "./resolve.ts";
import {
  describe,
  type Hint,
  isI32,
  type Lowered,
  NOTHING,
  type NumberValue,
  numberValue,
  type Scope,
} from "./value.ts";

/** A condition under which an expression is wanted: `test` must have been `when`. */
export interface Guard {
  readonly test: number;
  readonly when: boolean;
}

/** A lowered operand with the node it came from. */
export interface Operand {
  readonly value: Lowered;
  readonly at: Node;
}

/** One function being lowered, helpers written into it. */
export interface Lowering {
  readonly builder: FuncBuilder;
  readonly report: Report;
  readonly spanAt: (node: Node) => Span;
  /** Whether a source file belongs to kerf/dsl. */
  readonly isDsl: (node: Node) => boolean;
  /** Functions whose bodies are being written in, outermost first. */
  readonly active: readonly FunctionNode[];
  /** What holds where this expression's value is used; outermost first. */
  readonly guards: readonly Guard[];
  /** The reduction that a call of `reduction({ … })` declares; undefined after a report. */
  readonly reductionOf: (call: CallExpression) => Reduction | undefined;
  readonly expression: (l: Lowering, scope: Scope, node: Node, hint?: Hint) => Lowered;
}

/** The same lowering on one side of a condition; an unknown condition was reported. */
export function under(l: Lowering, test: number | undefined, when: boolean): Lowering {
  return test === undefined ? l : { ...l, guards: [...l.guards, { test, when }] };
}

/** Reports and gives nothing. */
export function refuse(
  l: Lowering,
  code: Parameters<Report>[0],
  at: Node,
  detail?: Detail,
): Lowered {
  l.report(code, at, detail);
  return NOTHING;
}

/** An IR operation with a numeric or bool result. */
export function operate(
  l: Lowering,
  op: OpName,
  args: readonly number[],
  at: Node,
  name?: string,
): number {
  return l.builder.op(op, args, l.spanAt(at), name);
}

/** The node id of a value as a type, converted where that loses nothing; undefined after a report. */
export function idAs(l: Lowering, value: Lowered, type: Scalar, at: Node): number | undefined {
  if (value.kind === "nothing") return undefined;
  if (type === "bool") {
    if (value.kind === "bool") return value.id;
    refuseKind(l, value, "a bool", at);
    return undefined;
  }
  return type === "f32" ? idAsF32(l, value, at) : idAsI32(l, value, at);
}

function idAsF32(l: Lowering, value: Lowered, at: Node): number | undefined {
  if (value.kind === "number") {
    return value.type === "f32" ? value.id : operate(l, "toF32", [value.id], at);
  }
  if (value.kind !== "literal") {
    refuseKind(l, value, "a number", at);
    return undefined;
  }
  if (!Number.isFinite(Math.fround(value.value))) {
    l.report("KERF0306", at, { message: `${value.value} is no finite f32` });
    return undefined;
  }
  return l.builder.constant(value.value, "f32", l.spanAt(at));
}

function idAsI32(l: Lowering, value: Lowered, at: Node): number | undefined {
  if (value.kind === "number") {
    if (value.type === "i32") return value.id;
    if (value.whole) return operate(l, "toI32", [value.id], at);
    l.report("KERF0303", at);
    return undefined;
  }
  if (value.kind !== "literal") {
    refuseKind(l, value, "a number", at);
    return undefined;
  }
  if (!Number.isInteger(value.value)) {
    l.report("KERF0303", at, { message: `${value.value} is no whole number` });
    return undefined;
  }
  if (!isI32(value)) {
    l.report("KERF0306", at, { message: `${value.value} is no i32` });
    return undefined;
  }
  return l.builder.constant(value.value | 0, "i32", l.spanAt(at));
}

/** Reports a value that is neither number nor bool, or the wrong one of the two. */
export function refuseKind(l: Lowering, value: Lowered, wanted: string, at: Node): Lowered {
  const message = `Cannot use ${describe(value)} as ${wanted}`;
  switch (value.kind) {
    case "nothing":
      return NOTHING;
    case "column":
      return refuse(l, "KERF0401", at, { message });
    case "table":
      return refuse(l, "KERF0405", at, { message });
    case "bytes":
      return refuse(l, "KERF0407", at, { message });
    case "bool":
      return refuse(l, "KERF0301", at, { message });
    case "argument":
    case "number":
    case "literal":
      return refuse(l, "KERF0302", at, { message });
    case "record":
    case "tuple":
      return refuse(l, "KERF0215", at, { message });
  }
}

/** Reports every operand that is no number. */
export function refuseNonNumbers(l: Lowering, ...operands: readonly Operand[]): Lowered {
  for (const { value, at } of operands) {
    if (value.kind !== "number" && value.kind !== "literal") refuseKind(l, value, "a number", at);
  }
  return NOTHING;
}

/** The type two numbers meet in: i32 when both are or can be, else f32. Undefined for non-numbers. */
export function meet(a: Lowered, b: Lowered): "f32" | "i32" | undefined {
  const numeric = (v: Lowered) => v.kind === "number" || v.kind === "literal";
  if (!numeric(a) || !numeric(b)) return undefined;
  const adapts = (v: Lowered) =>
    v.kind === "literal" ? !v.real && isI32(v) : v.kind === "number" && v.type === "i32";
  const typed = a.kind === "number" || b.kind === "number";
  return typed && adapts(a) && adapts(b) ? "i32" : "f32";
}

/** Whether a value has no fraction. */
export function isWhole(value: Lowered): boolean {
  return value.kind === "number" ? value.whole : value.kind === "literal" &&
    Number.isInteger(value.value);
}

/** An operation on numbers that meet in one type; undefined types were reported. */
export function arithmetic(
  l: Lowering,
  op: OpName,
  type: "f32" | "i32",
  operands: readonly Operand[],
  at: Node,
  name?: string,
): NumberValue | undefined {
  const ids = operands.map((o) => idAs(l, o.value, type, o.at));
  if (ids.some((id) => id === undefined)) return undefined;
  const id = operate(l, op, ids as number[], at, name);
  return numberValue(id, l.builder.typeOf(id));
}
