/** Rows of a benchmark in llama-bench's spelling, as Markdown, CSV, JSON or JSON lines. */

import { basename } from "@std/path";
import { formatBytes } from "../../core/bytes.ts";
import { markdownTable } from "./markdown_table.ts";
import type { BenchSample, BenchTest } from "./measure.ts";
import type { PeerOptions, PeerRun } from "./peer.ts";

/** What was measured of one spec and test. Speeds are tokens per second. */
export interface BenchRow {
  readonly build_commit: string;
  readonly machine: string;
  readonly backends: string;
  readonly model_filename: string;
  readonly model_type: string;
  /** Bytes of all tensors. */
  readonly model_size: number;
  readonly model_n_params: number;
  readonly n_batch: number;
  readonly n_ubatch: number;
  readonly n_threads: number;
  readonly type_k: string;
  readonly type_v: string;
  readonly prune: string;
  readonly n_prompt: number;
  readonly n_gen: number;
  readonly n_depth: number;
  readonly n_parallel: number;
  /** When the last sample ended, ISO 8601. */
  readonly test_time: string;
  readonly avg_ns: number;
  readonly stddev_ns: number;
  readonly avg_ts: number;
  readonly median_ts: number;
  readonly stddev_ts: number;
  readonly samples_ns: readonly number[];
  readonly samples_ts: readonly number[];
  readonly kv_dense_bytes: number;
  readonly kv_stored_bytes: number;
  readonly kv_allocated_bytes: number;
  readonly kv_peak_bytes: number;
  readonly peak_rss_bytes: number;
  /** With --vs: each peer's speeds, and the ratio ours / theirs pair by pair. */
  readonly vs?: readonly PeerColumns[];
}

/** A peer's part of a row. */
export interface PeerColumns {
  readonly model_filename: string;
  readonly type_k: string;
  readonly type_v: string;
  readonly flash_attn: 0 | 1;
  readonly samples_ts: readonly number[];
  readonly ratio_median: number;
  readonly ratio_min: number;
  readonly ratio_max: number;
}

/** What was measured of a peer, one run for each of ours. */
export interface PeerSamples {
  readonly options: PeerOptions;
  readonly runs: readonly PeerRun[];
}

/** The middle of the sorted values; the mean of the two middle ones when there are an even number. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

/** Sample standard deviation; 0 for one value. */
export function standardDeviation(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const average = mean(values);
  return Math.sqrt(values.reduce((sum, x) => sum + (x - average) ** 2, 0) / (values.length - 1));
}

/** What the rows of one spec have in common. */
export type SharedColumns = Pick<
  BenchRow,
  | ("build_commit" | "machine" | "backends" | "n_threads" | "n_batch" | "n_ubatch")
  | ("model_filename" | "model_type" | "model_size" | "model_n_params")
  | ("type_k" | "type_v" | "prune")
>;

function peerColumns({ options, runs }: PeerSamples, speeds: readonly number[]): PeerColumns {
  const { cacheTypes, model } = options;
  const ratios = runs.map(({ tokensPerSecond }, i) => speeds[i]! / tokensPerSecond);
  return {
    model_filename: basename(model),
    type_k: cacheTypes.key,
    type_v: cacheTypes.value,
    flash_attn: runs[0]!.flashAttention,
    samples_ts: runs.map(({ tokensPerSecond }) => tokensPerSecond),
    ratio_median: median(ratios),
    ratio_min: Math.min(...ratios),
    ratio_max: Math.max(...ratios),
  };
}

/** A row from its samples, and those of the peers. */
export function rowOf(
  shared: SharedColumns,
  test: BenchTest,
  measured: {
    readonly samples: readonly BenchSample[];
    readonly peers: readonly PeerSamples[];
    readonly peakRssBytes: number;
  },
): BenchRow {
  const speeds = measured.samples.map((sample) => sample.tokensPerSecond);
  const nanoseconds = measured.samples.map(({ ms }) => Math.round(1e6 * ms));
  const { kv } = measured.samples.at(-1)!;
  return {
    ...shared,
    n_prompt: test.nPrompt,
    n_gen: test.nGen,
    n_depth: test.nDepth,
    n_parallel: test.nParallel,
    test_time: new Date().toISOString(),
    avg_ns: Math.round(mean(nanoseconds)),
    stddev_ns: Math.round(standardDeviation(nanoseconds)),
    avg_ts: mean(speeds),
    median_ts: median(speeds),
    stddev_ts: standardDeviation(speeds),
    samples_ns: nanoseconds,
    samples_ts: speeds,
    kv_dense_bytes: kv.denseBytes,
    kv_stored_bytes: kv.storedBytes,
    kv_allocated_bytes: kv.allocatedBytes,
    kv_peak_bytes: kv.peakBytes,
    peak_rss_bytes: measured.peakRssBytes,
    ...(measured.peers.length === 0
      ? {}
      : { vs: measured.peers.map((peer) => peerColumns(peer, speeds)) }),
  };
}

/** llama-bench's name of a test: `pp512 @ d4096`. */
export function testName({ nPrompt, nGen, nDepth, nParallel }: BenchTest): string {
  const what = nPrompt > 0 ? `pp${nPrompt}` : `tg${nGen}`;
  return what + (nDepth > 0 ? ` @ d${nDepth}` : "") + (nParallel > 1 ? ` × ${nParallel}` : "");
}

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
