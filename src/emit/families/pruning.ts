/** Pruning variants: one score kernel for each step that scores, by what it scores. */

import { isScored } from "../../dsl/pruning.ts";
import type { Pruning, PruningStep } from "../../dsl/pruning.ts";
import type { Family, KernelSource } from "../types.ts";
import { channelScores } from "./channel_scores.ts";
import { classScores, tokenScores } from "./token_scores.ts";

const BY_STEP = { channels: channelScores, tokens: tokenScores } as const;

function familyOfStep(step: PruningStep): Family[] {
  if (isScored(step)) return [BY_STEP[step.kind]];
  return step.kind === "codes" && typeof step.bits === "object" ? [classScores] : [];
}

const familiesOf = ({ definition }: KernelSource): Family[] => [
  ...new Set((definition as Pruning).steps.flatMap(familyOfStep)),
];

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
