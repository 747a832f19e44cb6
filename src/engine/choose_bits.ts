/**
 * How many bits each key channel of a layer gets: chosen when the layer's first rows are coded, over these
 * rows, and kept from then on. The sizes of the coded segments say what was chosen.
 */

import type { Device } from "../device/types.ts";
import { layoutName, moveName } from "../layout/name.ts";
import { layerBudget } from "./channel_bits_plan.ts";
import type { ChannelBitsPlan } from "./channel_bits_plan.ts";
import { streamSegments } from "./compress_drafts.ts";
import type { LayerAt } from "./compress_drafts.ts";
import { whole } from "./draft.ts";
import type { Draft } from "./draft.ts";
import type { Plan } from "./plan.ts";
import type { PlanBuffers, PlanInputs } from "./plan_buffers.ts";
import { inKernelSpelling } from "./tables.ts";

/** A layer whose first rows are to be coded. */
interface ChoiceAt extends LayerAt {
  /** Queries that weigh. */
  readonly nWindow: number;
  /** Rows to code, and the length of the list that they are in where rows are in classes. */
  readonly nRows: number;
  readonly maxRows: number;
}

/** Weighs a layer's channels, takes what each choice of bits loses of its first rows, and chooses. */
export function bitsDrafts(
  bits: ChannelBitsPlan,
  { inputs: { cache }, buffers }: {
    readonly inputs: Pick<PlanInputs, "cache">;
    readonly buffers: PlanBuffers;
  },
  { slot, layer, nWindow, nRows, maxRows }: ChoiceAt,
): Draft[] {
  const { compressed, full } = streamSegments(cache, "key")!;
  const move = { from: full.segment, to: compressed[0]!.segment, positions: false };
  const measure = compressed.length > 1 ? "ordered_coding_losses" : "coding_losses";
  const { lowPrice: low_price, highPrice: high_price, window, definition: { name } } = bits;
  const { scores, losses, means, class_counts, tables } = buffers.bits!;
  const arena = whole(cache.table.arenas[layer]!);
  const measured = { losses: whole(losses), means: whole(means) };
  return [
    {
      kernel: `channel_scores_${name}__${layoutName(cache.shape.layout)}`,
      label: `layer ${layer} · weigh channels`,
      buffers: { ...tables, q_ring: buffers.rings.get(window)!, arena, scores: whole(scores) },
      constants: { ...inKernelSpelling(bits.params), window, n_window: nWindow, slot, layer },
    },
    {
      kernel: `${measure}__${moveName(move)}`,
      label: `layer ${layer} · measure codes`,
      buffers: { arena, ...measured },
      constants: {
        ...{ slot, layer, n_rows: nRows, max_rows: maxRows, weighs_rows: bits.weighsRows ? 1 : 0 },
        n_channels: cache.shape.headDim,
      },
    },
    {
      kernel: "select_bits",
      label: `layer ${layer} · select bits`,
      buffers: { scores: whole(scores), ...measured, class_counts: whole(class_counts) },
      constants: { slot, layer, low_price, high_price, budget: layerBudget(bits, cache.shape) },
    },
  ];
}

/** Chooses the bits of a layer's channels where none of its rows is coded yet. */
export async function chooseBits(
  device: Device,
  plan: Plan,
  at: Omit<ChoiceAt, "nWindow"> & { readonly nTokens: number },
): Promise<void> {
  const { bits, cache } = plan.inputs;
  if (!bits) return;
  const { slot, layer, nTokens, nRows, maxRows } = at;
  const { nKvHeads } = cache.shape;
  const { compressed } = streamSegments(cache, "key")!;
  const heads = Array.from({ length: nKvHeads }, (_, i) => ({ slot, head: layer * nKvHeads + i }));
  const isCoded = heads.some((head) =>
    compressed.some(({ index }) => cache.sizeOf(head, index).rows > 0)
  );
  if (isCoded) return;
  cache.sync();
  const nWindow = Math.min(bits.window, nTokens);
  await plan.run(bitsDrafts(bits, plan, { slot, layer, nWindow, nRows, maxRows }));
  const bytes = await device.read(plan.buffers.bits!.class_counts, 0, 8 * nKvHeads);
  const counts = new Uint32Array(bytes.slice().buffer);
  heads.forEach((head, i) => {
    for (const { index } of compressed) {
      cache.setSize(head, index, { rows: 0, width: counts[2 * i]!, high: counts[2 * i + 1]! });
    }
  });
}
