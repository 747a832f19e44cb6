/** What the kernels of a choice of rows read and write beside scores: cuts, and lists of the rows that stay. */

import { N_KV_HEADS } from "./cases.ts";
import type { KeptRows } from "./row_choice.ts";
import type { TokenStage } from "./token_stage.ts";
import { AT } from "./written_cache.ts";

/** What a place of the lists holds that no kernel wrote. */
const NO_ROW = 99999;

/** What `select_rows` writes. */
export interface RowLists {
  /** u32 [nKvHeads, max_rows] */
  readonly kept: Uint32Array<ArrayBuffer>;
  /** u32 [nLayers, nKvHeads, 2] */
  readonly kept_counts: Uint32Array<ArrayBuffer>;
}

/** Each KV head's own part of a buffer of rows. */
export const headLists = (stage: TokenStage, buffer: Float32Array<ArrayBuffer>): Float32Array[] =>
  stage.candidates.map(({ rows }, kvHead) => {
    const start = kvHead * stage.maxRows;
    return buffer.slice(start, start + rows);
  });

/** u32 [nLayers, nKvHeads, 4]; the other layer's must not be read. */
export function cutsOf(
  { candidates }: TokenStage,
  keeps: readonly number[],
): Uint32Array<ArrayBuffer> {
  const own = candidates.flatMap(({ rows, listed }, i) => [listed, rows, keeps[i]!, 0]);
  return Uint32Array.from([...own.map(() => NO_ROW), ...own]);
}

/** Lists of rows as `select_rows` leaves them; the other layer's counts stay as they were. */
export function listsOf(stage: TokenStage, kept: KeptRows): RowLists {
  const { maxRows } = stage;
  const lists = new Uint32Array(N_KV_HEADS * maxRows).fill(NO_ROW);
  const kept_counts = new Uint32Array(AT.nLayers * N_KV_HEADS * 2).fill(NO_ROW);
  kept.forEach((rows, kvHead) => {
    lists.set(rows, kvHead * maxRows);
    const listed = rows.filter((row) => row < stage.candidates[kvHead]!.listed).length;
    kept_counts.set([listed, rows.length], 2 * (AT.layer * N_KV_HEADS + kvHead));
  });
  return { kept: lists, kept_counts };
}
