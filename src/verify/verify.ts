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
import type { Measurement } from "./compare.ts";
import type { RunNamed } from "./kernels.ts";
import { jobsOf } from "./jobs.ts";
import type { Job } from "./jobs.ts";
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

/**
 * Cases that are under way together: a graphics device answers each read 10 ms late, whatever else it does
 * meanwhile.
 */
const AT_A_TIME = 6;

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
  const jobs = jobsOf(selectVariants(renderer, names), renderer.sources, strength);
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
  /** A case on every target that can run it. */
  async function measureOn(job: Job): Promise<(readonly Measurement[])[]> {
    if (!runnable.some((own) => own.has(job))) return [];
    const measure = job.prepare();
    return await Promise.all(runs.map((run, t) => runnable[t]!.has(job) ? measure(run) : []));
  }
  for (let i = 0; i < jobs.length; i += AT_A_TIME) {
    onProgress?.({ label: "verifying", done: i, total: jobs.length });
    const some = jobs.slice(i, i + AT_A_TIME);
    for (const [j, perTarget] of (await Promise.all(some.map(measureOn))).entries()) {
      const { variant, kind, case: name } = some[j]!;
      for (const [t, found] of perTarget.entries()) {
        const { target, label } = targets[t]!;
        const groups = Object.groupBy(found, (measurement) => measurement.kernel);
        for (const [kernel, measurements] of Object.entries(groups)) {
          const key = JSON.stringify([kind, variant, kernel, label]);
          const about = { variant, kind, kernel, target, label, case: name };
          checks.set(key, addCase(checks.get(key), measurements!, about));
        }
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
