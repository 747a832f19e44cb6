/**
 * The kernels at both ends of a step, in order: the embedding before the first layer, logits and the likeliest
 * tokens after the last. What the layers themselves are made of is in layer_drafts.ts; holds no arithmetic.
 *
 * Source: Llama 2 (arXiv:2307.09288) section 2.2, as llama-architecture GGUF files store it.
 */

import { STEP_FIELDS } from "../core/signature.ts";
import type { BufferSlice } from "../device/types.ts";
import { logitGroups } from "./activations.ts";
import type { Draft } from "./draft.ts";
import { normDraft, productDrafts, rowConstants } from "./product_drafts.ts";
import type { DraftContext, LoadedMatrix } from "./draft_context.ts";

const LOGIT_ROWS = STEP_FIELDS.indexOf("nLogits");

/** Token embedding: fills x. Each part of the table fills the rows of its own tokens. */
export function embeddingDrafts(
  { config }: DraftContext,
  { embedding, x }: { embedding: readonly LoadedMatrix[]; x: BufferSlice },
): Draft[] {
  return embedding.map(({ packing, weight, firstOut, nOut }, i) => ({
    kernel: `embedding__${packing}`,
    label: embedding.length > 1 ? `embedding (${i + 1} of ${embedding.length})` : "embedding",
    buffers: { weight, y: x },
    constants: {
      width: config.dModel,
      y_stride: config.dModel,
      first_row: firstOut,
      n_rows: nOut,
    },
  }));
}

/** What a step leaves of the rows that want logits: these, or only where each row's largest is. */
export type HeadOutput = "logits" | "picks";

/** The rows that want logits, and what the head makes of them. */
export function headDrafts(
  context: DraftContext,
  { norm, head, x, output }: {
    norm: BufferSlice;
    head: readonly LoadedMatrix[];
    x: BufferSlice;
    output: HeadOutput;
  },
): Draft[] {
  const { config, activations } = context;
  const { picked, normed, logits } = activations;
  const nGroups = logitGroups(config.nVocab);
  const product = { x: normed, y: logits, yStride: config.nVocab, rowsField: LOGIT_ROWS };
  const ofOutput: Record<HeadOutput, () => Draft[]> = {
    logits: () => productDrafts(context, "head", head, product),
    picks: () => [
      ...productDrafts(context, "head, largest of each 16", head, {
        ...product,
        storesLargest: true,
      }),
      { kernel: "arg_max", label: "likeliest tokens", constants: { n_groups: nGroups } },
    ],
  };
  return [
    {
      kernel: "gather_rows",
      label: "rows for logits",
      buffers: { x, y: picked },
      constants: rowConstants("x", config.dModel, LOGIT_ROWS),
    },
    normDraft(context, "output norm", {
      x: picked,
      weight: norm,
      readers: head,
      rowsField: LOGIT_ROWS,
    }),
    ...ofOutput[output](),
  ];
}
