/**
 * What varies between kept counts is a number at run time: variants that keep other counts, and heads of
 * one layer with widths of their own, run through the same compiled kernels.
 */

import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { load } from "kerf";
import type { Model } from "kerf";
import { channels, meanSquare, pruning, table } from "kerf/dsl";
import type { Pruning } from "kerf/dsl";
import { openCpuDevice } from "../src/device/cpu/device.ts";
import type { Device } from "../src/device/mod.ts";
import { KvCache } from "../src/engine/cache.ts";
import { slotStoredBytes } from "../src/engine/cache_bytes.ts";
import { Engine } from "../src/engine/engine.ts";
import { keptChannelsOf } from "../src/engine/mask.ts";
import { makePlan } from "../src/engine/plan.ts";
import { channelsPlan } from "../src/engine/channels_plan.ts";
import { testFolder } from "../src/model/testing_files.ts";
import { tinyModel } from "../src/model/testing.ts";
import { selectChannelsReference } from "../src/reference/mod.ts";

const SHAPE = { nLayers: 2, nHeads: 6, nKvHeads: 2, headDim: 32 };
const RECENT = 16;
const PROMPT = Array.from({ length: 150 }, (_, i) => 3 + (Math.imul(i + 1, 7919) >>> 7) % 290);
const N_DECODE = 3;

/** ThinK's score with another budget; the kernel of a score is named after its variant. */
const keeping = (keep: number | string, widths?: readonly number[]): Pruning =>
  pruning({
    name: "think",
    ...(widths
      ? {
        tables: {
          widths: table({ shape: ["nLayers", "nKvHeads"], dtype: "u32", from: () => widths }),
        },
      }
      : {}),
    steps: [channels({
      of: "key",
      group: "mean",
      window: 16,
      score: (q, k) => meanSquare(q) * meanSquare(k),
      keep,
      protect: { last: RECENT },
    })],
  });

/** An engine for a variant, with the weights and on the device of a loaded model. */
async function engineFor(model: Model, definition: Pruning, device: Device): Promise<Engine> {
  const { inputs } = model.loaded.plan;
  const dims = { ...inputs.config, nCtx: inputs.limits.nCtx };
  const spec = { name: definition.name, values: {} };
  const plan = await makePlan(device, {
    ...inputs,
    channels: await channelsPlan(definition, spec, { dims }),
    cache: new KvCache(device, inputs.cache.shape),
  });
  return new Engine(device, plan);
}

/** Prefills, compresses, decodes; then holds mask and bytes to what `widths` says. */
async function check(engine: Engine, widths: readonly number[], what: string): Promise<void> {
  const { cache, device, plan } = engine;
  const { headDim, nKvHeads } = SHAPE;
  const slot = cache.openSlot();
  const [logits] = await engine.step([{ slot, position: 0, tokens: PROMPT, logits: "last" }]);
  assert(logits!.every(Number.isFinite), what);
  await engine.compress(slot);
  for (let i = 0; i < N_DECODE; i++) {
    const row = { slot, position: PROMPT.length + i, tokens: [5 + i], logits: "last" } as const;
    const [next] = await engine.step([row]);
    assert(next!.every(Number.isFinite), what);
  }
  const nHeads = SHAPE.nLayers * nKvHeads;
  const bytes = await device.read(
    plan.buffers.prune.key!.scores,
    4 * slot * nHeads * headDim,
    4 * nHeads * headDim,
  );
  const scores = new Float32Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, nHeads * headDim);
  const layers = await keptChannelsOf(engine, slot);
  layers.flatMap(({ heads }) => heads).forEach(({ keptChannels }, head) => {
    const own = scores.subarray(head * headDim, (head + 1) * headDim);
    const want = selectChannelsReference(own, widths[head]!);
    assertEquals(keptChannels, want, `${what}: head ${head}`);
  });
  // THINK.md, section 1: f16, one mask of headDim bits per head.
  const pruned = PROMPT.length - RECENT;
  const stored = widths.reduce(
    (sum, kept) =>
      sum + 2 * (pruned * kept + (RECENT + N_DECODE) * headDim) +
      2 * (PROMPT.length + N_DECODE) * headDim + headDim / 8,
    0,
  );
  assertEquals(slotStoredBytes(cache, slot), stored, what);
  cache.closeSlot(slot);
}

Deno.test("kept counts and widths per head need no other kernel", async () => {
  await using folder = await testFolder();
  const path = await folder.write("tiny.gguf", tinyModel(SHAPE));
  using model = await load({ model: path, prune: "think", parallel: 1 });
  const base = model.loaded.engine.device;
  // The same kernels compiled once more, into a folder where nothing else is.
  const counting = await openCpuDevice({ cacheDir: folder.path, threads: 1 });
  const artifacts = () => [...Deno.readDirSync(join(folder.path, "cpu"))].map((f) => f.name).sort();
  const device: Device = {
    ...base,
    compile: async (requests, onProgress) => {
      await counting.compile(requests);
      return await base.compile(requests, onProgress);
    },
  };
  const widths = [1, 31, 17, 8];
  const uniform = (n: number) => widths.map(() => n);
  await check(await engineFor(model, keeping(20), device), uniform(20), "20 channels");
  const first = artifacts();
  assert(first.some((name) => name.startsWith("channel_scores_think__")), first.join());
  await check(await engineFor(model, keeping(7), device), uniform(7), "7 channels");
  await check(await engineFor(model, keeping("widths", widths), device), widths, "widths");
  assertEquals(artifacts(), first);
  counting.close();
});
