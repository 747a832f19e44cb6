/**
 * The scores of rows on a GPU, and what they read, held to the same kernels on the CPU: sums may differ by their
 * roundings.
 */

import { hasStatistic, resolveParams, rowBitsOf, stepOf } from "../../src/dsl/mod.ts";
import type { Pruning } from "../../src/dsl/mod.ts";
import type { TypedArray } from "../../src/device/run_kernel.ts";
import { assertClose } from "../_close.ts";
import { gpuTest, sources } from "../_gpu.ts";
import { N_HEADS, SEEDS } from "../_head_rows.ts";
import { both, EVICTED, pool } from "../_gpu_eviction.ts";
import type { Shape } from "../_gpu_eviction.ts";

const LISTED = "k_list_f16t16_f16t16_v_f16t1_evicted";

/** Every variant of kernels/prune/ that puts rows in classes. */
const classings = sources.flatMap(({ definition }) =>
  definition.kind === "pruning" && rowBitsOf(definition as Pruning) ? [definition as Pruning] : []
);

/** Every variant of kernels/prune/ that scores rows. */
const evictions = sources.flatMap(({ definition }) =>
  definition.kind === "pruning" && stepOf(definition as Pruning, "tokens")
    ? [definition as Pruning]
    : []
);

/**
 * Largest relative difference of a softmax weight between two orders of summing: keys and queries are below
 * 2 in size, so a logit has √headDim · 4 at most and headDim roundings of it; its exponential doubles that.
 */
const weightBound = ({ headDim, rows }: Shape) =>
  2 ** -23 * (headDim * 4 * Math.sqrt(headDim) + rows + 64);

/** The window's softmax over rows in classes, and the scores of those full rows that are to be coded. */
export async function assertClassScores(shape: Shape): Promise<void> {
  const { layout, rows, coded: [nCoded] = [0] } = shape;
  const from = pool(shape);
  const label = JSON.stringify(shape);
  const bound = weightBound(shape);
  const { got, want } = await both(`window_softmax__${layout}`, from);
  assertClose(got["window_sums"]!, want["window_sums"]!, {
    bound: (i) => bound * (Math.abs(want["window_sums"]![i]!) + 1),
    label: `window_softmax ${label}`,
  });
  // Whole units are coded, and the shortest head has some rows fewer.
  const due = Math.floor((rows - nCoded - SEEDS.length) / 16) * 16;
  const buffers = { ...from.buffers, window_sums: want["window_sums"]! };
  for (const { name, params } of classings) {
    const own = { ...resolveParams(name, params), window: shape.window, max_rows: due };
    const constants = { ...from.constants, ...own, n_tiles: Math.ceil(due / 16) };
    const scores = await both(`class_scores_${name}__${layout}`, { ...from, buffers, constants });
    for (let head = 0; head < N_HEADS; head++) {
      const at = (b: Partial<Record<string, TypedArray>>) =>
        (b["row_scores"] as Float32Array).subarray(head * due, (head + 1) * due);
      assertClose(at(scores.got), at(scores.want), {
        bound: (i) => bound * (Math.abs(at(scores.want)[i]!) + 2 ** -20) + 2 ** -20,
        label: `${name} ${label}, head ${head}`,
      });
    }
  }
}

/** The window's softmax, anchors, and the scores of every variant, each on what the CPU made before. */
export async function assertRowScores(shape: Shape): Promise<void> {
  const { layout = EVICTED, rows, headDim } = shape;
  const from = pool(shape);
  const label = JSON.stringify(shape);
  const bound = weightBound(shape);
  const softmax = await both(`window_softmax__${layout}`, from);
  const sums = softmax.want["window_sums"]!;
  assertClose(softmax.got["window_sums"]!, sums, {
    bound: (i) => bound * (Math.abs(sums[i]!) + 1),
    label: `window_softmax ${label}`,
  });
  const mean = await both(`key_anchors__${layout}`, from);
  // Each element is a mean of numbers below 1.
  assertClose(mean.got["anchors"]!, mean.want["anchors"]!, {
    bound: 2 ** -23 * (headDim + rows),
    label: `key_anchors ${label}`,
  });
  const { window_sums } = softmax.want, { anchors } = mean.want;
  const buffers = { ...from.buffers, window_sums, anchors } as Record<string, TypedArray>;
  const summed = pool({ ...shape, layout: `${layout}_summed` });
  for (const variant of evictions) {
    const { name, params } = variant;
    const readsSums = hasStatistic(stepOf(variant, "tokens")!.step, "columnSums");
    const { arena } = (readsSums ? summed : from).buffers;
    const constants = { ...from.constants, ...resolveParams(name, params), window: shape.window };
    const scores = await both(`token_scores_${name}__${layout}${readsSums ? "_summed" : ""}`, {
      ...from,
      buffers: { ...buffers, pages: (readsSums ? summed : from).buffers["pages"]!, arena: arena! },
      constants,
    });
    const want = scores.want["row_scores"]!;
    assertClose(scores.got["row_scores"]!, want, {
      bound: (i) => bound * (Math.abs(want[i]!) + 2 ** -20) + 2 ** -20,
      label: `${name} ${label}`,
    });
  }
}

gpuTest("eviction: rows are scored as on the CPU", async () => {
  for (const [rows, window] of [[5, 1], [33, 8], [150, 20]] as const) {
    await assertRowScores({ headDim: 32, rows, window });
  }
  await assertRowScores({ layout: LISTED, headDim: 48, rows: 70, listed: 37, window: 4 });
  await assertRowScores({ layout: "k_f32t16_v_f32t1_evicted", headDim: 16, rows: 20, window: 3 });
});
