/**
 * llama.cpp's llama-bench as the peer: one repetition of one test a call. A peer is a model file and a cache
 * type; with and without flash attention it is tried once a test, and the faster way is measured.
 */

import { KerfError } from "../../core/error.ts";
import { runCommand } from "../../sys/command.ts";
import type { BenchTest } from "./measure.ts";

/** How a peer runs. */
export interface PeerOptions {
  readonly program: string;
  readonly model: string;
  readonly threads: number;
  readonly cacheTypes: { readonly key: string; readonly value: string };
}

/** One run of a peer. */
export interface PeerRun {
  readonly tokensPerSecond: number;
  readonly flashAttention: 0 | 1;
}

const isPlain = (type: string) => type === "f16" || type === "f32" || type === "bf16";

/** The ways to run: values that are codes need flash attention. */
const waysOf = ({ cacheTypes: { value } }: PeerOptions): readonly (0 | 1)[] =>
  isPlain(value) ? [0, 1] : [1];

/**
 * Runs a peer once, the faster of its ways.
 *
 * @throws {KerfError} as {@linkcode runPeer}
 */
export async function bestOfPeer(options: PeerOptions, test: BenchTest): Promise<PeerRun> {
  const runs: PeerRun[] = [];
  for (const flashAttention of waysOf(options)) {
    runs.push(await runPeer(options, test, flashAttention));
  }
  return runs.reduce((best, run) => run.tokensPerSecond > best.tokensPerSecond ? run : best);
}

/**
 * Runs a peer once.
 *
 * @throws {KerfError} it failed, or printed something else
 */
export async function runPeer(
  options: PeerOptions,
  test: BenchTest,
  flashAttention: 0 | 1,
): Promise<PeerRun> {
  const { program, model, threads, cacheTypes } = options;
  const args = [
    ...["-m", model, "-t", String(threads), "-r", "1", "-o", "json"],
    ...["-p", String(test.nPrompt), "-n", String(test.nGen), "-d", String(test.nDepth)],
    ...["-ctk", cacheTypes.key, "-ctv", cacheTypes.value, "-fa", String(flashAttention)],
  ];
  const { code, stdout, stderr } = await runCommand(program, args, {
    hint: "--vs PATH/llama-bench, which llama.cpp's build leaves in its build/bin/",
  });
  if (code !== 0) {
    throw new KerfError(`Cannot measure "${program}": it ended with code ${code}`, {
      hint: stderr.trim().split("\n").at(-1) ?? "",
    });
  }
  try {
    const [{ avg_ts }] = JSON.parse(stdout) as [{ avg_ts: number }];
    return { tokensPerSecond: avg_ts, flashAttention };
  } catch {
    throw new KerfError(`Cannot read what "${program}" printed: it is not llama-bench's JSON`, {
      hint: "--vs PATH/llama-bench",
    });
  }
}
