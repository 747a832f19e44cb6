/**
 * Every attention and pruning variant on every target given, against its author's function. What is run is
 * data (cases.ts); variants come from kernels/, so a new file is verified from its first minute.
 */

import type { Device } from "../device/types.ts";
import type { EmittedKernel } from "../emit/emit_kernels.ts";
import type { Renderer } from "../emit/renderer.ts";
import { sortJobs } from "./absent.ts";
import type { AbsentKernels } from "./absent.ts";
import type { Strength } from "./combinations.ts";
import { compileKernels } from "./kernels.ts";
import type { RunNamed } from "./kernels.ts";
import { jobsOf } from "./jobs.ts";
import { addCase } from "./result.ts";
import type { Check, TargetLabel } from "./result.ts";
import { selectVariants } from "./variants.ts";

/** A target and an open device of it. */
export interface VerifyTarget extends Omit<TargetLabel, "device"> {
  readonly device: Device;
}

/** What to verify, and on what. */
export interface VerifyOptions {
  readonly renderer: Renderer;
  readonly targets: readonly VerifyTarget[];
  /** Variants by name; all when empty. */
  readonly names?: readonly string[];
  /** 2 (default): every pair of choices of a case is met; 1: every choice. */
  readonly strength?: Strength;
  readonly onProgress?: (progress: VerifyProgress) => void;
}

/** How far it is. */
export interface VerifyProgress {
  readonly label: string;
  readonly done: number;
  readonly total: number;
}

/** What was found. */
export interface Verification {
  /** One per variant, kernel and target, in that order. */
  readonly checks: readonly Check[];
  readonly absent: readonly AbsentKernels[];
}

/**
 * Verifies.
 *
 * @throws {KerfError} exit code 2: unknown name; 1: a kernel cannot be rendered, compiled or run at all
 */
export async function verify(options: VerifyOptions): Promise<Verification> {
  const { targets, names = [], strength = 2, onProgress } = options;
  const renderer = remembering(options.renderer);
  const jobs = selectVariants(renderer, names)
    .flatMap((variant) => jobsOf(variant, renderer.sources, strength));
  const found = targets.map((target) => sortJobs(jobs, { renderer, target }));
  const runs: RunNamed[] = [];
  for (const [t, { device, label }] of targets.entries()) {
    runs.push(
      await compileKernels(device, renderer, {
        uses: found[t]!.jobs.flatMap((job) => job.uses),
        onProgress: ({ done, total }) =>
          onProgress?.({ label: `compiling kernels for ${label}`, done, total }),
      }),
    );
  }
  const runnable = found.map(({ jobs }) => new Set(jobs));
  const checks = new Map<string, Check>();
  for (const [i, job] of jobs.entries()) {
    onProgress?.({ label: "verifying", done: i, total: jobs.length });
    if (!runnable.some((own) => own.has(job))) continue;
    const measure = job.prepare();
    for (const [t, { target, label }] of targets.entries()) {
      if (!runnable[t]!.has(job)) continue;
      const groups = Object.groupBy(await measure(runs[t]!), (measurement) => measurement.kernel);
      for (const [kernel, measurements] of Object.entries(groups)) {
        const { variant, kind } = job;
        const key = JSON.stringify([kind, variant, kernel, label]);
        const about = { variant, kind, kernel, target, label, case: job.case };
        checks.set(key, addCase(checks.get(key), measurements!, about));
      }
    }
  }
  onProgress?.({ label: "verifying", done: jobs.length, total: jobs.length });
  return {
    checks: sorted([...checks.values()], targets.map(({ label }) => label)),
    absent: found.flatMap(({ absent }) => absent),
  };
}

/** By kernel first, so that targets stand below each other. */
function sorted(checks: readonly Check[], labels: readonly string[]): Check[] {
  const rank = new Map<string, number>();
  const groupOf = ({ kind, variant, kernel }: Check) => `${kind} ${variant} ${kernel}`;
  for (const check of checks) {
    if (!rank.has(groupOf(check))) rank.set(groupOf(check), rank.size);
  }
  return checks.toSorted((a, b) =>
    rank.get(groupOf(a))! - rank.get(groupOf(b))! ||
    labels.indexOf(a.label) - labels.indexOf(b.label)
  );
}

/** The renderer with what it rendered once kept. */
function remembering(renderer: Renderer): Renderer {
  const rendered = new Map<string, Promise<EmittedKernel>>();
  return {
    ...renderer,
    render(name, targets) {
      const key = [name, ...targets ?? []].join(" ");
      const kernel = rendered.get(key) ?? renderer.render(name, targets);
      rendered.set(key, kernel);
      return kernel;
    },
  };
}
