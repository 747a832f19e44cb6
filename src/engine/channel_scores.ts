/** The scores that a slot's last choice of channels was made by, read back for calibration. */

import { KerfError } from "../core/error.ts";
import type { Loaded } from "./load.ts";
import { layerLosesChannels } from "./prune_layer.ts";

/**
 * Channel scores of a slot whose prefill has ended: f32 [nLayers, nKvHeads, headDim], channels in
 * half-split RoPE order.
 *
 * @throws {KerfError} exit code 2: the spec scores no channels, or leaves a layer whole and so unscored
 */
export async function channelScoresOf(
  { engine, plan, prune }: Loaded,
  slot: number,
): Promise<Float32Array<ArrayBuffer>> {
  const { nLayers, nKvHeads, headDim } = engine.cache.shape;
  const perLayer = nKvHeads * headDim;
  const { widths, enough } = prune.channels ?? {};
  const scored = widths !== undefined &&
    Array.from(
      { length: nLayers },
      (_, layer) => enough || layerLosesChannels(widths, { layer, nKvHeads, headDim }),
    )
      .every(Boolean);
  if (!scored) {
    throw new KerfError(
      `Cannot read channel scores of "${prune.spec}": it scores ` +
        (widths ? "not every layer" : "no key channels"),
      {
        hint: "--prune think:ratio=0.5, which scores those of every layer",
        exitCode: 2,
      },
    );
  }
  const bytes = 4 * nLayers * perLayer;
  const read = await engine.device.read(plan.buffers.prune.key!.scores, slot * bytes, bytes);
  return new Float32Array(read.slice().buffer);
}
