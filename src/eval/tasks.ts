/** The tasks that `--task` names, each a protocol's share of the numbers. */

import { GENERATED_TASKS } from "./generated_tasks.ts";

/** A task. */
export interface Task {
  /** Where its cases come from. */
  readonly kind: "continuation" | "chunks" | "agreement" | "needle" | "generated";
  /** The metric that says most: specs are told apart by it. */
  readonly metric: string;
}

/** Every task by name. */
export const TASKS: Readonly<Record<string, Task>> = Object.freeze({
  ppl: { kind: "continuation", metric: "dnll" },
  kl: { kind: "continuation", metric: "kl" },
  agree: { kind: "agreement", metric: "agree" },
  "llama-ppl": { kind: "chunks", metric: "dnll" },
  needle: { kind: "needle", metric: "needle" },
  ...Object.fromEntries(
    GENERATED_TASKS.map((name) => [name, { kind: "generated", metric: "answer_nll" } as const]),
  ),
});

/** What is evaluated when nothing is named. */
export const DEFAULT_TASKS: readonly string[] = Object.freeze(["ppl", "kl"]);

/** The metric that says most of a task; of a user's own it is the answer's. */
export const mainMetric = (task: string): string => TASKS[task]?.metric ?? "answer_nll";
