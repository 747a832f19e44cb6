/**
 * Bits per channel in f64: what each choice of bits loses of a channel, and the choice for all channels of a
 * layer that loses least at a budget. The kernels coding_losses and select_bits are held to both.
 */

import { CLASS_PARTS } from "../layout/row_classes.ts";
import type { AffineCode } from "./codes.ts";
import { codeRowsReference, decoded } from "./codes.ts";

/** What the channels of one KV head lose, by class: 0 none, 1 low, 2 high. */
export interface CodingLosses {
  /** f16-rounded mean of each channel: what it reads as without bits. */
  readonly means: Float64Array;
  /** f64 [headDim][3]: what is off, squared: its sum by weight, over all weight. */
  readonly losses: readonly (readonly [number, number, number])[];
}

/**
 * How much each row of a head counts by its score, 1 on average; all alike where none has a score.
 *
 * @param meanShare of the scores' mean in each
 */
export function rowWeightsReference(scores: readonly number[], meanShare: number): number[] {
  const mean = scores.reduce((a, b) => a + b, 0) / scores.length;
  if (!(mean > 0)) return scores.map(() => 1);
  return scores.map((score) => (1 - meanShare) * score / mean + meanShare);
}

/**
 * What rows of [headDim] lose as the code would store them.
 *
 * @param options.weights how much each row counts; absent: all alike
 * @param options.total of the weights of all rows of the head; absent: there are no others
 * @throws {TypeError} the code has one class of channels
 */
export function codingLossesReference(
  rows: readonly ArrayLike<number>[],
  code: AffineCode,
  { weights = rows.map(() => 1), total = weights.reduce((a, b) => a + b, 0) }: {
    readonly weights?: readonly number[];
    readonly total?: number;
  } = {},
): CodingLosses {
  const { low } = code;
  if (low === undefined) throw new TypeError("Cannot take losses: the code has one class");
  const headDim = rows[0]!.length;
  const read = [low, code.bits].map((bits) => codeRowsReference(rows, { ...code, bits }));
  const means = Float64Array.from(
    { length: headDim },
    (_, c) => Math.f16round(rows.reduce((sum, row) => sum + row[c]!, 0) / rows.length),
  );
  const loss = (value: (row: number, channel: number) => number, c: number) =>
    rows.reduce((sum, row, r) => sum + weights[r]! * (row[c]! - value(r, c)) ** 2, 0) / total;
  const losses = Array.from({ length: headDim }, (_, c): [number, number, number] => [
    loss(() => means[c]!, c),
    loss((r) => decoded(read[0]![r]![c]!), c),
    loss((r) => decoded(read[1]![r]![c]!), c),
  ]);
  return { means, losses };
}

/** A step to a higher class: what it wins per bit, and its bits. */
interface Upgrade {
  readonly channel: number;
  readonly to: 1 | 2;
  readonly rate: number;
  readonly price: number;
}

/** The upgrades of a channel along the lower convex hull of (bits, cost). */
function upgradesOf(
  channel: number,
  [none, low, high]: readonly [number, number, number],
  [lowPrice, highPrice]: readonly [number, number],
): Upgrade[] {
  const toLow = (none - low) / lowPrice;
  const onward = (low - high) / (highPrice - lowPrice);
  if (!(toLow >= onward)) {
    return [{ channel, to: 2, rate: (none - high) / highPrice, price: highPrice }];
  }
  return [
    { channel, to: 1, rate: toLow, price: lowPrice },
    { channel, to: 2, rate: onward, price: highPrice - lowPrice },
  ];
}

/**
 * The class of every channel of a layer, KV head after KV head, at which the summed costs are least: upgrades
 * in the order of what a bit wins, equal ones in the order of channels, while the budget holds and a bit wins
 * anything. At what is spent, no other choice costs less.
 *
 * @param costs per channel what classes 0, 1 and 2 cost
 * @param options.prices of classes 1 and 2, in each of a channel's `options.parts`; `options.budget` of all
 * channels
 *
 * @example
 * ```ts
 * import { selectBitsReference } from "./mod.ts";
 * const costs = [[8, 2, 1], [4, 3, 0], [1, 0, 0]] as const;
 * const classes = selectBitsReference(costs, { prices: [2, 4], budget: 6 });
 * if (classes.join() !== "1,2,0") throw new Error("wrong");
 * ```
 */
export function selectBitsReference(
  costs: readonly (readonly [number, number, number])[],
  { prices: [low, high], budget, parts = () => 1 }: {
    readonly prices: readonly [number, number];
    readonly budget: number;
    readonly parts?: (channel: number) => number;
  },
): number[] {
  const classes = costs.map(() => 0);
  const upgrades = costs.flatMap((cost, channel) =>
    upgradesOf(channel, cost, [parts(channel) * low, parts(channel) * high])
  )
    .filter(({ rate }) => rate > 0)
    .sort((a, b) => b.rate - a.rate || a.channel - b.channel || a.to - b.to);
  let spent = 0;
  for (const { channel, to, price } of upgrades) {
    spent += price;
    if (spent > budget) break;
    classes[channel] = to;
  }
  return classes;
}

/**
 * The classes of a layer's channels, head by head and list by list: those with rows that are due choose, all
 * together or each head by itself; a list without any gets the other's; null: no row of the head is due, and it
 * is left alone.
 *
 * @param costs per KV head, list and channel what classes 0, 1 and 2 cost
 * @param options.due rows of each list of each head; `options.firstParts` of {@linkcode CLASS_PARTS} what the
 * first of two lists is priced by; `options.budget` of all channels that are chosen together
 */
export function selectHeadBitsReference(
  costs: readonly (readonly (readonly (readonly [number, number, number])[])[])[],
  { due, shares, firstParts, budget, prices }: {
    readonly due: readonly (readonly number[])[];
    readonly shares: boolean;
    readonly firstParts: number;
    readonly prices: readonly [number, number];
    readonly budget: number;
  },
): (number[][] | null)[] {
  const classes = costs.map((): number[][] => []);
  const heads = costs.map((_, head) => head);
  for (const together of shares ? [heads] : heads.map((head) => [head])) {
    const choosing = together.flatMap((head) => {
      const lists = [0, 1].filter((list) => due[head]![list]! > 0);
      const parts = (list: number) => list === 0 ? firstParts : CLASS_PARTS - firstParts;
      return lists.map((list) => ({
        ...{ head, list, parts: lists.length === 1 ? CLASS_PARTS : parts(list) },
      }));
    });
    const n = costs[0]![0]!.length;
    const chosen = selectBitsReference(choosing.flatMap(({ head, list }) => costs[head]![list]!), {
      ...{ prices, budget: CLASS_PARTS * budget },
      parts: (channel) => choosing[Math.floor(channel / n)]!.parts,
    });
    choosing.forEach(({ head, list }, i) => {
      classes[head]![list] = chosen.slice(i * n, (i + 1) * n);
    });
  }
  return classes.map((own, head) => {
    const any = own.find((list) => list !== undefined);
    return any === undefined ? null : costs[head]!.map((_, list) => own[list] ?? any);
  });
}
