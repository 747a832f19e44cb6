/**
 * The words an author's functions are written in, and the schema by which the front end types them.
 * At run time f32 and i32 are both `number`: the functions are ordinary TypeScript.
 */

import type { Scalar } from "../ir/types.ts";

/** A real number: f32 in kernels, f64 when the function runs as TypeScript. */
export type f32 = number;

/** A whole number: i32 in kernels. */
export type i32 = number;

/** A finite run of values that only reductions read: one channel over tokens, one row over channels. */
export type Column = ArrayLike<f32>;

/** Raw little-endian bytes of one block; an element is 0 … 255. */
export type Bytes = ArrayLike<i32>;

/** How one argument of a hook is typed in IR; records are flattened to one parameter per field. */
export type HookArg =
  | { readonly kind: "scalar"; readonly type: Scalar }
  | { readonly kind: "column" }
  | { readonly kind: "bytes" }
  | { readonly kind: "table"; readonly type: "f32" | "i32"; readonly rank: number }
  | { readonly kind: "record"; readonly fields: Readonly<Record<string, HookArg>> };

/** One function of a definition that becomes IR. */
export interface Hook {
  /** Where it stands in the definition's object literal: `score`, `steps[0].score`. */
  readonly path: string;
  /** The author's function itself: the reference. */
  readonly run: (...args: never[]) => unknown;
  readonly args: readonly HookArg[];
  /** The result's type, one entry per tuple element. */
  readonly results: readonly Scalar[];
}

/** What every definition has: the front end and the emitters see definitions only through this. */
export interface Definition {
  readonly kind: string;
  readonly name: string;
  /** The paper or page it comes from. */
  readonly source?: string;
  readonly hooks: readonly Hook[];
}

export const scalar = (type: Scalar): HookArg => ({ kind: "scalar", type });
export const column: HookArg = { kind: "column" };
export const bytes: HookArg = { kind: "bytes" };
export const record = (fields: Record<string, HookArg>): HookArg => ({ kind: "record", fields });
