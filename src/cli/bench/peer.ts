/** llama.cpp's llama-bench as the peer: one repetition of one test a call, on the same file. */

import { KerfError } from "../../core/error.ts";
import { runCommand } from "../../sys/command.ts";
import type { BenchTest } from "./measure.ts";

/** How the peer runs. */
export interface PeerOptions {
  readonly program: string;
  readonly model: string;
  readonly threads: number;
  readonly cacheTypes: { readonly key: string; readonly value: string };
}

/**
 * Tokens per second of one run of the peer.
 *
 * @throws {KerfError} it failed, or printed something else
 */
export async function runPeer(options: PeerOptions, test: BenchTest): Promise<number> {
  const { program, model, threads, cacheTypes } = options;
  const args = [
    ...["-m", model, "-t", String(threads), "-r", "1", "-o", "json"],
    ...["-p", String(test.nPrompt), "-n", String(test.nGen), "-d", String(test.nDepth)],
    ...["-ctk", cacheTypes.key, "-ctv", cacheTypes.value],
  ];
  const { code, stdout, stderr } = await runCommand(program, args);
  if (code !== 0) {
    throw new KerfError(`Cannot measure "${program}": it ended with code ${code}`, {
      hint: stderr.trim().split("\n").at(-1) ?? "",
    });
  }
  try {
    return (JSON.parse(stdout) as { avg_ts: number }[])[0]!.avg_ts;
  } catch {
    throw new KerfError(`Cannot read what "${program}" printed: it is not llama-bench's JSON`, {
      hint: "--vs PATH/llama-bench",
    });
  }
}
