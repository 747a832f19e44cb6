/**
 * Rows that are about to be coded, in the order of their classes: scored while they are whole, chosen as rows
 * that stay are, then those that get more bits before the others.
 */

import { classRows } from "../layout/row_classes.ts";
import { orderRowsReference } from "../reference/order_rows.ts";
import { compressedOf, seenCache } from "./cache_state.ts";
import { headRows } from "./state_rows.ts";
import type { CacheState } from "./cache_state.ts";
import { N_KV_HEADS } from "./cases.ts";
import type { Measurement } from "./compare.ts";
import type { RunNamed } from "./kernels.ts";
import { rowsLeaving } from "./rows_leaving.ts";
import type { RowsLeaving } from "./rows_leaving.ts";
import type { PlannedClasses } from "./planned_steps.ts";
import type { PruningProblem } from "./pruning_case.ts";
import type { Rings } from "./ring_stage.ts";
import { selectRows, selectRowsNames } from "./select_rows_stage.ts";
import { scoreTokens, tokenScoreNames } from "./token_score_stage.ts";
import { TILE_ROWS, tokenPool } from "./token_stage.ts";
import type { Candidates, TokenStage } from "./token_stage.ts";

/** What a place of the list holds that no kernel wrote. */
const NO_ROW = 99999;

/** Rows that leave the full segment, by their places there. */
export interface RowOrder {
  /** Per KV head, those of the first class before the others. */
  readonly rows: readonly (readonly number[])[];
  /** u32 [nKvHeads, maxRows] */
  readonly buffer: Uint32Array<ArrayBuffer>;
  /** f32 [nKvHeads, maxRows]: the score of each place. */
  readonly scores: Float32Array<ArrayBuffer>;
  readonly maxRows: number;
  readonly measurements: readonly Measurement[];
}

/** The kernels of an order, in order. */
export const orderNames = (classes: PlannedClasses, layout: string): string[] => [
  ...tokenScoreNames(classes, layout),
  ...selectRowsNames(classes),
  "order_rows",
];

/** Orders the rows that are due; null: none are. */
export async function orderRows(
  p: PruningProblem & { readonly classes: PlannedClasses },
  state: CacheState,
  { leaving, rings, run }: {
    readonly leaving: RowsLeaving;
    readonly rings: Rings;
    readonly run: RunNamed;
  },
): Promise<RowOrder | null> {
  const { first } = p.classes;
  const due = state.heads.map((head) => rowsLeaving(leaving, "value", head));
  const most = Math.max(...due);
  if (most === 0) return null;
  // The list has room for whole tiles, which are scored, those behind the last that is due too.
  const maxRows = Math.ceil((first + most) / TILE_ROWS) * TILE_ROWS;
  const candidates = state.heads.map((head, kvHead): Candidates => {
    const from = compressedOf(head.value);
    const rows = first + due[kvHead]!;
    const after = classRows(leaving.split, from + due[kvHead]!)[0]!;
    const scored = Math.min(maxRows, head.rows - from);
    return { from, scored, rows, listed: 0, keep: first + after - head.value.compressed[0]! };
  });
  const stage: TokenStage = {
    ...{ problem: p, tokens: p.classes, state, candidates, maxRows, nTiles: maxRows / TILE_ROWS },
    cache: seenCache(state),
    ring: rings.get(p.classes.window) ?? null,
    heads: state.heads.map((_, kvHead) => headRows(state, kvHead)),
  };
  const scores = await scoreTokens(stage, run);
  const chosen = await selectRows(stage, scores, run);
  const { order } = await run("order_rows", {
    ...tokenPool(stage),
    buffers: {
      ...{ kept: chosen.buffers.kept, kept_counts: chosen.buffers.kept_counts, cuts: chosen.cuts },
      order: new Uint32Array(N_KV_HEADS * maxRows).fill(NO_ROW),
    },
  });
  const want = new Uint32Array(order.length).fill(NO_ROW);
  const rows = candidates.map(({ rows }, kvHead) => {
    const high = chosen.kept[kvHead]!.filter((row) => row >= first);
    const own = orderRowsReference([...Array(first).keys(), ...high], rows)
      .filter((row) => row >= first);
    want.set(own, kvHead * maxRows);
    return own;
  });
  const dims = [{ name: "head", size: N_KV_HEADS }, { name: "place", size: maxRows }];
  return {
    ...{ rows, maxRows, buffer: want, scores: chosen.scores },
    measurements: [
      ...[scores, chosen].flatMap(({ measurements }) => measurements),
      { kernel: "order rows", dims, got: order, want },
    ],
  };
}
