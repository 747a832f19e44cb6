/**
 * The choice of rows by the kernels: exactly the protected ones and the highest of the scores stay, as many
 * as the budget says; and they are the author's but for rows whose scores lie at the cut.
 */

import { inBlocks, meetBlocks, scoreBlocks, trimmed } from "./block_stage.ts";
import { N_KV_HEADS } from "./cases.ts";
import type { Measurement } from "./compare.ts";
import { countName, countRows } from "./count_stage.ts";
import type { RunNamed } from "./kernels.ts";
import type { PlannedRows } from "./planned_steps.ts";
import { meetRows, poolScores } from "./pool_stage.ts";
import { chooseAlone, chooseRows, chooseTogether, compareChoices, floorsOf } from "./row_choice.ts";
import type { KeptRows } from "./row_choice.ts";
import { cutsOf, headLists, listsOf } from "./row_lists.ts";
import type { RowLists } from "./row_lists.ts";
import { tokenPool } from "./token_stage.ts";
import type { TokenStage } from "./token_stage.ts";
import type { TokenScores } from "./token_score_stage.ts";
import { AT } from "./written_cache.ts";

/** What `raise_rows` gives a row that stays in any case. */
const LARGEST_F32 = (2 - 2 ** -23) * 2 ** 127;

/** Rows that stay, as the kernels left them. */
export interface ChosenRows {
  readonly kept: KeptRows;
  readonly buffers: RowLists;
  /** u32 [nLayers, nKvHeads, 4]: what was chosen among. */
  readonly cuts: Uint32Array<ArrayBuffer>;
  /** f32 [nKvHeads, max_rows]: pooled, heads met. */
  readonly scores: Float32Array<ArrayBuffer>;
  readonly measurements: readonly Measurement[];
}

/** The kernels of a choice, in order. */
export const selectRowsNames = (tokens: PlannedRows): string[] => [
  "pool_scores",
  ...(tokens.enough === null ? [] : [countName(tokens.enough)]),
  ...(inBlocks(tokens) ? ["block_scores", "trim_blocks"] : []),
  "select_rows",
  ...(tokens.floor === null ? [] : ["raise_rows"]),
];

/** Pools the scores and chooses the rows that stay. */
export async function selectRows(
  stage: TokenStage,
  scores: TokenScores,
  run: RunNamed,
): Promise<ChosenRows> {
  const budgets = stage.candidates.map(({ keep }) => keep);
  const cuts = cutsOf(stage, budgets);
  const pooled = await poolScores(stage, { scores, cuts, run });
  const blocks = await scoreBlocks(stage, { token_scores: pooled.buffer, cuts, run });
  const { buffer: token_scores, block_starts } = blocks;
  const lists = headLists(stage, token_scores);
  const authors = meetBlocks(
    stage,
    stage.candidates.map(({ rows }, kvHead) =>
      meetRows(stage, scores.want.map((list) => list.slice(0, rows)), kvHead)
    ),
  );
  const shares = stage.tokens.floor !== null;
  const counted = (keeps: readonly number[]) =>
    countRows(stage, {
      ...{ keeps, cuts: cutsOf(stage, keeps), token_scores, lists, authors, run },
    });
  const enough = await counted(budgets);
  const own = shares ? await counted(floorsOf(stage, budgets)) : { keeps: [], measurements: [] };
  const [{ keeps }, { keeps: floors }] = [enough, own];
  const raised = shares
    ? await raiseFloors(stage, { floors, token_scores, block_starts, run })
    : { token_scores, measurements: [] };
  const wanted = (shares ? chooseTogether : chooseAlone)(
    stage,
    headLists(stage, raised.token_scores),
    keeps,
  );
  const found = await select(stage, {
    ...{ keeps, wanted, run, token_scores: raised.token_scores, block_starts, shares },
  });
  const both = { got: found.kept, want: chooseRows(stage, authors, { keeps, floors }) };
  return {
    ...found,
    ...{ cuts, scores: token_scores },
    measurements: [
      ...[pooled, blocks, enough, own, raised, found].flatMap(({ measurements }) => measurements),
      compareChoices(stage, authors, both),
    ],
  };
}

