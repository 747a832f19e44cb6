/**
 * Other budgets for the heads of a plan that was made with counts of its own: what is compressed from then on
 * keeps as many. Slots that are compressed already stay as they are.
 */

import { BUDGETS } from "../dsl/budgets.ts";
import type { Engine } from "./engine.ts";

/**
 * Sets what heads keep.
 *
 * @param kept u32 [nLayers, nKvHeads]
 * @throws {TypeError} the plan was made without counts
 */
export function setBudgets({ device, plan }: Engine, kept: Uint32Array): void {
  const { tokens, channels, valueChannels } = plan.inputs;
  const own = [tokens, channels, valueChannels].find((step) => step && BUDGETS in step.tables);
  if (!own) throw new TypeError("the plan was made without counts of heads");
  own.tables[BUDGETS]!.set(kept);
  if (!("widths" in own)) return;
  own.widths.set(kept);
  device.write(plan.buffers.prune[own.of]!.widths, own.widths);
}
