/**
 * What cannot stand together in a spec: a table of rules over declared data, each for a step and one behind it,
 * with the reason and with what to leave out. The engine refuses by it, `verify` composes by it; no rule knows a
 * variant's name.
 */

import { amountOf } from "./accumulator.ts";
import { chooseOnce, runInOrder } from "./clash_order.ts";
import { turnOff } from "./clash_rule.ts";
import type { Refusal, Rule } from "./clash_rule.ts";
import { scalesAlong } from "./codes.ts";
import { choosesKeyChannels } from "./members.ts";
import type { MemberStep } from "./members.ts";
import { rowBitsOf } from "./steps.ts";
import { momentsOf, positionsOf } from "./tokens.ts";

/** The step that turns or codes a stream, or prunes its channels; null: this one does not. */
const stepFor = <K extends "channels" | "basis" | "codes">(
  { own }: MemberStep,
  kind: K,
  of: "key" | "value",
) => own.kind === kind && own.of === of ? own as Extract<typeof own, { kind: K }> : null;

/** Whether a step codes rows that cannot leave one by one: they share scales, or lie by class. */
const bindsRows = ({ own, member }: MemberStep): boolean =>
  own.kind === "codes" &&
  (scalesAlong(own, member.params) === "rows" || rowBitsOf({ steps: [own] }) !== null);

/** Keys are rotated by their place in the cache: what cannot follow that. */
const placesKeys: Rule = (before, after) => {
  const { own, member: { params } } = before;
  if (own.kind !== "tokens" || positionsOf(own, params) !== "cache") return null;
  const how = " with positions in the cache";
  if (choosesKeyChannels(after.own)) {
    const { positions } = own;
    const why = "rotating a key again mixes the channels that it has with those that it lost";
    const param = typeof positions === "object" ? positions.cacheIf : null;
    const remedy = turnOff(param, { of: before, otherwise: after });
    return { deed: "combine", how, why, remedy };
  }
  const turned = stepFor(after, "basis", "key");
  if (!turned) return null;
  const why = "keys in another basis cannot be rotated again";
  return { deed: "combine", how, why, remedy: turnOff(turned.if, { of: after, otherwise: after }) };
};

/** Moments are of queries before they are rotated, and turn keys back. */
const readsMoments: Rule = ({ own }, after) => {
  const turned = stepFor(after, "basis", "key");
  if (own.kind !== "tokens" || momentsOf(own) === null || !turned) return null;
  return {
    ...{ deed: "combine", how: " with moments of queries" },
    why: "keys are stored in another basis",
    remedy: turnOff(turned.if, { of: after, otherwise: after }),
  };
};

/** Rows leave while decoding: what cannot follow that. */
const evictsDecoding: Rule = (before, after) => {
  const { own, member: { params } } = before;
  if (own.kind !== "tokens" || amountOf(own.every ?? 0, params) === 0) return null;
  const refusal = (why: string): Refusal => ({
    ...{ deed: "combine", how: " with evictions while decoding", why, onlyDecoding: true },
    remedy: turnOff(own.every, { of: before, otherwise: after }),
  });
  if (bindsRows(after)) return refusal("rows that share scales cannot leave one by one");
  if (positionsOf(own, params) !== "cache" || !stepFor(after, "codes", "key")) return null;
  return refusal("keys that are rotated again would be rounded once more each time");
};

/** A list of channels, of a stream that is stored in another basis. */
const listsTurned: Rule = ({ own }, after) => {
  if (own.kind !== "channels") return null;
  const turned = stepFor(after, "basis", own.of);
  if (!turned) return null;
  return {
    deed: "combine",
    why: `a channel list counts the model's own channels of ${own.of}s, and they are stored in ` +
      "another basis",
    remedy: turnOff(turned.if, { of: after, otherwise: after }),
  };
};

/** Rows that are coded lose channels then, and no others later. */
const prunesCoded: Rule = (before, after) => {
  const { own, member: { params } } = before;
  if (own.kind !== "channels" || !stepFor(after, "codes", own.of)) return null;
  const acts = [
    [own.every, "pruned while decoding", "rows lose their channels as they are coded"],
    [own.refresh, "chosen anew", "coded rows would be rounded once more each time"],
  ] as const;
  for (const [amount = 0, how, why] of acts) {
    if (amountOf(amount, params) === 0) continue;
    const remedy = turnOff(amount, { of: before, otherwise: after });
    return { deed: "combine", how: ` with channels ${how}`, why, remedy, onlyDecoding: true };
  }
  return null;
};

/** A layout that an author declares has no place for other variants. */
const ownsLayout: Rule = ({ member: before }, { member: after }) => {
  const own = [before, after].find(({ definition }) => definition.layout !== undefined);
  if (before === after || !own) return null;
  const why = `"${own.name}" declares its own layout`;
  return { deed: "combine", why, remedy: { without: after } };
};

/** The rules, those that are told first in front. */
export const CLASH_RULES: readonly Rule[] = [
  chooseOnce,
  runInOrder,
  placesKeys,
  readsMoments,
  evictsDecoding,
  listsTurned,
  prunesCoded,
  ownsLayout,
];
