/**
 * Compression of one layer of a slot: the steps of a spec in their order, each on what the one before it
 * left. Works on whole layers, one after the other, so that only one layer is held twice.
 */

import type { Device } from "../device/types.ts";
import type { LayerAt } from "./compress_drafts.ts";
import { evictLayer } from "./evict_layer.ts";
import { hasRowsToMove, moveLayer } from "./move_layer.ts";
import type { Plan } from "./plan.ts";
import { chooseChannels, hasMask, recentRows } from "./prune_layer.ts";

const recentOf = ({ inputs }: Plan, layer: number) => {
  const size = { ...inputs.cache.shape, layer };
  return { key: recentRows(inputs, "key", size), value: recentRows(inputs, "value", size) };
};

/**
 * Compresses one layer of a slot, at the end of a prefill.
 *
 * @param at.nTokens tokens seen: the position after the last query
 * @returns whether anything was removed
 */
export async function compressLayer(
  device: Device,
  plan: Plan,
  at: LayerAt & { readonly nTokens: number },
): Promise<boolean> {
  // Where an eviction makes whole rows of coded ones, their mask stays.
  const masked = hasMask(plan, at);
  const evicted = await evictLayer(device, plan, at);
  const recent = recentOf(plan, at.layer);
  if (!hasRowsToMove(plan, at, { recent })) return evicted;
  if (!masked) await chooseChannels(plan, at);
  return await moveLayer(device, plan, at, { recent });
}

/**
 * Flushes one layer of a slot while it decodes: rows that are due become codes. A mask that no prefill has
 * chosen is chosen now.
 *
 * @returns whether any were due
 */
export async function flushLayer(
  device: Device,
  plan: Plan,
  at: LayerAt & { readonly nTokens: number },
): Promise<boolean> {
  const options = { recent: recentOf(plan, at.layer), flushes: true };
  if (!hasRowsToMove(plan, at, options)) return false;
  if (!hasMask(plan, at)) await chooseChannels(plan, at);
  return await moveLayer(device, plan, at, options);
}
