/**
 * What passes between the families of kernels, the renderer and the catalog. A family turns one
 * definition into kernel units; a unit is everything a template needs and everything the manifest says.
 */

import type { AuthoredFile, ProductEntries } from "../core/manifest.ts";
import type { GridFactor, Signature } from "../core/signature.ts";
import type { Definition } from "../dsl/types.ts";
import type { Func } from "../ir/types.ts";
import type { SegmentMove } from "../layout/name.ts";
import type { Layout } from "../layout/types.ts";
import type { EmitTarget } from "./target.ts";

/** A definition with everything known of it. */
export interface KernelSource {
  readonly definition: Definition;
  /** The IR of each hook, by its path. */
  readonly funcs: Readonly<Record<string, Func>>;
  /** Project-relative path of the author's file. */
  readonly file: string;
  /** That file, then the kernel files it imports, as they were read. */
  readonly authored: readonly AuthoredFile[];
  /** The author's doc comment, one entry a line, without stars. */
  readonly doc: readonly string[];
}

/** What the shipped variants need generated beforehand. */
export interface Shipped {
  /** The dense layout first, then every layout that a pruning variant in kernels/prune/ makes. */
  readonly layouts: readonly Layout[];
  /** Every pair of segments that rows move between in those layouts. */
  readonly moves: readonly ShippedMove[];
  /** The same of layouts whose compressed rows are in classes. */
  readonly orderedMoves: readonly ShippedMove[];
}

/** Rows on their way from a stream's last segment, where they arrive, to one of its segments. */
export interface ShippedMove extends SegmentMove {
  readonly stream: "key" | "value";
}

/** One kernel to emit: `attention_causal_decode` with `["k_f16t16_v_f16t1"]`. */
export interface EmitRequest {
  readonly head: string;
  readonly suffixes: readonly string[];
}

/** One kernel on one target. */
export interface KernelUnit {
  readonly signature: Signature;
  /** What it computes, one entry a line: the author's words and what the variant adds. */
  readonly doc: readonly string[];
  /** The author's names of elements that the template declares. */
  readonly inputs?: readonly string[];
  /** Files it is generated from beside the template: the author's. */
  readonly from: readonly string[];
  /** `templates/<target>/<template>.<extension>.njk`. */
  readonly template: string;
  /** What the template reads beside the {@linkcode KernelContext}; the template names its type. */
  readonly context: Readonly<Record<string, unknown>>;
  /** Of a matrix product: the entry points around a library's, on targets whose geometry says so. */
  readonly product?: ProductEntries;
  /** Work items; a target that cuts the work otherwise says so in its geometry. */
  readonly grid: readonly GridFactor[];
}

/** How the definitions of one kind become kernels. */
export interface Family {
  /** The `kind` of its definitions. */
  readonly kind: string;
  /** Kernel names without suffixes: `["attention_causal_prefill", "attention_causal_decode"]`. */
  heads(source: KernelSource): readonly string[];
  /** The suffix lists of a head to generate beforehand: `[[]]` when there are no suffixes. */
  variants(
    source: KernelSource,
    shipped: Shipped,
    head: string,
  ): readonly (readonly string[])[];
  /**
   * Emits one kernel.
   *
   * @throws {KerfError} the suffixes name no kernel of this family
   */
  emit(source: KernelSource, request: EmitRequest, target: EmitTarget): KernelUnit;
}

/** A kernel's full name. */
export const kernelName = (request: EmitRequest): string =>
  [request.head, ...request.suffixes].join("__");
