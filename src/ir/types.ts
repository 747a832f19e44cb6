/**
 * The expression IR: one author's function as a list of typed operations in evaluation order (SSA), each
 * with the span of the TypeScript it came from. There is no control flow (conditionals are `select`) and
 * no memory but declared tables and bytes, so every pass is a walk over a list.
 *
 * Nodes are frozen. A node's id is its index in `Func.nodes`.
 */

/** The type of one IR value. */
export type Scalar = "f32" | "i32" | "bool";

/** A range of an author's file; lines and columns count from 1. */
export interface Span {
  /** Path from the project's root. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

/** A parameter of a function. */
export type Param =
  | { readonly name: string; readonly kind: "scalar"; readonly type: Scalar }
  /** A finite run of f32 that only reductions read: a channel over tokens, a row over channels. */
  | { readonly name: string; readonly kind: "column" }
  /** A read-only tensor indexed by integers: plan-time tables. */
  | {
    readonly name: string;
    readonly kind: "table";
    readonly type: "f32" | "i32";
    readonly rank: number;
  }
  /** Raw little-endian bytes of one storage block; `load` gives 0 … 255 as i32. */
  | { readonly name: string; readonly kind: "bytes" };

/** Operations whose operands and result are arithmetic; see ops.ts for each one's meaning and types. */
// deno-fmt-ignore -- one line per group
export type OpName =
  // f32 or i32, both operands and the result of one type
  | "neg" | "abs" | "add" | "sub" | "mul" | "min" | "max" | "sign"
  // f32
  | "div" | "rem" | "sqrt" | "exp" | "exp2" | "log" | "log2" | "tanh" | "sin" | "cos" | "pow"
  | "floor" | "ceil" | "trunc" | "round"
  // i32 (two's complement, wrapping)
  | "idiv" | "imod" | "imul" | "and" | "or" | "xor" | "not" | "shl" | "shr" | "ushr"
  // comparisons of two f32 or two i32 → bool
  | "lt" | "le" | "gt" | "ge" | "eq" | "ne"
  // bool
  | "land" | "lor" | "lnot"
  // conversions
  | "toF32" | "toI32" | "f16ToF32"
  // bool, T, T → T
  | "select";

interface NodeBase {
  readonly id: number;
  readonly type: Scalar;
  readonly span: Span;
  /** The author's name for the value, when it had one; emitters keep it. */
  readonly name?: string;
}

/** One value. */
export type Node =
  | (NodeBase & { readonly kind: "const"; readonly value: number | boolean })
  | (NodeBase & { readonly kind: "param"; readonly param: number })
  | (NodeBase & { readonly kind: "op"; readonly op: OpName; readonly args: readonly number[] })
  /** Element of table or bytes parameter `param` at integer indices. */
  | (NodeBase & { readonly kind: "load"; readonly param: number; readonly args: readonly number[] })
  /** `reduction` over column parameter `param`. */
  | (NodeBase & { readonly kind: "reduce"; readonly reduction: Reduction; readonly param: number });

/** A pure function of its parameters. */
export interface Func {
  readonly name: string;
  readonly params: readonly Param[];
  readonly nodes: readonly Node[];
  /** Node ids of the results: one, or several for a function that returns a tuple. */
  readonly results: readonly number[];
  readonly span: Span;
}

/**
 * A declared reduction over f32 values x₀ … x₍ₙ₋₁₎:
 * acc = init; acc = step(acc, xᵢ) in order; partial accumulators meet in merge(a, b);
 * the value is finish(acc, n) with n as f32.
 */
export interface Reduction {
  readonly name: string;
  readonly init: number;
  readonly step: Func;
  readonly merge: Func;
  readonly finish: Func;
}
