/** Rows of a benchmark as Markdown, CSV, JSON or JSON lines. */

import { formatBytes } from "../../core/bytes.ts";
import { markdownTable } from "./markdown_table.ts";
import type { BenchTest } from "./measure.ts";
import { testName } from "./row.ts";
import type { BenchRow, BusyColumns, PeerColumns } from "./row.ts";
import { median } from "./spread.ts";

const testOf = (row: BenchRow): BenchTest => ({
  nPrompt: row.n_prompt,
  nGen: row.n_gen,
  nDepth: row.n_depth,
  nParallel: row.n_parallel,
});

function markdown(rows: readonly BenchRow[]): string {
  const peers = rows.find(({ vs }) => vs !== undefined)?.vs ?? [];
  const severalFiles = new Set(peers.map((peer) => peer.model_filename)).size > 1;
  const nameOf = (peer: PeerColumns) =>
    `llama.cpp ${severalFiles ? `${peer.model_filename} ` : ""}${typesOf(peer)}`;
  const busy = rows[0]?.busy;
  const header = [
    ...["model", "size", "params", "backend", "threads", "prune", "cache", "test"],
    ...["t/s", "median", "kv stored", "of dense", "kv peak", "process peak"],
    ...(busy ? [`beside ${busy.n_processes} busy`, "times longer"] : []),
    ...peers.flatMap((peer) => [nameOf(peer), "ratio"]),
  ];
  const cells = rows.map((row) => [
    row.model_type,
    formatBytes(row.model_size),
    `${(row.model_n_params / 1e6).toFixed(2)} M`,
    row.backends,
    String(row.n_threads),
    row.prune,
    typesOf(row),
    testName(testOf(row)),
    `${row.avg_ts.toFixed(1)} ± ${row.stddev_ts.toFixed(1)}`,
    row.median_ts.toFixed(1),
    formatBytes(row.kv_stored_bytes),
    `${(100 * row.kv_stored_bytes / row.kv_dense_bytes).toFixed(1)} %`,
    formatBytes(row.kv_peak_bytes),
    formatBytes(row.peak_rss_bytes),
    ...(row.busy ? busyCells(row.busy) : []),
    // A row of several sequences has no peers.
    ...(row.vs?.flatMap(peerCells) ?? peers.flatMap(() => ["", ""])),
  ]);
  return markdownTable(header, cells, 8);
}

const typesOf = ({ type_k, type_v }: Pick<BenchRow, "type_k" | "type_v">) =>
  type_k === type_v ? type_k : `${type_k}/${type_v}`;

const busyCells = ({ samples_ts, ...busy }: BusyColumns) =>
  pairedCells(samples_ts, [busy.slowdown_min, busy.slowdown_median, busy.slowdown_max]);

const peerCells = ({ samples_ts, ...peer }: PeerColumns) =>
  pairedCells(samples_ts, [peer.ratio_min, peer.ratio_median, peer.ratio_max]);

/** The middle speed, and ratios as `2.00 (1.00 … 4.00)`. */
function pairedCells(speeds: readonly number[], ratios: readonly number[]): string[] {
  const [least, middle, most] = ratios.map((ratio) => ratio.toFixed(2));
  return [median(speeds).toFixed(1), `${middle} (${least} … ${most})`];
}

const csvCell = (value: unknown) => {
  const isNumbers = Array.isArray(value) && value.every((item) => typeof item === "number");
  const text = isNumbers
    ? value.join(" ")
    : typeof value === "object"
    ? JSON.stringify(value)
    : String(value ?? "");
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

function csv<T extends object>(rows: readonly T[]): string {
  const keys = [...new Set(rows.flatMap((row) => Object.keys(row)))] as (keyof T & string)[];
  return [keys.join(","), ...rows.map((row) => keys.map((key) => csvCell(row[key])).join(","))]
    .join("\n") + "\n";
}

/** Output formats. */
export type BenchFormat = "md" | "csv" | "json" | "jsonl";

/** All rows in a format that programs read. */
export function formatObjects<T extends object>(
  rows: readonly T[],
  format: Exclude<BenchFormat, "md">,
): string {
  switch (format) {
    case "csv":
      return csv(rows);
    case "json":
      return JSON.stringify(rows, null, 2) + "\n";
    case "jsonl":
      return rows.map((row) => JSON.stringify(row) + "\n").join("");
  }
}

/** All rows in a format. */
export const formatRows = (rows: readonly BenchRow[], format: BenchFormat): string =>
  format === "md" ? markdown(rows) : formatObjects(rows, format);
