/** Rows of a hand-written cache as a reader sees them: what codes stand for, in place of what was coded, and fills. */

import { keyLists } from "../src/layout/mod.ts";
import { AT, listed, readRow, segmentStarts, valueFillsAt } from "./_kv_cache.ts";
import type { HeadRows, WrittenCache } from "./_kv_cache.ts";

/** A head's rows with what its codes stand for, to f32; channels that a coded key lacks are left alone. */
export function asStored(
  cache: WrittenCache,
  head: HeadRows,
  at: { readonly kvHead: number; readonly nKvHeads: number; readonly headDim: number },
): HeadRows {
  const { layout, buffers: { arena } } = cache;
  const rowsOf = (stream: "key" | "value", rows: readonly Float32Array[]) => {
    const { segments } = layout[stream];
    const starts = segmentStarts(head, segments, stream);
    const first = stream === "key" ? 0 : layout.key.segments.length;
    return rows.map((row, i) => {
      const own = starts.findLastIndex((start) => start <= i);
      const segment = segments[own]!;
      if (segment.channels === "bitmap") {
        const set = new Set(head.sets![i]);
        return row.map((x, c) => set.has(c) ? x : head.fills![c]!);
      }
      if (segment.channels === "none") return valueFillsAt(cache, at);
      if (segment.code.kind !== "affine") return row;
      const list = listed(head, stream, own);
      const channels = segment.channels === "list"
        ? list.channels
        : Array.from({ length: at.headDim }, (_, c) => c);
      const fills = segment.fill === "mean"
        ? filledChannels(cache, { ...at, list: own, nStored: channels.length })
        : new Map();
      const decoded = Float32Array.from(row, (x, c) => fills.get(c) ?? x);
      const size = { width: channels.length, ...(segment.code.low ? { high: list.high! } : {}) };
      const place = { index: first + own, row: i - starts[own]!, ...size };
      readRow(cache, { ...at, arena, ...place }).forEach((x, c) => decoded[channels[c]!] = x);
      return decoded;
    });
  };
  return { ...head, keys: rowsOf("key", head.keys), values: rowsOf("value", head.values) };
}

/** Each channel that a coded key lacks, with what it reads as. */
function filledChannels(
  { fills, layout, buffers: { channels } }: WrittenCache,
  { kvHead, nKvHeads, headDim, list, nStored }: {
    readonly kvHead: number;
    readonly nKvHeads: number;
    readonly headDim: number;
    readonly list: number;
    readonly nStored: number;
  },
): Map<number, number> {
  const head = (AT.slot * AT.nLayers + AT.layer) * nKvHeads + kvHead;
  const start = (head * keyLists(layout) + list) * headDim;
  return new Map(Array.from({ length: headDim - nStored }, (_, i) => {
    const place = start + nStored + i;
    return [channels[place]!, fills![place]!] as const;
  }));
}
