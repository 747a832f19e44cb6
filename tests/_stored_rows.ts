/** Rows of a hand-written cache as a reader sees them: what codes stand for, in place of what was coded, and fills. */

import { AT, listed, readRow, segmentStarts } from "./_kv_cache.ts";
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
      if (segment.code.kind !== "affine") return row;
      const lists = segment.channels === "list";
      const channels = lists
        ? listed(head, stream).channels
        : Array.from({ length: at.headDim }, (_, c) => c);
      const fills = segment.fill === "mean" ? filledChannels(cache, head, at) : new Map();
      const decoded = Float32Array.from(row, (x, c) => fills.get(c) ?? x);
      const size = { width: channels.length, ...(segment.code.low ? { high: head.high! } : {}) };
      const place = { index: first + own, row: i - starts[own]!, ...size };
      readRow(cache, { ...at, arena, ...place }).forEach((x, c) => decoded[channels[c]!] = x);
      return decoded;
    });
  };
  return { ...head, keys: rowsOf("key", head.keys), values: rowsOf("value", head.values) };
}

/** Each channel that a coded key lacks, with what it reads as. */
function filledChannels(
  { fills, buffers: { channels } }: WrittenCache,
  head: HeadRows,
  { kvHead, nKvHeads, headDim }: { kvHead: number; nKvHeads: number; headDim: number },
): Map<number, number> {
  const start = ((AT.slot * AT.nLayers + AT.layer) * nKvHeads + kvHead) * headDim;
  return new Map(Array.from({ length: headDim - head.channels.length }, (_, i) => {
    const place = start + head.channels.length + i;
    return [channels[place]!, fills![place]!] as const;
  }));
}
