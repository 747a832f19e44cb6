/** The tasks that `--task` names, each a protocol's share of the numbers. */

/** A task. */
export interface Task {
  /** The protocol whose cases give it. */
  readonly protocol: string;
  /** The metric that says most: specs are told apart by it. */
  readonly metric: string;
  readonly summary: string;
}

/** Every task by name. */
export const TASKS: Readonly<Record<string, Task>> = Object.freeze({
  ppl: {
    protocol: "continuation",
    metric: "dnll",
    summary: "perplexity of the tokens behind a compressed passage",
  },
  kl: {
    protocol: "continuation",
    metric: "kl",
    summary: "KL divergence from the full cache over the same tokens, and the same top token",
  },
});

/** What is evaluated when nothing is named. */
export const DEFAULT_TASKS: readonly string[] = Object.freeze(["ppl", "kl"]);
