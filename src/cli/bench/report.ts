/** Rows of a benchmark as Markdown, CSV, JSON or JSON lines. */

import { formatBytes } from "../../core/bytes.ts";
import { markdownTable } from "./markdown_table.ts";
import type { BenchTest } from "./measure.ts";
import { testName } from "./row.ts";
import type { BenchRow, PeerColumns } from "./row.ts";
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
  const header = [
    ...["model", "size", "params", "backend", "threads", "prune", "cache", "test"],
    ...["t/s", "median", "kv stored", "of dense", "kv peak", "process peak"],
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
    // A row of several sequences has no peers.
    ...(row.vs?.flatMap(peerCells) ?? peers.flatMap(() => ["", ""])),
  ]);
  return markdownTable(header, cells, 8);
}

const typesOf = ({ type_k, type_v }: Pick<BenchRow, "type_k" | "type_v">) =>
  type_k === type_v ? type_k : `${type_k}/${type_v}`;

function peerCells(peer: PeerColumns): string[] {
  const [least, middle, most] = [peer.ratio_min, peer.ratio_median, peer.ratio_max]
    .map((ratio) => ratio.toFixed(2));
  return [median(peer.samples_ts).toFixed(1), `${middle} (${least} … ${most})`];
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
