/**
 * What every protocol is to the evaluation: cases, each a prompt and what is measured once it is compressed.
 * A case sees the full cache first, and keeps of it what the others are compared with.
 */

import type { CompressedRun } from "./run.ts";

/** One number. */
export interface Measurement {
  /** The task it belongs to, as `--task` names it. */
  readonly task: string;
  readonly metric: string;
  readonly value: number;
}

/** What one spec gave in one case. */
export interface Measured<Trace> {
  readonly values: readonly Measurement[];
  /** Numbers along positions, for reports. */
  readonly series?: Readonly<Record<string, readonly number[]>>;
  /** What other specs are compared with, if this was the full cache. */
  readonly trace: Trace;
}

/** Where a case stands among its like, such as the length and depth of a needle. */
export type CaseLabels = Readonly<Record<string, number | string>>;

/** A prompt and what is measured of it. */
export interface EvalCase<Trace = unknown> {
  /** Cases of a protocol give the same metrics. */
  readonly protocol: string;
  /** Whose numbers they are. */
  readonly tasks: readonly string[];
  /** Of the same name for every spec: results are paired by it. */
  readonly passage: string;
  readonly labels?: CaseLabels;
  /** Prefilled with the full cache, then compressed once. */
  readonly prompt: readonly number[];
  /** Tokens that follow at most: prompt and these must fit the context. */
  readonly nFollowing: number;
  /** What its numbers depend on beside the prompt, as JSON. */
  readonly identity: unknown;
  /** Whether the full cache's trace is needed. */
  readonly isCompared: boolean;
  /** @param full the full cache's trace; null: this is the full cache, or it is not needed */
  measure(run: CompressedRun, full: Trace | null): Promise<Measured<Trace>>;
}
