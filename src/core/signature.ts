/**
 * What a kernel looks like from outside, on every target: the buffers it binds in order, the constants
 * that are fixed when a plan is made, and its grid. One signature serves the C struct, the WGSL bind
 * group and the CUDA parameter list.
 *
 * On C the arguments are one struct: every binding as a u64 address in order, then every constant as
 * four bytes in order. {@linkcode argumentOffsets} is the only place that says so; the generated
 * static asserts hold the compiler to it.
 */

import type { DType } from "./dtype.ts";

/** One buffer a kernel binds. `u8` buffers hold packed weights or the cache's arena. */
export interface Binding {
  readonly name: string;
  readonly dtype: DType;
  readonly access: "read" | "write" | "readwrite";
  /** Dimensions in the glossary's spelling, outermost first; documentation and bounds for tests. */
  readonly shape: readonly string[];
}

/** A scalar that a plan fixes once per invocation. */
export interface Constant {
  readonly name: string;
  readonly dtype: "u32" | "i32" | "f32";
  readonly doc?: string;
}

/**
 * One factor of a grid: ceil(value / per). The value is a number, a constant of the invocation, a field
 * of the step header, or the step field whose index a constant holds (`rows_field`: a matrix product over
 * all rows and one over the rows that want logits are the same kernel).
 */
export interface GridFactor {
  readonly of:
    | number
    | { readonly constant: string }
    | { readonly step: StepField }
    | { readonly stepAt: string };
  readonly per?: number;
}

/** Fields of the step header, u32 each, in this order. See {@linkcode STEP_FIELDS}. */
export type StepField = (typeof STEP_FIELDS)[number];

/**
 * The step header `step`: what changes from step to step and sizes the grids.
 *
 * nRows: query rows of all sequences in this step. nSeqs: sequences in this step. nLogits: rows whose
 * logits are wanted. nTiles: prefill query tiles. nDecode: rows of sequences with one query. nSplits:
 * 256-row chunks of the longest cache among them.
 */
export const STEP_FIELDS = ["nRows", "nSeqs", "nLogits", "nTiles", "nDecode", "nSplits"] as const;

/** The full outside of a kernel. */
export interface Signature {
  readonly name: string;
  readonly bindings: readonly Binding[];
  readonly constants: readonly Constant[];
  /** Compile-time names with the values a plan gives them: HEAD_DIM, GROUP, … */
  readonly defines: readonly string[];
}

/** Byte offsets of a signature's arguments in the C struct. */
export interface ArgumentOffsets {
  readonly bindings: readonly number[];
  readonly constants: readonly number[];
  readonly bytes: number;
}

/** Where each binding (8 bytes) and constant (4 bytes) lies; `bytes` is padded to a multiple of 8. */
export function argumentOffsets(signature: Signature): ArgumentOffsets {
  const bindings = signature.bindings.map((_, i) => 8 * i);
  const base = 8 * bindings.length;
  const constants = signature.constants.map((_, i) => base + 4 * i);
  return { bindings, constants, bytes: Math.ceil((base + 4 * constants.length) / 8) * 8 };
}
