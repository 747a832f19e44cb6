/**
 * The cases of attention that rounds what meets the cache: one for each layout that the variants make of f16, under
 * the attention that runs use unless told otherwise, and one for each attention variant over one with codes. A
 * target may have no such kernels: no engine asks for them there, so nothing is absent.
 */

import { readsKeyOrder } from "../emit/key_order.ts";
import type { KernelSource } from "../emit/types.ts";
import { layoutName } from "../layout/name.ts";
import { hasRowClasses } from "../layout/row_classes.ts";
import { hasCodes, meetsRounded } from "../layout/types.ts";
import { attentionAnswer, measureAttention } from "./attention.ts";
import { attentionProblem, caseLayout } from "./attention_case.ts";
import { attentionUses } from "./attention_kernels.ts";
import { N_KV_HEADS } from "./cases.ts";
import { describe } from "./describe_case.ts";
import type { AttentionCase } from "./cases.ts";
import { codedRows } from "./coded_rows.ts";
import { fitted } from "./fitted_case.ts";
import type { Job } from "./jobs.ts";
import { seedOf } from "./numbers.ts";
import { layoutSteps } from "./pruning_case.ts";
import { layoutMakers } from "./variants.ts";
import type { VerifiedVariant } from "./variants.ts";
import { sizedByLargest } from "./rounded_rows.ts";

/** Two queries, of which decoding has the last; far-off numbers, of which rounding takes more than f32 may be off. */
const CASE: Omit<AttentionCase, "cut"> = {
  types: { key: "f16", value: "f16" },
  shape: { group: 3, headDim: 64 },
  ...{ cached: 300, nQuery: 2, params: "default", numbers: "outliers", ahead: 0 },
};

const caseOf = (pruning: ReturnType<typeof layoutSteps>): AttentionCase => {
  const given: AttentionCase = { ...CASE, cut: { pruning, kept: "mixed" } };
  return fitted(given, caseLayout(given));
};

/** The cases of variants, in their order. @param attention what pruned caches are read by */
export function roundedJobs(
  variants: readonly VerifiedVariant[],
  sources: readonly KernelSource[],
  attention: KernelSource,
): Job[] {
  const made = layoutMakers({ sources }).map(caseOf);
  const known = new Set<string>();
  return variants.flatMap(({ name, kind, sources: own }): Job[] => {
    if (kind === "attention") {
      const given = made.find((one) => hasCodes(caseLayout(one)) && isReadBy(own[0]!, one));
      return given ? [jobOf({ name, kind, given }, own[0]!)] : [];
    }
    const given = caseOf(layoutSteps({ variants: own }));
    const layout = layoutName(caseLayout(given));
    if (known.has(layout) || !isReadBy(attention, given)) return [];
    known.add(layout);
    return [jobOf({ name, kind, given }, attention)];
  });
}

/** Whether an attention reads a case's cache, and rounds what meets it. */
function isReadBy({ funcs }: KernelSource, given: AttentionCase): boolean {
  const layout = caseLayout(given);
  return meetsRounded(layout) && !(hasRowClasses(layout) && readsKeyOrder(funcs));
}

function jobOf(
  { name, kind, given }: Pick<VerifiedVariant, "name" | "kind"> & { readonly given: AttentionCase },
  attention: KernelSource,
): Job {
  return {
    ...{ variant: name, kind, case: describe(given, null), mayLack: true },
    uses: attentionUses(attention.definition.name, caseLayout(given), {
      ...{ ...given.shape, rounds: true },
    }),
    prepare: () => {
      const { written, ...problem } = attentionProblem(attention, given, seedOf(name, 0));
      const codes = written.map((head, kvHead) =>
        codedRows(problem.cache, head, { kvHead, nKvHeads: N_KV_HEADS })
      );
      const heads = problem.heads.map((head, kvHead) => sizedByLargest(head, codes[kvHead]!));
      const coded = { ...problem, heads, codes };
      const answer = attentionAnswer(coded);
      return (run) => measureAttention(coded, answer, run);
    },
  };
}
