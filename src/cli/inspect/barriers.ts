/**
 * How often the threads of a step meet in one layer: at the end of each run of invocations without a full barrier
 * between them, unless none of these has an item in the step.
 */

import { STEP_FIELDS } from "../../core/signature.ts";
import type { StepField } from "../../core/signature.ts";
import { barriersOf } from "../../device/barriers.ts";
import type { Place } from "../../device/barriers.ts";
import type { Device, Invocation } from "../../device/types.ts";
import { layerDrafts } from "../../engine/layer_drafts.ts";
import type { Plan } from "../../engine/plan.ts";
import { itemsOf } from "../bench/work.ts";

/** One row of a sequence that decodes, and rows of a prompt. */
const STEPS: Readonly<Record<"decode" | "prefill", Partial<Record<StepField, number>>>> = {
  decode: { nRows: 1, nSeqs: 1, nDecode: 1, nSplits: 1 },
  prefill: { nRows: 64, nSeqs: 1, nTiles: 2 },
};

/** Where invocations stand on a device: those that are no CPU wait for everything. */
export function placesOn(device: Device, invocations: readonly Invocation[]): Place[] {
  if (device.kind === "cpu") return barriersOf(invocations);
  return barriersOf(invocations.map(({ parts: _parts, ...invocation }) => invocation));
}

/** Full barriers of a layer that has others around it. */
export function layerBarriers(
  { plan, device }: { readonly plan: Plan; readonly device: Device },
  step: keyof typeof STEPS,
): number {
  const weights = plan.inputs.weights.layers[0]!;
  const { x } = plan.context.activations;
  const around = { after: weights, next: weights };
  const header = Uint32Array.from(STEP_FIELDS, (field) => STEPS[step][field] ?? 0);
  const invocations = plan.bind(layerDrafts(plan.context, { layer: 0, weights, x, ...around }));
  const places = placesOn(device, invocations);
  let [barriers, items] = [0, 0];
  for (const [i, invocation] of invocations.entries()) {
    items += itemsOf(invocation, header);
    if (places[i]!.barrier !== "full") continue;
    if (items > 0) barriers++;
    items = 0;
  }
  return barriers;
}
