/**
 * A drawing of one head's cache for people: a line per segment with rows, stored channels, bits and bytes,
 * and a bar whose filled part is a row's share of a whole one. Byte counts come from bytes.ts, never from
 * here.
 */

import { rowBytes, storedBytes, storedSideBytes } from "./bytes.ts";
import type { SegmentSize } from "./bytes.ts";
import { layoutName, segmentName } from "./name.ts";
import type { Layout, Stream } from "./types.ts";

/** Cells of the bar: a row as it arrives, with every channel. */
const BAR_CELLS = 16;

/** What is drawn: the sizes of one head, segments in order. */
export interface PictureSizes {
  readonly headDim: number;
  readonly key: readonly SegmentSize[];
  readonly value: readonly SegmentSize[];
}

/** One line: of which stream, what is stored how, how many rows of what, bytes, a bar. */
type Line = readonly [title: string, name: string, rows: string, bytes: number, bar?: string];

const rowsText = (rows: number) => `${String(rows).padStart(7)} rows`;

function streamLines(
  title: string,
  { segments }: Stream,
  sizes: readonly SegmentSize[],
  headDim: number,
): Line[] {
  const whole = rowBytes(segments.at(-1)!, { width: headDim }, headDim);
  return segments.map((segment, i) => {
    const size = sizes[i]!;
    const bytes = rowBytes(segment, size, headDim);
    // With the scales and minima that its codes share.
    const bits = (8 * bytes / Math.max(1, size.width)).toFixed(2).replace(/\.?0+$/, "");
    const rows = `${rowsText(size.rows)} × ${
      String(size.width).padStart(3)
    } channels × ${bits} bits`;
    const filled = Math.max(Math.sign(bytes), Math.round(BAR_CELLS * bytes / whole));
    const bar = size.rows === 0 ? "" : "█".repeat(filled) + "·".repeat(BAR_CELLS - filled);
    const stored = storedBytes({ segments: [segment] }, [size], headDim);
    return [i === 0 ? title : "", segmentName(segment), rows, stored, bar];
  });
}

/** Lines in columns. */
function columns(lines: readonly Line[]): string[] {
  const width = (of: (line: Line) => string) => Math.max(...lines.map((line) => of(line).length));
  const [title, name, rows] = [width(([t]) => t), width(([, n]) => n), width(([, , r]) => r)];
  const bytes = width(([, , , b]) => String(b));
  return lines.map(([t, n, r, b, bar = ""]) =>
    [t.padEnd(title), n.padEnd(name), r.padEnd(rows), `${String(b).padStart(bytes)} B`, bar]
      .join("  ").trimEnd()
  );
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
  const carried = layout.rowSums ? "i32, sums f32" : "i32";
  const total = storedBytes(layout.key, key, headDim) + storedBytes(layout.value, value, headDim) +
    side;
  return [
    `layout ${layoutName(layout)}, headDim ${headDim}`,
    ...columns([
      ...streamLines("keys", layout.key, key, headDim),
      ...streamLines("values", layout.value, value, headDim),
      ...(layout.rowPositions ? [["positions", carried, rowsText(nRows), side] as const] : []),
      ["total", "", "", total],
    ]),
  ].join("\n");
}
