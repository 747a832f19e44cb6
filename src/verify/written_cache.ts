/**
 * A KV cache written row by row on the host, through the layout's own offsets: what single kernels are run
 * on. Pages lie in shuffled order and every byte that holds no element is NaN, so that a kernel which
 * reads past its rows is seen.
 */

import {
  ARENA_UNIT,
  elementOffset,
  keyLists,
  PAGE_ROWS,
  pageBytes,
  pageCount,
  pageIndex,
  parseLayoutName,
  rowSides,
  sideBytes,
} from "../layout/mod.ts";
import type { Layout, Segment } from "../layout/mod.ts";
import { codeRowsReference } from "../reference/codes.ts";
import { listed, segmentStarts } from "./head_rows.ts";
import type { HeadRows } from "./head_rows.ts";
import { fillsOf, meansOf, withMissing, writeCode } from "./written_codes.ts";
import { writeSetRow } from "./written_sets.ts";

/** Where the rows are put: slot 1 of 2, layer 1 of 2, so that strides matter. */
export const AT = Object.freeze({ slot: 1, nSlots: 2, layer: 1, nLayers: 2 });

/** A written cache: the buffers and constants that kernels bind. */
export interface WrittenCache {
  readonly layout: Layout;
  readonly buffers: {
    readonly pages: Uint32Array<ArrayBuffer>;
    readonly heads: Uint32Array<ArrayBuffer>;
    readonly channels: Uint32Array<ArrayBuffer>;
    readonly value_channels: Uint32Array<ArrayBuffer>;
    readonly arena: Uint8Array<ArrayBuffer>;
  };
  /** f32 as `channels`: the f16 mean of each list's missing channels over its rows, in its order; else null. */
  readonly fills: Float32Array<ArrayBuffer> | null;
  /** f32 [nSlots, nLayers, nKvHeads, headDim]: the f16 mean of values of which nothing is stored; null: all are. */
  readonly valueFills: Float32Array<ArrayBuffer> | null;
  readonly constants: Readonly<Record<string, number>>;
  /** First page entry of each segment, keys' first. */
  readonly firstPages: readonly number[];
  /** Page entries of a segment of a head. */
  readonly perSegment: number;
  readonly headDim: number;
  /** Chunks of 256 rows that the longest head has. */
  readonly nSplits: number;
}

/** What a KV head's values read as of which nothing is stored: f32 [headDim] of the cache's. */
export function valueFillsAt(
  { valueFills, headDim }: Pick<WrittenCache, "valueFills" | "headDim">,
  { kvHead, nKvHeads }: { readonly kvHead: number; readonly nKvHeads: number },
): Float32Array<ArrayBuffer> {
  const head = (AT.slot * AT.nLayers + AT.layer) * nKvHeads + kvHead;
  return valueFills!.subarray(head * headDim, (head + 1) * headDim);
}

/** The buffer of what is not stored, where a cache has any: what keys' channels read as, then values. */
export function boundFills(
  { fills, valueFills }: Pick<WrittenCache, "fills" | "valueFills">,
): { readonly fills?: Float32Array<ArrayBuffer> } {
  if (valueFills === null) return fills ? { fills } : {};
  return { fills: Float32Array.from([...fills ?? [], ...valueFills]) };
}

/** What a stored element reads back as. */
export const stored = (x: number, { code }: Segment) =>
  code.kind === "f16" ? Math.f16round(x) : Math.fround(x);

/** Segments of both streams, keys' first. */
export const segmentsOf = ({ key, value }: Layout) => [...key.segments, ...value.segments];

/** Whether a segment of `layout` is the `index`-th of the keys. */
export const isKey = (layout: Layout, index: number) => index < layout.key.segments.length;

/** Where the pages of each segment begin, as kernels take it. */
export const pageConstants = ({ layout, firstPages }: WrittenCache): Record<string, number> =>
  Object.fromEntries(
    firstPages.map((page, i) => [
      isKey(layout, i) ? `key_page_${i}` : `value_page_${i - layout.key.segments.length}`,
      page,
    ]),
  );

/** Bytes before the first row of a page of segment `index`. */
export const headBytes = (layout: Layout, index: number) =>
  sideBytes(rowSides(layout, isKey(layout, index) ? "key" : "value"));

/**
 * Writes the rows of every KV head.
 *
 * @param options `nNew`: rows at the end that belong to this step (stored, but not counted in `heads`);
 * `spare`: page entries beyond what the rows need
 */
