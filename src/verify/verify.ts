/**
 * Every attention and pruning variant on every target given, against its author's function. What is run is
 * data (cases.ts); variants come from kernels/, so a new file is verified from its first minute.
 */

import type { Device } from "../device/types.ts";
import type { EmittedKernel } from "../emit/emit_kernels.ts";
import type { Renderer } from "../emit/renderer.ts";
import type { KernelSource } from "../emit/types.ts";
import { attentionAnswer, attentionUses, measureAttention } from "./attention.ts";
import { attentionProblem, caseLayout } from "./attention_case.ts";
import { attentionCases, describe, pruningCases } from "./cases.ts";
import type { Strength } from "./combinations.ts";
import type { Measurement } from "./compare.ts";
import { compileKernels } from "./kernels.ts";
import type { KernelUse, RunNamed } from "./kernels.ts";
import { seedOf } from "./numbers.ts";
import { measurePruning, pruningUses } from "./pruning.ts";
import { pruningProblem } from "./pruning_case.ts";
import type { PruningSources } from "./pruning_case.ts";
import { addCase } from "./result.ts";
import type { Check, TargetLabel } from "./result.ts";
import { layoutMakers, selectVariants } from "./variants.ts";

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

/** One case of one variant, ready to run. */
interface Job {
  readonly variant: string;
  readonly kind: "attention" | "pruning";
  readonly case: string;
  readonly uses: readonly KernelUse[];
  /** Makes the numbers and the reference's answer once; they serve every target. */
  readonly prepare: () => (run: RunNamed) => Promise<Measurement[]>;
}

/** The attention that a run uses unless told otherwise: pruned caches are verified under it. */
const DEFAULT_ATTENTION = "causal";

/**
 * Verifies.
 *
 * @returns one check per variant, kernel and target, in that order
 * @throws {KerfError} exit code 2: unknown name; 1: a kernel cannot be rendered, compiled or run at all
 */
export async function verify(options: VerifyOptions): Promise<Check[]> {
  const { targets, names = [], strength = 2, onProgress } = options;
  const renderer = remembering(options.renderer);
  const jobs = selectVariants(renderer, names)
    .flatMap((source) => jobsOf(source, renderer.sources, strength));
  const uses = jobs.flatMap((job) => job.uses);
  const runs: RunNamed[] = [];
  for (const { device, label } of targets) {
    runs.push(
      await compileKernels(device, renderer, {
        uses,
        onProgress: ({ done, total }) =>
          onProgress?.({ label: `compiling kernels for ${label}`, done, total }),
      }),
    );
  }
  const checks = new Map<string, Check>();
  for (const [i, job] of jobs.entries()) {
    onProgress?.({ label: "verifying", done: i, total: jobs.length });
    const measure = job.prepare();
    for (const [t, { target, label }] of targets.entries()) {
      const found = Object.groupBy(await measure(runs[t]!), (measurement) => measurement.kernel);
      for (const [kernel, measurements] of Object.entries(found)) {
        const { variant, kind } = job;
        const key = JSON.stringify([kind, variant, kernel, label]);
        const about = { variant, kind, kernel, target, label, case: job.case };
        checks.set(key, addCase(checks.get(key), measurements!, about));
      }
    }
  }
  onProgress?.({ label: "verifying", done: jobs.length, total: jobs.length });
  return sorted([...checks.values()], targets.map(({ label }) => label));
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
    render(name) {
      const kernel = rendered.get(name) ?? renderer.render(name);
      rendered.set(name, kernel);
      return kernel;
    },
  };
}

/** The cases of a variant. */
function jobsOf(
  source: KernelSource,
  sources: readonly KernelSource[],
  strength: Strength,
): Job[] {
  const { name, kind } = source.definition;
  if (kind === "attention") {
    return attentionCases(layoutMakers(sources), strength).map((given, i): Job => ({
      ...{ variant: name, kind, case: describe(given) },
      uses: attentionUses(name, caseLayout(given), given.shape),
      prepare: () => {
        const problem = attentionProblem(source, given, seedOf(name, i));
        const answer = attentionAnswer(problem);
        return (run) => measureAttention(problem, answer, run);
      },
    }));
  }
  const definitions: PruningSources = {
    variant: source,
    append: sources.find(({ definition }) => definition.name === "append")!,
    attention: defaultAttention(sources),
  };
  return pruningCases(strength).map((given, i): Job => ({
    ...{ variant: name, kind: "pruning", case: describe(given) },
    uses: pruningUses(definitions, given),
    prepare: () => {
      const problem = pruningProblem(definitions, given, seedOf(name, i));
      return (run) => measurePruning(problem, run);
    },
  }));
}

function defaultAttention(sources: readonly KernelSource[]): KernelSource {
  const all = sources.filter(({ definition }) => definition.kind === "attention");
  return all.find(({ definition }) => definition.name === DEFAULT_ATTENTION) ?? all[0]!;
}
