/** Rows that have channels of their own: kernels' arguments, with outliers, ties and what is no number. */

import { keyMeansReference, thinRowReference } from "../src/reference/mod.ts";
import { randomFrom } from "./_kernel.ts";
import { AT, writeCache } from "./_kv_cache.ts";
import type { HeadRows } from "./_kv_cache.ts";

/** Sets of `width` channels, another for each of the first rows, and what the others read as. */
export function ownChannels(
  { nListed, headDim, width }: {
    readonly nListed: number;
    readonly headDim: number;
    readonly width: number;
  },
  random: () => number,
): Required<Pick<HeadRows, "sets" | "fills">> {
  const all = Array.from({ length: headDim }, (_, c) => c);
  return {
    sets: Array.from(
      { length: nListed },
      (_, row) => all.filter((c) => (c * 7 + row * 5) % headDim < width),
    ),
    fills: all.map(() => Math.f16round(random())),
  };
}

/** Which keys are thinned, or made whole. */
export interface SetCase {
  readonly type?: "f16" | "f32";
  readonly headDim?: number;
  /** Rows of each KV head that move, behind `before` that the destination has. */
  readonly rows: readonly number[];
  readonly before?: number;
  /** Rows of the source in front of those that move. */
  readonly skipped?: number;
  /** Channels that each keeps. */
  readonly width: number;
}

/** Keys with a channel far off, one that is constant, equal ones, and one that is no number. */
function keysOf(n: number, headDim: number, random: () => number): Float32Array[] {
  return Array.from({ length: n }, (_, r) =>
    Float32Array.from({ length: headDim }, (_, c) => {
      if (c === 5) return 0.5;
      if (c === 6 || c === 7) return r % 2 === 0 ? 1 : -1;
      if (c === 9 && r === 3) return NaN;
      return Math.f16round(random() * (c === 3 ? 40 : 1) + (c === 2 ? 7 : 0));
    }));
}

const moved = (name: string, given: SetCase, { source, destination }: {
  readonly source: number;
  readonly destination: number;
}) => {
  const { headDim = 64, rows, before = 0, skipped = 0, width, type = "f16" } = given;
  const random = randomFrom(headDim + rows[0]! + width);
  const isThin = destination === 0;
  const heads = rows.map((n): HeadRows => {
    const nListed = isThin ? before : skipped + n;
    const keys = keysOf(before + skipped + n, headDim, random);
    const own = ownChannels({ nListed, headDim, width }, random);
    return { keys, values: keys, nListed, channels: [], ...own };
  });
  const longest = Math.max(...rows) + before + skipped;
  const layout = `k_bitmap_mean_f16t1_${type}t16_v_${type}t1`;
  const cache = writeCache(layout, heads, { headDim, spare: Math.ceil(longest / 128) + 1 });
  const nKvHeads = rows.length;
  const entries = cache.constants["page_entries"]!;
  const firstHead = (AT.slot * AT.nLayers + AT.layer) * nKvHeads;
  const { pages, arena } = cache.buffers;
  const scores = Float32Array.from(cache.fills!, (_, c) => c % 11 === 4 ? 0 : 1 + (c % 6) / 4);
  return {
    ...{ name, cache, heads, scores, width, headDim, nKvHeads },
    run: {
      defines: { HEAD_DIM: headDim },
      buffers: {
        src_pages: pages.slice(firstHead * entries, (firstHead + nKvHeads) * entries),
        dst_pages: pages,
        ...(isThin ? { scores } : {}),
        fills: cache.fills!,
        moves: Uint32Array.from([
          ...Array(AT.layer * nKvHeads * 4).fill(0),
          ...rows.flatMap((n) => [skipped, before, n, width]),
        ]),
        arena,
      },
      constants: {
        ...{ slot: AT.slot, layer: AT.layer, n_layers: AT.nLayers, n_kv_heads: nKvHeads },
        page_entries: entries,
        src_page: cache.firstPages[source]!,
        dst_page: cache.firstPages[destination]!,
        max_rows: Math.max(...rows),
      },
    },
  };
};

/** The cache of a case, and how `thin_rows` runs on it: whole rows behind `before` that are thin already. */
export function thinRun(given: SetCase) {
  const { type = "f16", skipped = 0, before = 0 } = given;
  const own = moved(`thin_rows__${type}t16__bitmap_mean_f16t1`, given, {
    source: 1,
    destination: 0,
  });
  const firstHead = (AT.slot * AT.nLayers + AT.layer) * own.nKvHeads;
  /** The channels that the i-th moved row of a head keeps. */
  const kept = (kvHead: number, i: number) => {
    const at = (firstHead + kvHead) * own.headDim;
    const slice = (of: Float32Array) => of.subarray(at, at + own.headDim);
    const { scores, cache: { fills }, width } = own;
    const key = own.heads[kvHead]!.keys[before + skipped + i]!;
    return thinRowReference(key, { scores: slice(scores), fills: slice(fills!), width });
  };
  return { ...own, kept };
}

/** The cache of a case, and how `fill_rows` runs on it: whole rows in front of the thin ones. */
export const fillRun = (given: SetCase) =>
  moved(`fill_rows__bitmap_mean_f16t1__${given.type ?? "f16"}t16`, given, {
    source: 0,
    destination: 1,
  });

/** Whole keys of unlike heads, and how `key_means` runs on them. */
export function meansRun(
  { rows, headDim = 64, type = "f16" }: Pick<SetCase, "rows" | "headDim" | "type">,
) {
  const random = randomFrom(headDim + rows[0]!);
  const heads = rows.map((n): HeadRows => {
    const keys = keysOf(n, headDim, random).map((row) => row.map((x) => x === x ? x : 0));
    return { keys, values: keys, nListed: 0, channels: [], sets: [], fills: [] };
  });
  const layout = `k_bitmap_mean_f16t1_${type}t16_v_${type}t1`;
  const cache = writeCache(layout, heads, { headDim });
  const { pages, heads: fields, arena } = cache.buffers;
  const nKvHeads = rows.length;
  return {
    name: `key_means__${layout}`,
    first: (AT.slot * AT.nLayers + AT.layer) * nKvHeads * headDim,
    want: heads.flatMap(({ keys }) =>
      keys.length > 0 ? keyMeansReference(keys) : Array(headDim).fill(0)
    ),
    run: {
      defines: { HEAD_DIM: headDim },
      buffers: { pages, heads: fields, arena, fills: Float32Array.from(cache.fills!).fill(-7) },
      constants: {
        ...{ slot: AT.slot, layer: AT.layer, n_layers: AT.nLayers, n_kv_heads: nKvHeads },
        page_entries: cache.constants["page_entries"]!,
        key_page: cache.firstPages[1]!,
      },
    },
  };
}
