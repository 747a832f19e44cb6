/** Coded rows on their way to a whole segment: kernels' arguments, with outliers and constant groups. */

import { channelsWord, hasChannelClasses, moveName, parseSegmentName } from "../src/layout/mod.ts";
import { randomFrom } from "./_kernel.ts";
import { AT, segmentsOf, writeCache } from "./_kv_cache.ts";
import type { HeadRows } from "./_kv_cache.ts";

/** Which rows are decoded. */
export interface DecodeCase {
  readonly stream: "key" | "value";
  /** What the rows are: `q4r32t16`, `list_q2r32t16`, `q2c32t1`. */
  readonly from: string;
  readonly type?: "f16" | "f32";
  readonly headDim?: number;
  /** Coded rows of each KV head; those from row `first` on are decoded, to row `to` and on. */
  readonly rows: readonly number[];
  readonly first?: number;
  readonly to?: number;
  readonly channels?: readonly number[];
  /** How many of them are of the first class. */
  readonly high?: number;
  /** Whether values carry positions, and running sums with them. */
  readonly positions?: boolean;
  readonly sums?: boolean;
}

/** Rows with an outlier, a channel and a row that are constant. */
function rowsOf(n: number, headDim: number, random: () => number): Float32Array[] {
  return Array.from({ length: n }, (_, r) =>
    Float32Array.from({ length: headDim }, (_, c) => {
      if (c === 3 || r === 5) return -2.5;
      return Math.f16round((c === 1 ? 3000 : 1) * (random() - (c === 2 ? 4 : 0)));
    }));
}

/** The cache of a case, and how `decode_rows` runs on it. */
export function decodeRun(given: DecodeCase) {
  const { stream, type = "f16", headDim = 64, first = 0, to = 0, high } = given;
  const from = parseSegmentName(given.from);
  const listed = from.channels === "list";
  const channels = given.channels ?? Array.from({ length: headDim }, (_, c) => c);
  const segments = stream === "key"
    ? `k_${given.from}_${type}t16_v_${type}t1`
    : `k_${type}t16_v_${given.from}_${type}t1`;
  const sides = { positions: given.positions ?? false, sums: given.sums ?? false };
  const name = segments + (sides.positions ? "_evicted" : "") + (sides.sums ? "_summed" : "");
  const random = randomFrom(headDim + given.rows[0]!);
  const nKvHeads = given.rows.length;
  const heads = given.rows.map((n): HeadRows => {
    const all = rowsOf(n + to, headDim, random);
    const positions = all.map((_, i) => 3 * i + 1);
    const head = { keys: all, values: all, nListed: n, nCoded: n, channels, positions };
    return high === undefined ? head : { ...head, high };
  });
  const longest = Math.max(...given.rows) + to;
  const cache = writeCache(name, heads, { headDim, spare: Math.ceil(longest / 128) + 1 });
  const index = stream === "key" ? 0 : 1;
  const { arena: before, pages } = cache.buffers;
  const entries = cache.constants["page_entries"]!;
  const firstHead = (AT.slot * AT.nLayers + AT.layer) * nKvHeads;
  const full = segmentsOf(cache.layout)[index + 1]!;
  const move = { from, to: full, sides };
  const word = channelsWord({ width: channels.length, high: high ?? 0 });
  const run = {
    defines: { HEAD_DIM: headDim },
    buffers: {
      src_pages: pages.slice(firstHead * entries, (firstHead + nKvHeads) * entries),
      dst_pages: pages,
      ...(listed ? { channels: cache.buffers.channels } : {}),
      ...(cache.fills ? { fills: cache.fills } : {}),
      moves: Uint32Array.from([
        ...Array(AT.layer * nKvHeads * 4).fill(0),
        ...given.rows.flatMap((n) => [first, to, Math.max(0, n - first), word]),
      ]),
      arena: before,
    },
    constants: {
      ...{ slot: AT.slot, layer: AT.layer, n_layers: AT.nLayers, n_kv_heads: nKvHeads },
      page_entries: entries,
      src_page: cache.firstPages[index]!,
      dst_page: cache.firstPages[index + 1]!,
      max_rows: Math.max(...given.rows) - first,
      ...(hasChannelClasses(from) ? { n_key_lists: 1, key_list: 0 } : {}),
    },
  };
  return {
    ...{ name: `decode_rows__${moveName(move)}`, run, cache, heads, channels, move, index },
  };
}
