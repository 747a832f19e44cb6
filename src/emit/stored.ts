/** What the kernels of today read and write: plain segments in the order a stream's loops are made for. */

import { KerfError } from "../core/error.ts";
import { segmentName } from "../layout/name.ts";
import type { Segment } from "../layout/types.ts";

/**
 * The element type of a segment that kernels can read.
 *
 * @param kernel the kernel's name, for the message
 * @throws {KerfError} the segment is coded, in another basis, has sets per row or another tile
 */
export function checkStored(
  kernel: string,
  segment: Segment,
  options: { readonly tile: Segment["tile"] },
): "f16" | "f32" {
  const { code, basis, fill, channels, tile } = segment;
  const plain = code.kind !== "affine" && basis === "identity" && fill === "zero";
  if (code.kind === "affine" || !plain || channels === "bitmap" || tile !== options.tile) {
    throw new KerfError(
      `Cannot emit "${kernel}": it reads f16 or f32 in tiles of ${options.tile}, and a segment is ` +
        segmentName(segment),
      { hint: `use a segment such as f16t${options.tile} or list_f16t${options.tile}` },
    );
  }
  return code.kind;
}
