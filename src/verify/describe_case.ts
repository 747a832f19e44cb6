/** A case in words, as reports and failures name it. */

import type { LayoutSteps } from "../layout/steps.ts";
import { widthsOf } from "./case_choices.ts";
import type { AttentionCase, Kept, PruningCase } from "./cases.ts";

/** What stays of a head's rows, in words. */
const ROWS_KEPT: Readonly<Record<Kept, string>> = {
  mixed: "40 % of the rows and all but one",
  one: "one row",
  all: "all rows",
};

function keptText(kept: Kept, { steps }: LayoutSteps, headDim: number): string[] {
  const kinds = new Set(steps.map(({ kind }) => kind));
  const parts = [
    ...(kinds.has("tokens") ? [ROWS_KEPT[kept]] : []),
    ...(kinds.has("channels") ? [`${widthsOf(kept, headDim).join(" and ")} channels`] : []),
  ];
  return parts.length === 0 ? [] : [`keeps ${parts.join(", ")}`];
}

/**
 * A case in few words: `k f16, v f32, 4 : 1, headDim 128, 33 + 11 rows, small params, outliers`.
 *
 * @param steps of the variant, where the case has none of its own
 */
export function describe(given: AttentionCase | PruningCase, steps: LayoutSteps | null): string {
  const { types, shape, cached, nQuery, params, numbers } = given;
  const cut = "kept" in given ? { kept: given.kept, pruning: steps! } : given.cut;
  return [
    `k ${types.key}, v ${types.value}, ${shape.group} : 1, headDim ${shape.headDim}`,
    `${cached} + ${nQuery} rows`,
    ...(cut ? keptText(cut.kept, cut.pruning, shape.headDim) : []),
    ...(params === "default" ? [] : [`${params} params`]),
    ...(numbers === "outliers" ? ["outliers"] : []),
    ...("ahead" in given && given.ahead > 0 ? [`${given.ahead} positions ahead`] : []),
  ].join(", ");
}
