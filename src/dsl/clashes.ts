/**
 * Whether the variants of a spec may stand together, and what may instead: readers of the rules in clash_rules.ts.
 * What fits a model's sizes, or a budget, is not asked here.
 */

import type { Refusal, Remedy } from "./clash_rule.ts";
import { CLASH_RULES } from "./clash_rules.ts";

import { memberSteps } from "./members.ts";
import type { Member, MemberStep } from "./members.ts";
import type { Pruning } from "./pruning.ts";

/** Two members that cannot stand together. */
export interface Clash extends Refusal {
  /** Who, and why. */
  readonly message: string;
  /** The variant that has both steps, which is its author's to mend; null: they are of two. */
  readonly within: Pruning | null;
}

/**
 * What clashes among the variants of a spec, the first told first; none: they compose.
 *
 * @param members in the order in which they were named
 *
 * @example
 * ```ts
 * import { channels, meanSquare, pruning } from "./mod.ts";
 * import { clashesOf } from "./clashes.ts";
 * const step = channels({
 *   of: "key",
 *   group: "mean",
 *   window: 1,
 *   score: (q) => meanSquare(q),
 *   remove: 0.5,
 * });
 * const one = { name: "one", params: {}, definition: pruning({ name: "one", steps: [step] }) };
 * const [clash] = clashesOf([one, { ...one, name: "other" }]);
 * if (!clash?.message.startsWith('Cannot combine "one" and "other"')) throw new Error("wrong");
 * ```
 */
export function clashesOf(members: readonly Member[]): Clash[] {
  const steps = memberSteps(members);
  const pairs = steps.flatMap((after, i) => steps.slice(0, i).map((before) => ({ before, after })));
  return CLASH_RULES.flatMap((rule) =>
    pairs.flatMap(({ before, after }): Clash[] => {
      const refusal = rule(before, after, members);
      if (!refusal) return [];
      const within = before.member === after.member ? before.member.definition : null;
      return [{ ...refusal, message: messageOf(refusal, { before, after }), within }];
    })
  );
}

/** Steps of two members by their names, of one by their places in its file. */
function messageOf(
  { deed, how = "", why }: Refusal,
  { before, after }: Readonly<Record<"before" | "after", MemberStep>>,
): string {
  const [first, then] = [before, after].map(({ member }) => `"${member.name}"`);
  if (before.member === after.member) {
    const { name, steps } = before.member.definition;
    const [i, j] = [before, after].map(({ own }) => steps.indexOf(own));
    const both = deed === "choose" ? ` ${why}` : `${how}: ${why}`;
    return `Cannot use "${name}": steps[${i}] and steps[${j}]${both}`;
  }
  return deed === "run"
    ? `Cannot run ${then} after ${first}: ${why}`
    : `Cannot combine ${first}${how} and ${then}: ${why}`;
}

/**
 * The members of a spec that compose, once every clash is mended in turn.
 *
 * @param withZero a member with these parameters of its own at 0
 */
export function mended<M extends Member>(
  members: readonly M[],
  withZero: (member: M, params: readonly string[]) => M,
): readonly M[] {
  const [clash] = clashesOf(members);
  if (!clash) return members;
  return mended(remedied(members, { remedy: clash.remedy, withZero }), withZero);
}

function remedied<M extends Member>(
  members: readonly M[],
  { remedy, withZero }: {
    readonly remedy: Remedy;
    readonly withZero: (member: M, params: readonly string[]) => M;
  },
): readonly M[] {
  if ("order" in remedy) {
    return members.toSorted((a, b) => remedy.order.indexOf(a) - remedy.order.indexOf(b));
  }
  if ("without" in remedy) return members.filter((member) => member !== remedy.without);
  return members.map((member) => member === remedy.of ? withZero(member, remedy.off) : member);
}
