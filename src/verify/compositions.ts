/** Which pruning variants are verified together: of those that may stand so, one composition for each layout. */

import { KerfError } from "../core/error.ts";
import { clashesOf } from "../dsl/clashes.ts";
import type { Clash } from "../dsl/clashes.ts";
import type { Member } from "../dsl/members.ts";
import type { Pruning } from "../dsl/pruning.ts";
import { channelBitsOf, rowBitsOf, stepOf } from "../dsl/steps.ts";
import { layoutOf } from "../layout/make.ts";
import { layoutName } from "../layout/name.ts";
import type { ParamChoice } from "./cases.ts";
import { paramValues } from "./hooks.ts";
import { layoutSteps } from "./pruning_case.ts";
import type { VerifiedVariant } from "./variants.ts";

/** As much of a variant as its steps follow from. */
type Part = Pick<VerifiedVariant, "name" | "sources">;

const definitionsOf = ({ sources }: Part): Pruning[] =>
  sources.map(({ definition }) => definition as Pruning);

const membersOf = (parts: readonly Part[], params: ParamChoice): Member[] =>
  parts.flatMap((part) =>
    definitionsOf(part).map((definition) => ({
      ...{ name: part.name, definition, params: paramValues(definition, params) },
    }))
  );

/**
 * Why variants do not compose with these parameters; undefined: they do. Cases end prompts, so what only decoding
 * meets is no matter here.
 */
export const clashOf = (
  parts: readonly Part[],
  params: ParamChoice = "default",
): Clash | undefined =>
  clashesOf(membersOf(parts, params)).find(({ onlyDecoding }) => !onlyDecoding);

/** Whether rows are evicted that are coded by class, which no stage makes whole: tests/evicted_classes_test.ts does. */
function lacksStage(parts: readonly Part[]): boolean {
  const definitions = parts.flatMap(definitionsOf);
  const inClasses = definitions.some((own) => rowBitsOf(own) ?? channelBitsOf(own));
  return inClasses && definitions.some((own) => stepOf(own, "tokens") !== null);
}

/** @throws {KerfError} exit code 2: the variants do not compose, or no stage follows them */
export function checkComposition(name: string, parts: readonly VerifiedVariant[]): void {
  const refuse = (why: string, hint: string) => {
    throw new KerfError(`Cannot verify "${name}": these do not compose. ${why}`, {
      hint,
      exitCode: 2,
    });
  };
  const apart = `deno task verify ${parts.map(({ name }) => name).join(" ")}`;
  if (parts.some(({ kind }) => kind !== "pruning")) refuse("Only pruning variants do", apart);
  const clash = clashOf(parts);
  if (!clash) {
    if (!lacksStage(parts)) return;
    throw new KerfError(
      `Cannot verify "${name}": no stage evicts rows that are coded by class`,
      { hint: apart, exitCode: 2 },
    );
  }
  const { message, remedy } = clash;
  const order = "order" in remedy ? remedy.order.map(({ name }) => name).join("+") : null;
  refuse(message, order === null ? apart : `deno task verify ${order}`);
}

/** Parts as one variant. */
export const composed = (parts: readonly VerifiedVariant[]): VerifiedVariant => ({
  name: parts.map(({ name }) => name).join("+"),
  kind: "pruning",
  isFile: false,
  sources: parts.flatMap(({ sources }) => sources),
});

/** The name of the layout that a variant makes of f16. */
export const layoutNameOf = (variant: Pick<Part, "sources">): string =>
  layoutName(layoutOf(layoutSteps({ variants: variant.sources }), { key: "f16", value: "f16" }));

/** One composition of two for each layout that no file makes by itself, and one of three kinds of steps. */
export function compositions(files: readonly VerifiedVariant[]): VerifiedVariant[] {
  const prunings = files.filter(({ kind }) => kind === "pruning");
  const more = (all: readonly (readonly VerifiedVariant[])[]) =>
    all.flatMap((parts) => prunings.map((other) => [...parts, other]))
      .filter((parts) => clashOf(parts) === undefined && !lacksStage(parts));
  const pairs = more(prunings.map((one) => [one]));
  const known = new Set(prunings.map(layoutNameOf));
  const ofLayouts = pairs.map(composed).filter((variant) => {
    const name = layoutNameOf(variant);
    return !known.has(name) && known.add(name);
  });
  const isOfThree = (parts: readonly Part[]) => {
    const steps = parts.flatMap(definitionsOf).flatMap(({ steps }) => steps);
    const kinds = steps.map((step) =>
      step.kind === "channels" ? `${step.of} ${step.kind}` : step.kind
    );
    return [...new Set(kinds)].join() === "tokens,key channels,codes";
  };
  return [...ofLayouts, ...more(pairs).filter(isOfThree).slice(0, 1).map(composed)];
}
