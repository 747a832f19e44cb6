/**
 * Same bits whatever the threads, the chunks and the company: compared on logits, not on tokens, with
 * pruning on, on a tiny random model.
 */

import { assert, assertEquals } from "@std/assert";
import { load } from "kerf";
import type { LoadOptions, Model } from "kerf";
import { testFolder } from "../src/model/testing_files.ts";
import { tinyModel } from "../src/model/testing.ts";

const PRUNE = "think:ratio=0.5,window=16,recent=16";

/** Prompts of random tokens; lengths around tiles, chunks and pages. */
const prompt = (n: number, seed: number) =>
  Array.from({ length: n }, (_, i) => 3 + (Math.imul(i + 1, 7919 + seed * 104729) >>> 7) % 290);

async function withModel(options: LoadOptions, run: (model: Model) => Promise<void>) {
  await using folder = await testFolder();
  const path = await folder.write("tiny.gguf", tinyModel({ nHeads: 6, nKvHeads: 2, nCtx: 1024 }));
  using model = await load({ model: path, ...options });
  await run(model);
}

/** Logits of the prompt's last row and of `nDecode` decode steps over the pruned cache, as bits. */
async function bitsOf(
  { loaded: { engine } }: Model,
  ids: readonly number[],
  { chunk, layered = false, nDecode = 6 }: { chunk: number; layered?: boolean; nDecode?: number },
): Promise<Uint32Array[]> {
  const { cache } = engine;
  const slot = cache.openSlot();
  const seen: Float32Array[] = [];
  if (layered) {
    const run = engine.prefillLayered(slot, ids);
    let next = await run.next();
    while (!next.done) next = await run.next();
    seen.push(next.value as Float32Array);
  } else {
    for (let at = 0; at < ids.length; at += chunk) {
      const tokens = ids.slice(at, at + chunk);
      const logits = at + tokens.length === ids.length ? "last" : "none";
      seen.push(...await engine.step([{ slot, position: at, tokens, logits }]));
    }
    await engine.compress(slot);
  }
  for (let i = 0; i < nDecode; i++) {
    const row = { slot, position: ids.length + i, tokens: [5 + i], logits: "last" } as const;
    seen.push(...await engine.step([row]));
  }
  cache.closeSlot(slot);
  return seen.map((logits) => new Uint32Array(Float32Array.from(logits).buffer));
}

Deno.test("chunk sizes 1, 7, 32, 512, all, and layer by layer give the same bits", async () => {
  await withModel({ prune: PRUNE, chunkSize: 1024 }, async (model) => {
    const ids = prompt(700, 1);
    const want = await bitsOf(model, ids, { chunk: 1024 });
    assert(want[0]!.some((bits) => bits !== want[0]![0]), "logits are all alike");
    for (const chunk of [1, 7, 32, 512]) {
      assertEquals(await bitsOf(model, ids, { chunk }), want, `chunks of ${chunk}`);
    }
    assertEquals(await bitsOf(model, ids, { chunk: 0, layered: true }), want, "layer by layer");
  });
});

Deno.test("one thread and two give the same bits", async () => {
  const seen: Uint32Array[][] = [];
  for (const threads of [1, 2]) {
    await withModel({ prune: PRUNE, threads }, async (model) => {
      seen.push(await bitsOf(model, prompt(333, 2), { chunk: 512 }));
    });
  }
  assertEquals(seen[0], seen[1]);
});

Deno.test("removing nothing is dense, bit for bit", async () => {
  const seen: Uint32Array[][] = [];
  for (const prune of ["none", "think:ratio=0,window=16,recent=16"]) {
    await withModel({ prune }, async (model) => {
      seen.push(await bitsOf(model, prompt(300, 3), { chunk: 128 }));
    });
  }
  assertEquals(seen[0], seen[1]);
});

Deno.test("a batch gives every prompt what it gets alone, in tokens and bytes", async () => {
  await withModel({ prune: PRUNE, parallel: 3, chunkSize: 64 }, async (model) => {
    const prompts = [1, 40, 64, 129, 300, 17].map((n, i) => ({ tokens: prompt(n, i) }));
    const options = { maxTokens: 12, temperature: 0.8, seed: 4, ignoreStop: true };
    const together: unknown[] = [];
    for await (const { index, result } of model.batch(prompts, options)) {
      together[index] = [result.tokens, result.text, result.stats.kv];
    }
    for (const [i, one] of prompts.entries()) {
      const { tokens, text, stats } = await model.generate(one, options).result;
      assertEquals(together[i], [tokens, text, stats.kv], `prompt ${i}`);
      assertEquals(tokens.length, 12);
    }
  });
});

Deno.test("rows of a mixed step have the bits they have alone", async () => {
  await withModel({ prune: PRUNE, parallel: 2 }, async (model) => {
    const { engine } = model.loaded;
    const [a, b] = [prompt(90, 5), prompt(200, 6)];
    const alone = await bitsOf(model, a, { chunk: 512, nDecode: 3 });
    const [slotA, slotB] = [engine.cache.openSlot(), engine.cache.openSlot()];
    const seen = [
      ...await engine.step([{ slot: slotA, position: 0, tokens: a, logits: "last" }]),
    ];
    await engine.compress(slotA);
    for (let i = 0; i < 3; i++) {
      const chunk = b.slice(i * 60, i * 60 + 60);
      const [logits] = await engine.step([
        { slot: slotA, position: a.length + i, tokens: [5 + i], logits: "last" },
        { slot: slotB, position: i * 60, tokens: chunk, logits: "none" },
      ]);
      seen.push(logits!);
    }
    const bits = seen.map((logits) => new Uint32Array(Float32Array.from(logits).buffer));
    assertEquals(bits, alone);
  });
});

Deno.test("the default model too: chunks 1, 33 and all, one thread and two", async () => {
  const seen: Uint32Array[][] = [];
  for (const threads of [1, 2]) {
    using model = await load({ prune: "think", threads, nCtx: 512, parallel: 1 });
    for (const chunk of threads === 1 ? [300] : [1, 33, 300]) {
      seen.push(await bitsOf(model, prompt(300, 7), { chunk, nDecode: 2 }));
    }
  }
  for (const bits of seen.slice(1)) assertEquals(bits, seen[0]);
});
