/** Compaction: older rows lose channels on their way into the list segment, the others close up. */

import { segmentName } from "../layout/name.ts";
import type { Layout } from "../layout/types.ts";
import { moveRowsReference } from "../reference/move_rows.ts";
import { keyAt, rowOf, seenCache, withBuffers } from "./cache_state.ts";
import type { CacheState } from "./cache_state.ts";
import { N_KV_HEADS } from "./cases.ts";
import type { Measurement } from "./compare.ts";
import { withFreshPages } from "./fresh_pages.ts";
import type { RunNamed } from "./kernels.ts";
import type { PlannedChannels } from "./pruning_case.ts";
import { strayBytes } from "./stray_bytes.ts";
import { AT } from "./written_cache.ts";

/** The kernels a compaction runs: into the list, and within the full segment. */
export function moveNames({ key: { segments } }: Layout): string[] {
  const full = segments.at(-1)!;
  return segments.map((to) => `move_rows__${segmentName(full)}__${segmentName(to)}`);
}

/** Moves a cache's keys to their places after the compression; none of them is in the list yet. */
export async function moveRows(
  { recent }: PlannedChannels,
  state: CacheState,
  options: {
    readonly channels: Uint32Array<ArrayBuffer>;
    readonly kept: readonly (readonly number[])[];
    readonly run: RunNamed;
  },
): Promise<{ state: CacheState; measurements: Measurement[] }> {
  const { channels, kept, run } = options;
  const { headDim } = state;
  const heads = state.heads.map(({ rows }, kvHead) => ({
    ...{ rows, listed: Math.max(0, rows - recent) },
    channels: kept[kvHead]!,
  }));
  const old = seenCache(state);
  const { segments } = old.layout.key;
  const moving = withFreshPages(old, { headDim, values: false });
  const before = withBuffers(moving.cache, { channels });
  let arena = before.buffers.arena;
  for (const [index, name] of moveNames(old.layout).entries()) {
    const moves = heads.map(({ rows, listed, channels }) =>
      segments[index]!.channels === "list"
        ? [0, 0, listed, channels.length]
        : [listed, 0, rows - listed, headDim]
    );
    ({ arena } = await run(name, {
      defines: { HEAD_DIM: headDim },
      buffers: {
        src_pages: moving.src_pages,
        dst_pages: before.buffers.pages,
        ...{ channels, arena },
        moves: Uint32Array.from([...moves.flatMap((move) => move.map(() => 0)), ...moves.flat()]),
      },
      constants: {
        ...before.constants,
        ...{ slot: AT.slot, n_kv_heads: N_KV_HEADS },
        max_rows: Math.max(...moves.map(([, , rows]) => rows!)),
        src_page: old.firstPages[segments.length - 1]!,
        dst_page: old.firstPages[index]!,
      },
    }));
  }
  const next: CacheState = { ...state, cache: withBuffers(before, { arena }), heads };
  const written = heads.flatMap(({ rows }, kvHead) =>
    Array.from({ length: rows }, (_, row) => keyAt(next, kvHead, row))
  );
  return {
    state: next,
    measurements: [
      measure(state, next),
      strayBytes("move", { before, after: next.cache }, written),
    ],
  };
}

/** Every key's channels, zeros where the list dropped them: bits, since rows only move. */
function measure(state: CacheState, next: CacheState): Measurement {
  const { headDim } = state;
  const size = Math.max(...next.heads.map(({ rows }) => rows));
  const got = new Float64Array(N_KV_HEADS * size * headDim);
  const want = new Float64Array(got.length);
  next.heads.forEach(({ rows: n, listed, channels }, kvHead) => {
    const source = Array.from(
      { length: n },
      (_, row) => rowOf(state.cache, keyAt(state, kvHead, row)),
    );
    const move = { firstSource: 0, firstDestination: 0, rows: listed, channels };
    const rows = moveRowsReference(source, source, move);
    for (let row = 0; row < n; row++) {
      const start = (kvHead * size + row) * headDim;
      const found = rowOf(next.cache, keyAt(next, kvHead, row));
      found.forEach((x, i) => {
        const channel = row < listed ? channels[i]! : i;
        got[start + channel] = x;
        want[start + channel] = rows[row]![i]!;
      });
    }
  });
  const dims = [
    { name: "head", size: N_KV_HEADS },
    { name: "row", size },
    { name: "channel", size: headDim },
  ];
  return { kernel: "move", dims, got, want };
}
