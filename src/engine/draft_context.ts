/** What the drafts of a model's kernels are made from: its weights in device memory, and what a plan has chosen. */

import type { Activations } from "../device/activations.ts";
import type { BufferSlice } from "../device/types.ts";
import type { LlamaConfig } from "../model/config.ts";
import type { ActivationName } from "./activations.ts";
import type { ProductAppend } from "./product_append.ts";
import type { Recording } from "./query_rings.ts";
import type { PackedMatrix } from "./weights.ts";

/** A packed matrix and where it lies. */
export interface LoadedMatrix extends PackedMatrix {
  readonly weight: BufferSlice;
}

/** One layer's weights in device memory. */
export interface LoadedLayer {
  readonly attnNorm: BufferSlice;
  readonly qkv: readonly LoadedMatrix[];
  readonly attnOutput: readonly LoadedMatrix[];
  readonly ffnNorm: BufferSlice;
  readonly gateUp: readonly LoadedMatrix[];
  readonly ffnDown: readonly LoadedMatrix[];
}

/** What the drafts of a model are made from. */
export interface DraftContext {
  readonly config: LlamaConfig;
  readonly arithmetic: Activations;
  readonly activations: Readonly<Record<ActivationName, BufferSlice>>;
  /** The attention variant's name and parameters. */
  readonly attention: {
    readonly name: string;
    readonly params: Readonly<Record<string, number>>;
    readonly tables: Readonly<Record<string, BufferSlice>>;
  };
  /** The cache's layout, as kernels are named, and whether its rows carry running sums. */
  readonly layoutName: string;
  /** Whether attention rounds what meets the cache: to bytes for its codes, to bf16 for its halves. */
  readonly roundsAttention: boolean;
  /** The kernel that joins the partial softmaxes of decoded rows. */
  readonly mergeKernel: string;
  readonly rowSums: boolean;
  /** The cache's arena of every layer. */
  readonly arenas: readonly BufferSlice[];
  /** First rows of a sequence whose queries are left out of the moments; null: nobody reads any. */
  readonly momentsSkip: number | null;
  /** Where the last queries go that scores will read; null: none will. */
  readonly recording: Recording | null;
  /** What products of codes need to append q, k and v themselves; null: they cannot. */
  readonly appends: ProductAppend | null;
}
