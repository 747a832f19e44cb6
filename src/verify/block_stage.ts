/** Rows that stay or leave in blocks: what a block scores, and what is left of a choice that cuts one. */

import {
  blockScoresReference,
  blockStartsReference,
  trimBlocksReference,
} from "../reference/blocks.ts";
import { N_KV_HEADS } from "./cases.ts";
import type { Measurement } from "./compare.ts";
import type { RunNamed } from "./kernels.ts";
import { HALF_ULP } from "./rounding.ts";
import { tokenPool } from "./token_stage.ts";
import type { TokenStage } from "./token_stage.ts";
import { UNTOUCHED } from "./token_score_stage.ts";

/** What a place of `block_starts` holds that no kernel wrote. */
const NO_START = 77777;

/** Whether a step chooses blocks. */
export const inBlocks = ({ blockRows }: Pick<TokenStage["tokens"], "blockRows">): boolean =>
  blockRows > 1;

/** The first row of each row's block, per KV head; null for protected rows. */
const startsOf = ({ tokens: { blockRows, first, last }, heads }: TokenStage) =>
  heads.map(({ positions }) =>
    blockStartsReference(positions!, { rows: blockRows, ...{ first, last } })
  );

/** Every row's score becomes its block's; as they are where rows are chosen by themselves. */
export function meetBlocks(stage: TokenStage, lists: readonly Float64Array[]): Float64Array[] {
  const { tokens } = stage;
  if (!inBlocks(tokens)) return [...lists];
  const starts = startsOf(stage);
  return lists.map((list, h) => blockScoresReference(list, starts[h]!, tokens.blockKind));
}

/** What is left of a choice of a KV head. */
export const trimmed = (stage: TokenStage): (kept: number[], kvHead: number) => number[] => {
  if (!inBlocks(stage.tokens)) return (kept) => kept;
  const starts = startsOf(stage);
  return (kept, kvHead) => trimBlocksReference(kept, starts[kvHead]!);
};

/** Scores of blocks as kernels make them. */
export interface BlockScores {
  /** f32 [nKvHeads, max_rows] */
  readonly buffer: Float32Array<ArrayBuffer>;
  /** u32 [nKvHeads, max_rows] */
  readonly block_starts: Uint32Array<ArrayBuffer>;
  readonly measurements: readonly Measurement[];
}

/** Scores a stage's blocks; the scores as they are where rows are chosen by themselves. */
export async function scoreBlocks(
  stage: TokenStage,
  { token_scores, cuts, run }: {
    readonly token_scores: Float32Array<ArrayBuffer>;
    /** u32 [nLayers, nKvHeads, 4] */
    readonly cuts: Uint32Array<ArrayBuffer>;
    readonly run: RunNamed;
  },
): Promise<BlockScores> {
  const { tokens } = stage;
  const empty = new Uint32Array(token_scores.length).fill(NO_START);
  if (!inBlocks(tokens)) return { buffer: token_scores, block_starts: empty, measurements: [] };
  const pool = tokenPool(stage);
  const { maxRows } = stage;
  const kind = tokens.blockKind;
  const written = await run("block_scores", {
    ...pool,
    buffers: {
      ...{ ...pool.buffers, token_scores, cuts, block_starts: empty },
      block_scores: new Float32Array(token_scores.length).fill(UNTOUCHED),
    },
    constants: {
      ...pool.constants,
      value_page: stage.cache.firstPages.at(-1)!,
      ...{ block_rows: tokens.blockRows, takes_max: Number(kind === "max") },
    },
  });
  const scores = new Float64Array(token_scores.length).fill(UNTOUCHED);
  const bound = new Float64Array(scores.length);
  const starts = Uint32Array.from(empty);
  // A sum of a block's scores and a quotient; the largest of some is one of them.
  const roundings = kind === "mean" ? tokens.blockRows + 5 : 0;
  startsOf(stage).forEach((own, kvHead) => {
    const at = kvHead * maxRows;
    const list = token_scores.subarray(at, at + own.length);
    const want = blockScoresReference(list, own, kind);
    const sizes = blockScoresReference(list.map(Math.abs), own, kind);
    own.forEach((start, row) => {
      if (start === null) return;
      scores[at + row] = want[row]!;
      bound[at + row] = roundings * HALF_ULP * sizes[row]!;
      starts[at + row] = start;
    });
  });
  const dims = [{ name: "head", size: N_KV_HEADS }, { name: "row", size: maxRows }];
  const kernel = "score blocks";
  return {
    buffer: written.block_scores,
    block_starts: written.block_starts,
    measurements: [
      { kernel, dims, got: written.block_scores, want: scores, bound },
      { kernel, dims, got: written.block_starts, want: starts },
    ],
  };
}
