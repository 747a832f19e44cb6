/**
 * How many bits each key channel of a layer gets: weighed, measured, chosen. The choice is held to what costs
 * least at the budget; where two choices spend the same and cost the same but for rounding, either may be made,
 * and channels that differ are counted.
 */

import { selectBitsReference } from "../reference/channel_bits.ts";
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

/** What a place holds that no kernel wrote. */
const UNTOUCHED = 99;

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
  { rows, order, rings, run }: {
    /** Per KV head, places in the full segment of the rows that are about to be coded. */
    readonly rows: readonly (readonly number[])[];
    readonly order: RowOrder | null;
    readonly rings: Rings;
    readonly run: RunNamed;
  },
): Promise<{ state: CacheState; measurements: Measurement[] }> {
  const { headDim } = p.shape;
  const { weighsRows, prices, average } = p.bits;
  const weights = await scoreChannels(p, state, { scored: p.bits, rings, run });
  const lost = await codingLosses(p, state, { rows, order, weighsRows, run });
  const nChannels = N_KV_HEADS * headDim;
  const budget = Math.floor(average * nChannels + 1e-6);
  const start = firstHead(N_KV_HEADS) * headDim;
  const { channels, fills, class_counts } = await run("select_bits", {
    defines: { HEAD_DIM: headDim },
    buffers: {
      ...{ scores: weights.buffer, losses: lost.losses, means: lost.means },
      due_counts: Uint32Array.from(rows, (own) => own.length),
      channels: new Uint32Array(weights.buffer.length).fill(UNTOUCHED),
      fills: new Float32Array(weights.buffer.length).fill(UNTOUCHED),
      class_counts: new Uint32Array(2 * N_KV_HEADS).fill(UNTOUCHED),
    },
    constants: {
      ...{ slot: AT.slot, layer: AT.layer, n_layers: AT.nLayers, n_kv_heads: N_KV_HEADS },
      ...{ low_price: prices[0], high_price: prices[1], shares: 1, budget },
    },
  });
  const costsOf = (weight: ArrayLike<number>, losses: ArrayLike<number>) =>
    Array.from(
      { length: nChannels },
      (_, c) =>
        [0, 1, 2].map((of) => Math.fround(weight[c]! * losses[3 * c + of]!)) as unknown as Costs,
    );
  const given = costsOf(weights.buffer.subarray(start), lost.losses);
  const authors = costsOf(weights.want, lost.want);
  const got = classesOf(channels.subarray(start), class_counts, headDim);
  const own = compareClasses(got, given, { prices, budget });
  // What is no choice at all leads nowhere: the stages behind go on with the right one.
  const classes = own.isChoice ? got : own.want;
  const lists = listsOf(classes, lost.means, { headDim, length: channels.length });
  const dims = [{ name: "head", size: N_KV_HEADS }, { name: "channel", size: headDim }];
  const take = <T extends Float32Array | Uint32Array>(from: T) =>
    from.slice(start, start + nChannels);
  return {
    state: {
      ...state,
      cache: {
        ...withBuffers(state.cache, { channels: lists.channels }),
        fills: lists.fills,
      },
      heads: state.heads.map((head, kvHead): HeadSizes => {
        const [stored, high] = lists.counts[kvHead]!;
        const first = start + kvHead * headDim;
        const own = [...lists.channels.subarray(first, first + stored)];
        return { ...head, key: { ...head.key, channels: own, high } };
      }),
    },
    measurements: [
      ...[weights, lost].flatMap(({ measurements }) => measurements),
      { kernel: "select bits", dims, ...own },
      { kernel: "select bits", dims, ...compareClasses(got, authors, { prices, budget }) },
      { kernel: "select bits", dims, got: take(channels), want: take(lists.channels) },
      { kernel: "select bits", dims, got: take(fills), want: take(lists.fills) },
      {
        ...{ kernel: "select bits", got: class_counts, want: lists.counts.flat() },
        dims: [{ name: "head", size: N_KV_HEADS }, {
          name: "channels stored, of them high",
          size: 2,
        }],
      },
    ],
  };
}

/** The class of every channel by its place in its head's list. */
function classesOf(channels: Uint32Array, counts: Uint32Array, headDim: number): number[] {
  const classes = new Array<number>(N_KV_HEADS * headDim).fill(0);
  for (let kvHead = 0; kvHead < N_KV_HEADS; kvHead++) {
    const [stored, high] = counts.subarray(2 * kvHead, 2 * kvHead + 2);
    channels.subarray(kvHead * headDim, (kvHead + 1) * headDim).forEach((channel, place) => {
      if (channel >= headDim) return;
      classes[kvHead * headDim + channel] = place < high! ? 2 : place < stored! ? 1 : 0;
    });
  }
  return classes;
}

/** Lists as `select_bits` leaves them: each class ascending, the high one first, and what the others read as. */
function listsOf(
  classes: readonly number[],
  means: Float32Array,
  { headDim, length }: { readonly headDim: number; readonly length: number },
) {
  const channels = new Uint32Array(length).fill(UNTOUCHED);
  const fills = new Float32Array(length).fill(UNTOUCHED);
  const counts = Array.from({ length: N_KV_HEADS }, (_, kvHead) => {
    const own = classes.slice(kvHead * headDim, (kvHead + 1) * headDim);
    const of = (wanted: number) => own.flatMap((is, c) => is === wanted ? [c] : []);
    const stored = [...of(2), ...of(1)];
    const start = (firstHead(N_KV_HEADS) + kvHead) * headDim;
    channels.set([...stored, ...of(0)], start);
    fills.set([...stored.map(() => 0), ...of(0).map((c) => means[kvHead * headDim + c]!)], start);
    return [stored.length, of(2).length] as const;
  });
  return { channels, fills, counts };
}

/** The classes found and those that cost least; where both cost the same but for rounding, those found. */
function compareClasses(
  got: readonly number[],
  costs: readonly Costs[],
  { prices, budget }: { readonly prices: PlannedBits["prices"]; readonly budget: number },
) {
  const least = selectBitsReference(costs, { prices, budget });
  const sum = (of: (i: number) => number) => got.reduce((total, _, i) => total + of(i), 0);
  const priceOf = (bits: number) => bits === 0 ? 0 : prices[bits - 1]!;
  const costOf = (classes: readonly number[]) => sum((i) => costs[i]![classes[i]!]!);
  const spentBy = (classes: readonly number[]) => sum((i) => priceOf(classes[i]!));
  const isNear = spentBy(got) === spentBy(least) &&
    costOf(got) - costOf(least) <= NEAR_TIE * sum((i) => costs[i]![0]);
  const isChoice = spentBy(got) <= budget;
  const want = isNear ? got : least;
  return { got, want, isChoice, nearTies: sum((i) => Number(want[i] !== least[i])) };
}
