/**
 * Arguments of what decides the bits of channels: rows whose losses are taken, and losses among which
 * select_bits chooses. The same for every target.
 */

import { randomFrom } from "./_kernel.ts";
import { AT, writeCache } from "./_kv_cache.ts";
import type { HeadRows } from "./_kv_cache.ts";

/** Rows that are to be coded. */
export interface LossesCase {
  /** Rows of the cache, of which the first `nRows` are to be coded; of one head after the other, if not alike. */
  readonly rows: number;
  readonly nRows: number | readonly number[];
  readonly headDim: number;
  readonly type: "f16" | "f32";
  readonly to: string;
  /** Rows come in an order of their own, and count by their scores and a share of these' mean. */
  readonly ordered?: boolean;
  readonly mean?: number;
  /** Of ordered rows those of the first of two lists, at most; absent: there is one. */
  readonly first?: number;
  /** … which are all 0. */
  readonly scoreless?: boolean;
  readonly nKvHeads?: number;
}

/** Rows of each head that are to be coded. */
export const dueOf = ({ nRows, nKvHeads = 2 }: LossesCase): number[] =>
  Array.from({ length: nKvHeads }, (_, i) => typeof nRows === "number" ? nRows : nRows[i]!);

/** The same of each list. */
export const listRowsOf = (given: LossesCase): number[][] =>
  dueOf(given).map((n) =>
    given.first === undefined ? [n] : [Math.min(n, given.first), n - Math.min(n, given.first)]
  );

/** The rows of head `kvHead` in an order of their own, and what each counts. */
export const orderOf = (n: number, kvHead: number) =>
  Array.from({ length: n }, (_, i) => (i * 37 + 5 * kvHead) % n);
export const scoreOf = (row: number, kvHead: number) => Math.fround(1 / (1 + row % 50) + kvHead);

/** A constant channel, one far off, one with an outlier in every other group, and plain ones. */
const rowsOf = ({ rows, headDim }: LossesCase, random: () => number) =>
  Array.from({ length: rows }, (_, r) =>
    Float32Array.from({ length: headDim }, (_, c) => {
      if (c === 3) return -2.5;
      if (c === 1) return Math.f16round(3000 + 8 * random());
      return Math.f16round(random() * (c === 5 && r % 128 === 7 ? 900 : 1));
    }));

/** The cache of a case, and how `coding_losses` runs on it. */
export function lossesRun(given: LossesCase) {
  const { headDim, type, to, ordered = false, scoreless = false, mean = 0, nKvHeads = 2 } = given;
  const lists = listRowsOf(given).flat();
  const due = dueOf(given);
  const maxRows = Math.max(...due);
  const random = randomFrom(headDim + maxRows);
  const heads = Array.from({ length: nKvHeads }, (): HeadRows => {
    const keys = rowsOf(given, random);
    return { keys, values: keys, nListed: 0, channels: [] };
  });
  const cache = writeCache(`k_${to}_${type}t16_v_f16t1`, heads, { headDim });
  const { pages, arena } = cache.buffers;
  const n = lists.length * headDim;
  // What lies behind a head's own rows is another one's, and nobody's to read.
  const perRow = (of: (kvHead: number) => number[]) =>
    heads.flatMap((_, kvHead) => [...of(kvHead), ...Array(maxRows - due[kvHead]!).fill(99999)]);
  const scoresOf = (kvHead: number) =>
    Array.from({ length: due[kvHead]! }, (_, row) => scoreless ? 0 : scoreOf(row, kvHead));
  const order = Uint32Array.from(perRow((kvHead) => orderOf(due[kvHead]!, kvHead)));
  const run = {
    defines: { HEAD_DIM: headDim },
    buffers: {
      ...{ pages, arena, due_counts: Uint32Array.from(lists) },
      ...(ordered ? { order, token_scores: Float32Array.from(perRow(scoresOf)) } : {}),
      losses: new Float32Array(3 * n).fill(NaN),
      means: new Float32Array(n).fill(NaN),
    },
    constants: {
      ...cache.constants,
      ...{ slot: AT.slot, n_kv_heads: nKvHeads, key_page: cache.firstPages[1]! },
      n_channels: headDim,
      ...(ordered
        ? {
          ...{ max_rows: maxRows, weighs_rows: 1, mean_share: mean },
          n_key_lists: lists.length / nKvHeads,
        }
        : {}),
    },
  };
  return { name: `${ordered ? "ordered_" : ""}coding_losses__${type}t16__${to}`, run, heads };
}

