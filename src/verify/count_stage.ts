/**
 * How many rows are enough by their scores: the kernel's counts are exactly the reference's on the scores that
 * the kernels made, and the author's scores count as many but for rows at the edge of what is enough.
 */

import type { EnoughRule } from "../dsl/enough.ts";
import { massParts } from "../dsl/enough.ts";
import { countEnoughReference } from "../reference/count_enough.ts";
import { N_KV_HEADS } from "./cases.ts";
import type { Measurement } from "./compare.ts";
import type { RunNamed } from "./kernels.ts";
import { tokenPool } from "./token_stage.ts";
import type { TokenStage } from "./token_stage.ts";
import { AT } from "./written_cache.ts";

/** What is enough may be reached by a share of this earlier or later: scores differ by their roundings. */
const NEAR_EDGE = 1e-5;

/** The kernel that counts what is enough. */
export const countName = ({ kind }: EnoughRule): string =>
  kind === "mass" ? "count_mass" : "count_above";

/** Lowers each head's count to what is enough. */
export async function countRows(
  stage: TokenStage,
  { keeps, cuts, token_scores, lists, authors, run }: {
    readonly keeps: readonly number[];
    /** u32 [nLayers, nKvHeads, 4], with `keeps` */
    readonly cuts: Uint32Array<ArrayBuffer>;
    /** f32 [nKvHeads, max_rows] */
    readonly token_scores: Float32Array<ArrayBuffer>;
    /** Each head's part of it, and what the author's function makes of the same rows. */
    readonly lists: readonly ArrayLike<number>[];
    readonly authors: readonly ArrayLike<number>[];
    readonly run: RunNamed;
  },
): Promise<{ keeps: readonly number[]; measurements: Measurement[] }> {
  const { tokens: { enough: rule, multiple, first, last, blockRows } } = stage;
  const takesTies = blockRows > 1;
  if (rule === null) return { keeps, measurements: [] };
  const pool = tokenPool(stage);
  const { kind, amount, least } = rule;
  const written = await run(countName(rule), {
    ...pool,
    buffers: { candidate_scores: token_scores, cuts },
    constants: {
      ...{ ...pool.constants, first_list: 0, least, multiple },
      takes_ties: Number(takesTies),
      ...{ mass: massParts(amount), lowest: amount, relative: Number(kind === "ofLargest") },
    },
  });
  const count = (scores: ArrayLike<number>, head: number, own: EnoughRule) =>
    countEnoughReference(scores, {
      rule: own,
      most: keeps[head]!,
      multiple,
      first,
      last,
      takesTies,
    });
  const want = Uint32Array.from(cuts);
  const own = (head: number) => 4 * (AT.layer * N_KV_HEADS + head) + 2;
  lists.forEach((list, head) => want[own(head)] = count(list, head, rule));
  const counts = keeps.map((_, head) => written.cuts[own(head)]!);
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
    { name: "listed, rows, rows to keep, 0", size: 4 },
  ];
  return {
    keeps: counts,
    measurements: [
      { kernel: "count rows", dims, got: written.cuts, want },
      {
        ...{ kernel: "count rows", nearTies, dims: [{ name: "head", size: N_KV_HEADS }] },
        got: Uint32Array.from(counts),
        want: Uint32Array.from(expected, (n, head) => isNear(head) ? counts[head]! : n),
      },
    ],
  };
}
