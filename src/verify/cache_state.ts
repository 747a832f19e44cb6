/** A cache between two kernels: its arena as the last one left it, the sizes that the next one sees. */

import type { SegmentSize } from "../layout/bytes.ts";
import { CHUNK_ROWS } from "../layout/types.ts";
import { N_KV_HEADS } from "./cases.ts";
import type { Measurement } from "./compare.ts";
import { AT, elementByte, elementBytes, readRow, segmentsOf } from "./written_cache.ts";
import type { RowAt, WrittenCache } from "./written_cache.ts";

/** A row of a case's cache. */
export type CaseRow = Omit<RowAt, "nKvHeads">;

/** The cache with other buffers in place of its own. */
export const withBuffers = (
  cache: WrittenCache,
  buffers: Partial<WrittenCache["buffers"]>,
): WrittenCache => ({ ...cache, buffers: { ...cache.buffers, ...buffers } });

/**
 * The cache with these sizes in `heads`.
 *
 * @param sizes per KV head and segment, keys' first
 * @param nNew rows of the step that follows: counted in `nSplits`, not in `heads`
 */
export function withSizes(
  cache: WrittenCache,
  sizes: readonly (readonly SegmentSize[])[],
  nNew: number,
): WrittenCache {
  const heads = Uint32Array.from(cache.buffers.heads);
  const nKey = cache.layout.key.segments.length;
  const first = (AT.slot * AT.nLayers + AT.layer) * N_KV_HEADS;
  let nSplits = 0;
  sizes.forEach((segments, kvHead) => {
    const flat = segments.flatMap(({ rows, width }) => [rows, width]);
    heads.set(flat, (first + kvHead) * flat.length);
    const splits = segments.slice(0, nKey).map(({ rows }, i) =>
      Math.ceil((rows + (i === nKey - 1 ? nNew : 0)) / CHUNK_ROWS)
    );
    nSplits = Math.max(nSplits, splits.reduce((a, b) => a + b));
  });
  return { ...withBuffers(cache, { heads }), nSplits };
}

/** A row as the arena has it. */
export const rowOf = (cache: WrittenCache, at: CaseRow): number[] =>
  readRow(cache, { ...at, nKvHeads: N_KV_HEADS, arena: cache.buffers.arena });

/** Bytes of the arena that a kernel changed though it had no business there; none are allowed. */
export function strayBytes(
  kernel: string,
  caches: { readonly before: WrittenCache; readonly after: WrittenCache },
  written: readonly CaseRow[],
): Measurement {
  const { before, after } = caches;
  const [was, is] = [before.buffers.arena, after.buffers.arena.slice()];
  const segments = segmentsOf(after.layout);
  for (const at of written) {
    const size = elementBytes(segments[at.index]!);
    for (let channel = 0; channel < at.width; channel++) {
      const byte = elementByte(after, { ...at, nKvHeads: N_KV_HEADS }, channel);
      is.set(was.subarray(byte, byte + size), byte);
    }
  }
  let stray = 0;
  for (let i = 0; i < is.length; i++) stray += Number(is[i] !== was[i]);
  return {
    kernel,
    dims: [{ name: "bytes changed beside them", size: 1 }],
    got: [stray],
    want: [0],
  };
}
