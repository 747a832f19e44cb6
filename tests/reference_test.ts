/**
 * The engine against shared reference data: an independent f32 forward of the same GGUF file (see
 * tests/data/reference/). Tokens are fed as the reference has them, so every step is compared.
 */

import { assert } from "@std/assert";
import { load } from "kerf";
import type { Model } from "kerf";
import { argmax } from "../src/engine/argmax.ts";

interface Logits {
  readonly top: readonly (readonly [number, number])[];
  readonly logsumexp: number;
}

interface Run {
  readonly tokens: readonly number[];
  readonly margins: readonly number[];
}

interface GreedyItem extends Run {
  readonly name: string;
  readonly prompt_ids: readonly number[];
  readonly last: Logits;
}

interface PrunedRun extends Run {
  readonly ratio: number;
  readonly kept: readonly (readonly (readonly number[])[])[];
  readonly cut_gap: readonly (readonly number[])[];
  readonly first_decode: Logits;
}

interface ThinkItem {
  readonly name: string;
  readonly prompt_ids: readonly number[];
  readonly dense: { readonly last: Logits };
  readonly pruned: readonly PrunedRun[];
}

/** The arithmetic of the reference. */
const EXACT = { activations: "f32" } as const;

/**
 * How close: with an f32 cache only the order of sums differs; an f16 cache rounds every key and value to
 * 11 bits, which moves logits of size 40 by about a hundredth.
 */
const F32 = { logits: 1e-3, margin: 0.01, gap: 0.001 };
const F16 = { logits: 0.02, margin: 0.05, gap: 0.001 };

const read = async <T>(name: string): Promise<T[]> =>
  JSON.parse(await Deno.readTextFile(new URL(`data/reference/${name}.json`, import.meta.url)))
    .items;

/** NaN-strict: a difference that is not small is a failure, whatever it is. */
function assertLogits(got: Float32Array, want: Logits, options: { within: number; what: string }) {
  const { within, what } = options;
  for (const [id, logit] of want.top) {
    const off = Math.abs(got[id]! - logit);
    assert(off <= within, `${what}: logit of ${id} is ${got[id]}, not ${logit} (off by ${off})`);
  }
  const largest = got.reduce((a, b) => Math.max(a, b));
  const sum = Math.log(got.reduce((s, l) => s + Math.exp(l - largest), 0)) + largest;
  const off = Math.abs(sum - want.logsumexp);
  assert(off <= within, `${what}: log-sum-exp is ${sum}, not ${want.logsumexp}`);
}

/** Prefills a prompt in chunks and returns its last logits. */
async function prefill(
  { loaded: { engine, chunkSize } }: Model,
  slot: number,
  ids: readonly number[],
) {
  let logits: Float32Array | undefined;
  for (let at = 0; at < ids.length; at += chunkSize) {
    const tokens = ids.slice(at, at + chunkSize);
    const last = at + tokens.length === ids.length ? "last" : "none";
    [logits] = await engine.step([{ slot, position: at, tokens, logits: last }]);
  }
  return logits!;
}

/** Feeds a run's tokens one by one; every next one must be the reference's where its margin says so. */
async function follow(
  { loaded: { engine } }: Model,
  run: Run,
  options: {
    slot: number;
    position: number;
    first: Float32Array;
    margin: number;
    what: string;
    onSecond?: (logits: Float32Array) => void;
  },
) {
  const { slot, position, first, margin, what, onSecond } = options;
  let logits = first;
  for (const [i, id] of run.tokens.entries()) {
    if (run.margins[i]! > margin) {
      const got = argmax(logits);
      assert(got === id, `${what}: token ${i} is ${got}, not ${id} (margin ${run.margins[i]})`);
    }
    if (i === run.tokens.length - 1) return;
    const tokens = [id];
    [logits] = await engine.step([{ slot, position: position + i, tokens, logits: "last" }]) as [
      Float32Array,
    ];
    if (i === 0) onSecond?.(logits);
  }
}

