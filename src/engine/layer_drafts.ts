/**
 * The kernels of one Llama layer, in order; what comes before the first and after the last is in
 * end_drafts.ts. Reads the model's sizes and the plan's kernel names; holds no arithmetic.
 *
 * Source: Llama 2 (arXiv:2307.09288) section 2.2, as llama-architecture GGUF files store it.
 */

import type { BufferSlice } from "../device/types.ts";
import { attentionDrafts, storesOutputs } from "./attention_drafts.ts";
import type { Draft } from "./draft.ts";
import type { DraftContext, LoadedLayer, LoadedMatrix } from "./draft_context.ts";
import {
  addProductDrafts,
  normDraft,
  productDrafts,
  storesNorm,
  takeCodes,
} from "./product_drafts.ts";
import type { NextNorm } from "./product_drafts.ts";
import { qkvDrafts } from "./qkv_drafts.ts";

/**
 * One layer over the rows in `x`, and into it.
 *
 * @param after the layer before, when its norm of `x` is there already
 * @param next the layer whose norm of `x` comes next
 */
export function layerDrafts(
  context: DraftContext,
  { layer, weights, x, after, next }: {
    layer: number;
    weights: LoadedLayer;
    x: BufferSlice;
    after?: LoadedLayer;
    next?: LoadedLayer;
  },
): Draft[] {
  const { config, activations } = context;
  const { x_mid, normed, out, hidden } = activations;
  const { dModel, dFf } = config;
  const at = (what: string) => `layer ${layer} · ${what}`;
  const appends = takeCodes(context, weights.qkv) ? context.appends : null;
  const hiddenIsCodes = takeCodes(context, weights.gateUp) && takeCodes(context, weights.ffnDown);
  const outIsCodes = storesOutputs(context, weights.attnOutput);
  const attnNorm = { gain: weights.attnNorm, readers: weights.qkv };
  const ffnNorm = { gain: weights.ffnNorm, readers: weights.gateUp };
  const ownNorm = (matrices: readonly LoadedMatrix[] | undefined, norm: NextNorm, draft: Draft) =>
    matrices && storesNorm(context, matrices, norm) ? [] : [draft];
  return [
    ...ownNorm(
      after?.ffnDown,
      attnNorm,
      normDraft(context, at("norm"), {
        x,
        weight: weights.attnNorm,
        readers: weights.qkv,
      }),
    ),
    ...qkvDrafts(context, { layer, matrices: weights.qkv, appends }),
    ...attentionDrafts(context, {
      ...{ layer, storesCodes: outIsCodes, isAppended: appends !== null },
    }),
    ...addProductDrafts(context, at("output"), weights.attnOutput, {
      x: out,
      isCodes: outIsCodes,
      residual: x,
      y: x_mid,
      yStride: dModel,
      next: ffnNorm,
    }),
    ...ownNorm(
      weights.attnOutput,
      ffnNorm,
      normDraft(context, at("norm 2"), {
        x: x_mid,
        weight: weights.ffnNorm,
        readers: weights.gateUp,
      }),
    ),
    ...productDrafts(context, at("gate, up"), weights.gateUp, {
      x: normed,
      y: hidden,
      yStride: dFf,
      kernel: "matmul_swiglu",
      storesCodes: hiddenIsCodes,
    }),
    ...addProductDrafts(context, at("down"), weights.ffnDown, {
      x: hidden,
      isCodes: hiddenIsCodes,
      residual: x_mid,
      y: x,
      yStride: dModel,
      ...(next ? { next: { gain: next.attnNorm, readers: next.qkv } } : {}),
    }),
  ];
}
