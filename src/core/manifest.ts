/**
 * generated/manifest.json: where the generator half and the run half meet. The generator writes it, the
 * engine and the build read it; neither imports the other.
 */

import type { GridFactor, Signature } from "./signature.ts";

/** Every target, in the order tables print them: the one list. */
export const TARGETS = ["c", "cuda", "wgsl"] as const;

/** A compile target. */
export type Target = typeof TARGETS[number];

/** A kernel on one target: an entry point of an emitted file (one file may hold several). */
export interface GeneratedSource {
  /** Path from the project's root: `generated/c/rms_norm.c`. */
  readonly file: string;
  /** Of the file's text. */
  readonly sha256: string;
  /** The template it was rendered from, project-relative. */
  readonly template: string;
  /** Work items, or work groups where there are threads: their product, the last factor running fastest. */
  readonly grid: readonly GridFactor[];
  /** Threads per work group; absent where items have none. */
  readonly workgroup?: number;
  /** Dynamic shared memory of a work group, beside what the text declares; absent: none. */
  readonly sharedBytes?: number;
  /** Entry points by which a library can do the kernel's matrix product; absent: none. */
  readonly product?: ProductEntries;
}

/**
 * Entry points around a library's product of f32 matrices, strip by strip of the outputs. Both take the
 * kernel's arguments, then u64 weights, u64 sums, u32 first, u32 n: the strip's outputs.
 */
export interface ProductEntries {
  /** Writes a strip's rows of the packed weight, f32 [rowsPerOutput · (n rounded up to 16), nIn]. */
  readonly unpack: string;
  /** Makes outputs of a strip's sums: f32 [nRows, n], of two rows per output as wide as those rows. */
  readonly finish: string;
  /** Packed rows that an output is made of, which alternate sixteen by sixteen where there are two. */
  readonly rowsPerOutput: 1 | 2;
}

/** One kernel: what a plan invokes. The entry point's symbol is `signature.name` on every target. */
export interface KernelEntry {
  readonly signature: Signature;
  /** The file that holds it, per target; a target that is absent cannot run it. */
  readonly sources: Partial<Record<Target, GeneratedSource>>;
  /** The author's file first, then the kernel files it imports: a run checks that they are still these. */
  readonly authored: readonly AuthoredFile[];
}

/** A file of kernels/ as it was when a kernel was generated from it. */
export interface AuthoredFile {
  /** Path from the project's root. */
  readonly file: string;
  readonly sha256: string;
}

/** The whole manifest. `schema` changes when a reader must. */
export interface Manifest {
  readonly schema: 1;
  readonly kernels: Readonly<Record<string, KernelEntry>>;
}
