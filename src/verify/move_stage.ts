/**
 * Compaction: older rows lose channels or become codes on their way into the compressed segments of their
 * stream, behind the rows that are there; the others close up in new pages, the first ones in front where
 * those are never coded.
 */

import { keyLists } from "../layout/row_classes.ts";
import { hasNothing, hasSets, seenCache, withBuffers } from "./cache_state.ts";
import type { CacheState } from "./cache_state.ts";
import { N_KV_HEADS } from "./cases.ts";
import { measureAverages } from "./average_stage.ts";
import { measureCodes } from "./code_stage.ts";
import type { Measurement } from "./compare.ts";
import { withFreshPages } from "./fresh_pages.ts";
import type { RunNamed } from "./kernels.ts";
import { measureMoves, sameSides } from "./moved_rows.ts";
import type { HeadMove } from "./moved_rows.ts";
import type { RowOrder } from "./order_stage.ts";
import { headMoves, isCoded, moveKernel, movesOf } from "./rows_leaving.ts";
import type { RowsLeaving } from "./rows_leaving.ts";
import { strayBytes } from "./stray_bytes.ts";
import { measureThinned } from "./thin_stage.ts";
import { AT, boundFills } from "./written_cache.ts";

/**
 * Moves a cache's older rows.
 *
 * @param options `order`: of the rows that leave, where they are in classes; `scores`: of channels, f32 [nSlots,
 * nLayers, nKvHeads, headDim], where rows keep channels of their own
 */
export async function moveRows(
  state: CacheState,
  { order, scores, run, ...options }: RowsLeaving & {
    readonly order: RowOrder | null;
    readonly scores: Float32Array<ArrayBuffer> | null;
    readonly run: RunNamed;
  },
): Promise<{ state: CacheState; measurements: Measurement[] }> {
  const { layout } = options;
  const { headDim } = state;
  const old = seenCache(state);
  const streams = movesOf(layout);
  const moving = withFreshPages(old, {
    headDim,
    moves: (index) => streams.some(({ full }) => full === index),
  });
  let { buffers: { arena }, valueFills } = moving.cache;
  const moved: HeadMove[] = [];
  const heads = [...state.heads];
  for (const stream of streams) {
    const { of, compressed, full } = stream;
    const own = heads.map((_, kvHead) => headMoves(state, stream, { ...options, kvHead, order }));
    own.forEach(({ head, moves }, kvHead) => {
      heads[kvHead] = { ...heads[kvHead]!, [of]: head };
      moved.push(...moves);
    });
    for (const [i, to] of [...compressed, full, full].entries()) {
      const lists = own.map(({ lists }) => lists[i]!);
      const isFirst = i > compressed.length;
      if (isFirst && options.first === 0) continue;
      const left = await run(moveKernel(layout, stream, to), {
        defines: { HEAD_DIM: headDim },
        buffers: {
          src_pages: moving.src_pages,
          dst_pages: moving.cache.buffers.pages,
          channels: of === "key" ? old.buffers.channels : old.buffers.value_channels,
          ...(order ? { order: order.buffer } : {}),
          ...(scores ? { scores } : {}),
          ...boundFills({ ...old, valueFills }),
          arena,
          moves: Uint32Array.from([...lists.flatMap((list) => list.map(() => 0)), ...lists.flat()]),
        },
        constants: {
          ...moving.cache.constants,
          ...{ slot: AT.slot, n_kv_heads: N_KV_HEADS },
          max_rows: order && to !== full
            ? order.maxRows
            : Math.max(...lists.map(([, , rows]) => rows!)),
          ...{ n_key_lists: keyLists(layout), key_list: i },
          src_page: old.firstPages[full]!,
          dst_page: old.firstPages[to]!,
        },
      });
      arena = left.arena;
      if (hasNothing(layout, to)) valueFills = left.fills!.slice(old.fills?.length ?? 0);
    }
  }
  const next: CacheState = {
    ...state,
    cache: { ...withBuffers(moving.cache, { arena }), valueFills },
    heads,
  };
  const written = moved.flatMap(({ kvHead, to, before, rows, stored }) =>
    rows.map((_, i) => ({
      ...{ kvHead, index: to, row: before + i, width: stored.channels.length },
      ...(stored.high === undefined ? {} : { high: stored.high }),
    }))
  );
  return {
    state: next,
    measurements: [
      ...measureCodes(state, next, moved.filter(({ to }) => isCoded(layout, to))),
      measureMoves(
        state,
        next,
        moved.filter(({ to }) =>
          !isCoded(layout, to) && !hasSets(layout, to) && !hasNothing(layout, to)
        ),
      ),
      ...measureAverages(state, next, moved.filter(({ to }) => hasNothing(layout, to))),
      ...measureThinned(state, next, {
        moves: moved.filter(({ to }) => hasSets(layout, to)),
        scores,
      }),
      ...sameSides("move", state, next),
      strayBytes("move", { before: moving.cache, after: next.cache }, written),
    ],
  };
}
