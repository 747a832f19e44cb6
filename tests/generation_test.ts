/**
 * The library from outside, on a tiny random model: streaming, stopping, interruption, sessions, budgets.
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { KerfError, load } from "kerf";
import type { GenerateEvent, LoadOptions, Model } from "kerf";
import { testFolder } from "../src/model/testing_files.ts";
import { tinyModel } from "../src/model/testing.ts";

const PRUNE = "think:ratio=0.5,window=16,recent=16";

const prompt = (n: number, seed = 0) => ({
  tokens: Array.from(
    { length: n },
    (_, i) => 3 + (Math.imul(i + 1, 7919 + seed * 104729) >>> 7) % 290,
  ),
});

async function withModel(
  { nLayers = 2, ...options }: LoadOptions & { nLayers?: number },
  run: (model: Model) => Promise<void>,
) {
  await using folder = await testFolder();
  const file = tinyModel({ nLayers, nHeads: 6, nKvHeads: 2, nCtx: 1024 });
  const path = await folder.write("tiny.gguf", file);
  using model = await load({ model: path, parallel: 2, ...options });
  await run(model);
  assertEquals(model.loaded.engine.cache.table.allocatedBytes, 0, "pages are left");
}

Deno.test("pieces join to the text, statistics count rows and bytes", async () => {
  await withModel({ prune: PRUNE }, async (model) => {
    const answer = model.generate("Tell me something.", { maxTokens: 20, ignoreStop: true });
    let text = "";
    for await (const piece of answer) text += piece;
    const { promptTokens, tokens, stats, ...rest } = await answer.result;
    assertEquals(rest, { text, finishReason: "length" });
    assertEquals(tokens.length, 20);
    assertEquals(model.loaded.tokenizer.decode(tokens), text);
    assert(model.loaded.tokenizer.decode(promptTokens).startsWith("<|im_start|>user\nTell me"));
    assertEquals([stats.prefillTokens, stats.decodeTokens], [promptTokens.length, 19]);
    const { kv } = stats;
    // 2 layers of 2 KV heads of 32 channels, f16: THINK.md's formula.
    const [total, pruned] = [promptTokens.length + 19, promptTokens.length - 16];
    assertEquals(kv.tokens, total);
    assertEquals(kv.denseBytes, 4 * total * 32 * 2 * 2);
    assertEquals(
      kv.storedBytes,
      4 * (2 * (pruned * 16 + (total - pruned) * 32) + 2 * total * 32 + 4),
    );
    assert(kv.peakBytes >= kv.allocatedBytes && kv.allocatedBytes >= kv.storedBytes);
    assert(stats.ttftMs > 0 && stats.decodeMs > 0 && stats.peakRssBytes > 1e7);
  });
});

Deno.test("a stop token ends the answer and is no part of it", async () => {
  await withModel({}, async (model) => {
    const free = await model.generate(prompt(30), { maxTokens: 12, ignoreStop: true }).result;
    const stop = free.tokens[5]!;
    const first = free.tokens.indexOf(stop);
    (model.loaded.tokenizer.stopIds as Set<number>).add(stop);
    const stopped = await model.generate(prompt(30), { maxTokens: 12 }).result;
    assertEquals(stopped.tokens, free.tokens.slice(0, first));
    assertEquals(stopped.finishReason, "stop");
    const nothing = await model.generate(prompt(30), { maxTokens: 0 }).result;
    assertEquals([nothing.tokens, nothing.finishReason], [[], "length"]);
  });
});

Deno.test("a seed repeats a sampled answer, another seed gives another", async () => {
  await withModel({}, async (model) => {
    const run = async (seed: number) =>
      (await model.generate(prompt(9), { maxTokens: 24, temperature: 1, seed, ignoreStop: true })
        .result).tokens;
    assertEquals(await run(1), await run(1));
    assert((await run(1)).join() !== (await run(2)).join());
  });
});

Deno.test("an interrupted answer ends with what there is, and the model goes on working", async () => {
  await withModel({ prune: PRUNE }, async (model) => {
    const stop = new AbortController();
    const options = { maxTokens: 200, ignoreStop: true, signal: stop.signal };
    const answer = model.generate(prompt(40), options);
    let pieces = 0;
    for await (const _ of answer) if (++pieces === 3) stop.abort();
    const { tokens, finishReason, stats } = await answer.result;
    assertEquals(finishReason, "interrupted");
    assert(tokens.length >= 3 && tokens.length < 200);
    assertEquals(stats.decodeTokens, tokens.length - 1);
    const before = model.generate(prompt(40), { signal: AbortSignal.abort() });
    assertEquals((await before.result).finishReason, "interrupted");
    for await (const _ of model.generate(prompt(40), { ignoreStop: true })) break;
    assertEquals((await model.generate(prompt(40), { maxTokens: 2 }).result).tokens.length, 2);
    const first = model.generate(prompt(40), { maxTokens: 5 })[Symbol.asyncIterator]();
    await first.next();
    const second = model.generate(prompt(40)).result;
    await assertRejects(() => second, TypeError, "still answering");
    await first.return(undefined);
  });
});

Deno.test("a session goes on from its cache, and says when it cannot", async () => {
  await withModel({}, async (model) => {
    const events: GenerateEvent[] = [];
    const onEvent = (event: GenerateEvent) => void (event.kind === "dropped" && events.push(event));
    using session = model.session();
    const options = { maxTokens: 6, ignoreStop: true, session, onEvent };
    const first = await model.generate(prompt(50), options).result;
    const longer = { tokens: [...prompt(50).tokens, ...first.tokens, ...prompt(20, 1).tokens] };
    const second = await model.generate(longer, options).result;
    // The last sampled token was never cached.
    assertEquals(second.stats.prefillTokens, 21);
    const alone = await model.generate(longer, { maxTokens: 6, ignoreStop: true }).result;
    assertEquals(second.tokens, alone.tokens);
    assertEquals(events, []);
    const other = await model.generate(prompt(30, 2), options).result;
    assertEquals(events, [{ kind: "dropped", cachedTokens: longer.tokens.length + 5 }]);
    assertEquals(other.stats.prefillTokens, 30);
  });
});

Deno.test("compressing after a part of the prompt is a turn of its own", async () => {
  await withModel({ prune: PRUNE }, async (model) => {
    const [part, whole] = [prompt(100), prompt(140)];
    const options = { maxTokens: 8, ignoreStop: true };
    const split = await model.generate(whole, { ...options, compressAfter: 100 }).result;
    using session = model.session();
    await model.generate(part, { maxTokens: 0, session }).result;
    const turns = await model.generate(whole, { ...options, session }).result;
    assertEquals(split.tokens, turns.tokens);
    assertEquals(split.stats.kv.storedBytes, turns.stats.kv.storedBytes);
    const mask = await model.mask(whole, { compressAfter: 100 });
    assertEquals(mask, await model.mask(part));
    assert(mask.every(({ heads }) => heads.every((head) => head.keptChannels?.length === 16)));
    assert(JSON.stringify(mask) !== JSON.stringify(await model.mask(whole)), "masks never differ");
  });
});

/** Heads of 32 f16 channels: a page of 128 rows takes 8 KiB, keys and values alike. */
const PAGES = (n: number) => n * 8192;

