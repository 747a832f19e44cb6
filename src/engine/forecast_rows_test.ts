import { assertEquals } from "@std/assert";
import { keptOfLayer } from "./forecast_rows.ts";
import { prunePlan } from "./prune_plan.ts";

const dims = { nLayers: 2, nHeads: 6, nKvHeads: 3, headDim: 64, nCtx: 2048 };

Deno.test("what a head has no rows for goes to the heads that share its budget", async () => {
  const kept = async (spec: string, rows: readonly number[]) =>
    keptOfLayer((await prunePlan(spec, dims)).tokens!, 1, rows);
  assertEquals(await kept("snapkv:budget=512", [150, 900, 700]), [150, 512, 512]);
  assertEquals(await kept("adakv:budget=512", [150, 900, 700]), [150, 874, 512]);
  assertEquals(await kept("adakv:budget=512", [150, 600, 550]), [150, 600, 550]);
  assertEquals(await kept("adakv:of=massed,budget=512", [600, 600, 600]), [512, 512, 512]);
});
