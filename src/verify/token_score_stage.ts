/** The token scores of a variant: the author's function on every row, and the kernel's. */

import { namesRead } from "../emit/arguments.ts";
import { layoutName } from "../layout/name.ts";
import { authorRunner } from "../reference/hooks.ts";
import { tokenScoresReference } from "../reference/token_scores.ts";
import { N_KV_HEADS } from "./cases.ts";
import type { Measurement } from "./compare.ts";
import type { RunNamed } from "./kernels.ts";
import type { PlannedRows } from "./planned_steps.ts";
import { remembered } from "./ring_stage.ts";
import { scoreBounds } from "./token_score_bound.ts";
import type { Beside } from "./token_score_bound.ts";
import { attentionOf, expectedBuffers, expectedOf } from "./token_score_inputs.ts";
import { tokenPool } from "./token_stage.ts";
import type { TokenStage } from "./token_stage.ts";
import { keyAnchors, roundedAnchor, windowRows, windowSoftmax } from "./window_stage.ts";
import { AT } from "./written_cache.ts";

/** What a place holds that no kernel wrote. */
export const UNTOUCHED = -7;

/** Scores of every row: one list per query head where the score reads weights, else per KV head. */
export interface TokenScores {
  readonly perQueryHead: boolean;
  /** f32 [nHeads or nKvHeads, max_rows] */
  readonly buffer: Float32Array<ArrayBuffer>;
  /** The author's, f64 [rows that are scored] each. */
  readonly want: readonly Float64Array[];
  readonly measurements: readonly Measurement[];
}

/** Whether a step's score reads what the last queries give a row. */
export const readsWeights = ({ source, path }: PlannedRows): boolean =>
  namesRead(source.funcs[path]!).has("weights");

/** The kernels that score a step's rows, in order. */
export function tokenScoreNames(tokens: PlannedRows, layout: string): string[] {
  return [
    ...(readsWeights(tokens) ? [`window_softmax__${layout}`] : []),
    ...(tokens.hasAnchor ? [`key_anchors__${layout}`] : []),
    `${tokens.kernel}_${tokens.source.definition.name}__${layout}`,
  ];
}

/** Scores every row: the window's softmax and the anchors first, where the step has them. */
export async function scoreTokens(stage: TokenStage, run: RunNamed): Promise<TokenScores> {
  const { problem: { shape }, tokens, heads, cache } = stage;
  const perQueryHead = readsWeights(tokens);
  const beside: Beside = {
    windows: perQueryHead
      ? Array.from(
        { length: shape.group * N_KV_HEADS },
        (_, head) => windowRows(stage.ring!, head, heads[Math.floor(head / shape.group)]!),
      )
      : [],
    anchors: tokens.hasAnchor ? heads.map(({ keys }) => roundedAnchor(keys)) : [],
  };
  const window = perQueryHead ? await windowSoftmax(stage, beside.windows, run) : null;
  const anchors = tokens.hasAnchor ? await keyAnchors(stage, beside.anchors, run) : null;
  const pool = tokenPool(stage);
  const nLists = perQueryHead ? shape.group * N_KV_HEADS : N_KV_HEADS;
  const { row_scores } = await run(
    `${tokens.kernel}_${tokens.source.definition.name}__${layoutName(cache.layout)}`,
    {
      ...pool,
      buffers: {
        ...pool.buffers,
        ...(window ? { window_sums: window.window_sums } : {}),
        ...(anchors ? { anchors: anchors.anchors } : {}),
        ...expectedBuffers(stage),
        row_scores: new Float32Array(nLists * stage.maxRows).fill(UNTOUCHED),
      },
    },
  );
  const want = Array.from(
    { length: nLists },
    (_, list) => authorsScores(stage, list, perQueryHead),
  );
  return {
    ...{ perQueryHead, buffer: row_scores, want },
    measurements: [
      ...(window?.measurements ?? []),
      ...(anchors?.measurements ?? []),
      measure(stage, { buffer: row_scores, want, beside }),
    ],
  };
}

/** The author's scores of list `list`. */
function authorsScores(stage: TokenStage, list: number, perQueryHead: boolean): Float64Array {
  const { problem: { shape }, tokens: { source, path, values }, ring, heads } = stage;
  const kvHead = perQueryHead ? Math.floor(list / shape.group) : list;
  const { keys, values: rows, positions } = heads[kvHead]!;
  const own = perQueryHead ? remembered(ring!, list) : { rows: [], first: 0 };
  const [scores] = tokenScoresReference({
    queries: [own.rows],
    queryPositions: own.rows.map((_, i) => own.first + i),
    ...{ keys, values: rows, positions: positions ?? [...keys.keys()] },
    attention: attentionOf(stage, kvHead),
    expected: expectedOf(stage, kvHead).map(({ value }) => value),
    scale: 1 / Math.sqrt(shape.headDim),
    score: authorRunner(source.definition, path),
    context: { ...values.context, layer: AT.layer, kvHead },
  });
  const { from, scored } = stage.candidates[kvHead]!;
  return scores!.slice(from, from + scored);
}

function measure(
  stage: TokenStage,
  { buffer, want: lists, beside }: {
    readonly buffer: Float32Array;
    readonly want: readonly Float64Array[];
    readonly beside: Beside;
  },
): Measurement {
  const { maxRows } = stage;
  const want = new Float64Array(buffer.length).fill(UNTOUCHED);
  const bound = new Float64Array(buffer.length);
  lists.forEach((scores, list) => {
    want.set(scores, list * maxRows);
    bound.set(scoreBounds(stage, list, beside), list * maxRows);
  });
  const dims = [{ name: "head", size: lists.length }, { name: "row", size: maxRows }];
  const kernel = stage.tokens.kernel === "token_scores" ? "token scores" : "class scores";
  return { kernel, dims, got: buffer, want, bound };
}
