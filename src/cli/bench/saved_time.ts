/**
 * What pruning pays: the share of attention's time in a step that a spec saves over the share of the cache's bytes
 * that it saves, against another spec, turn by turn.
 */

import { formatBytes } from "../../core/bytes.ts";
import { quantile } from "../../eval/statistics.ts";
import { markdownTable } from "./markdown_table.ts";
import { median } from "./spread.ts";

/** One turn of decoding steps under one spec. */
export interface AttentionTurn {
  /** Of all kernels of attention, over the layers. */
  readonly ns: number;
  /** Of the cache's rows, which a step reads once. */
  readonly bytes: number;
}

/** The turns of one spec. */
export interface AttentionTurns {
  readonly prune: string;
  readonly turns: readonly AttentionTurn[];
}

/** One spec beside the first: medians over the turns; what is saved is of each turn's own pair. */
export interface SavedRow {
  readonly step: "decode";
  readonly what: "attention's time saved over bytes saved";
  readonly n_depth: number;
  readonly prune: string;
  readonly against: string;
  readonly n_turns: number;
  readonly attention_ns: number;
  readonly against_ns: number;
  readonly cache_bytes: number;
  readonly against_bytes: number;
  /** Shares of the first spec's; less than 0: more is needed. */
  readonly time_saved: number;
  readonly bytes_saved: number;
  /** The one over the other, with the smallest and the largest turn's; null: no byte is saved. */
  readonly saved_ratio: number | null;
  readonly saved_ratio_low: number | null;
  readonly saved_ratio_high: number | null;
}

/** Each spec beside the first one, whose turns its own alternated with. */
export function savedRows(
  nDepth: number,
  [first, ...others]: readonly [AttentionTurns, ...AttentionTurns[]],
): SavedRow[] {
  const middle = (turns: readonly AttentionTurn[], key: keyof AttentionTurn) =>
    median(turns.map((turn) => turn[key]));
  return others.map(({ prune, turns }) => {
    const saved = (key: keyof AttentionTurn) =>
      turns.map((turn, i) => 1 - turn[key] / first.turns[i]![key]);
    const [times, bytes] = [saved("ns"), saved("bytes")];
    const ratios = bytes.every((share) => share > 0) ? times.map((t, i) => t / bytes[i]!) : null;
    return {
      ...{ step: "decode", what: "attention's time saved over bytes saved" },
      ...{ n_depth: nDepth, prune, against: first.prune, n_turns: turns.length },
      ...{ attention_ns: middle(turns, "ns"), against_ns: middle(first.turns, "ns") },
      ...{ cache_bytes: middle(turns, "bytes"), against_bytes: middle(first.turns, "bytes") },
      ...{ time_saved: median(times), bytes_saved: median(bytes) },
      saved_ratio: ratios && median(ratios),
      saved_ratio_low: ratios && quantile(ratios, 0),
      saved_ratio_high: ratios && quantile(ratios, 1),
    };
  });
}

/** The rows, one at least, as a table of Markdown, each depth's behind the spec that they are held to. */
export function savedText(rows: readonly SavedRow[]): string {
  const ms = (ns: number) => (ns / 1e6).toFixed(3);
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const cells = rows.flatMap((row, i) => {
    const depth = String(row.n_depth);
    const against = [row.against, depth, ms(row.against_ns), formatBytes(row.against_bytes)];
    const own = [row.prune, depth, ms(row.attention_ns), formatBytes(row.cache_bytes)];
    const saved = [percent(row.time_saved), percent(row.bytes_saved), ratioText(row)];
    const isFirst = row.n_depth !== rows[i - 1]?.n_depth;
    return [...(isFirst ? [[...against, "", "", ""]] : []), [...own, ...saved]];
  });
  const header = ["prune", "depth", "attention ms", "cache read", "time saved", "bytes saved"];
  return "Attention of a step beside the cache it reads, medians of " +
    `${rows[0]!.n_turns} interleaved turns:\n\n` +
    markdownTable([...header, "time ÷ bytes"], cells, 1);
}

/** The middle turn's ratio, the smallest and the largest. */
function ratioText(row: SavedRow): string {
  const [least, middle, most] = [row.saved_ratio_low, row.saved_ratio, row.saved_ratio_high]
    .map((ratio) => ratio?.toFixed(2));
  return middle === undefined ? "" : `${middle} (${least} … ${most})`;
}
