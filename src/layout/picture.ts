/**
 * A drawing of one head's cache for people: a line per segment with rows, stored channels and bytes, a
 * bar whose filled part is the stored share of a row. Byte counts come from bytes.ts, never from here.
 */

import { storedBytes, storedSideBytes } from "./bytes.ts";
import type { SegmentSize } from "./bytes.ts";
import { layoutName, segmentName } from "./name.ts";
import type { Layout, Stream } from "./types.ts";

/** Cells of the bar: a whole row of channels. */
const BAR_CELLS = 32;

/** What is drawn: the sizes of one head, segments in order. */
export interface PictureSizes {
  readonly headDim: number;
  readonly key: readonly SegmentSize[];
  readonly value: readonly SegmentSize[];
}

function streamLines(
  title: string,
  stream: Stream,
  sizes: readonly SegmentSize[],
  headDim: number,
) {
  const lines = stream.segments.map((segment, i) => {
    const size = sizes[i]!;
    const filled = Math.round(BAR_CELLS * size.width / headDim);
    const cells = size.rows === 0 ? "" : "█".repeat(filled) + "·".repeat(BAR_CELLS - filled);
    const bytes = storedBytes({ segments: [segment] }, [size], headDim);
    return [
      (i === 0 ? title : "").padEnd(6),
      segmentName(segment).padEnd(14),
      `${String(size.rows).padStart(7)} rows × ${String(size.width).padStart(3)} channels`,
      `${String(bytes).padStart(10)} B`,
      cells,
    ].join("  ").trimEnd();
  });
  return lines;
}

/**
 * The picture of one (layer, KV head).
 *
 * @returns lines without a final line break; bytes are stored bytes, masks included
 */
export function drawLayout(layout: Layout, sizes: PictureSizes): string {
  const { headDim, key, value } = sizes;
  const nRows = value.reduce((sum, { rows }) => sum + rows, 0);
  const side = storedSideBytes(layout, nRows);
  const carried = ["positions", ...(layout.rowSums ? ["sums"] : [])].join(", ");
  const total = storedBytes(layout.key, key, headDim) + storedBytes(layout.value, value, headDim) +
    side;
  return [
    `layout ${layoutName(layout)}, headDim ${headDim}`,
    ...streamLines("keys", layout.key, key, headDim),
    ...streamLines("values", layout.value, value, headDim),
    ...(layout.rowPositions ? [`${carried}  ${side} B`] : []),
    `total  ${total} B`,
  ].join("\n");
}
