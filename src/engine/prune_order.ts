/**
 * The steps of a spec beside each other: the order in which they run, and what no two may both choose.
 */

import { KerfError } from "../core/error.ts";
import { channelBitsOf, isPerRow } from "../dsl/steps.ts";
import type { Pruning, PruningStep } from "../dsl/pruning.ts";
import { formatSpec } from "./spec.ts";
import type { SpecStep } from "./spec.ts";

/** The kinds of steps. */
export type Kind = PruningStep["kind"];

/** The order in which steps run, and what two of one kind would both choose. */
const ORDER: readonly Kind[] = ["tokens", "channels", "basis", "codes"];
const CHOICE: Readonly<Record<Exclude<Axis["of"], "channels">, string>> = {
  rows: "which rows stay, and a head has one list of rows",
  basis: "the basis of a stream, and it has one",
  codes: "how rows are coded, and a row is coded once",
};
const DEED: Readonly<Record<Kind, string>> = {
  tokens: "rows are evicted",
  channels: "channels are pruned",
  basis: "streams are turned",
  codes: "rows are coded",
};

/** What two steps may not both choose: which rows, which channels of a stream, how its rows are coded. */
interface Axis {
  readonly of: "rows" | Exclude<Kind, "tokens">;
  readonly stream?: "key" | "value";
}

const choiceOf = ({ of, stream }: Axis): string =>
  of === "channels" ? `${stream} channels, and a head has one channel list` : CHOICE[of];

/** One step of one variant of a spec. */
export interface OwnedStep {
  readonly own: PruningStep;
  readonly kind: Kind;
  readonly axes: readonly Axis[];
  readonly definition: Pruning;
  readonly spec: SpecStep;
  /** The spec's step as it was typed: a wrapper with what it wraps. */
  readonly typed: SpecStep;
}

/**
 * What a step chooses. Codes of two classes of channels choose the channels too, and channels per row how
 * their rows are stored.
 */
export function axesOf(step: PruningStep): Axis[] {
  if (step.kind === "tokens") return [{ of: "rows" }];
  const own: Axis = { of: step.kind, stream: step.of };
  if (isPerRow(step)) return [own, { of: "codes", stream: step.of }];
  const choosesChannels = step.kind === "codes" && channelBitsOf({ steps: [step] }) !== null;
  return choosesChannels ? [own, { of: "channels", stream: step.of }] : [own];
}

/** Whether a step chooses channels of keys. */
export const choosesKeyChannels = ({ axes }: OwnedStep): boolean =>
  axes.some(({ of, stream }) => of === "channels" && stream === "key");

/** The first axis that both steps choose. */
const sharedAxis = (a: OwnedStep, b: OwnedStep): Axis | undefined =>
  a.axes.find(({ of, stream }) => b.axes.some((axis) => axis.of === of && axis.stream === stream));

/** @throws {KerfError} the first two steps that choose the same, or that stand in another order than they run */
export function checkSteps(owned: readonly OwnedStep[]): void {
  const refuse = (message: string, hint: string) => {
    throw new KerfError(message, { hint, exitCode: 2 });
  };
  const pairs = owned.flatMap((step, i) => owned.slice(0, i).map((before) => ({ step, before })));
  for (const { step, before } of pairs) {
    const axis = sharedAxis(before, step);
    if (!axis) continue;
    if (before.typed === step.typed) {
      const [i, j] = [before, step].map(({ own }) => step.definition.steps.indexOf(own));
      const { name } = step.definition;
      refuse(
        `Cannot use "${name}": steps[${i}] and steps[${j}] both choose ${choiceOf(axis)}`,
        `leave one of the two in kernels/prune/${name}.ts`,
      );
    }
    const less = withoutShared(owned, before, step);
    refuse(
      `Cannot combine "${before.typed.name}" and "${step.typed.name}": both choose ` +
        choiceOf(axis),
      less
        ? `--prune ${formatSpec(less)}`
        : `use one of them: --prune ${formatSpec([before.typed])}`,
    );
  }
  for (const { step: { kind, typed }, before } of pairs) {
    if (ORDER.indexOf(before.kind) <= ORDER.indexOf(kind)) continue;
    refuse(
      `Cannot run "${typed.name}" after "${before.typed.name}": ${DEED[kind]} before ` +
        DEED[before.kind],
      `--prune ${formatSpec(inOrder(owned))}`,
    );
  }
}

/**
 * A spec in which the later of two variants leaves to the earlier what both choose; null: its parameters cannot
 * say so, or nothing of it would be left.
 */
function withoutShared(
  owned: readonly OwnedStep[],
  before: OwnedStep,
  { typed }: OwnedStep,
): SpecStep[] | null {
  const [theirs, own] = [before.typed, typed].map((spec) =>
    owned.filter((other) => other.typed === spec)
  );
  const shared = own!.filter((step) => theirs!.some((other) => sharedAxis(other, step)));
  const off = shared.map(({ own }) => "if" in own ? own.if : null);
  if (shared.length === own!.length || !off.every((name) => typeof name === "string")) return null;
  const values = { ...typed.values, ...Object.fromEntries(off.map((name) => [name, 0])) };
  const less: SpecStep = { ...typed, values };
  return [...new Set(owned.map((step) => step.typed === typed ? less : step.typed))];
}

/** A spec's steps in the order that they run. */
function inOrder(owned: readonly OwnedStep[]): SpecStep[] {
  const sorted = owned.toSorted((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
  return [...new Set(sorted.map(({ typed }) => typed))];
}
