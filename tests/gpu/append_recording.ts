/**
 * The cache append that keeps the last queries: rings are the declared accumulators of the queries that the
 * device itself rotated, bit for bit; queries and arena are the CPU's plain append's.
 */

import { CHANNEL_CLASSES, CODED, LISTED, SETS, TURNED } from "../_attention_case.ts";
import { assertClose } from "../_close.ts";
import { gpu, gpuTest, runNamed } from "../_gpu.ts";
import { assertRecording } from "../_recording.ts";
import type { Appended, RecordingCase } from "../_recording.ts";
import { assertAppended } from "./append.ts";

const EVICTED = "k_f16t16_v_f16t1_evicted";
const RECORDED = [
  LISTED,
  SETS,
  "k_f16t16_v_list_f16t1_f16t1",
  EVICTED,
  `${EVICTED}_summed`,
  "k_f16t16_v_f16t1_cached_evicted",
];

/** Steps through the kernel of each layout that scores read queries of, and of coded rows. */
export async function assertRecorded(
  given: Omit<RecordingCase, "layout">,
  layouts = [...RECORDED, CODED, CHANNEL_CLASSES],
): Promise<void> {
  for (const layout of layouts) {
    await assertRecording({ ...given, layout }, runNamed, assertAppended);
  }
}

/** Queries are kept as they were turned: by the CPU's append too, where a device has its bits. */
export async function assertTurnedRecorded(
  given: Omit<RecordingCase, "layout">,
  layout: string,
): Promise<void> {
  const about = (got: Appended, want: Appended) =>
    assertClose(got.qkv, want.qkv, { bound: gpu().exact ? 0 : 64 * 4 * 2 ** -24 });
  await assertRecording({ ...given, layout }, runNamed, about);
}

const CASE: Omit<RecordingCase, "layout"> = {
  ...{ headDim: 16, nKvHeads: 2, group: 3, windows: [8, 0] },
  steps: [[11, 3], [8, 1], [0, 1], [5, 20], [1, 1]],
};

gpuTest("append_recording keeps the last queries of every sequence", async () => {
  for (const window of [1, 3, 8, 64]) {
    await assertRecorded({ ...CASE, windows: [window, 0] }, RECORDED);
  }
});

gpuTest("append_recording fills two rings", async () => {
  for (const windows of [[1, 12], [12, 1]] as const) await assertRecorded({ ...CASE, windows });
});

gpuTest("append_recording with query heads that share a KV head", async () => {
  for (const group of [1, 3, 8]) await assertRecorded({ ...CASE, group }, RECORDED);
});

gpuTest("append_recording keeps turned queries", async () => {
  for (const layout of ["k_basis_f16t16_v_basis_f16t1", TURNED]) {
    await assertTurnedRecorded(CASE, layout);
  }
});
