/** The token scores of a variant: the author's function on every row, and the kernel's. */

import { readParams } from "../emit/func.ts";
import { layoutName } from "../layout/name.ts";
import { authorRunner } from "../reference/hooks.ts";
import { tokenScoresReference } from "../reference/token_scores.ts";
import { columnSums } from "../dsl/accumulator.ts";
import { sumsOf } from "./state_rows.ts";
import { N_KV_HEADS } from "./cases.ts";
import type { Measurement } from "./compare.ts";
import { roundedHook } from "./hooks.ts";
import type { RunNamed } from "./kernels.ts";
import type { PlannedRows } from "./planned_steps.ts";
import { remembered } from "./ring_stage.ts";
import { HALF_ULP } from "./rounded_op.ts";
import type { Rounded } from "./rounding.ts";
import { TINY } from "./softmax_bound.ts";
import { tokenPool } from "./token_stage.ts";
import type { TokenStage } from "./token_stage.ts";
import { anchorDot, keyAnchors, roundedAnchor, windowRows, windowSoftmax } from "./window_stage.ts";
import type { RoundedAnchor, WindowRow } from "./window_stage.ts";
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

const namesRead = (func: Parameters<typeof readParams>[0]): Set<string> =>
  new Set([...readParams(func)].map((i) => func.params[i]!.name));

/** The kernels that score a step's rows, in order. */
export function tokenScoreNames(tokens: PlannedRows, layout: string): string[] {
  return [
    ...(readsWeights(tokens) ? [`window_softmax__${layout}`] : []),
    ...(tokens.hasAnchor ? [`key_anchors__${layout}`] : []),
    `${tokens.kernel}_${tokens.source.definition.name}__${layout}`,
  ];
}

/** What scores read beside rows, of all heads. */
interface Beside {
  /** Per query head; empty where the score reads no weights. */
  readonly windows: readonly (readonly WindowRow[])[];
  /** Per KV head; empty without an anchor. */
  readonly anchors: readonly RoundedAnchor[];
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

/** What column sums a head's rows carry, as scores read them; 0 where none are declared. */
function attentionOf({ problem: { layout, shape }, state }: TokenStage, kvHead: number): number[] {
  if (!layout.rowSums) return Array(state.heads[kvHead]!.rows).fill(0);
  return sumsOf(state, kvHead).map((sum) => columnSums().finish(sum, shape.group));
}

/** Expected logits of a query head as a step's kernels might leave them; their softmax is of these numbers. */
const expectedLogit = (head: number, row: number): number =>
  Math.fround(((row * 7 + head * 3) % 23) / 4);
const [LARGEST, WEIGHTS] = [5.5, 3];

function expectedBuffers(stage: TokenStage) {
  const [nHeads, maxRows] = [stage.problem.shape.group * N_KV_HEADS, stage.maxRows];
  return {
    expected_logits: Float32Array.from(
      { length: nHeads * maxRows },
      (_, i) => expectedLogit(Math.floor(i / maxRows), i % maxRows),
    ),
    expected_sums: Float32Array.from({ length: 2 * nHeads }, (_, i) => i % 2 ? WEIGHTS : LARGEST),
  };
}

/** What a head's rows are expected to get: a few roundings of an exponential, a quotient and a mean each. */
function expectedOf(
  { problem: { shape: { group } }, state }: TokenStage,
  kvHead: number,
): { readonly value: number; readonly error: number }[] {
  return Array.from({ length: state.heads[kvHead]!.rows }, (_, row) => {
    let value = 0;
    for (let head = kvHead * group; head < (kvHead + 1) * group; head++) {
      value += Math.exp(expectedLogit(head, row) - LARGEST) / WEIGHTS / group;
    }
    return { value, error: 64 * HALF_ULP * value };
  });
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

/** How far f32 may take each of a list's scores. */
function scoreBounds(
  stage: TokenStage,
  list: number,
  { windows, anchors }: Beside,
): Float64Array {
  const { problem: { shape }, tokens: { source, path, values }, heads } = stage;
  const window = windows[list];
  const kvHead = window ? Math.floor(list / shape.group) : list;
  const { keys, values: rows, positions } = heads[kvHead]!;
  const rounded = roundedHook(source, path);
  const context = { ...values.context, layer: AT.layer, kvHead };
  const weights = window && weightColumns(window, keys.length);
  const anchor = anchors[kvHead];
  const attention = attentionOf(stage, kvHead);
  const expected = expectedOf(stage, kvHead);
  const { from, scored } = stage.candidates[kvHead]!;
  return Float64Array.from({ length: scored }, (_, i) => {
    const row = from + i;
    const key = keys[row]!;
    const inside: Record<string, unknown> = {
      ...{ ...context, position: positions?.[row] ?? row },
      anchorDot: anchor ? anchorDot(key, anchor) : 0,
      anchorNorm: anchor ? anchor.norm : 0,
      // A quotient is at most eight half units off on any target.
      attention: { value: attention[row]!, error: 8 * HALF_ULP * attention[row]! },
      expected: expected[row]!,
    };
    const seen = { key, value: rows[row]!, weights: weights?.[row] ?? [] };
    const [score] = rounded(seen, inside) as [Rounded];
    return score.error + (weights ? TINY : 0);
  });
}

/** Per row the weights that the queries give it, with bounds; a row that one does not see weighs 0. */
function weightColumns(window: readonly WindowRow[], nRows: number) {
  const columns = Array.from({ length: nRows }, () => ({
    elements: new Float64Array(window.length),
    errors: new Float64Array(window.length),
  }));
  window.forEach(({ rows, softmax }, query) =>
    rows.forEach((row, i) => {
      columns[row]!.elements[query] = softmax!.weights[i]!;
      columns[row]!.errors[query] = softmax!.errors[i]!;
    })
  );
  return columns;
}
