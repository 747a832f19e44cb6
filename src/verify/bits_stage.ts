/**
 * How many bits each key channel of a layer gets: weighed, measured, chosen. The choice is held to what costs
 * least at the budget; where two choices spend the same and cost the same but for rounding, either may be made,
 * and channels that differ are counted.
 */

import { CLASS_PARTS, firstParts, keyLists } from "../layout/row_classes.ts";
import type { RowSplit } from "../layout/row_classes.ts";
import { selectBitsReference } from "../reference/channel_bits.ts";
import { choosersOf, classesOf, dueOf, listsOf, UNTOUCHED } from "./bit_lists.ts";
import { withBuffers } from "./cache_state.ts";
import type { CacheState, HeadSizes } from "./cache_state.ts";
import { N_KV_HEADS } from "./cases.ts";
import { scoreChannels } from "./channel_score_stage.ts";
import { codingLosses, codingLossesName } from "./coding_losses_stage.ts";
import type { Measurement } from "./compare.ts";
import type { RunNamed } from "./kernels.ts";
import type { RowOrder } from "./order_stage.ts";
import type { PlannedBits } from "./planned_steps.ts";
import type { PruningProblem } from "./pruning_case.ts";
import { firstHead } from "./ring_stage.ts";
import type { Rings } from "./ring_stage.ts";
import { AT } from "./written_cache.ts";
import type { KeyList } from "./head_rows.ts";

/** How much more than the least a choice may cost, as a share of what no bits at all cost: f32 against f64. */
const NEAR_TIE = 1e-5;

/** What the three classes of a channel cost: weight times loss. */
type Costs = readonly [none: number, low: number, high: number];

/** The kernels of a choice, in order. */
export const bitsNames = (
  { source }: PlannedBits,
  p: Pick<PruningProblem, "layout">,
  layout: string,
): string[] => [
  `channel_scores_${source.definition.name}__${layout}`,
  codingLossesName(p),
  "select_bits",
];

