/**
 * How many bits each key channel of a head gets: chosen when the head's first rows are coded, over these rows,
 * and kept from then on. The sizes of the coded segments say what was chosen.
 */

import type { Device } from "../device/types.ts";
import { layoutName, moveName } from "../layout/name.ts";
import { CLASS_PARTS } from "../layout/row_classes.ts";
import { layerBudget } from "./channel_bits_plan.ts";
import type { ChannelBitsPlan } from "./channel_bits_plan.ts";
import { streamSegments } from "./compress_drafts.ts";
import type { LayerAt } from "./compress_drafts.ts";
import { whole } from "./draft.ts";
import type { Draft } from "./draft.ts";
import type { Plan } from "./plan.ts";
import type { PlanBuffers } from "./plan_buffers.ts";
import type { PlanInputs } from "./plan_inputs.ts";
import { inKernelSpelling } from "./tables.ts";

/** A layer whose heads choose. */
interface ChoiceAt extends LayerAt {
  /** Queries that weigh. */
  readonly nWindow: number;
  /** How many heads choose, and the length of the lists that rows are in where they are in classes. */
  readonly nHeads: number;
  readonly maxRows: number;
}

/** Weighs a layer's channels, takes what each choice of bits loses of the rows that are due, and chooses. */
export function bitsDrafts(
  bits: ChannelBitsPlan,
  { inputs: { cache }, buffers }: {
    readonly inputs: Pick<PlanInputs, "cache">;
    readonly buffers: PlanBuffers;
  },
  { slot, layer, nWindow, nHeads, maxRows }: ChoiceAt,
): Draft[] {
  const { compressed, full } = streamSegments(cache, "key")!;
  const move = { from: full.segment, to: compressed[0]!.segment, sides: full.sides };
  const measure = compressed.length > 1 ? "ordered_coding_losses" : "coding_losses";
  const { lowPrice: low_price, highPrice: high_price, window, definition: { name } } = bits;
  const { scores, losses, means, class_counts, due_counts, tables } = buffers.bits!;
  const arena = whole(cache.table.arenas[layer]!);
  const measured = { losses: whole(losses), means: whole(means), due_counts: whole(due_counts) };
  const budget = layerBudget(bits, { ...cache.shape, nKvHeads: bits.shares ? nHeads : 1 });
  const parts = { first_parts: bits.firstParts ?? CLASS_PARTS };
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
        ...{ slot, layer, max_rows: maxRows, n_channels: cache.shape.headDim },
        ...{ weighs_rows: bits.weighsRows ? 1 : 0, mean_share: bits.meanShare },
      },
    },
    {
      kernel: "select_bits",
      label: `layer ${layer} · select bits`,
      buffers: { scores: whole(scores), ...measured, class_counts: whole(class_counts) },
      constants: {
        ...{ slot, layer, low_price, high_price, budget, ...parts },
        shares: bits.shares ? 1 : 0,
      },
    },
  ];
}

/** Of each KV head of a layer, whether the bits of its channels are chosen: some of its rows are coded. */
export function haveBits({ inputs: { cache } }: Plan, { slot, layer }: LayerAt): boolean[] {
  const { nKvHeads } = cache.shape;
  const compressed = streamSegments(cache, "key")?.compressed ?? [];
  return Array.from({ length: nKvHeads }, (_, i) => {
    const head = { slot, head: layer * nKvHeads + i };
    return compressed.some(({ index }) => cache.sizeOf(head, index).rows > 0);
  });
}

/**
 * Chooses the bits of the channels of a layer's heads whose first rows are due.
 *
 * @param at.due of each KV head the rows of every compressed segment that its choice goes by; none: it makes none
 */
export async function chooseBits(
  device: Device,
  plan: Plan,
  { due, nTokens, ...at }: LayerAt & {
    readonly nTokens: number;
    readonly due: readonly (readonly number[])[];
    readonly maxRows: number;
  },
): Promise<void> {
  const { bits, cache } = plan.inputs;
  const sum = (rows: readonly number[]) => rows.reduce((a, b) => a + b, 0);
  const nHeads = due.filter((rows) => sum(rows) > 0).length;
  if (!bits || nHeads === 0) return;
  const { class_counts, due_counts } = plan.buffers.bits!;
  cache.sync();
  // Classes of rows that count alike choose as one, in the list of the first.
  const counts = (rows: readonly number[]) =>
    bits.weighsRows ? rows : rows.map((_, i) => i === 0 ? sum(rows) : 0);
  device.write(due_counts, Uint32Array.from(due.flatMap(counts)));
  const nWindow = Math.min(bits.window, nTokens);
  await plan.run(bitsDrafts(bits, plan, { ...at, nWindow, nHeads }));
  const bytes = await device.read(class_counts, 0, 8 * due.length * cache.nKeyLists);
  const chosen = new Uint32Array(bytes.slice().buffer);
  due.forEach((rows, i) => {
    if (sum(rows) === 0) return;
    const head = { slot: at.slot, head: at.layer * due.length + i };
    streamSegments(cache, "key")!.compressed.forEach(({ index }, list) => {
      const [width, high] = chosen.subarray(2 * (i * cache.nKeyLists + list)) as unknown as [
        number,
        number,
      ];
      cache.setSize(head, index, { rows: 0, width, high });
    });
  });
}
