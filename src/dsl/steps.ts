/** Questions about a variant's steps: which it has, what scores, and whose bits differ. */

import { amountOf } from "./accumulator.ts";
import type { Accumulator, RowRing } from "./accumulator.ts";
import type { ChannelBits } from "./channel_bits.ts";
import type { CodesStep } from "./codes.ts";
import type { ParamValues } from "./params.ts";
import type { Pruning, PruningStep, ScoredStep } from "./pruning.ts";
import type { RowBits } from "./row_bits.ts";

/** The step of a kind, where a variant has one. */
export function stepOf<K extends PruningStep["kind"]>(
  { steps }: Pick<Pruning, "steps">,
  kind: K,
): { readonly step: Extract<PruningStep, { kind: K }>; readonly index: number } | null {
  const index = steps.findIndex((step) => step.kind === kind);
  return index < 0 ? null : { step: steps[index] as Extract<PruningStep, { kind: K }>, index };
}

/** Whether parameters leave a step in its place. */
export const isUsed = (step: PruningStep, values: ParamValues): boolean =>
  !("if" in step) || amountOf(step.if, values) !== 0;

/** Whether a step scores. */
export const isScored = (step: PruningStep): step is ScoredStep =>
  step.kind === "channels" || step.kind === "tokens";

/** Whether a step lets each row keep channels of its own. */
export const isPerRow = (step: PruningStep): boolean =>
  step.kind === "channels" && step.of === "key" && step.per === "row";

type Bits = CodesStep["bits"];
type Kinds = Extract<Bits, object>["kind"];

/** Whether a step's bits are of a kind, and no plain number. */
const isBits = <K extends Kinds>(bits: Bits, kind: K): bits is Extract<Bits, { kind: K }> =>
  typeof bits === "object" && bits.kind === kind;

/** The bits per channel of a variant, and the step that has them; null: its channels are coded alike. */
export function channelBitsOf(
  { steps }: Pick<Pruning, "steps">,
): { readonly bits: ChannelBits; readonly step: CodesStep } | null {
  for (const step of steps) {
    if (step.kind === "codes" && isBits(step.bits, "byChannel")) return { bits: step.bits, step };
  }
  return null;
}

/** The bits by row of a variant, and the path of their score; null: all its coded rows are alike. */
export function rowBitsOf(
  { steps }: Pick<Pruning, "steps">,
): { readonly bits: RowBits; readonly path: string } | null {
  for (const [index, step] of steps.entries()) {
    if (step.kind === "codes" && isBits(step.bits, "byRow")) {
      return { bits: step.bits, path: `steps[${index}].bits.score` };
    }
  }
  return null;
}

/** What scores a variant's channels: a channels() step, or the weights of byChannel(). */
export interface ChannelHook {
  /** The path of its hook. */
  readonly path: string;
  readonly of: "key" | "value";
  readonly queries: Accumulator<RowRing>;
  readonly group: "mean" | "max";
}

/** What scores a variant's channels, step by step; a variant has one at most. */
export function channelHooks({ steps }: Pick<Pruning, "steps">): ChannelHook[] {
  return steps.flatMap((step, i) => {
    if (step.kind === "channels") {
      return [{ path: `steps[${i}].score`, of: step.of, ...queriesOf(step) }];
    }
    if (step.kind !== "codes" || !isBits(step.bits, "byChannel")) return [];
    return [{ path: `steps[${i}].bits.weight`, of: "key", ...queriesOf(step.bits) }];
  });
}

const queriesOf = ({ queries, group }: Pick<ChannelHook, "queries" | "group">) => ({
  queries,
  group,
});
