/**
 * The kernels at both ends of a step, in order: the embedding before the first layer, logits and the likeliest
 * tokens after the last. What the layers themselves are made of is in layer_drafts.ts; holds no arithmetic.
 *
 * Source: Llama 2 (arXiv:2307.09288) section 2.2, as llama-architecture GGUF files store it.
 */

import { STEP_FIELDS } from "../core/signature.ts";
import type { BufferSlice } from "../device/types.ts";
import type { Draft } from "./draft.ts";
import { normDraft, productDrafts, rowConstants } from "./layer_drafts.ts";
import type { DraftContext, LoadedMatrix } from "./layer_drafts.ts";

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

/** Logits of the rows that want them, and where each row's largest is. */
export function headDrafts(
  context: DraftContext,
  { norm, head, x }: { norm: BufferSlice; head: readonly LoadedMatrix[]; x: BufferSlice },
): Draft[] {
  const { config, activations } = context;
  const { picked, normed, logits } = activations;
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
    ...productDrafts(context, "head", head, {
      x: normed,
      y: logits,
      yStride: config.nVocab,
      rowsField: LOGIT_ROWS,
    }),
    { kernel: "arg_max", label: "likeliest tokens", constants: { width: config.nVocab } },
  ];
}
