/**
 * What share of the memory's bandwidth decoding reaches: steps and loops that only read, in turns, so that both
 * have the same company on a machine that others use too.
 */

import { quantile } from "../../eval/statistics.ts";
import { formatBytes } from "../../core/bytes.ts";
import { giga } from "./kernel_rows.ts";
import { median } from "./spread.ts";

/** One turn: bytes a second. */
export interface ReadTurn {
  /** What a step has to read once, by the time it took. */
  readonly step: number;
  /** A buffer as large, read by a loop that does nothing else. */
  readonly read: number;
}

/** Turns together; shares are those of each turn. */
export interface ReadShare {
  readonly step: "decode";
  readonly what: "share of the bandwidth beside it";
  readonly n_turns: number;
  readonly bytes: number;
  readonly bytes_s: number;
  readonly read_bytes_s: number;
  readonly read_low: number;
  readonly read_high: number;
  readonly of_read: number;
  readonly of_read_low: number;
  readonly of_read_high: number;
}

/** Medians over the turns, least and most. */
export function readShare(bytes: number, turns: readonly ReadTurn[]): ReadShare {
  const reads = turns.map(({ read }) => read);
  const shares = turns.map(({ step, read }) => step / read);
  return {
    ...{ step: "decode", what: "share of the bandwidth beside it", n_turns: turns.length, bytes },
    bytes_s: median(turns.map(({ step }) => step)),
    ...{ read_bytes_s: median(reads), read_low: quantile(reads, 0), read_high: quantile(reads, 1) },
    ...{ of_read: median(shares) },
    ...{ of_read_low: quantile(shares, 0), of_read_high: quantile(shares, 1) },
  };
}

const percent = (share: number) => (100 * share).toFixed(0);

/** The share as a sentence. */
export const readShareText = (
  share: ReadShare,
  { nDepth, threads }: { readonly nDepth: number; readonly threads: number },
): string =>
  `Decoding after ${nDepth} tokens reads weights and cache, ${formatBytes(share.bytes)}, at ` +
  `${giga(share.bytes_s)} GB/s: ${percent(share.of_read)} % (${percent(share.of_read_low)} … ` +
  `${percent(share.of_read_high)}) of what ${threads} thread${
    threads === 1 ? " reads" : "s read"
  } ` +
  `of a buffer as large, ${giga(share.read_bytes_s)} GB/s (${giga(share.read_low)} … ` +
  `${giga(share.read_high)}); medians of ${share.n_turns} interleaved pairs\n`;
