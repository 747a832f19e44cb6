/**
 * The kernels that make q, k and v of a layer's normed rows: the product, which rotates and appends them where it can.
 * What appends them otherwise is in attention_drafts.ts.
 */

import type { Draft } from "./draft.ts";
import type { DraftContext, LoadedMatrix } from "./draft_context.ts";
import { productParts } from "./head_parts.ts";
import type { ProductAppend } from "./product_append.ts";
import { productDrafts } from "./product_drafts.ts";

/** q in `qkv`, and k and v there too or, where the product appends them, in the cache. */
export function qkvDrafts(
  context: DraftContext,
  { layer, matrices, appends }: {
    readonly layer: number;
    readonly matrices: readonly LoadedMatrix[];
    readonly appends: ProductAppend | null;
  },
): Draft[] {
  const { config, recording } = context;
  const { normed, qkv } = context.activations;
  const { nHeads, nKvHeads, headDim } = config;
  const label = `layer ${layer} · q, k, v${
    appends ? `: rotate, append${recording ? ", record" : ""}` : ""
  }`;
  const yStride = (nHeads + 2 * nKvHeads) * headDim;
  // Without rings nothing is recorded, whatever is bound.
  const cache = appends
    ? {
      buffers: { q_ring: qkv, ...recording?.buffers, arena: context.arenas[layer]! },
      constants: { ...appends.constants, ...recording?.constants, layer },
    }
    : null;
  return productDrafts(context, label, matrices, { x: normed, y: qkv, yStride, appends })
    .map((draft, i) => ({
      ...draft,
      buffers: { ...draft.buffers, ...cache?.buffers },
      constants: { ...draft.constants, ...cache?.constants },
      parts: productParts(config, matrices[i]!),
    }));
}
