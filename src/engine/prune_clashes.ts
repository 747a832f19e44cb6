/**
 * Steps that are in order, choose different things and still cannot stand together: each clash is refused with
 * a spec that works.
 */

import { KerfError } from "../core/error.ts";
import { amountOf } from "../dsl/accumulator.ts";
import type { Amount } from "../dsl/accumulator.ts";
import { codesRule } from "../dsl/codes.ts";
import type { ChannelsPlan } from "./channels_plan.ts";
import type { OwnedStep } from "./prune_order.ts";
import { formatSpec } from "./spec.ts";
import type { SpecStep } from "./spec.ts";
import type { TokensPlan } from "./tokens_plan.ts";
import { paramsOf } from "./variant_params.ts";

/** @throws {KerfError} always: rows are coded by what the window gives them, with every channel */
export function refuseOrderedValues(values: OwnedStep, ordered: OwnedStep): never {
  throw new KerfError(
    `Cannot combine "${values.typed.name}" and "${ordered.typed.name}": values that are coded by row ` +
      "keep every channel",
    { hint: `--prune ${formatSpec([ordered.typed])}`, exitCode: 2 },
  );
}

/** A step whose score reads the last `window` queries, and the parameter that says so, if one does. */
interface WindowedStep {
  readonly typed: SpecStep;
  readonly window: number;
  readonly param: unknown;
}

/** @throws {KerfError} scores read the last queries in more numbers than an append records */
export function checkWindows(windowed: readonly WindowedStep[], steps: readonly SpecStep[]): void {
  const windows = [...new Set(windowed.map(({ window }) => window))];
  if (windows.length <= 2) return;
  const [, second] = windows;
  const fits = steps.map((step) => {
    const odd = windowed.find(({ typed, window }) => typed === step && window === windows[2]);
    if (typeof odd?.param !== "string") return step;
    return { ...step, values: { ...step.values, [odd.param]: second! } };
  });
  const names = windowed.map(({ typed: { name } }) => `"${name}"`);
  throw new KerfError(
    `Cannot combine ${names.slice(0, -1).join(", ")} and ${
      names.at(-1)
    }: their scores read the last ` +
      `${windows.join(", ")} queries, and a step records them in two numbers at most`,
    { hint: `--prune ${formatSpec(fits)}`, exitCode: 2 },
  );
}

/** Whether a step codes values. */
export const codesValues = ({ own }: OwnedStep): boolean =>
  own.kind === "codes" && own.of === "value";

/** Sixteen codes of a row of values are one cell, so a coded row stores whole cells of channels. */
const CELL_CHANNELS = 16;

/** @throws {KerfError} values that lose channels and are coded keep a number of them that fills no cells */
export function checkCodedWidths(
  { widths, enough, multiple }: ChannelsPlan,
  { typed, own }: OwnedStep,
  codes: OwnedStep | undefined,
): void {
  const isWhole = (width: number) => width % CELL_CHANNELS === 0;
  // What is enough is some multiple of it.
  if (!codes || [...widths, ...(enough ? [multiple] : [])].every(isWhole)) return;
  const name = own.kind === "channels" ? own.multiple : undefined;
  const whole = typeof name === "string"
    ? [{ ...typed, values: { ...typed.values, [name]: CELL_CHANNELS } }, codes.typed]
    : [codes.typed];
  throw new KerfError(
    `Cannot combine "${typed.name}" and "${codes.typed.name}": coded values store channels in ` +
      `cells of ${CELL_CHANNELS}, and a head would keep ${
        widths.find((width) => !isWhole(width)) ?? `multiples of ${multiple}`
      }`,
    { hint: `--prune ${formatSpec(whole)}`, exitCode: 2 },
  );
}

/** @throws {KerfError} rows are evicted in a way that what compresses them later cannot follow */
export function checkEviction(
  { step, every, positions, moments }: TokensPlan,
  { steps, tokens, keys, coded, bound, turned }: {
    readonly steps: readonly SpecStep[];
    readonly tokens: OwnedStep;
    /** The step that chooses channels of keys. */
    readonly keys: OwnedStep | undefined;
    /** The step that codes keys. */
    readonly coded: OwnedStep | undefined;
    /** The step that codes rows which cannot leave one by one. */
    readonly bound: OwnedStep | undefined;
    readonly turned: OwnedStep | undefined;
  },
): void {
  /** `owner` is the step of which `param` says so. */
  const refuse = (
    how: string,
    other: OwnedStep,
    why: string,
    { param, owner = tokens }: { readonly param: unknown; readonly owner?: OwnedStep },
  ) => {
    const names = [tokens, other].map(({ typed: { name } }) => name);
    const off = typeof param === "string" ? turnedOff(param, owner, steps) : [tokens.typed];
    throw new KerfError(`Cannot combine "${names[0]}"${how} and "${names[1]}": ${why}`, {
      hint: `--prune ${formatSpec(off)}`,
      exitCode: 2,
    });
  };
  if (positions === "cache" && keys) {
    const off = typeof step.positions === "object" ? step.positions.cacheIf : null;
    const why = "rotating a key again mixes the channels that it has with those that it lost";
    refuse(" with positions in the cache", keys, why, { param: off });
  }
  if (moments && turned) {
    const param = turned.own.kind === "basis" ? turned.own.if : null;
    const why = "keys are stored in another basis";
    refuse(" with moments of queries", turned, why, { param, owner: turned });
  }
  if (every > 0 && bound) {
    const why = "rows that share scales cannot leave one by one";
    refuse(" with evictions while decoding", bound, why, { param: step.every });
  }
  if (every > 0 && positions === "cache" && coded) {
    const why = "keys that are rotated again would be rounded once more each time";
    refuse(" with evictions while decoding", coded, why, { param: step.every });
  }
}

/** Whether a step codes rows that cannot leave one by one: they share scales, or lie by class. */
export function bindsRows({ own, definition, spec }: OwnedStep): boolean {
  if (own.kind !== "codes") return false;
  const { code, low } = codesRule(definition.name, own, paramsOf(spec, definition));
  return code.along === "rows" || low !== undefined;
}

/** @throws {KerfError} rows that are coded are to lose channels when they are not, or others than at first */
export function checkCodedChannels(
  owned: readonly OwnedStep[],
  steps: readonly SpecStep[],
): void {
  for (const step of owned) {
    const { own, spec, definition, typed } = step;
    if (own.kind !== "channels") continue;
    const codes = owned.find((other) => other.own.kind === "codes" && other.own.of === own.of);
    const params = paramsOf(spec, definition);
    const refuse = (amount: Amount = 0, how: string, why: string) => {
      if (!codes || amountOf(amount, params) === 0) return;
      const off = typeof amount === "string" ? turnedOff(amount, step, steps) : [codes.typed];
      throw new KerfError(
        `Cannot combine "${typed.name}" with channels ${how} and "${codes.typed.name}": ${why}`,
        { hint: `--prune ${formatSpec(off)}`, exitCode: 2 },
      );
    };
    refuse(own.every, "pruned while decoding", "rows lose their channels as they are coded");
    refuse(own.refresh, "chosen anew", "coded rows would be rounded once more each time");
  }
}

/** A spec's steps with a parameter of one of them at 0, which is not written where it is the default. */
function turnedOff(param: string, { typed, definition }: OwnedStep, steps: readonly SpecStep[]) {
  return steps.map((step) => {
    if (step !== typed) return step;
    const { [param]: _, ...values } = step.values;
    const isDefault = definition.params[param]?.default === 0;
    return { ...step, values: isDefault ? values : { ...values, [param]: 0 } };
  });
}
