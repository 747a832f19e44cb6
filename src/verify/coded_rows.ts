/**
 * What a head's rows are where kernels round what meets the cache: the codes of each row and how rows are cut, read
 * from a cache that was written by hand. Rows that such kernels read as they are have none.
 */

import { PAGE_ROWS } from "../layout/types.ts";
import type { AttentionQ8Query, RowCodes } from "../reference/attention_q8.ts";
import { listed, segmentStarts } from "./head_rows.ts";
import { readCodes } from "./written_rows.ts";
import type { HeadRows } from "./head_rows.ts";
import type { WrittenCache } from "./written_cache.ts";

/** What the reference takes of a head's rows beside their numbers. */
export type CodedRows = Pick<
  AttentionQ8Query,
  "keyCodes" | "valueCodes" | "keyGroup" | "valueGroup" | "keyStarts" | "beginsPage"
>;

/** How a stream's rows are read, and where its segments begin. */
interface CodedStream {
  readonly rows: readonly RowCodes[];
  readonly starts: readonly number[];
}

/** What a KV head's codes are, and how its rows are cut. */
export function codedRows(
  cache: WrittenCache,
  head: HeadRows,
  at: { readonly kvHead: number; readonly nKvHeads: number },
): CodedRows {
  const { key, value } = cache.layout;
  const keys = codedStream(cache, head, { ...at, of: "key" });
  const values = codedStream(cache, head, { ...at, of: "value" });
  const [keyCode, code] = [key, value].map(({ segments }) => segments[0]!.code);
  return {
    keyCodes: keys.rows,
    valueCodes: values.rows,
    keyStarts: keys.starts.slice(0, key.segments.length),
    keyGroup: keyCode!.kind === "affine" && keyCode!.along === "channels" ? keyCode!.group : null,
    valueGroup: code!.kind === "affine" ? code!.group : cache.headDim,
    beginsPage: (row) => {
      const start = values.starts.findLast((start) => start <= row)!;
      return (row - start) % PAGE_ROWS === 0;
    },
  };
}

function codedStream(
  cache: WrittenCache,
  head: HeadRows,
  { of, ...at }: {
    readonly of: "key" | "value";
    readonly kvHead: number;
    readonly nKvHeads: number;
  },
): CodedStream {
  const { layout, headDim, buffers: { arena } } = cache;
  const { segments } = layout[of];
  const starts = segmentStarts(head, segments, of);
  const first = of === "key" ? 0 : layout.key.segments.length;
  const rows = head.keys.map((_, row): RowCodes => {
    const own = starts.slice(0, segments.length).findLastIndex((start) => start <= row);
    const { code, channels: stored } = segments[own]!;
    // Values with a list, or of which nothing is stored, and keys with channels of their own meet f32.
    if ((of === "value" && stored === "list") || stored === "bitmap" || stored === "none") {
      return null;
    }
    if (code.kind !== "affine") return code.kind === "f16" ? "halves" : null;
    const list = listed(head, of, own);
    const channels = stored === "list"
      ? list.channels
      : Array.from({ length: headDim }, (_, c) => c);
    const high = code.low === undefined ? channels.length : list.high!;
    const place = { index: first + own, row: row - starts[own]!, width: channels.length, high };
    return readCodes(cache, { ...at, arena, ...place }).map((element, c) => ({
      ...{ ...element, channel: channels[c]! },
      bits: c < high ? code.bits : code.low!,
    }));
  });
  return { rows, starts };
}
