/** Kernels that a target has no template for yet: the cases that need one are not run there, and it is said. */

import type { Renderer } from "../emit/renderer.ts";
import type { Job } from "./jobs.ts";
import type { TargetLabel } from "./result.ts";

/** What a target lacks of a variant. */
export interface AbsentKernels {
  readonly variant: string;
  readonly kind: Job["kind"];
  /** Of the target. */
  readonly label: string;
  /** By name, without the layout; sorted. */
  readonly kernels: readonly string[];
  /** How many of the variant's cases need one of them. */
  readonly cases: number;
  readonly of: number;
}

/** The jobs that a target can run, and what it lacks for the others. */
export function sortJobs(
  jobs: readonly Job[],
  { renderer, target: { target, label } }: {
    readonly renderer: Pick<Renderer, "lacks">;
    readonly target: Pick<TargetLabel, "target" | "label">;
  },
): { jobs: Job[]; absent: AbsentKernels[] } {
  const known = new Map<string, boolean>();
  const isMissing = (name: string): boolean => {
    const lacks = known.get(name) ?? renderer.lacks(name, target);
    known.set(name, lacks);
    return lacks;
  };
  const runnable: Job[] = [];
  const lacking = new Map<string, AbsentKernels & { readonly kernels: string[] }>();
  for (const job of jobs) {
    const missing = job.uses.map(({ name }) => name).filter(isMissing)
      .map((name) => name.split("__")[0]!);
    if (missing.length === 0) runnable.push(job);
    if (missing.length === 0 || job.mayLack) continue;
    const { variant, kind } = job;
    const key = `${kind} ${variant}`;
    const own = jobs.filter((one) => one.variant === variant && one.kind === kind && !one.mayLack);
    const none = { variant, kind, label, kernels: [], cases: 0, of: own.length };
    const entry = lacking.get(key) ?? none;
    const kernels = [...new Set([...entry.kernels, ...missing])].sort();
    lacking.set(key, { ...entry, kernels, cases: entry.cases + 1 });
  }
  return { jobs: runnable, absent: [...lacking.values()] };
}
