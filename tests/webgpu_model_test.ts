/**
 * The whole model on the WebGPU adapter against the CPU: greedy tokens, packed weights, stored bytes, kept
 * channels; matrices cut where the adapter binds only little; and what a step asks of the GPU.
 */

import { assert, assertEquals } from "@std/assert";
import { load } from "kerf";
import type { LoadOptions, Model } from "kerf";

import { openDevice } from "../src/device/mod.ts";
import type { Device } from "../src/device/mod.ts";
import { openWebgpuDevice } from "../src/device/webgpu/device.ts";
import { ignoreWithoutAdapter, testWebgpu } from "../src/device/webgpu/testing.ts";
import { watchedGpu } from "../src/device/webgpu/toy_testing.ts";
import { slotStoredBytes } from "../src/engine/cache_bytes.ts";
import { keptChannelsOf } from "../src/engine/mask.ts";
import type { MaskLayer } from "../src/engine/mask.ts";
import { argmax } from "../src/engine/argmax.ts";
import { matrixBytes } from "../src/engine/weights.ts";
import { testFolder } from "../src/model/testing_files.ts";
import { tinyModel } from "../src/model/testing.ts";
import { assertClose } from "./_close.ts";
import { lend } from "./_lent_device.ts";
import { runTurns, SHORT } from "./_turns.ts";

const ignore = await ignoreWithoutAdapter();

/** What the graphics driver holds from the first test on is no test's leak. */
const gpuTest = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name: `webgpu: ${name}`, ignore, fn, sanitizeOps: false, sanitizeResources: false });

const items = async (name: string): Promise<{ name: string; prompt_ids: number[] }[]> =>
  JSON.parse(await Deno.readTextFile(new URL(`data/reference/${name}.json`, import.meta.url)))
    .items;

/** A chat, a list and prose, each longer than the rows that ThinK protects. */
async function prompts(): Promise<number[][]> {
  const all = [...await items("greedy"), ...await items("think")];
  const named = ["chat-multi", "chat-list", "moby-200"];
  return named.map((name) => all.find((item) => item.name === name)!.prompt_ids.slice(0, 72));
}

const N_DECODED = 24;
/** Between the two best logits: an f16 cache on two devices moves logits by a few hundredths. */
const MARGIN = 0.05;

/** One greedy answer and the state behind its prompt. */
interface Answer {
  readonly tokens: readonly number[];
  /** Between the two best logits of each token; empty where the device picked. */
  readonly margins: readonly number[];
  readonly kept: readonly MaskLayer[];
  readonly bytes: readonly [stored: number, allocated: number];
}

function marginOf(logits: Float32Array): number {
  const [second, first] = logits.toSorted().slice(-2);
  return first! - second!;
}

/** Answers a prompt greedily; with `pick` the device finds the largest logit itself. */
async function answer(
  { loaded: { engine } }: Model,
  ids: readonly number[],
  logits: "pick" | "last",
): Promise<Answer> {
  const { cache } = engine;
  const slot = cache.openSlot();
  const [tokens, margins] = [[] as number[], [] as number[]];
  const take = ([output]: readonly (Float32Array | number)[]) => {
    if (typeof output === "number") return tokens.push(output);
    tokens.push(argmax(output!));
    margins.push(marginOf(output!));
  };
  take(await engine.step([{ slot, position: 0, tokens: ids, logits }]));
  await engine.compress(slot);
  const bytes = [slotStoredBytes(cache, slot), cache.table.bytesOf(slot).allocated] as const;
  const kept = await keptChannelsOf(engine, slot);
  while (tokens.length < N_DECODED) {
    const position = ids.length + tokens.length - 1;
    take(await engine.step([{ slot, position, tokens: tokens.slice(-1), logits }]));
  }
  cache.closeSlot(slot);
  return { tokens, margins, kept, bytes };
}

/** What `run` gives for every prompt, on a device of its own. */
async function onDevice<T>(
  options: LoadOptions,
  run: (model: Model) => Promise<T>,
): Promise<T> {
  const shared = { parallel: 1, nCtx: 256, chunkSize: 128, activations: "f32" } as const;
  using model = await load({ ...shared, ...options });
  return await run(model);
}

