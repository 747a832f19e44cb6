/** What a pruning variant asks of the cache's layout, with numbers where its steps name parameters. */

import type { LayoutSteps } from "../layout/steps.ts";
import type { Segment } from "../layout/types.ts";
import { amountOf } from "./accumulator.ts";
import type { ChannelsStep } from "./channels.ts";
import { codesRule } from "./codes.ts";
import { resolveParams } from "./params.ts";
import type { ParamValues } from "./params.ts";
import type { Pruning } from "./pruning.ts";
import { isUsed } from "./steps.ts";

/** When rows that are decoded lose channels; null: never. */
function channelsFlush({ every, protect }: ChannelsStep, values: ParamValues): Segment["flush"] {
  const rows = amountOf(every ?? 0, values);
  return rows === 0 ? null : { rows, atRows: rows + amountOf(protect?.last ?? 0, values) };
}

/**
 * What a variant's layout depends on, with numbers for the amounts that say when and how rows are stored.
 *
 * @param values of its parameters; absent: their defaults
 * @throws {KerfError} exit code 2: numbers that no row can be coded with
 */
export function layoutSteps(
  { name, params, steps, layout }: Pick<Pruning, "name" | "params" | "steps" | "layout">,
  values: ParamValues = resolveParams(name, params),
): LayoutSteps {
  return {
    name,
    steps: steps.flatMap((step): LayoutSteps["steps"] => {
      if (!isUsed(step, values)) return [];
      if (step.kind === "channels") return [{ ...step, flush: channelsFlush(step, values) }];
      return [step.kind === "codes" ? codesRule(name, step, values) : step];
    }),
    ...(layout === undefined ? {} : { layout }),
  };
}