export function writeCache(
  name: string,
  rows: readonly HeadRows[],
  options: { readonly headDim: number; readonly nNew?: number; readonly spare?: number },
): WrittenCache {
  const { headDim, nNew = 0, spare = 1 } = options;
  const layout = parseLayoutName(name);
  const segments = segmentsOf(layout);
  const longest = Math.max(...rows.map((head) => head.keys.length));
  const perSegment = pageCount(longest) + spare;
  const pageEntries = segments.length * perSegment;
  const headAt = (kvHead: number) => (AT.slot * AT.nLayers + AT.layer) * rows.length + kvHead;
  const nHeads = AT.nSlots * AT.nLayers * rows.length;
  const pages = new Uint32Array(nHeads * pageEntries);
  const heads = new Uint32Array(nHeads * 2 * segments.length);
  const nLists = keyLists(layout);
  const channels = new Uint32Array(nHeads * nLists * headDim);
  const value_channels = new Uint32Array(nHeads * headDim);
  const filled = layout.key.segments.some(({ fill }) => fill === "mean");
  const fills = filled ? new Float32Array(nHeads * nLists * headDim) : null;
  const isEmpty = layout.value.segments.some(({ channels }) => channels === "none");
  const valueFills = isEmpty ? new Float32Array(nHeads * headDim) : null;

  // Every page has full width's room; their order in the arena is shuffled by a stride prime to it.
  const unitsOfPage = Math.max(
    ...segments.map((s, index) =>
      pageBytes(s, { width: headDim, headDim, head: headBytes(layout, index) }) / ARENA_UNIT
    ),
  );
  const nPages = rows.length * pageEntries;
  const stride = [7, 11, 13, 17].find((p) => nPages % p !== 0)!;
  const arena = new Uint8Array(nPages * unitsOfPage * ARENA_UNIT).fill(0xff);
  const view = new DataView(arena.buffer);

  let nSplits = 0;
  rows.forEach((head, kvHead) => {
    const table = pages.subarray(headAt(kvHead) * pageEntries);
    for (let entry = 0; entry < pageEntries; entry++) {
      table[entry] = (kvHead * pageEntries + entry) * stride % nPages * unitsOfPage;
    }
    for (let i = 0; i < nLists; i++) {
      const own = listed(head, "key", i);
      const at = (headAt(kvHead) * nLists + i) * headDim;
      const list = withMissing(own, headDim);
      channels.set(fills ? list : own.channels, at);
      const starts = nLists > 1 ? segmentStarts(head, layout.key.segments, "key") : [0, own.rows];
      const keys = head.keys.slice(...starts.slice(i, i + 2));
      fills?.set(head.fills ?? fillsOf({ ...own, keys, nListed: keys.length }, list), at);
    }
    value_channels.set(listed(head, "value").channels, headAt(kvHead) * headDim);
    let splits = 0;
    segments.forEach((segment, index) => {
      const key = isKey(layout, index);
      const stream = key ? layout.key.segments : layout.value.segments;
      const isLast = segment === stream.at(-1);
      const starts = segmentStarts(head, stream, key ? "key" : "value");
      const [from, to] = starts.slice(stream.indexOf(segment)) as [number, number];
      const own = listed(head, key ? "key" : "value", stream.indexOf(segment));
      const all = Array.from({ length: headDim }, (_, c) => c);
      const list = { list: own.channels, none: [], bitmap: all, all }[segment.channels];
      if (segment.channels === "none") {
        valueFills!.set(meansOf(head.values.slice(from, to), all), headAt(kvHead) * headDim);
      }
      const isNew = isLast ? nNew : 0;
      const sets = segment.channels === "bitmap" ? head.sets! : null;
      const { code } = segment;
      const classes = code.kind === "affine" && code.low !== undefined;
      const high = classes ? { high: own.high ?? list.length } : {};
      const width = sets ? sets[0]?.length ?? 0 : list.length;
      const size = [to - from - isNew, width | (high.high ?? 0) << 16];
      heads.set(size, headAt(kvHead) * 2 * segments.length + 2 * index);
      if (key) splits += Math.ceil((to - from) / 256);
      const rows = (key ? head.keys : head.values).slice(from, to)
        .map((row) => list.map((c) => row[c]!));
      const coded = code.kind === "affine" ? codeRowsReference(rows, code, high.high) : null;
      rows.forEach((row, i) => {
        const start = table[index * perSegment + pageIndex(i)]! * ARENA_UNIT;
        const page = start + headBytes(layout, index);
        if (!key && layout.rowPositions) {
          const place = from + i;
          const side = start + 4 * (i % PAGE_ROWS);
          view.setInt32(side, head.positions?.[place] ?? place, true);
          if (layout.rowSums) {
            view.setFloat32(side + 4 * PAGE_ROWS, head.sums?.[place] ?? place / 8, true);
          }
        }
        if (sets) return writeSetRow({ view, page, segment, row: i, headDim }, sets[i]!, row);
        row.forEach((x, channel) => {
          const place = { row: i, channel, width: list.length, ...high };
          if (coded) return writeCode({ view, page, segment, ...place }, coded[i]![channel]!);
          const at = elementOffset(segment, place);
          if (code.kind === "f16") view.setFloat16(page + 2 * at, x, true);
          else view.setFloat32(page + 4 * at, x, true);
        });
      });
    });
    nSplits = Math.max(nSplits, splits);
  });
  return {
    layout,
    buffers: { pages, heads, channels, value_channels, arena },
    ...{ fills, valueFills },
    constants: {
      ...{ layer: AT.layer, n_layers: AT.nLayers, page_entries: pageEntries },
      ...(valueFills ? { value_fills: fills?.length ?? 0 } : {}),
    },
    ...{ firstPages: segments.map((_, index) => index * perSegment), perSegment, headDim },
    nSplits,
  };
}