async function withSlot(model: Model, run: (slot: number) => Promise<void>) {
  const { cache } = model.loaded.engine;
  const slot = cache.openSlot();
  try {
    await run(slot);
  } finally {
    cache.closeSlot(slot);
  }
}

async function checkGreedy(type: "f32" | "f16", names: (item: GreedyItem) => boolean) {
  const { logits: within, margin } = type === "f32" ? F32 : F16;
  using model = await load({ ...EXACT, cacheTypes: { key: type, value: type }, nCtx: 4096 });
  for (const item of (await read<GreedyItem>("greedy")).filter(names)) {
    await withSlot(model, async (slot) => {
      const first = await prefill(model, slot, item.prompt_ids);
      assertLogits(first, item.last, { within, what: `${item.name}, last of the prompt` });
      const position = item.prompt_ids.length;
      await follow(model, item, { slot, position, first, margin, what: item.name });
    });
  }
}

async function checkThink(
  type: "f32" | "f16",
  { ratio, names }: { ratio: number; names: readonly string[] },
) {
  const { logits: within, margin, gap } = type === "f32" ? F32 : F16;
  using model = await load({
    ...EXACT,
    prune: `think:ratio=${ratio}`,
    cacheTypes: { key: type, value: type },
    nCtx: 2048,
  });
  const { engine } = model.loaded;
  for (const item of (await read<ThinkItem>("think")).filter(({ name }) => names.includes(name))) {
    const run = item.pruned.find((p) => p.ratio === ratio)!;
    const what = `${item.name} at ${ratio}`;
    await withSlot(model, async (slot) => {
      const first = await prefill(model, slot, item.prompt_ids);
      assertLogits(first, item.dense.last, { within, what: `${what}, last of the prompt` });
      await engine.compress(slot);
      await checkKept(model, slot, { run, gap, what });
      await follow(model, run, {
        ...{ slot, position: item.prompt_ids.length, first, margin, what },
        onSecond: (logits) =>
          assertLogits(logits, run.first_decode, { within, what: `${what}, first decode` }),
      });
    });
  }
}

async function checkKept(
  model: Model,
  slot: number,
  { run, gap, what }: { run: PrunedRun; gap: number; what: string },
) {
  const { keptChannelsOf } = await import("../src/engine/mask.ts");
  const layers = await keptChannelsOf(model.loaded.engine, slot);
  let compared = 0;
  run.kept.forEach((heads, layer) =>
    heads.forEach((kept, head) => {
      if (!(run.cut_gap[layer]![head]! > gap)) return;
      compared++;
      const got = layers[layer]!.heads[head]!.keptChannels;
      assert(got?.join() === kept.join(), `${what}: layer ${layer}, head ${head} keeps ${got}`);
    })
  );
  // Most gaps are wide: a comparison of few heads would mean the data was misread.
  assert(compared > 60, `only ${compared} heads compared`);
}

Deno.test("dense, f32 cache: logits and greedy tokens are the reference's", async () => {
  await checkGreedy("f32", () => true);
});

Deno.test("dense, f16 cache: logits and greedy tokens are the reference's", async () => {
  await checkGreedy("f16", ({ prompt_ids }) => prompt_ids.length < 2000);
});

const SHORT = ["moby-200", "moby-515", "chat-summary"];
for (const ratio of [0.3, 0.4, 0.5, 0.6]) {
  const names = ratio === 0.5 ? [...SHORT, "moby-1024", "moby-1500"] : SHORT;
  Deno.test(`think at ${ratio}, f32 cache: channels, logits and tokens`, async () => {
    await checkThink("f32", { ratio, names });
  });
}

Deno.test("think at 0.5, f16 cache: channels, logits and tokens", async () => {
  await checkThink("f16", { ratio: 0.5, names: ["moby-515", "moby-1024"] });
});