/** One run of the choice, held to the rows wanted of the scores that it is given. */
async function select(
  stage: TokenStage,
  { keeps, wanted, token_scores, block_starts, shares, run }: {
    readonly keeps: readonly number[];
    readonly wanted: KeptRows;
    readonly token_scores: Float32Array<ArrayBuffer>;
    /** u32 [nKvHeads, max_rows] */
    readonly block_starts: Uint32Array<ArrayBuffer>;
    readonly shares: boolean;
    readonly run: RunNamed;
  },
): Promise<Omit<ChosenRows, "cuts" | "scores">> {
  const pool = tokenPool(stage);
  const { maxRows } = stage;
  const written = await run("select_rows", {
    ...pool,
    buffers: { cuts: cutsOf(stage, keeps), token_scores, ...listsOf(stage, []) },
    constants: { ...pool.constants, shares: Number(shares) },
  });
  const want = listsOf(stage, wanted);
  const kept = wanted.map((rows, kvHead) => {
    const own = [...written.kept.subarray(kvHead * maxRows, kvHead * maxRows + rows.length)];
    // What is no choice at all leads nowhere: the stages behind go on with the right one.
    const isChoice = own.every((row, i) =>
      row > (own[i - 1] ?? -1) && row < stage.candidates[kvHead]!.rows
    );
    return isChoice ? own : rows;
  });
  const counts = [
    { name: "layer", size: AT.nLayers },
    { name: "head", size: N_KV_HEADS },
    { name: "rows kept in the list, in all", size: 2 },
  ];
  const places = [{ name: "head", size: N_KV_HEADS }, { name: "place", size: maxRows }];
  const measurements: Measurement[] = [
    { kernel: "select rows", dims: places, got: written.kept, want: want.kept },
    {
      ...{ kernel: "select rows", dims: counts },
      ...{ got: written.kept_counts, want: want.kept_counts },
    },
  ];
  if (!inBlocks(stage.tokens)) return { kept, buffers: listsOf(stage, kept), measurements };
  const chosen = listsOf(stage, kept);
  const left = await run("trim_blocks", {
    ...pool,
    buffers: { cuts: cutsOf(stage, keeps), block_starts, ...chosen },
  });
  const whole = kept.map((rows, kvHead) => trimmed(stage)([...rows], kvHead));
  // Behind the list of a head its places are as they were, or hold what has moved.
  const leftRows = (list: Uint32Array) =>
    whole.flatMap((
      rows,
      kvHead,
    ) => [...list.subarray(kvHead * maxRows, kvHead * maxRows + rows.length)]);
  const lists = listsOf(stage, whole);
  return {
    kept: whole,
    buffers: lists,
    measurements: [
      ...measurements,
      {
        ...{ kernel: "trim blocks", dims: [{ name: "place", size: whole.flat().length }] },
        ...{ got: Uint32Array.from(leftRows(left.kept)), want: Uint32Array.from(whole.flat()) },
      },
      {
        ...{ kernel: "trim blocks", dims: counts },
        ...{ got: left.kept_counts, want: lists.kept_counts },
      },
    ],
  };
}

/** Where heads share: each chooses its own rows first, whose scores become the largest. */
async function raiseFloors(
  stage: TokenStage,
  { floors, token_scores, block_starts, run }: {
    readonly floors: readonly number[];
    readonly token_scores: Float32Array<ArrayBuffer>;
    readonly block_starts: Uint32Array<ArrayBuffer>;
    readonly run: RunNamed;
  },
): Promise<{ token_scores: Float32Array<ArrayBuffer>; measurements: Measurement[] }> {
  const wanted = chooseAlone(stage, headLists(stage, token_scores), floors);
  const own = await select(stage, {
    ...{ keeps: floors, wanted, token_scores, block_starts, shares: false, run },
  });
  const raised = await run("raise_rows", {
    ...tokenPool(stage),
    buffers: { ...own.buffers, token_scores },
  });
  const { maxRows } = stage;
  const want = Float64Array.from(token_scores);
  own.kept.forEach((rows, kvHead) =>
    rows.forEach((row) => want[kvHead * maxRows + row] = LARGEST_F32)
  );
  const dims = [{ name: "head", size: N_KV_HEADS }, { name: "row", size: maxRows }];
  return {
    token_scores: raised.token_scores,
    measurements: [
      ...own.measurements,
      { kernel: "raise rows", dims, got: raised.token_scores, want },
    ],
  };
}
