/**
 * The variants of a spec beside each other: their steps in the order in which they were named, and what each step
 * chooses. Declared data with numbers for its parameters; whether it may stand so is clash_rules.ts's.
 */

import type { ParamValues } from "./params.ts";
import type { Pruning, PruningStep } from "./pruning.ts";
import { channelBitsOf, isPerRow, isUsed } from "./steps.ts";

/** A variant of a spec with its numbers. */
export interface Member {
  /** What messages call it: of a wrapped variant the wrapper's name. */
  readonly name: string;
  readonly definition: Pruning;
  readonly params: ParamValues;
}

/** A step that a member's parameters leave in its place. */
export interface MemberStep<M extends Member = Member> {
  readonly own: PruningStep;
  readonly member: M;
}

/** The steps of a spec's variants, in their order. */
export const memberSteps = <M extends Member>(members: readonly M[]): MemberStep<M>[] =>
  members.flatMap((member) =>
    member.definition.steps.filter((own) => isUsed(own, member.params))
      .map((own) => ({ own, member }))
  );

/** What no two steps may both choose: which rows, which channels of a stream, its basis, how its rows are coded. */
export interface Choice {
  readonly of: "rows" | "channels" | "basis" | "codes";
  /** Rows are chosen for both. */
  readonly stream?: "key" | "value";
}

/**
 * What a step chooses. Codes of two classes of channels choose the channels too, and channels per row how
 * their rows are stored.
 */
export function choicesOf(step: PruningStep): Choice[] {
  if (step.kind === "tokens") return [{ of: "rows" }];
  const own: Choice = { of: step.kind, stream: step.of };
  if (isPerRow(step)) return [own, { of: "codes", stream: step.of }];
  const choosesChannels = step.kind === "codes" && channelBitsOf({ steps: [step] }) !== null;
  return choosesChannels ? [own, { of: "channels", stream: step.of }] : [own];
}

/** Whether a step chooses channels of keys. */
export const choosesKeyChannels = (step: PruningStep): boolean =>
  choicesOf(step).some(({ of, stream }) => of === "channels" && stream === "key");

/** The first thing that both steps choose. */
export const sharedChoice = (a: PruningStep, b: PruningStep): Choice | undefined =>
  choicesOf(a).find(({ of, stream }) =>
    choicesOf(b).some((other) => other.of === of && other.stream === stream)
  );
