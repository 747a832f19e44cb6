/**
 * What the channels of keys lose at each choice of bits: the mean square of what is off, over the rows that
 * are about to be coded, in the order in which they will share scales.
 */

import { moveName } from "../layout/name.ts";
import { rowSides } from "../layout/types.ts";
import { rowWeightsReference } from "../reference/channel_bits.ts";
import { encodeGroup } from "../reference/codes.ts";
import type { AffineCode } from "../reference/codes.ts";
import { seenCache } from "./cache_state.ts";
import { rowOf } from "./state_rows.ts";
import type { CacheState } from "./cache_state.ts";
import { N_KV_HEADS } from "./cases.ts";
import { exactScale, scalesOf } from "./code_stage.ts";
import type { Measurement } from "./compare.ts";
import type { RunNamed } from "./kernels.ts";
import { movesOf } from "./rows_leaving.ts";
import type { RowOrder } from "./order_stage.ts";
import type { PlannedBits } from "./planned_steps.ts";
import type { PruningProblem } from "./pruning_case.ts";
import { HALF_ULP } from "./rounded_op.ts";
import { storedBound } from "./stored_bound.ts";
import { AT, segmentsOf } from "./written_cache.ts";

/** What the channels of a layer lose. */
export interface CodingLosses {
  /** f32 [nKvHeads, nKeyLists, headDim, 3] */
  readonly losses: Float32Array<ArrayBuffer>;
  /** f32 [nKvHeads, nKeyLists, headDim] */
  readonly means: Float32Array<ArrayBuffer>;
  /** The losses in f64, of the rows as stored; 0 of lists without rows. */
  readonly want: Float64Array;
  readonly measurements: readonly Measurement[];
}

/** The kernel of a layout: the one of ordered rows, where rows are in classes. */
export function codingLossesName({ layout }: Pick<PruningProblem, "layout">): string {
  const { compressed: [to], full } = movesOf(layout).find(({ of }) => of === "key")!;
  const segments = segmentsOf(layout);
  const move = moveName({
    from: segments[full]!,
    to: segments[to!]!,
    sides: rowSides(layout, "key"),
  });
  const isOrdered = layout.key.segments.length > 2;
  return `${isOrdered ? "ordered_" : ""}coding_losses__${move}`;
}

/** Measures the rows that are about to be coded, none of which is yet. */
export async function codingLosses(
  p: PruningProblem,
  state: CacheState,
  { lists, order, run, ...bits }: Pick<PlannedBits, "weighsRows" | "meanShare"> & {
    /** Per KV head and list, places in the full segment. */
    readonly lists: readonly (readonly (readonly number[])[])[];
    /** Null: rows come as they lie. */
    readonly order: RowOrder | null;
    readonly run: RunNamed;
  },
): Promise<CodingLosses> {
  const { headDim } = p.shape;
  const cache = seenCache(state);
  const full = p.layout.key.segments.length - 1;
  const code = p.layout.key.segments[0]!.code as AffineCode;
  const { losses, means } = await run(codingLossesName(p), {
    defines: { HEAD_DIM: headDim },
    buffers: {
      ...cache.buffers,
      ...(order ? { order: order.buffer, token_scores: order.scores } : {}),
      due_counts: Uint32Array.from(lists.flat(), (own) => own.length),
      losses: new Float32Array(lists.flat().length * headDim * 3),
      means: new Float32Array(lists.flat().length * headDim),
    },
    constants: {
      ...cache.constants,
      ...{ slot: AT.slot, n_kv_heads: N_KV_HEADS, key_page: cache.firstPages[full]! },
      n_channels: headDim,
      ...{ max_rows: order?.maxRows ?? 0, n_key_lists: lists[0]!.length },
      ...{ weighs_rows: Number(bits.weighsRows), mean_share: bits.meanShare },
    },
  });
  const off = { losses: [] as Loss[], means: [] as Loss[] };
  const weightsOf = (kvHead: number) => {
    const all = lists[kvHead]!.flat();
    if (!bits.weighsRows) return all.map(() => 1);
    const scores = all.map((row) => order!.scores[kvHead * order!.maxRows + row]!);
    const isAlone = lists[kvHead]!.some((rows) => rows.length === all.length);
    return rowWeightsReference(scores, isAlone ? 0 : bits.meanShare);
  };
  const none: Loss = { value: 0, error: 0 };
  lists.flatMap((own, kvHead) => own.map((rows, list) => ({ rows, kvHead, list }))).forEach(
    ({ rows, kvHead, list }, i) => {
      const keys = rows.map((row) =>
        rowOf(state.cache, { kvHead, index: full, row, width: headDim })
      );
      const before = list === 0 ? 0 : lists[kvHead]![0]!.length;
      const all = weightsOf(kvHead);
      const own = { weights: all.slice(before, before + rows.length), total: all.length };
      for (let c = 0; c < headDim; c++) {
        if (rows.length === 0) {
          off.means.push(none);
          off.losses.push(none, none, none);
          continue;
        }
        const column = keys.map((key) => key[c]!);
        off.means.push(meanOf(column));
        off.losses.push(
          // The class without bits loses what the mean, as it is stored, is off.
          lossOf(column.map((x) => ({ off: x - means[i * headDim + c]!, size: 0 })), own),
          ...[code.low!, code.bits].map((bits) => codedLoss(column, own, { ...code, bits })),
        );
      }
    },
  );
  const take = (found: readonly Loss[]) => ({
    want: Float64Array.from(found, ({ value }) => value),
    bound: Float64Array.from(found, ({ error }) => error),
  });
  const heads = [
    { name: "head", size: N_KV_HEADS },
    { name: "list", size: lists[0]!.length },
    { name: "channel", size: headDim },
  ];
  const lost = take(off.losses);
  return {
    ...{ losses, means, want: lost.want },
    measurements: [
      { kernel: "coding losses", dims: heads, got: means, ...take(off.means) },
      {
        kernel: "coding losses",
        dims: [...heads, { name: "none, low, high", size: 3 }],
        ...{ got: losses, ...lost },
      },
    ],
  };
}

