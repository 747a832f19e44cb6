/**
 * What decides the bits of channels on a GPU, held to the CPU's kernels, which references hold: means are equal
 * bytes and equal losses give equal choices; losses themselves are, where arithmetic is IEEE's.
 */

import { assertEquals } from "@std/assert";
import { bitsRun, channelSizes, listRowsOf, lossBound, lossesRun } from "../_channel_bits_case.ts";
import type { BitsCase, LossesCase } from "../_channel_bits_case.ts";
import { assertClose } from "../_close.ts";
import { gpu, gpuTest, runNamed } from "../_gpu.ts";
import { randomFrom, runNamed as runOnCpu } from "../_kernel.ts";

const SHIPPED = { type: "f16", to: "list_mean_q42r64t16" } as const;

/** Losses and means of channels. */
export async function assertLosses(
  given: Partial<LossesCase> & Pick<LossesCase, "rows" | "nRows" | "headDim">,
): Promise<void> {
  const { name, run, heads } = lossesRun({ ...SHIPPED, ...given });
  const due = listRowsOf({ ...SHIPPED, ...given });
  const want = await runOnCpu(name, run);
  const got = await runNamed(name, run);
  const label = JSON.stringify(given);
  assertEquals(got.means, want.means, label);
  if (gpu().exact) return assertEquals(got.losses, want.losses, label);
  const perList = 3 * given.headDim;
  due.flatMap((lists, kvHead) => lists.map((rows) => ({ rows, head: heads[kvHead]! })))
    .forEach(({ rows, head }, list) => {
      if (rows === 0) return;
      const own = (losses: Float32Array) => losses.subarray(list * perList, (list + 1) * perList);
      const bound = lossBound(own(want.losses!), { sizes: channelSizes(head), mean: 0 });
      assertClose(own(got.losses), own(want.losses!), { bound, label: `${label}, list ${list}` });
    });
}

/** Bits of channels; `alike`: all win as much per bit. */
export async function assertBits(
  { headDim, nKvHeads, share, alike = false, ...given }:
    & { headDim: number; nKvHeads: number; share: number; alike?: boolean }
    & Pick<BitsCase, "idle" | "shares" | "nLists" | "firstParts">,
): Promise<void> {
  const random = randomFrom(headDim * nKvHeads);
  const loss = () => [0, 1, 1, 2, 1e-3, 1e6][Math.floor(24 * Math.abs(random()))] ?? random() ** 2;
  const { nLists = 1 } = given;
  const channels = Array.from(
    { length: headDim * nKvHeads * nLists },
    () =>
      alike
        ? { weight: 1, none: 4, low: 2, high: 1 }
        : { weight: loss(), none: loss(), low: loss(), high: loss() },
  );
  for (const prices of [[160, 288], [96, 160], [288, 1056]] as const) {
    const budget = Math.floor(share * headDim * nKvHeads * prices[1]);
    const { run } = bitsRun({ channels, headDim, prices, budget, ...given });
    const want = await runOnCpu("select_bits", run);
    const got = await runNamed("select_bits", run);
    const label = `${headDim} × ${nKvHeads}, ${share} of ${prices}`;
    assertEquals(got.class_counts, want.class_counts, label);
    assertEquals(got.channels, want.channels, label);
    assertEquals(got.fills, want.fills, label);
  }
}

gpuTest("losses of channels are the CPU's, their means its bytes", async () => {
  await assertLosses({ rows: 300, nRows: 256, headDim: 64 });
  await assertLosses({ rows: 300, nRows: 192, headDim: 64, ordered: true });
  await assertLosses({ rows: 64, nRows: 64, headDim: 16, ordered: true, scoreless: true });
  const ragged = { nRows: [64, 0, 256], nKvHeads: 3 } as const;
  await assertLosses({ rows: 300, headDim: 64, ...ragged });
  await assertLosses({ rows: 300, headDim: 64, ...ragged, ordered: true });
  await assertLosses({ rows: 300, headDim: 64, ...ragged, ordered: true, first: 64, mean: 0.2 });
  const other = { headDim: 48, type: "f32", nKvHeads: 3 } as const;
  await assertLosses({ ...other, rows: 127, nRows: 112, to: "list_mean_q84r16t16" });
  await assertLosses({ ...other, rows: 700, nRows: 640, to: "list_mean_q82r128t16" });
});

gpuTest("select_bits takes the CPU's classes: ties, zeros, no budget and enough", async () => {
  for (const share of [0, 0.1, 0.4, 0.75, 1]) {
    for (const nKvHeads of [1, 3]) await assertBits({ headDim: 16, nKvHeads, share });
  }
  await assertBits({ headDim: 16, nKvHeads: 3, share: 0.3, alike: true });
  await assertBits({ headDim: 80, nKvHeads: 2, share: 0.3 });
  await assertBits({ headDim: 16, nKvHeads: 3, share: 0.2, idle: [1] });
  await assertBits({ headDim: 48, nKvHeads: 3, share: 0.1, idle: [2], shares: false });
  const two = { headDim: 16, nKvHeads: 3, nLists: 2, firstParts: 40 } as const;
  await assertBits({ ...two, share: 0.3 });
  // Heads of one list each, and of none.
  await assertBits({ ...two, share: 0.3, idle: [0, 3] });
  await assertBits({ ...two, share: 0.2, idle: [1, 4, 5], shares: false });
});
