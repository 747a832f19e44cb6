/** The cases of variants, each ready to run: its kernels, its numbers and the reference's answer. */

import { readsKeyOrder } from "../emit/key_order.ts";
import type { KernelSource } from "../emit/types.ts";
import { layoutOf } from "../layout/make.ts";
import { hasRowClasses } from "../layout/row_classes.ts";
import { hasCodes } from "../layout/types.ts";
import type { Layout } from "../layout/types.ts";
import { attentionAnswer, measureAttention } from "./attention.ts";
import { attentionProblem, caseLayout } from "./attention_case.ts";
import { attentionUses } from "./attention_kernels.ts";
import { clashOf, layoutNameOf } from "./compositions.ts";
import { attentionCases, compositionCases, pruningCases } from "./cases.ts";
import { describe } from "./describe_case.ts";
import type { AttentionCase, PruningCase } from "./cases.ts";
import type { Strength } from "./combinations.ts";
import type { Measurement } from "./compare.ts";
import { fitted } from "./fitted_case.ts";
import type { KernelUse, RunNamed } from "./kernels.ts";
import { seedOf } from "./numbers.ts";
import { measurePruning, pruningUses } from "./pruning.ts";
import { layoutSteps, pruningProblem } from "./pruning_case.ts";
import type { PruningSources } from "./pruning_case.ts";
import { layoutMakers } from "./variants.ts";
import type { VerifiedVariant } from "./variants.ts";
import { roundedJobs } from "./rounded_jobs.ts";

/** One case of one variant, ready to run. */
export interface Job {
  readonly variant: string;
  readonly kind: VerifiedVariant["kind"];
  readonly case: string;
  readonly uses: readonly KernelUse[];
  /** Whether a target may lack what it uses: nothing asks for it there, and nothing is said. */
  readonly mayLack?: boolean;
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
    ...roundedJobs(variants, sources, defaultAttention(sources)),
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
  return cases.map(({ variant: { name, sources: [source] }, ...chosen }, i): Job => {
    const wanted = seenInOrder(source!, chosen);
    const layout = caseLayout(wanted);
    const given = fitted(wanted, layout);
    return {
      ...{ variant: name, kind: "attention", case: describe(given, null) },
      uses: attentionUses(name, layout, given.shape),
      prepare: () => {
        const problem = attentionProblem(source!, given, seedOf(name, i));
        const answer = attentionAnswer(problem);
        return (run) => measureAttention(problem, answer, run);
      },
    };
  });
}

/** A case without a cut that leaves rows in another order than the variant reads them in. */
function seenInOrder({ funcs }: KernelSource, given: AttentionCase): AttentionCase {
  return hasRowClasses(caseLayout(given)) && readsKeyOrder(funcs) ? { ...given, cut: null } : given;
}

/** A prompt of which two units of rows at least are coded: its length counts from where the first is due. */
function longEnough(given: PruningCase, { key, value }: Layout): PruningCase {
  const flushes = [key, value].flatMap(({ segments }) => segments.at(-1)!.flush ?? []);
  const units = flushes.map(({ rows, unit = rows }) => unit);
  const unit = Math.max(0, ...units);
  const due = Math.max(0, ...flushes.map(({ atRows, rows }, i) => atRows - rows + units[i]!));
  // One row stays one: nothing is coded.
  const isShort = given.cached > 1 && given.cached < due + unit;
  return isShort ? { ...given, cached: given.cached + due } : given;
}

function pruningJobs(
  variants: readonly VerifiedVariant[],
  sources: readonly KernelSource[],
  strength: Strength,
): Job[] {
  const append = sources.find(({ definition }) => definition.name === "append")!;
  const attention = defaultAttention(sources);
  const plans = variants.map(({ name, isFile, sources: own }) => {
    const definitions: PruningSources = { variants: own, append, attention };
    return { name, isFile, definitions, steps: layoutSteps(definitions) };
  });
  const layouts = [...new Set(variants.map(layoutNameOf))];
  const layoutIndex = (plan: typeof plans[number]) =>
    layouts.indexOf(layoutNameOf(variants[plans.indexOf(plan)]!));
  const files = plans.filter(({ isFile }) => isFile);
  const composed = plans.filter(({ isFile }) => !isFile);
  const casesOfComposed = files.length > 0 ? compositionCases : pruningCases;
  const cases = [
    ...pruningCases(files, strength, layoutIndex),
    ...casesOfComposed(composed, strength, layoutIndex),
  ];
  return cases.flatMap(({ variant, ...wanted }, i): Job[] => {
    const { name, definitions, steps } = variant;
    const layoutWith = (params: PruningCase["params"]) =>
      layoutOf(layoutSteps(definitions, params), wanted.types);
    // A case stays one of the variant's where its parameters ask for what no run makes, or for nothing.
    const isOff = () => hasCodes(layoutWith("default")) && !hasCodes(layoutWith(wanted.params));
    const clashes = clashOf([{ name, sources: definitions.variants }], wanted.params) !== undefined;
    const params = clashes || isOff() ? "default" : wanted.params;
    const layout = layoutWith(params);
    const given = longEnough(fitted({ ...wanted, params }, layout), layout);
    return [{
      ...{ variant: name, kind: "pruning", case: describe(given, steps) },
      uses: pruningUses(definitions, given),
      prepare: () => {
        const problem = pruningProblem(definitions, given, seedOf(name, i));
        return (run) => measurePruning(problem, run);
      },
    }];
  });
}

function defaultAttention(sources: readonly KernelSource[]): KernelSource {
  const all = sources.filter(({ definition }) => definition.kind === "attention");
  return all.find(({ definition }) => definition.name === DEFAULT_ATTENTION) ?? all[0]!;
}