/** A number and how far f32 may be from it. */
interface Loss {
  readonly value: number;
  readonly error: number;
}

/** How much each row counts, and all of its head together. */
interface Weights {
  readonly weights: readonly number[];
  readonly total: number;
}

/** A mean as it is stored: a sum of all values and a quotient, whose half may be another one. */
export function meanOf(column: readonly number[]): Loss {
  const n = column.length;
  const value = column.reduce((a, b) => a + b, 0) / n;
  const size = column.reduce((a, b) => a + Math.abs(b), 0) / n;
  const error = (n + 6) * HALF_ULP * size;
  return { value: Math.f16round(value), error: storedBound({ value, error }, Math.f16round) };
}

/**
 * The sum of squares by weight, over all weight. A value that a code stands for is a product and a sum, so its
 * difference is off by their roundings; then come the square's, two sums of all rows and their quotient.
 *
 * @param terms `size`: of the numbers that a coded value is the sum of
 */
function lossOf(
  terms: readonly { readonly off: number; readonly size: number }[],
  { weights, total }: Weights,
): Loss {
  let [sum, error] = [0, 0];
  terms.forEach(({ off, size }, i) => {
    const weight = weights[i]!;
    const away = HALF_ULP * (2 * size + Math.abs(off));
    sum += weight * off ** 2;
    error += weight * (2 * Math.abs(off) + away) * away;
  });
  const value = sum / total;
  return { value, error: error / total + (2 * total + 12) * HALF_ULP * value };
}

/** What a channel loses as codes; a scale that may be another half loses what that one loses. */
function codedLoss(
  column: readonly number[],
  { weights, total }: Weights,
  { bits, group }: AffineCode,
): Loss {
  const groups = Array.from({ length: column.length / group }, (_, i) => {
    const values = column.slice(i * group, (i + 1) * group);
    const own = encodeGroup(values, bits);
    const read = (scale: number) => termsOf(values, { ...own, scale, most: 2 ** bits - 1 });
    return { own: read(own.scale), others: scalesOf(exactScale(values, bits)).map(read) };
  });
  const loss = lossOf(groups.flatMap(({ own }) => own), { weights, total });
  const sumOf = (terms: readonly { readonly off: number }[], i: number) =>
    terms.reduce((sum, { off }, r) => sum + weights[i * group + r]! * off ** 2, 0);
  // Both codes beside a middle are equally far off, so only scales move a loss.
  const moved = groups.reduce(
    (sum, { own, others }, i) =>
      sum + Math.max(...others.map((terms) => Math.abs(sumOf(terms, i) - sumOf(own, i)))),
    0,
  );
  return { value: loss.value, error: loss.error + moved / total };
}

/** Of each value what is off, and the size of what its code stands for. */
function termsOf(
  values: readonly number[],
  { scale, minimum, most }: {
    readonly scale: number;
    readonly minimum: number;
    readonly most: number;
  },
) {
  return values.map((x) => {
    const steps = Math.fround(Math.fround(x - minimum) / scale);
    const code = scale > 0 ? Math.max(0, Math.min(most, Math.round(steps))) : 0;
    return {
      off: x - (scale * code + minimum),
      size: Math.abs(scale * code) + Math.abs(minimum),
    };
  });
}