/** Chooses bits where no row is coded yet: the channels of every head, and what those without bits read as. */
export async function chooseBits(
  p: PruningProblem & { readonly bits: PlannedBits },
  state: CacheState,
  { rows, split, order, rings, run }: {
    /** Per KV head, places in the full segment of the rows that are about to be coded. */
    readonly rows: readonly (readonly number[])[];
    /** How they are split in classes; null: they are alike. */
    readonly split: RowSplit | null;
    readonly order: RowOrder | null;
    readonly rings: Rings;
    readonly run: RunNamed;
  },
): Promise<{ state: CacheState; measurements: Measurement[] }> {
  const { headDim } = p.shape;
  const { prices, average } = p.bits;
  const nLists = keyLists(p.layout);
  const dueLists = rows.map((own) => dueOf(own, { nLists, split, apart: p.bits.weighsRows }));
  const choosers = choosersOf(dueLists, p.classes ? firstParts(p.classes.share) : CLASS_PARTS);
  const weights = await scoreChannels(p, state, { scored: p.bits, rings, run });
  const lost = await codingLosses(p, state, { ...p.bits, lists: dueLists, order, run });
  const budget = Math.floor(average * N_KV_HEADS * headDim + 1e-6);
  const length = weights.buffer.length * nLists;
  const { channels, fills, class_counts } = await run("select_bits", {
    defines: { HEAD_DIM: headDim },
    buffers: {
      ...{ scores: weights.buffer, losses: lost.losses, means: lost.means },
      due_counts: Uint32Array.from(dueLists.flat(), (own) => own.length),
      channels: new Uint32Array(length).fill(UNTOUCHED),
      fills: new Float32Array(length).fill(UNTOUCHED),
      class_counts: new Uint32Array(2 * N_KV_HEADS * nLists).fill(UNTOUCHED),
    },
    constants: {
      ...{ slot: AT.slot, layer: AT.layer, n_layers: AT.nLayers, n_kv_heads: N_KV_HEADS },
      ...{ low_price: prices[0], high_price: prices[1], shares: 1, budget, n_key_lists: nLists },
      first_parts: p.classes ? firstParts(p.classes.share) : CLASS_PARTS,
    },
  });
  const costsOf = (weight: ArrayLike<number>, losses: ArrayLike<number>) =>
    choosers.flatMap(({ kvHead, list }) =>
      Array.from({ length: headDim }, (_, c) => {
        const at = 3 * ((kvHead * nLists + list) * headDim + c);
        const own = weight[kvHead * headDim + c]!;
        return [0, 1, 2].map((of) => Math.fround(own * losses[at + of]!)) as unknown as Costs;
      })
    );
  const given = costsOf(weights.buffer.subarray(firstHead(N_KV_HEADS) * headDim), lost.losses);
  const authors = costsOf(weights.want, lost.want);
  const options = {
    ...{ prices, budget: CLASS_PARTS * budget },
    parts: (channel: number) => choosers[Math.floor(channel / headDim)]!.parts,
  };
  const start = firstHead(N_KV_HEADS) * nLists * headDim;
  const found = classesOf(channels.subarray(start), class_counts, headDim);
  const got = choosers.flatMap(({ kvHead, list }) => found[kvHead * nLists + list]!);
  const own = compareClasses(got, given, options);
  // What is no choice at all leads nowhere: the stages behind go on with the right one.
  const chosen = own.isChoice ? got : own.want;
  const lists = listsOf(
    // A list without rows is that of the one that has them.
    Array.from({ length: N_KV_HEADS * nLists }, (_, i) => {
      const head = choosers.filter(({ kvHead }) => kvHead === Math.floor(i / nLists));
      const of = head.find(({ list }) => list === i % nLists) ?? head[0]!;
      const at = choosers.indexOf(of) * headDim;
      return { classes: chosen.slice(at, at + headDim), from: of.kvHead * nLists + of.list };
    }),
    lost.means,
    { headDim, start, length },
  );
  const heads = [{ name: "head", size: N_KV_HEADS }, { name: "list", size: nLists }];
  const dims = [...heads, { name: "channel", size: headDim }];
  const ownDims = [{ name: "list that chooses", size: choosers.length }, dims.at(-1)!];
  const take = <T extends Float32Array | Uint32Array>(from: T) =>
    from.slice(start, start + N_KV_HEADS * nLists * headDim);
  return {
    state: {
      ...state,
      cache: {
        ...withBuffers(state.cache, { channels: lists.channels }),
        fills: lists.fills,
      },
      heads: state.heads.map((head, kvHead): HeadSizes => {
        const [first, second] = Array.from({ length: nLists }, (_, list): Required<KeyList> => {
          const [stored, high] = lists.counts[kvHead * nLists + list]!;
          const at = start + (kvHead * nLists + list) * headDim;
          return { channels: [...lists.channels.subarray(at, at + stored)], high };
        });
        return { ...head, key: { ...head.key, ...first!, ...(second ? { second } : {}) } };
      }),
    },
    measurements: [
      ...[weights, lost].flatMap(({ measurements }) => measurements),
      { kernel: "select bits", dims: ownDims, ...own },
      { kernel: "select bits", dims: ownDims, ...compareClasses(got, authors, options) },
      { kernel: "select bits", dims, got: take(channels), want: take(lists.channels) },
      { kernel: "select bits", dims, got: take(fills), want: take(lists.fills) },
      {
        ...{ kernel: "select bits", got: class_counts, want: lists.counts.flat() },
        dims: [...heads, { name: "channels stored, of them high", size: 2 }],
      },
    ],
  };
}

/** The classes found and those that cost least; where both cost the same but for rounding, those found. */
function compareClasses(
  got: readonly number[],
  costs: readonly Costs[],
  { prices, budget, parts }: {
    readonly prices: PlannedBits["prices"];
    readonly budget: number;
    readonly parts: (channel: number) => number;
  },
) {
  const least = selectBitsReference(costs, { prices, budget, parts });
  const sum = (of: (i: number) => number) => got.reduce((total, _, i) => total + of(i), 0);
  const priceOf = (bits: number) => bits === 0 ? 0 : prices[bits - 1]!;
  const costOf = (classes: readonly number[]) => sum((i) => costs[i]![classes[i]!]!);
  const spentBy = (classes: readonly number[]) => sum((i) => parts(i) * priceOf(classes[i]!));
  const isNear = spentBy(got) === spentBy(least) &&
    costOf(got) - costOf(least) <= NEAR_TIE * sum((i) => costs[i]![0]);
  const isChoice = spentBy(got) <= budget;
  const want = isNear ? got : least;
  return { got, want, isChoice, nearTies: sum((i) => Number(want[i] !== least[i])) };
}
