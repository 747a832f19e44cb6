/**
 * Static channels from scores over a text: how much each channel matters to its head, and how many channels
 * every head is given of a common budget. Reads numbers only; it knows no model and no variant.
 */

/** Sizes of the scores. */
export interface ScoreSizes {
  readonly nHeads: number;
  readonly headDim: number;
}

/**
 * The mean over passages of each channel's share of its head's scores, so that no passage, layer or head
 * weighs more than another.
 *
 * @param passages scores of each passage, f32 [nHeads, headDim], none negative
 * @returns f32 [nHeads, headDim]; a head's shares sum to 1, or to 0 where all its scores are
 */
export function channelShares(
  passages: readonly Float32Array[],
  { nHeads, headDim }: ScoreSizes,
): Float32Array<ArrayBuffer> {
  const shares = new Float64Array(nHeads * headDim);
  for (const scores of passages) {
    for (let head = 0; head < nHeads; head++) {
      const own = scores.subarray(head * headDim, (head + 1) * headDim);
      const total = own.reduce((sum, score) => sum + score, 0);
      if (total > 0) own.forEach((score, c) => shares[head * headDim + c]! += score / total);
    }
  }
  return Float32Array.from(shares, (share) => share / passages.length);
}

/** A budget of channels. */
export interface ChannelBudget {
  /** Share of all channels that goes. */
  readonly ratio: number;
  /** Share of its channels that a head keeps at least. */
  readonly floor: number;
  /** Widths are whole multiples of this. */
  readonly multiple: number;
}

/**
 * Widths of heads under one budget: each keeps its floor, then the largest shares of all heads are taken,
 * `multiple` channels at a time, until no more fit.
 *
 * @param shares f32 [nHeads, headDim]
 * @returns u32 [nHeads], multiples of `multiple` or headDim, at least 1
 */
export function headWidths(
  shares: Float32Array,
  { nHeads, headDim }: ScoreSizes,
  { ratio, floor, multiple }: ChannelBudget,
): Uint32Array<ArrayBuffer> {
  const step = (width: number) => Math.min(headDim, width + multiple);
  const first = step(Math.max(0, Math.ceil(floor * headDim / multiple) - 1) * multiple);
  const widths = new Uint32Array(nHeads).fill(first);
  let left = Math.round((1 - ratio) * nHeads * headDim) - nHeads * first;
  const ordered = Array.from(
    { length: nHeads },
    (_, head) => shares.slice(head * headDim, (head + 1) * headDim).sort().reverse(),
  );
  /** Mean share of the channels that a head would get next. */
  const gain = (head: number) => {
    const [from, to] = [widths[head]!, step(widths[head]!)];
    return ordered[head]!.subarray(from, to).reduce((sum, share) => sum + share, 0) / (to - from);
  };
  while (true) {
    let best = -1;
    for (let head = 0; head < nHeads; head++) {
      const fits = widths[head]! < headDim && step(widths[head]!) - widths[head]! <= left;
      if (fits && (best < 0 || gain(head) > gain(best))) best = head;
    }
    if (best < 0) return widths;
    left -= step(widths[best]!) - widths[best]!;
    widths[best] = step(widths[best]!);
  }
}
