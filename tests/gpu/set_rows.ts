/**
 * Rows that have channels of their own on a GPU: thinning them, and making them whole, gives the CPU's arena,
 * every byte of it; means and attention are held to their references.
 */

import { assertEquals } from "@std/assert";
import { SETS, SETS_CODED } from "../_attention_case.ts";
import { assertClose } from "../_close.ts";
import { gpuTest, runNamed } from "../_gpu.ts";
import { runNamed as runOnCpu } from "../_kernel.ts";
import { fillRun, meansRun, thinRun } from "../_set_case.ts";
import type { SetCase } from "../_set_case.ts";
import { checkAttention } from "./attention.ts";

const CASES: readonly SetCase[] = [
  { rows: [33, 0], width: 32 },
  // Odd numbers of halves a row, from an odd row on, over a page's end.
  { rows: [70, 7], width: 13, before: 121, skipped: 5, headDim: 48 },
  { rows: [20], width: 9, headDim: 16, before: 1 },
  { rows: [17], width: 77, headDim: 256, type: "f32" },
];

/** Rows thinned as on the CPU. */
export async function assertThinned(given: SetCase): Promise<void> {
  const { name, run } = thinRun(given);
  const want = await runOnCpu(name, run);
  assertEquals((await runNamed(name, run)).arena, want.arena, JSON.stringify(given));
}

/** Rows made whole as on the CPU. */
export async function assertFilled(given: SetCase): Promise<void> {
  const { name, run } = fillRun(given);
  const want = await runOnCpu(name, run);
  assertEquals((await runNamed(name, run)).arena, want.arena, JSON.stringify(given));
}

/** Means over whole rows. */
export async function assertMeans(given: Pick<SetCase, "rows" | "headDim">): Promise<void> {
  const { name, run, want, first } = meansRun(given);
  const fills = Array.from((await runNamed(name, run)).fills);
  // The next f16: the sum's own rounding may take it over the middle between two.
  const bound = (i: number) => 2 ** -10 * Math.abs(want[i]!) + 2 ** -24;
  assertClose(fills.slice(first), want, { bound, label: JSON.stringify(given) });
  assertEquals(fills.slice(0, first), fills.slice(0, first).fill(-7), "other layers' stay");
}

gpuTest("each row keeps the channels that it keeps on the CPU", async () => {
  for (const given of CASES) await assertThinned(given);
});

gpuTest("rows with channels of their own become the CPU's whole rows", async () => {
  for (const given of CASES) await assertFilled(given);
});

gpuTest("missing channels read as the mean over whole rows", async () => {
  await assertMeans({ rows: [1, 33], headDim: 16 });
  await assertMeans({ rows: [200, 0] });
});

gpuTest("attention over keys with channels of their own", async () => {
  const sets = { layout: SETS, nQuery: 11 };
  for (const [width, nListed] of [[32, 257], [13, 0], [1, 64]]) {
    await checkAttention({ ...sets, rows: nListed! + 45, nListed: nListed!, width: width! });
  }
  for (const [group, headDim, width] of [[1, 16, 5], [4, 128, 77], [8, 48, 7]]) {
    const shape = { group: group!, headDim: headDim!, width: width! };
    await checkAttention({ ...sets, ...shape, rows: 150, nListed: 133 });
  }
  const evicted = { layout: `${SETS}_evicted`, nQuery: 9, ahead: 100 };
  await checkAttention({ ...evicted, rows: 160, nListed: 130, width: 20 });
  const coded = { layout: SETS_CODED, nQuery: 5, nListed: 130, nCoded: 96 };
  await checkAttention({ ...coded, rows: 160, width: 20 });
});