for (const prune of ["none", "think:ratio=0.5"]) {
  gpuTest(`greedy tokens, kept channels and bytes are the CPU's, ${prune}`, async () => {
    const asked = await prompts();
    const answers = (logits: "pick" | "last") => async (model: Model) => {
      const out: Answer[] = [];
      for (const ids of asked) out.push(await answer(model, ids, logits));
      return out;
    };
    const want = await onDevice({ prune, device: "cpu" }, answers("last"));
    const got = await onDevice({ prune, device: "webgpu" }, answers("pick"));
    let cutShort = 0;
    for (const [i, { tokens, margins, kept, bytes }] of want.entries()) {
      assertEquals(got[i]!.bytes, bytes);
      assertEquals(got[i]!.kept, kept, `prompt ${i}: kept channels`);
      const off = tokens.findIndex((token, t) => got[i]!.tokens[t] !== token);
      if (off < 0) continue;
      const margin = margins[off]!;
      assert(margin < MARGIN, `prompt ${i}: token ${off} differs at a margin of ${margin}`);
      cutShort++;
    }
    assert(cutShort <= 1, `${cutShort} of ${want.length} prompts were not compared to their end`);
  });
}

gpuTest("packed weights are the CPU's, byte for byte", async () => {
  const hashes = (model: Model) => {
    const { engine: { device }, plan } = model.loaded;
    const { matrices } = plan.inputs.weights;
    return Promise.all(matrices.map(async (matrix) => {
      const { buffer, offset = 0 } = matrix.weight;
      const bytes = await device.read(buffer, offset, matrixBytes(matrix));
      const digest = await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
      return [matrix.parts.map(({ tensor }) => tensor.name), new Uint8Array(digest).toHex()];
    }));
  };
  const want = await onDevice({ device: "cpu" }, hashes);
  assert(want.length > 100, `${want.length} matrices`);
  assertEquals(await onDevice({ device: "webgpu" }, hashes), want);
});

/** Two layers whose larger matrices are over a MiB. */
const shape = { nHeads: 8, nKvHeads: 2, headDim: 64, nVocab: 935, seed: 5 } as const;
const LIMIT = 1 << 20;

/** Logits of a prefill and of a decode step, and whether matrices were cut. */
async function toyLogits(path: string, openDevice: () => Promise<Device>) {
  // A cache in f32: what is left is the order of sums.
  const cacheTypes = { key: "f32", value: "f32" } as const;
  return await onDevice({ model: path, cacheTypes, openDevice }, async (model) => {
    const { engine, plan } = model.loaded;
    const slot = engine.cache.openSlot();
    const tokens = Array.from({ length: 40 }, (_, i) => i % 2 === 0 ? 3 + i : 930 - i);
    const rows = { slot, position: 0, tokens, logits: "last" } as const;
    const logits = [
      ...await engine.step([rows]),
      ...await engine.step([{ ...rows, position: 40, tokens: [7] }]),
    ];
    const { embedding, layers } = plan.inputs.weights;
    return { logits, nParts: [embedding, layers[0]!.qkv].map((parts) => parts.length) };
  });
}

gpuTest("matrices over what the adapter binds are cut, and give the same logits", async () => {
  await using folder = await testFolder();
  const path = await folder.write("tiny.gguf", tinyModel(shape));
  const cpu = await toyLogits(path, () => openDevice({ kind: "cpu" }));
  const whole = await toyLogits(path, () => openWebgpuDevice());
  const cut = await toyLogits(path, () => openWebgpuDevice({ maxBindingBytes: LIMIT }));
  assertEquals(whole.nParts, [1, 1]);
  assert(cut.nParts.every((n) => n > 1), `parts: ${cut.nParts}`);
  assertEquals(cut.logits, whole.logits);
  // About ten sums of at most 512 terms follow each other in a layer; were all roundings of two layers
  // to add up, each sum's to 512 units in the last place.
  const within = 20 * 512 * 2 ** -24;
  for (const [i, logits] of cpu.logits.entries()) {
    const bound = within * logits.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    assertClose(cut.logits[i]!, logits, { bound, label: `logits ${i}` });
  }
});

