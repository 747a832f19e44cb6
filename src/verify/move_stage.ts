/** Compaction: older rows lose channels on their way into the list segment, the others close up. */

import type { SegmentSize } from "../layout/bytes.ts";
import { segmentName } from "../layout/name.ts";
import { moveRowsReference } from "../reference/move_rows.ts";
import { rowOf, strayBytes, withBuffers } from "./cache_state.ts";
import type { CaseRow } from "./cache_state.ts";
import { N_KV_HEADS } from "./cases.ts";
import type { Measurement } from "./compare.ts";
import type { RunNamed } from "./kernels.ts";
import type { PruningProblem } from "./pruning_case.ts";
import { firstHead } from "./score_stage.ts";
import { AT, writeCache } from "./written_cache.ts";
import type { WrittenCache } from "./written_cache.ts";
import { layoutName } from "../layout/name.ts";

/** The kernels a compaction runs: into the list, and within the full segment. */
export function moveNames({ key: { segments } }: PruningProblem["layout"]): string[] {
  const full = segments.at(-1)!;
  return segments.map((to) => `move_rows__${segmentName(full)}__${segmentName(to)}`);
}

/** Sizes of every segment of a KV head with `moved` rows in the list, before the next step. */
export function sizesOf(p: PruningProblem, kvHead: number, moved: number): SegmentSize[] {
  const { headDim } = p.shape;
  const keys = p.layout.key.segments.map((segment): SegmentSize =>
    segment.channels === "list"
      ? { rows: moved, width: p.widths[kvHead]! }
      : { rows: p.nPrompt - moved, width: headDim }
  );
  return [...keys, ...p.layout.value.segments.map(() => ({ rows: p.nPrompt, width: headDim }))];
}

/** Moves the prompt's keys to their places after the compression. */
export async function moveRows(
  p: PruningProblem,
  cache: WrittenCache,
  options: {
    readonly channels: Uint32Array<ArrayBuffer>;
    readonly kept: readonly (readonly number[])[];
    readonly run: RunNamed;
  },
): Promise<{ cache: WrittenCache; measurements: Measurement[] }> {
  const { channels, kept, run } = options;
  const { headDim } = p.shape;
  const { segments } = p.layout.key;
  const before = withRoomForKeys(p, withBuffers(cache, { channels }));
  let arena = before.buffers.arena;
  for (const [index, name] of moveNames(p.layout).entries()) {
    const listed = segments[index]!.channels === "list";
    const [from, to] = listed ? [0, p.moved] : [p.moved, p.nPrompt];
    const moves = p.widths.flatMap((width) => [from, 0, to - from, listed ? width : headDim]);
    const entries = before.constants["page_entries"]!;
    const own = firstHead(N_KV_HEADS) * entries;
    ({ arena } = await run(name, {
      defines: { HEAD_DIM: headDim },
      buffers: {
        src_pages: cache.buffers.pages.slice(own, own + N_KV_HEADS * entries),
        dst_pages: before.buffers.pages,
        ...{ channels, arena },
        moves: Uint32Array.from([...moves.map(() => 0), ...moves]),
      },
      constants: {
        ...before.constants,
        ...{ slot: AT.slot, n_kv_heads: N_KV_HEADS, max_rows: to - from },
        src_page: cache.firstPages[segments.length - 1]!,
        dst_page: cache.firstPages[index]!,
      },
    }));
  }
  const after = withBuffers(before, { arena });
  const written = p.widths.map((_, kvHead) => movedRows(p, kvHead));
  return {
    cache: after,
    measurements: [
      measure(p, { cache, after }, { kept, written }),
      strayBytes("move", { before, after }, written.flat()),
    ],
  };
}

/** The arena with a second half of fresh pages, and a block table whose keys lie there. */
function withRoomForKeys(p: PruningProblem, cache: WrittenCache): WrittenCache {
  const empty = { keys: [], values: [], nListed: 0, channels: [] };
  const entries = cache.constants["page_entries"]!;
  const nSegments = cache.firstPages.length;
  const fresh = writeCache(layoutName(p.layout), p.widths.map(() => empty), {
    headDim: p.shape.headDim,
    spare: entries / nSegments,
  });
  const units = cache.buffers.arena.length / 64;
  const nKeyEntries = p.layout.key.segments.length * entries / nSegments;
  const pages = cache.buffers.pages.map((page, i) =>
    i % entries < nKeyEntries ? fresh.buffers.pages[i]! + units : page
  );
  const arena = new Uint8Array(2 * cache.buffers.arena.length).fill(0xff);
  arena.set(cache.buffers.arena);
  return withBuffers(cache, { pages, arena });
}

/** Where each of a head's keys lies after the compression. */
function movedRows(p: PruningProblem, kvHead: number): CaseRow[] {
  const index = p.layout.key.segments.length - 1;
  const listed = p.layout.key.segments.findIndex(({ channels }) => channels === "list");
  return Array.from(
    { length: p.nPrompt },
    (_, row) =>
      row < p.moved
        ? { kvHead, index: listed, row, width: p.widths[kvHead]! }
        : { kvHead, index, row: row - p.moved, width: p.shape.headDim },
  );
}

/** Every key's channels, zeros where the list dropped them: bits, since rows only move. */
function measure(
  p: PruningProblem,
  { cache, after }: { readonly cache: WrittenCache; readonly after: WrittenCache },
  options: {
    readonly kept: readonly (readonly number[])[];
    readonly written: readonly CaseRow[][];
  },
): Measurement {
  const { headDim } = p.shape;
  const index = p.layout.key.segments.length - 1;
  const got = new Float64Array(N_KV_HEADS * p.nPrompt * headDim);
  const want = new Float64Array(got.length);
  options.kept.forEach((channels, kvHead) => {
    const source = Array.from(
      { length: p.nPrompt },
      (_, row) => rowOf(cache, { kvHead, index, row, width: headDim }),
    );
    const move = { firstSource: 0, firstDestination: 0, rows: p.moved, channels };
    const rows = moveRowsReference(source, source, move);
    options.written[kvHead]!.forEach((at, row) => {
      const start = (kvHead * p.nPrompt + row) * headDim;
      const places = row < p.moved ? channels : source[row]!.map((_, channel) => channel);
      const found = rowOf(after, at);
      places.forEach((channel, i) => {
        got[start + channel] = found[i]!;
        want[start + channel] = rows[row]![i]!;
      });
    });
  });
  const dims = [
    { name: "head", size: N_KV_HEADS },
    { name: "row", size: p.nPrompt },
    { name: "channel", size: headDim },
  ];
  return { kernel: "move", dims, got, want };
}
