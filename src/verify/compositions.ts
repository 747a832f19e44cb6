/**
 * Which pruning variants may stand together, as far as their declared data says: steps in their order, each
 * kind once, and nothing that the steps behind it cannot follow.
 */

import { KerfError } from "../core/error.ts";
import { channelBitsOf, isPerRow, rowBitsOf } from "../dsl/steps.ts";
import type { Pruning, PruningStep } from "../dsl/pruning.ts";
import { momentsOf } from "../dsl/tokens.ts";
import type { TokensStep } from "../dsl/tokens.ts";
import { layoutOf } from "../layout/make.ts";
import { layoutName } from "../layout/name.ts";
import { layoutSteps } from "./pruning_case.ts";
import type { VerifiedVariant } from "./variants.ts";

/** The order in which steps run, and of which stream. */
const ORDER = ["tokens", "channels of key", "channels of value", "basis", "codes"] as const;
type Axis = (typeof ORDER)[number];

const axisOf = (step: PruningStep): Axis =>
  step.kind === "channels" ? `channels of ${step.of}` : step.kind;

/** The axes of variants' steps, each variant's once: keys and values are coded by two steps. */
const axesOf = (parts: readonly VerifiedVariant[]): Axis[] =>
  parts.flatMap((
    part,
  ) => [...new Set(definitionsOf(part).flatMap(({ steps }) => steps.map(axisOf)))]);

const definitionsOf = ({ sources }: VerifiedVariant): Pruning[] =>
  sources.map(({ definition }) => definition as Pruning);

const declaresLayout = (part: VerifiedVariant): boolean =>
  definitionsOf(part).some(({ layout }) => layout !== undefined);

/** Why rows that a step evicts cannot be what is left to the other steps; null: they can. */
function evictionClash(step: TokensStep, others: readonly Pruning[]): string | null {
  const has = (axis: Axis) => others.some(({ steps }) => steps.some((own) => axisOf(own) === axis));
  const inClasses = others.some((own) => rowBitsOf(own) ?? channelBitsOf(own));
  if (inClasses) return "rows and channels in classes are never evicted from";
  if (has("basis") && momentsOf(step)) return "moments are of keys in the model's own basis";
  if (step.positions === "cache" && has("channels of key")) {
    return "pruned keys cannot be rotated again";
  }
  const turnsKeys = others.some(({ steps }) =>
    steps.some((own) => own.kind === "basis" && own.of === "key")
  );
  if (step.positions === "cache" && turnsKeys) {
    return "keys in another basis cannot be rotated again";
  }
  return null;
}

/** Why variants do not compose; null: they do. */
function clashOf(parts: readonly VerifiedVariant[]): string | null {
  if (parts.some(({ kind }) => kind !== "pruning")) return "only pruning variants compose";
  if (parts.some(declaresLayout)) return "one of them declares its own layout";
  const places = axesOf(parts).map((axis) => ORDER.indexOf(axis));
  if (!places.every((place, i) => i === 0 || place > places[i - 1]!)) {
    return "steps run in the order evict, prune channels, turn, code, each once";
  }
  const definitions = parts.flatMap(definitionsOf);
  const steps = definitions.flatMap(({ steps }) => steps);
  const tokens = steps.find((step) => step.kind === "tokens");
  const lists = steps.filter((step) => step.kind === "channels");
  if (lists.some(({ of }) => steps.some((step) => step.kind === "basis" && step.of === of))) {
    return "channels of a stream that is turned are no channels of the model";
  }
  if (lists.some(({ of }) => of === "value") && definitions.some(rowBitsOf)) {
    return "values that are coded by row keep every channel";
  }
  if (lists.some(({ of }) => of === "key") && definitions.some(channelBitsOf)) {
    return "both choose channels of keys";
  }
  if (lists.some(isPerRow) && steps.some((step) => step.kind === "codes" && step.of === "key")) {
    return "keys with channels of their own share no scales";
  }
  return tokens ? evictionClash(tokens, definitions) : null;
}

/** @throws {KerfError} exit code 2: the variants do not compose */
export function checkComposition(name: string, parts: readonly VerifiedVariant[]): void {
  const clash = clashOf(parts);
  if (clash === null) return;
  throw new KerfError(`Cannot verify "${name}": these do not compose, since ${clash}`, {
    hint: "name one that evicts rows, one that prunes channels and one that codes, in this order",
    exitCode: 2,
  });
}

/** Parts as one variant. */
export const composed = (parts: readonly VerifiedVariant[]): VerifiedVariant => ({
  name: parts.map(({ name }) => name).join("+"),
  kind: "pruning",
  isFile: false,
  sources: parts.flatMap(({ sources }) => sources),
});

/** The name of the layout that a variant makes of f16. */
export const layoutNameOf = (variant: Pick<VerifiedVariant, "sources">): string =>
  layoutName(layoutOf(layoutSteps({ variants: variant.sources }), { key: "f16", value: "f16" }));

/** One composition of two for each layout that no file makes by itself, and one of three kinds of steps. */
export function compositions(files: readonly VerifiedVariant[]): VerifiedVariant[] {
  const prunings = files.filter(({ kind }) => kind === "pruning");
  const more = (all: readonly (readonly VerifiedVariant[])[]) =>
    all.flatMap((parts) => prunings.map((other) => [...parts, other]))
      .filter((parts) => clashOf(parts) === null);
  const pairs = more(prunings.map((one) => [one]));
  const known = new Set(prunings.map(layoutNameOf));
  const ofLayouts = pairs.map(composed).filter((variant) => {
    const name = layoutNameOf(variant);
    return !known.has(name) && known.add(name);
  });
  const isOfThree = (parts: readonly VerifiedVariant[]) =>
    axesOf(parts).join() === "tokens,channels of key,codes";
  return [...ofLayouts, ...more(pairs).filter(isOfThree).slice(0, 1).map(composed)];
}
