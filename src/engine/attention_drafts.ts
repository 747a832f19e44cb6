/** The kernels of one layer's attention, in order, from q, k and v before RoPE to the merged heads. */

import { Q8_INPUTS } from "../core/quantized_row.ts";
import type { Draft } from "./draft.ts";
import type { DraftContext, LoadedMatrix } from "./draft_context.ts";
import { kvHeadParts, queryHeadParts } from "./head_parts.ts";
import { takeCodes } from "./product_drafts.ts";

/**
 * Whether attention stores its outputs as the codes that `readers` take: where it rounds anyway, and no block of
 * codes reaches into another head.
 */
export const storesOutputs = (context: DraftContext, readers: readonly LoadedMatrix[]) =>
  context.roundsAttention && context.config.headDim % Q8_INPUTS === 0 &&
  takeCodes(context, readers);

/** Attention of one layer, from rotated and stored keys to the merged heads in `out`, as `readers` take them. */
export function attentionDrafts(
  context: DraftContext,
  { layer, storesCodes, isAppended }: {
    readonly layer: number;
    readonly storesCodes: boolean;
    /** Whether q is rotated and k and v are in the cache already. */
    readonly isAppended: boolean;
  },
): Draft[] {
  const { config, layoutName, rowSums, attention, recording } = context;
  const arena = context.arenas[layer]!;
  const at = (what: string) => `layer ${layer} · ${what}`;
  const q8 = context.roundsAttention ? "_q8" : "";
  const kernel = (phase: string) => `attention_${attention.name}_${phase}${q8}__${layoutName}`;
  const own = {
    buffers: { ...attention.tables, arena },
    constants: { layer, ...attention.params },
    parts: kvHeadParts(config),
  };
  return [
    ...(context.momentsSkip === null ? [] : [{
      kernel: "query_moments",
      label: at("moments of queries"),
      constants: { layer, skip: context.momentsSkip },
      parts: queryHeadParts(config),
    }]),
    ...(isAppended ? [] : [{
      kernel: `${recording ? "append_recording" : "append"}__${layoutName}`,
      label: at(recording ? "rotate, append, record" : "rotate, append"),
      buffers: { ...recording?.buffers, arena },
      constants: { ...recording?.constants, layer },
      parts: kvHeadParts(config),
    }]),
    {
      kernel: kernel(rowSums ? "prefill_recording" : "prefill"),
      label: at("attention, prefill rows"),
      ...own,
      constants: { ...own.constants, stores_codes: Number(storesCodes) },
      barrier: false,
    },
    { kernel: kernel("decode"), label: at("attention, decode rows"), ...own },
    {
      kernel: `${context.mergeKernel}${storesCodes ? "_q8" : ""}`,
      label: at("attention, merge"),
      parts: queryHeadParts(config),
    },
    ...(rowSums
      ? [{ kernel: kernel("sums"), label: at("attention, sums of columns"), ...own }]
      : []),
  ];
}
