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
}

/** The jobs that a target can run, and what it lacks for the others. */
export async function sortJobs(
  jobs: readonly Job[],
  { renderer, target: { target, label } }: {
    readonly renderer: Pick<Renderer, "render">;
    readonly target: Pick<TargetLabel, "target" | "label">;
  },
): Promise<{ jobs: Job[]; absent: AbsentKernels[] }> {
  const runnable: Job[] = [];
  const lacking = new Map<string, AbsentKernels & { readonly kernels: string[] }>();
  for (const job of jobs) {
    const missing: string[] = [];
    for (const { name } of job.uses) {
      const { texts } = await renderer.render(name);
      if (texts[target] === undefined) missing.push(name.split("__")[0]!);
    }
    if (missing.length === 0) {
      runnable.push(job);
      continue;
    }
    const { variant, kind } = job;
    const key = `${kind} ${variant}`;
    const entry = lacking.get(key) ?? { variant, kind, label, kernels: [] };
    lacking.set(key, { ...entry, kernels: [...new Set([...entry.kernels, ...missing])].sort() });
  }
  return { jobs: runnable, absent: [...lacking.values()] };
}
