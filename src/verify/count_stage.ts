/**
 * How many rows or channels are enough by their scores: the kernel's counts are exactly the reference's on
 * the scores that the kernels made, and the author's scores count as many but at the edge of what is enough.
 */

import type { EnoughRule } from "../dsl/enough.ts";
import { massParts } from "../dsl/enough.ts";
import { countEnoughReference } from "../reference/count_enough.ts";
import { N_KV_HEADS } from "./cases.ts";
import type { Scores } from "./channel_score_stage.ts";
import type { Measurement } from "./compare.ts";
import type { RunNamed } from "./kernels.ts";
import type { PlannedChannels } from "./planned_steps.ts";
import type { PruningProblem } from "./pruning_case.ts";
import { firstHead } from "./ring_stage.ts";
import type { TokenStage } from "./token_stage.ts";
import { AT } from "./written_cache.ts";

/** What is enough may be reached by a share of this earlier or later: scores differ by their roundings. */
const NEAR_EDGE = 1e-5;

/** Counts of the other layer, which must not be read. */
const UNREAD = 9999;

/** The kernel that counts what is enough. */
export const countName = ({ kind }: EnoughRule): string =>
  kind === "mass" ? "count_mass" : "count_above";

/** Lists of scores of which some are enough. */
export interface CountProblem {
  readonly rule: EnoughRule;
  readonly multiple: number;
  readonly first: number;
  readonly last: number;
  readonly takesTies: boolean;
  /** In the table of kernels. */
  readonly label: string;
  /** f32 [nLists, maxRows]; the lists of the layer's heads begin at `firstList`. */
  readonly scores: Float32Array<ArrayBuffer>;
  readonly firstList: number;
  readonly maxRows: number;
  /** u32 [nLayers, nKvHeads, 4], with `most` for each head. */
  readonly cuts: Uint32Array<ArrayBuffer>;
  readonly most: readonly number[];
  /** Each head's list, and what the author's function makes of the same rows or channels. */
  readonly lists: readonly ArrayLike<number>[];
  readonly authors: readonly ArrayLike<number>[];
}

/** Lowers each head's count to what is enough. */
export async function countEnough(
  { rule, label, scores, firstList, maxRows, cuts, most, lists, authors, ...options }: CountProblem,
  run: RunNamed,
): Promise<{ keeps: readonly number[]; measurements: Measurement[] }> {
  const { kind, amount, least } = rule;
  const { multiple, first, last, takesTies } = options;
  const written = await run(countName(rule), {
    defines: {},
    buffers: { candidate_scores: scores, cuts },
    constants: {
      ...{ layer: AT.layer, n_kv_heads: N_KV_HEADS, first_list: firstList, max_rows: maxRows },
      ...{ protect_first: first, protect_last: last, least, multiple },
      takes_ties: Number(takesTies),
      ...{ mass: massParts(amount), lowest: amount, relative: Number(kind === "ofLargest") },
    },
  });
  const count = (scores: ArrayLike<number>, head: number, own: EnoughRule) =>
    countEnoughReference(scores, { rule: own, most: most[head]!, ...options });
  const want = Uint32Array.from(cuts);
  const own = (head: number) => 4 * (AT.layer * N_KV_HEADS + head) + 2;
  lists.forEach((list, head) => want[own(head)] = count(list, head, rule));
  const counts = most.map((_, head) => written.cuts[own(head)]!);
  const isNear = (head: number): boolean => {
    const [some, more] = [1 - NEAR_EDGE, 1 + NEAR_EDGE]
      .map((factor) => amount * factor)
      .map((near) => ({ ...rule, amount: kind === "mass" ? Math.min(1, near) : near }))
      .map((near) => count(authors[head]!, head, near));
    const [low, high] = [Math.min(some!, more!), Math.max(some!, more!)];
    return low <= counts[head]! && counts[head]! <= high;
  };
  const expected = authors.map((scores, head) => count(scores, head, rule));
  const nearTies = expected.filter((n, head) => n !== counts[head] && isNear(head)).length;
  const dims = [
    { name: "layer", size: AT.nLayers },
    { name: "head", size: N_KV_HEADS },
    { name: "listed, all, to keep, 0", size: 4 },
  ];
  return {
    keeps: counts,
    measurements: [
      { kernel: label, dims, got: written.cuts, want },
      {
        ...{ kernel: label, nearTies, dims: [{ name: "head", size: N_KV_HEADS }] },
        got: Uint32Array.from(counts),
        want: Uint32Array.from(expected, (n, head) => isNear(head) ? counts[head]! : n),
      },
    ],
  };
}

/** Lowers a stage's counts of rows. */
export async function countRows(
  stage: TokenStage,
  { keeps, token_scores, run, ...own }: {
    readonly keeps: readonly number[];
    /** f32 [nKvHeads, max_rows] */
    readonly token_scores: Float32Array<ArrayBuffer>;
    readonly run: RunNamed;
  } & Pick<CountProblem, "cuts" | "lists" | "authors">,
): Promise<{ keeps: readonly number[]; measurements: Measurement[] }> {
  const { enough: rule, multiple, first, last, blockRows } = stage.tokens;
  if (rule === null) return { keeps, measurements: [] };
  return await countEnough({
    ...{ ...own, rule, multiple, first, last, takesTies: blockRows > 1, label: "count rows" },
    ...{ scores: token_scores, firstList: 0, maxRows: stage.maxRows, most: keeps },
  }, run);
}

/** Lowers the widths of a case to what a step's scores say. */
export async function countChannels(
  { shape: { headDim } }: Pick<PruningProblem, "shape">,
  { buffer, want: authors }: Scores,
  { scored: { enough: rule, multiple }, widths, run }: {
    readonly scored: Pick<PlannedChannels, "enough" | "multiple">;
    readonly widths: readonly number[];
    readonly run: RunNamed;
  },
): Promise<{ keeps: readonly number[]; measurements: Measurement[] }> {
  if (rule === null) return { keeps: widths, measurements: [] };
  const firstList = firstHead(N_KV_HEADS);
  const cuts = widths.flatMap((width) => [0, headDim, width, 0]);
  const list = (of: Float32Array | Float64Array, head: number) =>
    of.subarray(head * headDim, (head + 1) * headDim);
  return await countEnough({
    ...{ rule, multiple, first: 0, last: 0, takesTies: false, label: "count channels" },
    ...{ scores: buffer, firstList, maxRows: headDim, most: widths },
    cuts: Uint32Array.from([...cuts.map(() => UNREAD), ...cuts]),
    lists: widths.map((_, head) => list(buffer, firstList + head)),
    authors: widths.map((_, head) => list(authors, head)),
  }, run);
}
