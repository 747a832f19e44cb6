/** Reads the rows of a running engine's cache back, through the layout's own offsets. */

import type { CacheSegment, HeadAt } from "../src/engine/cache_shape.ts";
import type { Engine } from "../src/engine/engine.ts";
import { elementOffset, PAGE_ROWS, pageCount, sideBytes } from "../src/layout/mod.ts";
import { decoded } from "../src/reference/codes.ts";
import { readCode } from "../src/verify/written_codes.ts";

/** The rows of one segment of a head as they read: f64 [rows][channels stored]. */
export async function segmentRows(
  { cache, device }: Engine,
  at: HeadAt,
  { segment, index, page, sides }: CacheSegment,
): Promise<number[][]> {
  const { rows, ...stored } = cache.sizeOf(at, index);
  const out: number[][] = [];
  for (let p = 0; p < pageCount(rows); p++) {
    const { buffer, offset, bytes } = cache.table.pageAt(
      cache.table.entryIndex({ ...at, entry: page + p }),
    );
    const view = new DataView(
      (await device.read(buffer, offset, bytes)).slice().buffer,
      sideBytes(sides),
    );
    for (let row = p * PAGE_ROWS; row < Math.min(rows, (p + 1) * PAGE_ROWS); row++) {
      out.push(Array.from({ length: stored.width }, (_, channel) => {
        const place = { row, channel, ...stored };
        const { code } = segment;
        if (code.kind === "affine") return decoded(readCode({ view, page: 0, segment, ...place }));
        const element = elementOffset(segment, place);
        return code.kind === "f16"
          ? view.getFloat16(2 * element, true)
          : view.getFloat32(4 * element, true);
      }));
    }
  }
  return out;
}

/** What a head's values read as of which nothing is stored: f64 [headDim]. */
export async function valueMean({ cache, device }: Engine, at: HeadAt): Promise<number[]> {
  const { headDim } = cache.shape;
  const place = at.slot * cache.nHeadsPerSlot + at.head;
  const offset = 4 * (cache.valueFills + place * headDim);
  const bytes = (await device.read(cache.fills!, offset, 4 * headDim)).slice();
  return [...new Float32Array(bytes.buffer)];
}

/** The segments of a stream's rows, oldest first. */
export const segmentsOfStream = ({ cache }: Engine, stream: "key" | "value") =>
  cache.segments.filter((segment) => segment.stream === stream);

/** How many rows of slot 0 are codes, in both streams of every head. */
export function codedRows({ cache }: Engine): number {
  const coded = cache.segments.filter(({ segment }) => segment.code.kind === "affine");
  let n = 0;
  for (let head = 0; head < cache.nHeadsPerSlot; head++) {
    for (const { index } of coded) n += cache.sizeOf({ slot: 0, head }, index).rows;
  }
  return n;
}

/** Writes rows over those of a segment of a head that is not coded: [rows][channels stored]. */
export async function writeSegmentRows(
  { cache, device }: Engine,
  at: HeadAt,
  { segment, page, sides }: CacheSegment,
  rows: readonly (readonly number[])[],
): Promise<void> {
  for (let p = 0; p < pageCount(rows.length); p++) {
    const { buffer, offset, bytes } = cache.table.pageAt(
      cache.table.entryIndex({ ...at, entry: page + p }),
    );
    const data = (await device.read(buffer, offset, bytes)).slice();
    const view = new DataView(data.buffer, sideBytes(sides));
    rows.slice(p * PAGE_ROWS, (p + 1) * PAGE_ROWS).forEach((values, row) =>
      values.forEach((x, channel) => {
        const element = elementOffset(segment, { row, channel, width: values.length });
        if (segment.code.kind === "f16") view.setFloat16(2 * element, x, true);
        else view.setFloat32(4 * element, x, true);
      })
    );
    device.write(buffer, data, offset);
  }
}
