/**
 * Values that lose all they store on a GPU: what they carry moves as on the CPU, their means are the CPU's or the
 * next half; rows that become whole again are the CPU's arena, every byte of it; attention over them is held to the
 * reference.
 */

import { assertEquals } from "@std/assert";
import { EMPTY, EMPTY_TURNED } from "../_attention_case.ts";
import { assertClose } from "../_close.ts";
import { gpuTest, runNamed } from "../_gpu.ts";
import { runNamed as runOnCpu } from "../_kernel.ts";
import { byClass } from "../_encode_case.ts";
import { averageRun, repeatRun } from "../_mean_case.ts";
import type { AverageCase } from "../_mean_case.ts";
import { checkAttention } from "./attention.ts";

/** Rows averaged as on the CPU. */
export async function assertAveraged(given: AverageCase): Promise<void> {
  const { name, run } = averageRun(given);
  const want = await runOnCpu(name, run);
  const got = await runNamed(name, run);
  const label = JSON.stringify(given);
  assertEquals(got.arena, want.arena, label);
  // WGSL's division may be off in its last bit, which may be on either side of two halves' middle.
  const bound = (i: number) => 2 ** -10 * Math.abs(want.fills![i]!);
  assertClose(got.fills, want.fills!, { bound, label });
}

/** Rows made whole as on the CPU. */
export async function assertRepeated(given: Parameters<typeof repeatRun>[0]): Promise<void> {
  const { name, run } = repeatRun(given);
  const want = await runOnCpu(name, run);
  assertEquals((await runNamed(name, run)).arena, want.arena, JSON.stringify(given));
}

gpuTest(
  "values that lose all they store leave their mean, and what they carry moves along",
  async () => {
    await assertAveraged({ rows: [130, 33, 0], order: [200, 33, 7].map(byClass) });
    await assertAveraged({ rows: [1, 9], order: [1, 31].map(byClass), headDim: 48, type: "f32" });
    const order = [131, 60].map(byClass);
    await assertAveraged({ rows: [131, 40], order, positions: true, sums: true });
    await assertAveraged({ rows: [70, 40], order, coded: 100, positions: true });
  },
);

gpuTest("rows without values become whole as what they read as", async () => {
  await assertRepeated({ rows: [130, 31, 0] });
  await assertRepeated({ rows: [70, 20], first: 9, to: 33, positions: true, sums: true });
  await assertRepeated({ rows: [40], to: 100, headDim: 48, type: "f32", positions: true });
});

gpuTest("attention over rows without values, in whole chunks and in parts", async () => {
  const rows = { rows: 771, nQuery: 11, nCoded: 704, nFirst: 128 };
  await checkAttention({ ...rows, layout: `${EMPTY}_evicted`, ahead: 100 });
  await checkAttention({ ...rows, layout: EMPTY, rows: 141, nCoded: 128, group: 4, headDim: 128 });
  await checkAttention({ ...rows, layout: EMPTY_TURNED, nListed: 704, width: 40, high: 17 });
});
