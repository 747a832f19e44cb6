/** What stays of rows of given scores, as a step declares it; and what two choices differ in. */

import {
  ownRowsReference,
  selectRowsReference,
  shareRowsReference,
} from "../reference/select_rows.ts";
import { trimmed } from "./block_stage.ts";
import type { Measurement } from "./compare.ts";
import { N_KV_HEADS } from "./cases.ts";
import type { TokenStage } from "./token_stage.ts";

/** A score nearer to one on the other side of the cut than this, relatively, may go either way. */
const NEAR_TIE = 1e-5;

/** Places of rows that stay, ascending, per KV head. */
export type KeptRows = readonly (readonly number[])[];

/** Of a head's budget what it keeps by itself, where heads share the rest. */
export const floorsOf = (
  { tokens: { first, last, floor } }: TokenStage,
  keeps: readonly number[],
): number[] => keeps.map((keep) => ownRowsReference(keep, { floor: floor ?? 1, first, last }));

/** How many rows the heads of a layer keep, and where they share them how many each keeps by itself. */
export interface RowCounts {
  readonly keeps: readonly number[];
  readonly floors: readonly number[];
}

/** The choice by each head's own scores. */
export const chooseAlone = (
  { tokens: { first, last } }: TokenStage,
  lists: readonly ArrayLike<number>[],
  keeps: readonly number[],
): number[][] =>
  lists.map((scores, kvHead) => selectRowsReference(scores, { first, last, keep: keeps[kvHead]! }));

/** The choice of all heads together, by the scores as they are. */
export function chooseTogether(
  { tokens: { first, last } }: TokenStage,
  lists: readonly ArrayLike<number>[],
  keeps: readonly number[],
): number[][] {
  const heads = lists.map((scores, kvHead) => ({
    scores,
    keep: keeps[kvHead]!,
    own: first + last,
  }));
  return shareRowsReference(heads, { first, last });
}

/** The whole choice as declared. */
export function chooseRows(
  stage: TokenStage,
  lists: readonly ArrayLike<number>[],
  { keeps, floors }: RowCounts,
): number[][] {
  const { tokens: { first, last, floor } } = stage;
  const trim = trimmed(stage);
  if (floor === null) return chooseAlone(stage, lists, keeps).map(trim);
  const heads = lists.map((scores, kvHead) => ({
    ...{ scores, keep: keeps[kvHead]!, own: floors[kvHead]! },
  }));
  return shareRowsReference(heads, { first, last, trim });
}

/**
 * 1 for each row that stays, by the kernels and by the author's scores. A row may differ where another one
 * on the other side of the author's cut has nearly its score: this is counted and is no failure.
 */
export function compareChoices(
  stage: TokenStage,
  scores: readonly ArrayLike<number>[],
  { got: kept, want: chosen }: { readonly got: KeptRows; readonly want: KeptRows },
): Measurement {
  const { tokens: { first, last, floor }, candidates, maxRows } = stage;
  const got = new Uint8Array(N_KV_HEADS * maxRows);
  const want = new Uint8Array(got.length);
  const author = chosen.map((rows) => new Set(rows));
  const isNear = (kvHead: number, row: number): boolean => {
    const stays = author[kvHead]!.has(row);
    const score = scores[kvHead]![row]!;
    return scores.some((list, head) =>
      (floor !== null || head === kvHead) &&
      Array.from(list).some((other, i) =>
        i >= first && i < list.length - last && author[head]!.has(i) !== stays &&
        Math.abs(other - score) <= NEAR_TIE * Math.abs(score)
      )
    );
  };
  let nearTies = 0;
  candidates.forEach(({ rows }, kvHead) => {
    const start = kvHead * maxRows;
    for (const row of kept[kvHead]!) got[start + row] = 1;
    for (const row of chosen[kvHead]!) want[start + row] = 1;
    for (let row = first; row < rows - last; row++) {
      if (got[start + row] === want[start + row] || !isNear(kvHead, row)) continue;
      nearTies++;
      want[start + row] = got[start + row]!;
    }
  });
  const dims = [{ name: "head", size: N_KV_HEADS }, { name: "row", size: maxRows }];
  return { kernel: "select rows", dims, got, want, nearTies, ...pictureOf(stage, kept) };
}

/** What stays of each head, for people; of rows that get more bits none leaves. */
const pictureOf = (
  { tokens: { kernel, first, last }, heads }: TokenStage,
  kept: KeptRows,
): Pick<Measurement, "rows"> =>
  kernel !== "token_scores" ? {} : {
    rows: heads.map(({ positions }, kvHead) => {
      const stays = new Set(kept[kvHead]!);
      const isProtected = (row: number) => row < first || row >= positions!.length - last;
      return positions!.map((position, row) => ({
        position,
        is: isProtected(row) ? "protected" : stays.has(row) ? "kept" : "evicted",
      }));
    }),
  };
