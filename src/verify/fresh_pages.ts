/** New pages for rows that are copied inside one arena: what kernels write to is none of what they read. */

import { layoutName } from "../layout/name.ts";
import { withBuffers } from "./cache_state.ts";
import { N_KV_HEADS } from "./cases.ts";
import { firstHead } from "./ring_stage.ts";
import { writeCache } from "./written_cache.ts";
import type { WrittenCache } from "./written_cache.ts";

/** A cache whose block table has new pages, and the entries of the old ones. */
export interface MovingCache {
  readonly cache: WrittenCache;
  /** u32 [nKvHeads, pageEntries] */
  readonly src_pages: Uint32Array<ArrayBuffer>;
}

/** An arena that holds nothing, every segment with `perSegment` pages per head. */
export function emptyCache(
  layout: WrittenCache["layout"],
  { headDim, perSegment }: { readonly headDim: number; readonly perSegment: number },
): WrittenCache {
  const empty = { keys: [], values: [], nListed: 0, channels: [] };
  const heads = Array.from({ length: N_KV_HEADS }, () => empty);
  return writeCache(layoutName(layout), heads, { headDim, spare: perSegment });
}

/**
 * Doubles the arena.
 *
 * @param options `moves`: whether the rows of a segment move, by its index, keys' first; else its pages stay
 */
export function withFreshPages(
  old: WrittenCache,
  { headDim, moves }: { readonly headDim: number; readonly moves: (index: number) => boolean },
): MovingCache {
  const entries = old.constants["page_entries"]!;
  const { perSegment } = old;
  const fresh = emptyCache(old.layout, { headDim, perSegment });
  const units = old.buffers.arena.length / 64;
  const pages = old.buffers.pages.map((page, i) => {
    const isNew = moves(Math.floor(i % entries / perSegment));
    return isNew ? fresh.buffers.pages[i]! + units : page;
  });
  const arena = new Uint8Array(old.buffers.arena.length + fresh.buffers.arena.length).fill(0xff);
  arena.set(old.buffers.arena);
  const own = firstHead(N_KV_HEADS) * entries;
  return {
    cache: withBuffers(old, { pages, arena }),
    src_pages: old.buffers.pages.slice(own, own + N_KV_HEADS * entries),
  };
}