Deno.test("a prompt that fits only compressed runs layer by layer, with the same answer", async () => {
  const options = { maxTokens: 10, ignoreStop: true };
  let want: readonly number[] = [];
  await withModel({ nLayers: 6, prune: PRUNE }, async (model) => {
    want = (await model.generate(prompt(700), options).result).tokens;
  });
  // Dense, 700 rows take 6 pages per stream, head and layer: 144.
  await withModel({ nLayers: 6, prune: PRUNE, kvMax: PAGES(132) }, async (model) => {
    const events: GenerateEvent[] = [];
    const onEvent = (event: GenerateEvent) => void (event.kind === "layered" && events.push(event));
    const { tokens, stats } = await model.generate(prompt(700), { ...options, onEvent }).result;
    assertEquals(tokens, want);
    assertEquals(events, [{ kind: "layered", index: 0 }]);
    assert(stats.kv.peakBytes <= PAGES(132), `${stats.kv.peakBytes}`);
    const short = await model.generate(prompt(100), { maxTokens: 2, onEvent }).result;
    assertEquals([short.tokens.length, events.length], [2, 1]);
  });
});

Deno.test("the budget bounds open-ended answers and refuses what cannot fit", async () => {
  await withModel({ kvMax: PAGES(8) }, async (model) => {
    const { tokens, finishReason, stats } = await model.generate(prompt(100), { ignoreStop: true })
      .result;
    // One page per stream and head: 128 rows, and the last token is never cached.
    assertEquals([tokens.length, finishReason], [29, "length"]);
    assertEquals(stats.kv.peakBytes, PAGES(8));
    const refused = model.generate(prompt(100), { maxTokens: 30 }).result;
    await assertRejects(() => refused, KerfError, "--kv-max 64.0 KiB: the cache needs 128.0 KiB");
    const long = model.generate(prompt(1020), { maxTokens: 5 }).result;
    await assertRejects(() => long, KerfError, "the context: it holds 1024");
    // A batch that does not fit together runs one after the other.
    const seen: number[] = [];
    for await (
      const { index, result } of model.batch([prompt(90), prompt(90, 1)], { maxTokens: 8 })
    ) {
      seen.push(index);
      assert(result.stats.kv.peakBytes <= PAGES(8));
    }
    assertEquals(seen, [0, 1]);
  });
});

Deno.test("what cannot be loaded is refused before any work", async () => {
  const refused = async (options: LoadOptions, message: string) => {
    const run = () => withModel(options, () => Promise.resolve());
    assertEquals((await assertRejects(run, KerfError, message)).exitCode, 2);
  };
  await refused({ activations: "f16" }, "it has q8 and f32");
  await refused({ nCtx: 4096 }, "the model knows 1024 positions");
  await refused({ nCtx: 0 }, "Cannot use -c 0");
  await refused({ attention: "casual" }, 'Cannot use "casual"');
  await refused({ attention: "none" }, "it must be one variant");
  await refused({ prune: "think:ratio=1" }, "from 0 to 0.95");
});

Deno.test("a model whose heads no kernel takes is refused by its numbers", async () => {
  await using folder = await testFolder();
  for (
    const [shape, message] of [
      [{ nHeads: 9, nKvHeads: 1, headDim: 32 }, "9 query heads share a KV head"],
      [{ nHeads: 2, nKvHeads: 1, headDim: 40 }, "its heads have 40 channels"],
    ] as const
  ) {
    const model = await folder.write("tiny.gguf", tinyModel(shape));
    await assertRejects(() => load({ model }), KerfError, message);
  }
});

Deno.test("every attention variant generates, pruned or not", async () => {
  for (const attention of ["causal", "softcap:cap=20", "alibi", "sliding_window:window=32"]) {
    for (const prune of ["none", PRUNE]) {
      await withModel({ attention, prune }, async (model) => {
        const { tokens } = await model.generate(prompt(60), { maxTokens: 4, ignoreStop: true })
          .result;
        assertEquals(tokens.length, 4);
      });
    }
  }
});
