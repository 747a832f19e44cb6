/** The rows of a written cache as kernels read them: what the codes of compressed rows stand for. */

import { readRow } from "./_kv_cache.ts";
import type { HeadRows, WrittenCache } from "./_kv_cache.ts";

/** A head's rows with what its codes stand for, to f32; channels that a coded key lacks are left alone. */
export function asStored(
  cache: WrittenCache,
  head: HeadRows,
  at: { readonly kvHead: number; readonly nKvHeads: number; readonly headDim: number },
): HeadRows {
  const { layout, buffers: { arena } } = cache;
  const rowsOf = (stream: "key" | "value", rows: readonly Float32Array[]) => {
    const [segment] = layout[stream].segments;
    if (segment!.code.kind !== "affine") return rows;
    const listed = segment!.channels === "list";
    const channels = listed ? head.channels : Array.from({ length: at.headDim }, (_, c) => c);
    const index = stream === "key" ? 0 : layout.key.segments.length;
    return rows.map((row, i) => {
      if (i >= (listed ? head.nListed : head.nCoded!)) return row;
      const decoded = Float32Array.from(row);
      readRow(cache, { ...at, arena, index, row: i, width: channels.length })
        .forEach((x, c) => decoded[channels[c]!] = x);
      return decoded;
    });
  };
  return { ...head, keys: rowsOf("key", head.keys), values: rowsOf("value", head.values) };
}
