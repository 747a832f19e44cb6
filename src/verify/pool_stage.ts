/** Scores of neighbours and of heads meet as declared; protected rows have none. */

import { meetScoresReference } from "../reference/token_scores.ts";
import type { Meeting } from "../reference/token_scores.ts";
import { N_KV_HEADS } from "./cases.ts";
import type { Measurement } from "./compare.ts";
import type { RunNamed } from "./kernels.ts";
import { HALF_ULP } from "./rounding.ts";
import { tokenPool } from "./token_stage.ts";
import type { TokenStage } from "./token_stage.ts";
import { UNTOUCHED } from "./token_score_stage.ts";
import type { TokenScores } from "./token_score_stage.ts";

/** The lists of scores that meet in a KV head. */
function sourcesOf<T>(stage: TokenStage, lists: readonly T[], kvHead: number): readonly T[] {
  if (stage.tokens.scope === "layer") return lists;
  const each = lists.length / N_KV_HEADS;
  return lists.slice(kvHead * each, (kvHead + 1) * each);
}

const meetingOf = ({ tokens: { group, pool, first, last } }: TokenStage): Meeting => ({
  ...{ group, pool, first, last },
});

/** The scores of a KV head's rows, made of those of every list. */
export const meetRows = (
  stage: TokenStage,
  lists: readonly ArrayLike<number>[],
  kvHead: number,
): Float64Array => meetScoresReference(sourcesOf(stage, lists, kvHead), meetingOf(stage));

/** Rows meet their neighbours, then heads meet; the scores of protected rows are not written. */
export async function poolScores(
  stage: TokenStage,
  { scores, cuts, run }: {
    readonly scores: TokenScores;
    /** u32 [nLayers, nKvHeads, 4] */
    readonly cuts: Uint32Array<ArrayBuffer>;
    readonly run: RunNamed;
  },
): Promise<{ buffer: Float32Array<ArrayBuffer>; measurements: Measurement[] }> {
  const { tokens } = stage;
  const pool = tokenPool(stage);
  const { maxRows } = stage;
  const nLists = scores.want.length;
  const isLayer = tokens.scope === "layer";
  const { token_scores } = await run("pool_scores", {
    ...pool,
    buffers: {
      cuts,
      row_scores: scores.buffer,
      token_scores: new Float32Array(N_KV_HEADS * maxRows).fill(UNTOUCHED),
    },
    constants: {
      ...pool.constants,
      n_sources: isLayer ? nLists : nLists / N_KV_HEADS,
      source_step: isLayer ? 0 : nLists / N_KV_HEADS,
      takes_max: Number(tokens.group === "max"),
      pools_max: Number(tokens.pool?.kind !== "mean"),
      pool_width: tokens.pool?.width ?? 1,
    },
  });
  const meeting = meetingOf(stage);
  const want = new Float64Array(token_scores.length).fill(UNTOUCHED);
  const bound = new Float64Array(want.length);
  stage.candidates.forEach(({ rows }, kvHead) => {
    const end = rows - meeting.last;
    if (meeting.first >= end) return;
    const lists = Array.from(
      { length: nLists },
      (_, i) => scores.buffer.subarray(i * maxRows, i * maxRows + rows),
    );
    const own = sourcesOf(stage, lists, kvHead);
    const start = kvHead * maxRows;
    // Sums of neighbours, then of heads, and a quotient each; the largest of some is one of them.
    const roundings = (tokens.pool?.kind === "mean" ? tokens.pool.width + 5 : 0) +
      (meeting.group === "mean" ? own.length + 5 : 0);
    const sizes = meetScoresReference(own.map((list) => list.map(Math.abs)), meeting);
    meetScoresReference(own, meeting).slice(meeting.first, end).forEach((score, i) => {
      const at = start + meeting.first + i;
      want[at] = score;
      bound[at] = roundings * HALF_ULP * sizes[meeting.first + i]!;
    });
  });
  const dims = [{ name: "head", size: N_KV_HEADS }, { name: "row", size: maxRows }];
  return {
    buffer: token_scores,
    measurements: [{ kernel: "pool scores", dims, got: token_scores, want, bound }],
  };
}
