/**
 * Kernels whose whole body is a template: selection, compaction, the merge of partial softmaxes. They
 * have no hooks; the file declares the signature once for every target.
 */

import type { Binding, Constant, GridFactor } from "../core/signature.ts";
import type { Definition } from "./types.ts";

/** What a file declares. */
export interface KernelSpec {
  readonly name: string;
  readonly source?: string;
  /** Work items on C and work groups elsewhere; a template's context may cut it finer. */
  readonly bindings: readonly Binding[];
  readonly constants: readonly Constant[];
  readonly grid: readonly GridFactor[];
  readonly defines?: readonly string[];
  /** The written binding, rows of f32, that the kernel `NAME_q8` stores as 8-bit codes; absent: there is none. */
  readonly codes?: string;
}

/** Parts of Kerf that a target may lack as a whole; `lacks` of an emit target lists them. */
export type Feature = "q8";

/** A declared template kernel; its template is `templates/<target>/<name>.*.njk`. */
export interface TemplateKernel extends Definition, KernelSpec {
  readonly kind: "kernel";
  readonly defines: readonly string[];
}

/** Declares a template kernel; a file in kernels/ops/ exports one as its default. */
export function kernel(spec: KernelSpec): TemplateKernel {
  return Object.freeze({ defines: [], ...spec, kind: "kernel", hooks: [] });
}

/** A binding a kernel only reads. */
export const read = (name: string, dtype: Binding["dtype"], shape: readonly string[]): Binding => ({
  name,
  dtype,
  access: "read",
  shape,
});

/** A binding a kernel only writes. */
export const write = (
  name: string,
  dtype: Binding["dtype"],
  shape: readonly string[],
): Binding => ({
  name,
  dtype,
  access: "write",
  shape,
});

/** A binding a kernel reads and writes. */
export const readwrite = (
  name: string,
  dtype: Binding["dtype"],
  shape: readonly string[],
): Binding => ({ name, dtype, access: "readwrite", shape });
