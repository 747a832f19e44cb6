/** The cases of variants, each ready to run: its kernels, its numbers and the reference's answer. */

import { KerfError } from "../core/error.ts";
import type { KernelSource } from "../emit/types.ts";
import { layoutOf } from "../layout/make.ts";
import type { LayoutSteps } from "../layout/make.ts";
import { attentionAnswer, attentionUses, measureAttention } from "./attention.ts";
import { attentionProblem, caseLayout } from "./attention_case.ts";
import { attentionCases, describe, pruningCases } from "./cases.ts";
import type { Strength } from "./combinations.ts";
import type { Measurement } from "./compare.ts";
import type { KernelUse, RunNamed } from "./kernels.ts";
import { seedOf } from "./numbers.ts";
import { measurePruning, pruningUses } from "./pruning.ts";
import { layoutSteps, pruningProblem } from "./pruning_case.ts";
import type { PruningSources } from "./pruning_case.ts";
import { layoutMakers } from "./variants.ts";
import type { VerifiedVariant } from "./variants.ts";

/** One case of one variant, ready to run. */
export interface Job {
  readonly variant: string;
  readonly kind: VerifiedVariant["kind"];
  readonly case: string;
  readonly uses: readonly KernelUse[];
  /** Makes the numbers and the reference's answer once; they serve every target. */
  readonly prepare: () => (run: RunNamed) => Promise<Measurement[]>;
}

/** The attention that a run uses unless told otherwise: pruned caches are verified under it. */
const DEFAULT_ATTENTION = "causal";

/** The cases of variants, in their order. */
export function jobsOf(
  variants: readonly VerifiedVariant[],
  sources: readonly KernelSource[],
  strength: Strength,
): Job[] {
  const jobs = [
    ...attentionJobs(variants.filter(({ kind }) => kind === "attention"), sources, strength),
    ...pruningJobs(variants.filter(({ kind }) => kind === "pruning"), sources, strength),
  ];
  return variants.flatMap(({ name, kind }) =>
    jobs.filter((job) => job.variant === name && job.kind === kind)
  );
}

function attentionJobs(
  variants: readonly VerifiedVariant[],
  sources: readonly KernelSource[],
  strength: Strength,
): Job[] {
  const cases = attentionCases(variants, layoutMakers({ sources }), strength);
  return cases.map(({ variant: { name, sources: [source] }, ...given }, i): Job => ({
    ...{ variant: name, kind: "attention", case: describe(given, null) },
    uses: attentionUses(name, caseLayout(given), given.shape),
    prepare: () => {
      const problem = attentionProblem(source!, given, seedOf(name, i));
      const answer = attentionAnswer(problem);
      return (run) => measureAttention(problem, answer, run);
    },
  }));
}

function pruningJobs(
  variants: readonly VerifiedVariant[],
  sources: readonly KernelSource[],
  strength: Strength,
): Job[] {
  const append = sources.find(({ definition }) => definition.name === "append")!;
  const attention = defaultAttention(sources);
  const plans = variants.map(({ name, sources: own }) => {
    const definitions: PruningSources = { variants: own, append, attention };
    const steps = layoutSteps(definitions);
    refusePlaces(name, steps);
    return { name, definitions, steps };
  });
  return pruningCases(plans, strength).map(({ variant, ...given }, i): Job => {
    const { name, definitions, steps } = variant;
    return {
      ...{ variant: name, kind: "pruning", case: describe(given, steps) },
      uses: pruningUses(definitions, given),
      prepare: () => {
        const problem = pruningProblem(definitions, given, seedOf(name, i));
        return (run) => measurePruning(problem, run);
      },
    };
  });
}

/** @throws {KerfError} keys are rotated by their place, which no stage here follows */
function refusePlaces(name: string, steps: LayoutSteps): void {
  if (layoutOf(steps, { key: "f16", value: "f16" }).positions === "true") return;
  throw new KerfError(`Cannot verify "${name}": its positions are in the cache by default`, {
    hint: 'let a parameter decide, positions: { cacheIf: "in_cache" }, and verify true positions',
    exitCode: 2,
  });
}

function defaultAttention(sources: readonly KernelSource[]): KernelSource {
  const all = sources.filter(({ definition }) => definition.kind === "attention");
  return all.find(({ definition }) => definition.name === DEFAULT_ATTENTION) ?? all[0]!;
}