/** The largest size of each channel of a head. */
export const channelSizes = ({ keys }: HeadRows): number[] =>
  Array.from(keys[0]!, (_, c) => Math.max(...keys.map((key) => Math.abs(key[c]!))));

/**
 * How far losses of a head may be off.
 *
 * @param want [headDim][3]
 * @param options.mean how far the mean may be, in shares of a channel's size
 */
export const lossBound = (
  want: ArrayLike<number>,
  { sizes, mean }: { readonly sizes: readonly number[]; readonly mean: number },
) =>
(i: number): number => {
  // Differences carry a rounding of values as large as a channel's, squares and sums a few more.
  const off = sizes[Math.floor(i / 3)]! * Math.max(i % 3 === 0 ? mean : 0, 2 ** -22);
  return 2 * Math.sqrt(want[i]!) * off + off ** 2 + want[i]! * 2 ** -18;
};

/** A channel to choose bits for: what its errors weigh, and what each class loses. */
export interface ChannelLoss {
  readonly weight: number;
  readonly none: number;
  readonly low: number;
  readonly high: number;
}

/** Channels of a layer's lists, and what they may cost. */
export interface BitsCase {
  /** Of the heads' lists; the channels of a head weigh as those of its first one. */
  readonly channels: readonly ChannelLoss[];
  /** Lists of a head, and the parts of its rows that the first of two is priced by. */
  readonly nLists?: 1 | 2;
  readonly firstParts?: number;
  readonly headDim: number;
  readonly prices: readonly [low: number, high: number];
  readonly budget: number;
  /** Lists none of whose rows are due; whether heads choose together. */
  readonly idle?: readonly number[];
  readonly shares?: boolean;
}

/** Slot and layer of {@linkcode bitsRun}, and how many there are. */
export const BITS_AT = { slot: 1, nSlots: 2, layer: 2, nLayers: 3 } as const;

/** How `select_bits` runs on a case; what it may not write is 99 and −7. */
export function bitsRun(
  {
    channels,
    headDim,
    prices,
    budget,
    idle = [],
    shares = true,
    nLists = 1,
    firstParts = 256,
  }: BitsCase,
) {
  const { slot, nSlots, layer, nLayers } = BITS_AT;
  const n = channels.length;
  const start = (slot * nLayers + layer) * n;
  const size = nSlots * nLayers * n;
  const scores = new Float32Array(size / nLists).fill(NaN);
  const isFirst = (_: unknown, c: number) => Math.floor(c / headDim) % nLists === 0;
  scores.set(channels.filter(isFirst).map(({ weight }) => weight), start / nLists);
  const run = {
    defines: { HEAD_DIM: headDim },
    buffers: {
      scores,
      // What nobody measured would win every bit.
      losses: Float32Array.from(
        channels.flatMap(({ none, low, high }, c) =>
          idle.includes(Math.floor(c / headDim)) ? [1e30, 1e20, 0] : [none, low, high]
        ),
      ),
      means: Float32Array.from(channels, (_, c) => c + 0.5),
      due_counts: Uint32Array.from({ length: n / headDim }, (_, i) => idle.includes(i) ? 0 : 64),
      channels: new Uint32Array(size).fill(99),
      fills: new Float32Array(size).fill(-7),
      class_counts: new Uint32Array(2 * n / headDim).fill(99),
    },
    constants: {
      ...{ slot, layer, n_layers: nLayers, n_kv_heads: n / headDim / nLists, budget },
      ...{ shares: shares ? 1 : 0, n_key_lists: nLists, first_parts: firstParts },
      ...{ low_price: prices[0], high_price: prices[1] },
    },
  };
  return { run, start };
}
