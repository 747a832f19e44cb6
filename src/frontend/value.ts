/**
 * What an author's expression stands for while it is lowered: an IR node, a number that is not typed yet,
 * or a thing that only some operations take (a column, a table, a record). Literals adapt: they become IR
 * constants where their type is known. `nothing` is a problem already reported; it spreads in silence.
 */

import type { Scalar } from "../ir/types.ts";

/** A number in the IR. `whole` says an f32 has no fraction, so that it may become i32. */
export interface NumberValue {
  readonly kind: "number";
  readonly id: number;
  readonly type: "f32" | "i32";
  readonly whole: boolean;
}

/** A number known by reading. `real` when written with a point or exponent: f32 beside an i32 too. */
export interface LiteralValue {
  readonly kind: "literal";
  readonly value: number;
  readonly real: boolean;
}

/** One lowered expression. */
export type Lowered =
  | NumberValue
  | LiteralValue
  | { readonly kind: "bool"; readonly id: number }
  /** A scalar parameter that was not read yet: it becomes a node where it is first used. */
  | { readonly kind: "argument"; readonly param: number; readonly type: Scalar }
  | { readonly kind: "column"; readonly param: number; readonly name: string }
  | { readonly kind: "bytes"; readonly param: number; readonly name: string }
  /** A table with the indices given so far. */
  | {
    readonly kind: "table";
    readonly param: number;
    readonly name: string;
    readonly type: "f32" | "i32";
    readonly rank: number;
    readonly indices: readonly number[];
  }
  | { readonly kind: "record"; readonly fields: ReadonlyMap<string, Lowered> }
  | { readonly kind: "tuple"; readonly items: readonly Lowered[] }
  | { readonly kind: "nothing" };

/** A problem that was reported. */
export const NOTHING: Lowered = Object.freeze({ kind: "nothing" });

/** Names in reach: parameters and consts. */
export type Scope = ReadonlyMap<string, Lowered>;

/** What the surroundings know about an expression before it is lowered. */
export interface Hint {
  /** The type it will be converted to, which an all-literal condition takes. */
  readonly expected?: Scalar;
  /** The author's name for the value. */
  readonly name?: string;
}

/** A numeric IR node as a value; i32 has no fraction. */
export function numberValue(id: number, type: Scalar, whole = false): NumberValue {
  return { kind: "number", id, type: type as "f32" | "i32", whole: whole || type === "i32" };
}

/** A literal as a value. */
export function literal(value: number, real = false): LiteralValue {
  return { kind: "literal", value, real };
}

/** Whether a literal can be an i32. */
export function isI32(value: LiteralValue): boolean {
  return value.value === (value.value | 0);
}

/** The value in words, for messages. */
export function describe(value: Lowered): string {
  switch (value.kind) {
    case "number":
      return value.type === "i32" ? "an i32" : "an f32";
    case "literal":
      return `the number ${value.value}`;
    case "bool":
      return "a bool";
    case "argument":
      return `the ${value.type} parameter`;
    case "column":
      return `the column "${value.name}"`;
    case "bytes":
      return `the bytes "${value.name}"`;
    case "table":
      return `the table "${value.name}"`;
    case "record":
      return "a record";
    case "tuple":
      return "several values";
    case "nothing":
      return "nothing";
  }
}
