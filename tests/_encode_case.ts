/** Rows on their way to a segment of codes: kernels' arguments, with outliers, constant groups and ties. */

import { channelsWord, hasChannelClasses, moveName, parseSegmentName } from "../src/layout/mod.ts";
import { randomFrom } from "./_kernel.ts";
import { AT, segmentsOf, writeCache } from "./_kv_cache.ts";
import type { HeadRows } from "./_kv_cache.ts";

/** Which rows are coded. */
export interface EncodeCase {
  readonly stream: "key" | "value";
  /** What the rows become: `q4r32t16`, `list_q2r32t16`, `q2c32t1`. */
  readonly to: string;
  readonly type?: "f16" | "f32";
  readonly headDim?: number;
  /** Rows of each KV head that are coded, behind `coded` that are already. */
  readonly rows: readonly number[];
  readonly coded?: number;
  readonly channels?: readonly number[];
  /** How many of them are of the first class. */
  readonly high?: number;
  /** Whether values carry positions, and running sums with them. */
  readonly positions?: boolean;
  readonly sums?: boolean;
  /** Of each head, its full rows one after the other, of which the last are coded; absent: in order. */
  readonly order?: readonly (readonly number[])[];
}

/** Every other row first, then those between. */
export const byClass = (n: number): number[] =>
  Array.from({ length: n }, (_, i) => 2 * i < n ? 2 * i : 2 * (n - i) - 1);

/** Rows with an outlier, a channel and a row that are constant, one of tiny differences, and ties. */
function rowsOf(n: number, headDim: number, random: () => number): Float32Array[] {
  return Array.from({ length: n }, (_, r) =>
    Float32Array.from({ length: headDim }, (_, c) => {
      if (c === 3 || r === 5) return -2.5;
      // Of 2 and of 4 bits with a scale of 1: every other value lies between two codes.
      if (c === 9 || c === 10) return r % (c === 9 ? 7 : 31) / 2;
      if (c === 7) return Math.f16round(1 + (r % 2) * 2 ** -10);
      return Math.f16round((c === 1 ? 3000 : 1) * (random() - (c === 2 ? 4 : 0)));
    }));
}

/** The cache of a case, and how `encode_rows` runs on it. */
export function encodeRun(given: EncodeCase) {
  const { stream, type = "f16", headDim = 64, coded = 0, high } = given;
  const isKey = stream === "key";
  const to = parseSegmentName(given.to);
  const listed = to.channels === "list";
  const channels = given.channels ?? Array.from({ length: headDim }, (_, c) => c);
  const sides = { positions: given.positions ?? false, sums: given.sums ?? false };
  const carried = (sides.positions ? "_evicted" : "") + (sides.sums ? "_summed" : "");
  const name = isKey
    ? `k_${given.to}_${type}t16_v_${type}t1`
    : `k_${type}t16_v_${given.to}_${type}t1`;
  const random = randomFrom(headDim + given.rows[0]!);
  const full = given.rows.map((n, i) => given.order?.[i]?.length ?? n);
  const longest = Math.max(...full) + coded;
  const nKvHeads = given.rows.length;
  const heads = full.map((n): HeadRows => {
    const all = rowsOf(coded + n, headDim, random);
    const positions = all.map((_, i) => 3 * i + 1);
    const head = { keys: all, values: all, nListed: coded, nCoded: coded, channels, positions };
    return high === undefined ? head : { ...head, high };
  });
  const cache = writeCache(name + carried, heads, { headDim, spare: Math.ceil(longest / 128) + 1 });
  const first = isKey ? 0 : 1;
  const { arena: before, pages } = cache.buffers;
  const entries = cache.constants["page_entries"]!;
  const firstHead = (AT.slot * AT.nLayers + AT.layer) * nKvHeads;
  const move = { from: segmentsOf(cache.layout)[first + 1]!, to, sides };
  const order = given.order && Uint32Array.from(
    given.order.flatMap((list) => [...list, ...Array(longest - list.length).fill(0xffffffff)]),
  );
  const word = channelsWord({ width: channels.length, high: high ?? 0 });
  const run = {
    defines: { HEAD_DIM: headDim },
    buffers: {
      src_pages: pages.slice(firstHead * entries, (firstHead + nKvHeads) * entries),
      dst_pages: pages,
      ...(listed ? { channels: cache.buffers.channels } : {}),
      moves: Uint32Array.from([
        ...Array(AT.layer * nKvHeads * 4).fill(0),
        ...given.rows.flatMap((n, i) => [full[i]! - n, coded, n, word]),
      ]),
      ...(order ? { order } : {}),
      arena: before,
    },
    constants: {
      ...{ slot: AT.slot, layer: AT.layer, n_layers: AT.nLayers, n_kv_heads: nKvHeads },
      page_entries: entries,
      src_page: cache.firstPages[first + 1]!,
      dst_page: cache.firstPages[first]!,
      max_rows: order ? longest : Math.max(...given.rows),
      ...(hasChannelClasses(to) ? { n_key_lists: 1, key_list: 0 } : {}),
    },
  };
  /** Which row of a head is the `at`-th of what the segment then holds. */
  const from = (kvHead: number, at: number) => {
    const list = given.order?.[kvHead]?.slice(full[kvHead]! - given.rows[kvHead]!);
    return at < coded || !list ? at : coded + list[at - coded]!;
  };
  const kernel = `encode_${order ? "ordered_" : ""}rows__${moveName(move)}`;
  return { ...{ name: kernel, run, cache, heads, channels, move, first, from } };
}
