/** The rules that hold for any two steps: nothing is chosen twice, and steps run in one order. */

import type { Remedy, Rule } from "./clash_rule.ts";
import { memberSteps, sharedChoice } from "./members.ts";
import type { Choice, Member, MemberStep } from "./members.ts";
import type { PruningStep } from "./pruning.ts";

type Kind = PruningStep["kind"];

/** The order in which steps run. */
const ORDER: readonly Kind[] = ["tokens", "channels", "basis", "codes"];
const DEED: Readonly<Record<Kind, string>> = {
  tokens: "rows are evicted",
  channels: "channels are pruned",
  basis: "streams are turned",
  codes: "rows are coded",
};

const CHOICE: Readonly<Record<Exclude<Choice["of"], "channels">, string>> = {
  rows: "which rows stay, and a head has one list of rows",
  basis: "the basis of a stream, and it has one",
  codes: "how rows are coded, and a row is coded once",
};

const choiceText = ({ of, stream }: Choice): string =>
  of === "channels" ? `${stream} channels, and a head has one channel list` : CHOICE[of];

/** Two steps choose one thing. */
export const chooseOnce: Rule = (before, after) => {
  const choice = sharedChoice(before.own, after.own);
  if (!choice) return null;
  const why = `both choose ${choiceText(choice)}`;
  return { deed: "choose", why, remedy: leaveShared(before, after) };
};

/** A step stands behind one that runs after it. */
export const runInOrder: Rule = (before, after, members) => {
  const [first, then] = [after.own.kind, before.own.kind];
  if (ORDER.indexOf(then) <= ORDER.indexOf(first)) return null;
  const why = `${DEED[first]} before ${DEED[then]}`;
  return { deed: "run", why, remedy: inOrder(after, members) };
};

/** The later of two members leaves to the earlier what both choose, where its parameters can say so. */
function leaveShared({ member: before }: MemberStep, { member: after }: MemberStep): Remedy {
  const [theirs, own] = [before, after].map((member) => memberSteps([member]));
  const shared = own!.filter((step) => theirs!.some(({ own }) => sharedChoice(own, step.own)));
  const off = shared.map(({ own }) => "if" in own ? own.if : null);
  const isLess = before !== after && shared.length < own!.length;
  return isLess && off.every((name) => typeof name === "string")
    ? { off, of: after }
    : { without: after };
}

/** Members in the order that their first steps run; without the later one where they are in it. */
function inOrder({ member: after }: MemberStep, members: readonly Member[]): Remedy {
  const place = (member: Member) =>
    Math.min(...memberSteps([member]).map(({ own }) => ORDER.indexOf(own.kind)));
  const order = members.toSorted((a, b) => place(a) - place(b));
  return order.every((member, i) => member === members[i]) ? { without: after } : { order };
}