gpuTest(
  "the CPU's logits over turns, chunks and flushes: codes, and codes of kept channels",
  async () => {
    await using folder = await testFolder();
    const path = await folder.write("tiny.gguf", tinyModel({ nHeads: 6, nKvHeads: 2, seed: 8 }));
    const kivi = (bits: number) => `kivi:bits=${bits},group=16,residual=16`;
    const both = `think:ratio=0.5,window=16,recent=8+${kivi(2)}`;
    const bits = "think_bits:keys=2.5,high=0.25,window=8,group=16,valueGroup=16,residual=16";
    // Evicting again makes coded rows whole first.
    const evicted = `snapkv:budget=48,window=8+${both}`;
    // … and repeats the mean of rows without values, which comes back through a basis.
    const empty = `snapkv:budget=48,window=8+${bits},low=0,turned=1`;
    for (const prune of [kivi(4), both, evicted, bits, `${bits},turned=1`, empty]) {
      const run = async (on: LoadOptions) => {
        const cacheTypes = { key: "f32", value: "f32" } as const;
        const options = { model: path, prune, cacheTypes, parallel: 2, chunkSize: SHORT.chunk };
        return await onDevice({ ...options, ...on }, (model) => runTurns(model, SHORT));
      };
      const want = await run({ device: "cpu" });
      const got = await run({ openDevice: lend(await testWebgpu()) });
      assertEquals(got.kept, want.kept);
      assertEquals(got.logits.length, want.logits.length);
      got.logits.forEach((logits, i) =>
        // Of rows in f32 a scale or a minimum may be the neighbouring f16. No code is its neighbour, which alone
        // would move logits by 7e-3: with this seed no value lies within the devices' roundings of two codes' middle.
        assertClose(logits, want.logits[i]!, { bound: 1e-3, label: `${prune}: row ${i}` })
      );
    }
  },
);

/** Dispatches a layer of a step, by what is in the step. */
const DISPATCHES = { decode: 9, prefill: 8, mixed: 10 };
/** Running statistics of rows or queries are a kernel more. */
const WITH_STATISTICS = { decode: 10, prefill: 9, mixed: 11 };

gpuTest("a step is one submission, and at most ten dispatches a layer", async () => {
  await using folder = await testFolder();
  const path = await folder.write("tiny.gguf", tinyModel({ ...shape, nLayers: 3 }));
  // Scores with windows of their own record into two rings.
  const both = "snapkv:budget=60,window=16+think:ratio=0.5,window=8,recent=8";
  const cases = [
    ...["none", "think:ratio=0.5", both].map((prune) => ({ prune, want: DISPATCHES })),
    ...["h2o:budget=40", "expected_attention:budget=40"].map((prune) => ({
      ...{ prune, want: WITH_STATISTICS },
    })),
  ];
  for (const { prune, want } of cases) {
    const gpu = await watchedGpu();
    const openDevice = () => openWebgpuDevice({ gpu });
    await onDevice({ model: path, prune, openDevice, parallel: 2 }, async (model) => {
      const { engine, plan } = model.loaded;
      const inLayers = plan.step.invocations.filter(({ label }) => label.startsWith("layer "));
      const outside = plan.step.invocations.length - inLayers.length;
      const slots = [engine.cache.openSlot(), engine.cache.openSlot()];
      const counted = async (
        rows: readonly (readonly [position: number, nRows: number])[],
        what: keyof typeof want,
      ) => {
        Object.assign(gpu.counts, { submits: 0, dispatches: 0 });
        await engine.step(rows.map(([position, nRows], i) => ({
          ...{ slot: slots[i]!, position, logits: "pick" },
          tokens: Array.from({ length: nRows }, (_, i) => 3 + i),
        })));
        const perLayer = (gpu.counts.dispatches - outside) / 3;
        assertEquals(perLayer, want[what], `${what}, ${prune}: dispatches a layer`);
        return gpu.counts.submits;
      };
      // Steps that make a page longer, by 32 rows, move arenas first; the others are one submission.
      await counted([[0, 70]], "prefill");
      assertEquals(await counted([[70, 26]], "prefill"), 1);
      await engine.compress(slots[0]!);
      // The first step after it makes pages.
      await counted([[96, 1]], "decode");
      for (let i = 1; i < 5; i++) assertEquals(await counted([[96 + i, 1]], "decode"), 1);
      // A second turn, over what pruning left.
      assertEquals(await counted([[101, 13]], "prefill"), 1);
      // One sequence goes on while another's prompt comes in.
      await counted([[114, 1], [0, 20]], "mixed");
      assertEquals(await counted([[115, 1], [20, 12]], "mixed"), 1);
    });
  }
});
