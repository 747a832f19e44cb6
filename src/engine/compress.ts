/**
 * Compression of one layer of a slot: the steps of a spec in their order, each on what the one before it
 * left. Works on whole layers, one after the other, so that only one layer is held twice.
 */

import type { Device } from "../device/types.ts";
import type { LayerAt } from "./compress_drafts.ts";
import { evictLayer } from "./evict_layer.ts";
import type { Plan } from "./plan.ts";
import { pruneLayer } from "./prune_layer.ts";

/**
 * Compresses one layer of a slot.
 *
 * @param at.nTokens tokens seen: the position after the last query
 * @returns whether anything was removed
 */
export async function compressLayer(
  device: Device,
  plan: Plan,
  at: LayerAt & { readonly nTokens: number },
): Promise<boolean> {
  const evicted = await evictLayer(device, plan, at);
  const pruned = await pruneLayer(device, plan, at);
  return evicted || pruned;
}
