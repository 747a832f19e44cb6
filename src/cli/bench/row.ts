/** What was measured of one spec and test, in llama-bench's spelling: from samples to a row. */

import { basename } from "@std/path";
import { mean } from "../../eval/statistics.ts";
import type { BenchSample, BenchTest } from "./measure.ts";
import type { PeerOptions, PeerRun } from "./peer.ts";
import { median, standardDeviation } from "./spread.ts";

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
  /** With --busy: the speeds beside processes that keep every processor busy. */
  readonly busy?: BusyColumns;
  /** With --vs: each peer's speeds, and the ratio ours / theirs pair by pair. */
  readonly vs?: readonly PeerColumns[];
}

/** What busy processes make of a row: how many times longer it takes, pair by pair. */
export interface BusyColumns {
  readonly n_processes: number;
  readonly samples_ts: readonly number[];
  readonly slowdown_median: number;
  readonly slowdown_min: number;
  readonly slowdown_max: number;
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

/** What was measured beside busy processes, one sample for each undisturbed one. */
export interface BusySamples {
  readonly nProcesses: number;
  readonly samples: readonly BenchSample[];
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

function busyColumns({ nProcesses, samples }: BusySamples, speeds: readonly number[]): BusyColumns {
  const slowdowns = samples.map(({ tokensPerSecond }, i) => speeds[i]! / tokensPerSecond);
  return {
    n_processes: nProcesses,
    samples_ts: samples.map(({ tokensPerSecond }) => tokensPerSecond),
    slowdown_median: median(slowdowns),
    slowdown_min: Math.min(...slowdowns),
    slowdown_max: Math.max(...slowdowns),
  };
}

/** A row from its samples, those beside busy processes, and those of the peers. */
export function rowOf(
  shared: SharedColumns,
  test: BenchTest,
  measured: {
    readonly samples: readonly BenchSample[];
    readonly peers: readonly PeerSamples[];
    readonly busy?: BusySamples | undefined;
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
    ...(measured.busy ? { busy: busyColumns(measured.busy, speeds) } : {}),
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
