/** Pruning variants: one score kernel for each step that scores, by what it scores. */

import { channelHooks, rowBitsOf } from "../../dsl/steps.ts";
import type { Pruning } from "../../dsl/pruning.ts";
import type { Family, KernelSource } from "../types.ts";
import { channelScores } from "./channel_scores.ts";
import { classScores, tokenScores } from "./token_scores.ts";

const familiesOf = ({ definition }: KernelSource): Family[] => {
  const { steps } = definition as Pruning;
  return [
    ...(channelHooks({ steps }).length > 0 ? [channelScores] : []),
    ...(steps.some(({ kind }) => kind === "tokens") ? [tokenScores] : []),
    ...(rowBitsOf({ steps }) ? [classScores] : []),
  ];
};

/** The family whose head it is. @throws {TypeError} the variant has no such step */
function familyOf(source: KernelSource, head: string): Family {
  const family = familiesOf(source).find((f) => f.heads(source).includes(head));
  if (family !== undefined) return family;
  throw new TypeError(`Cannot emit "${head}": "${source.definition.name}" has no such step`);
}

/** The family of pruning variants. */
export const pruning: Family = Object.freeze<Family>({
  kind: "pruning",
  heads: (source) => familiesOf(source).flatMap((family) => family.heads(source)),
  variants: (source, shipped, head) => familyOf(source, head).variants(source, shipped, head),
  emit: (source, request, target) => familyOf(source, request.head).emit(source, request, target),
});
