/**
 * Decoding over evicted caches: attention over the rows that stayed, evictions while decoding, positions in
 * the cache, and sequences that outgrow the context.
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import type { GenerateOptions, Model } from "kerf";
import { KerfError } from "../src/core/error.ts";
import { assertClose } from "./_close.ts";
import { F32, GQA, keptTokens, tokens, withModel } from "./_eviction.ts";
import { forward } from "./_forward.ts";

Deno.test("decoding over an evicted cache is attention over the rows that stayed", async () => {
  // Sinks and recent rows of a layer are known, so the forward pass can leave the others out.
  const [nPrompt, nDecode, budget, sinks] = [70, 4, 30, 4];
  for (const [seed, [nHeads, nKvHeads]] of GQA.entries()) {
    const prune = `streaming:budget=${budget},sinks=${sinks}`;
    await withModel({ nHeads, nKvHeads, seed }, { prune, ...F32 }, async (model) => {
      const { engine, gguf, config } = model.loaded;
      const ids = tokens(nPrompt + nDecode, seed);
      const sees = (row: number, key: number) =>
        row < nPrompt || key < sinks || key >= nPrompt - (budget - sinks);
      const { logits } = forward(gguf, config, ids, { sees });
      const slot = engine.cache.openSlot();
      const prompt = { slot, position: 0, tokens: ids.slice(0, nPrompt), logits: "last" } as const;
      const got = [...await engine.step([prompt])];
      await engine.compress(slot);
      for (let i = nPrompt; i < ids.length; i++) {
        const row = { slot, position: i, tokens: [ids[i]!], logits: "last" } as const;
        got.push(...await engine.step([row]));
      }
      // As in forward_test.ts: hundreds of roundings deep, each 2⁻²⁴ of a few units.
      got.forEach((values, i) =>
        assertClose(values, logits[nPrompt - 1 + i]!, { bound: 5e-5, label: `row ${nPrompt + i}` })
      );
    });
  }
});

Deno.test("evicting while decoding bounds the cache, keeps the newest rows, and knows no company", async () => {
  const [budget, every, nPrompt, nDecode] = [40, 16, 100, 70];
  const shape = { nHeads: 6, nKvHeads: 2, seed: 3 };
  for (const prune of ["streaming:budget=40,every=16", "tova:budget=40,every=16"]) {
    await withModel(shape, { prune, parallel: 2 }, async (model) => {
      const { cache } = model.loaded.engine;
      // A byte of text is a token of the tiny model.
      const prompt = "the sea was calm. ".repeat(9).slice(0, nPrompt);
      const options = { raw: true, maxTokens: nDecode, ignoreStop: true, temperature: 0 } as const;
      using session = model.session();
      const { stats, tokens: alone } = await model.generate(prompt, { ...options, session }).result;
      const seen = stats.prefillTokens + stats.decodeTokens;
      const rows = cache.rowsOf({ slot: session.slot, head: 0 });
      assertEquals(rows, budget + stats.decodeTokens % every, prune);
      assertEquals([stats.kv.tokens, cache.tokensOf(session.slot)], [seen, seen]);
      for (const kept of (await keptTokens(model, session.slot)).flat()) {
        assertEquals([kept!.length, kept!.at(-1)], [rows, seen - 1]);
        if (prune.startsWith("streaming")) assertEquals(kept!.slice(0, 4), [0, 1, 2, 3]);
      }
      session.close();
      const together: Record<number, readonly number[]> = {};
      for await (const { index, result } of model.batch(["another one", prompt], options)) {
        together[index] = result.tokens;
      }
      assertEquals(together[1], alone, `${prune}, in a batch`);
    });
  }
});

Deno.test("positions in the cache: keys and queries are rotated by their places, turn after turn", async () => {
  const [budget, sinks, nPrompt, nDecode] = [30, 4, 70, 4];
  for (const [seed, [nHeads, nKvHeads]] of GQA.entries()) {
    const prune = `streaming:budget=${budget},sinks=${sinks},in_cache=1`;
    await withModel({ nHeads, nKvHeads, seed }, { prune, ...F32 }, async (model) => {
      const { engine, gguf, config } = model.loaded;
      const ids = tokens(2 * (nPrompt + nDecode), seed);
      // Rows that an eviction before row `at` left, in order; rows from `at` on follow them.
      const first = [...Array(nPrompt).keys()].filter((i) =>
        i < sinks || i >= nPrompt - budget + sinks
      );
      const end = 2 * nPrompt + nDecode;
      const seen = [...first, ...Array.from({ length: end - nPrompt }, (_, i) => nPrompt + i)];
      const second = seen.filter((_, i) => i < sinks || i >= seen.length - budget + sinks);
      const place = (row: number, key: number) => {
        const [left, at] = row < nPrompt ? [[], 0] : row < end ? [first, nPrompt] : [second, end];
        return key >= at ? left.length + key - at : left.indexOf(key);
      };
      const { logits } = forward(gguf, config, ids, {
        sees: (row, key) => place(row, key) >= 0,
        placeFor: (row, key) => Math.max(0, place(row, key)),
      });
      const slot = engine.cache.openSlot();
      const got: Float32Array[] = [];
      let position = 0;
      const feed = async (n: number) => {
        const rows = ids.slice(position, position + n);
        got.push(...await engine.step([{ slot, position, tokens: rows, logits: "all" }]));
        position += n;
      };
      for (let turn = 0; turn < 2; turn++) {
        for (let i = 0; i < nPrompt; i++) await feed(1);
        await engine.compress(slot);
        for (let i = 0; i < nDecode; i++) await feed(1);
      }
      // As above, and two roundings of a rotation back for every eviction.
      got.forEach((values, i) =>
        assertClose(values, logits[i]!, { bound: 1e-4, label: `row ${i}, seed ${seed}` })
      );
      for (const kept of (await keptTokens(model, slot)).flat()) {
        const decoded = Array.from({ length: nDecode }, (_, i) => end + i);
        assertEquals(kept, [...second, ...decoded], "true positions stay known");
      }
    });
  }
});

Deno.test("queries that score turn back with the keys, by as many places as rows left before them", async () => {
  const [nPrompt, window] = [90, 60];
  const specs = [
    `rerotated:of=snapkv,budget=80,window=${window}`,
    `rerotated:of=adakv:of=tova,budget=40+think_values:window=${window}`,
    `h2o:budget=40,every=0,in_cache=1+think_values:window=${window}`,
  ];
  for (const [seed, prune] of specs.entries()) {
    await withModel({ nHeads: 6, nKvHeads: 2, seed }, { prune, ...F32 }, async (model) => {
      const { engine, gguf, config } = model.loaded;
      const { device, plan: { inputs: { rope }, buffers: { rings } } } = engine;
      const ids = tokens(nPrompt, seed);
      const { layers } = forward(gguf, config, ids);
      const slot = engine.cache.openSlot();
      await engine.step([{ slot, position: 0, tokens: ids, logits: "none" }]);
      await engine.compress(slot);
      const kept = await keptTokens(model, slot);
      const { buffer, offset = 0 } = rings.get(window)!;
      const { nLayers, nHeads, headDim } = config;
      const bytes = await device.read(buffer, offset, 4 * nLayers * nHeads * window * headDim);
      const ring = new Float32Array(bytes.slice().buffer);
      const turns = new Set<number>();
      const want = Float64Array.from(ring, (_, i) => {
        const [c, place] = [i % headDim, Math.floor(i / headDim) % window];
        const head = Math.floor(i / (window * headDim)) % nHeads;
        const layer = Math.floor(i / (nHeads * window * headDim));
        const first = nPrompt - window;
        const position = first + (place - first % window + window) % window;
        const own = kept[layer]![Math.floor(head / 3)]!;
        const back = position + 1 - own.filter((token) => token <= position).length;
        turns.add(back);
        const q = layers[layer]!.queries[head]![position]!;
        const [half, sign] = [headDim / 2, c < headDim / 2 ? 1 : -1];
        const [cos, sin] = [c % half, half + c % half].map((at) => rope[back * headDim + at]!);
        return q[c]! * cos! + sign * q[c + sign * half]! * sin!;
      });
      assertClose(ring, want, { bound: 1e-4, label: prune });
      assert(prune.startsWith("rerotated:of=snapkv") ? turns.size === 1 : turns.size > 3, prune);
    });
  }
});

/** Beside a sequence that began with another prompt: places, not positions or company, decide. */
async function assertSameInCompany(
  model: Model,
  prompt: string,
  { options, made }: { readonly options: GenerateOptions; readonly made: readonly number[] },
): Promise<void> {
  for await (const { index, result } of model.batch(["another, longer one", prompt], options)) {
    if (index === 1) assertEquals(result.tokens, made, "in a batch");
  }
}

Deno.test("a sequence outgrows the context at constant bytes where positions are the cache's", async () => {
  const shape = { nHeads: 6, nKvHeads: 2, nCtx: 128 };
  const options = { raw: true, maxTokens: 700, ignoreStop: true, temperature: 0 } as const;
  const prune = "streaming:budget=40,every=16,in_cache=1";
  await withModel(shape, { prune, parallel: 2 }, async (model) => {
    const { cache } = model.loaded.engine;
    using session = model.session();
    const { tokens: made, stats } = await model.generate("the sea", { ...options, session }).result;
    assertEquals(made.length, 700);
    assert(cache.rowsOf({ slot: session.slot, head: 0 }) <= 56);
    assertEquals(stats.kv.tokens, stats.prefillTokens + stats.decodeTokens);
    // A page of keys and one of values a head, of 64 rows: rows leave in place.
    const page = 2 * 64 * 32 * 2 + 512;
    assertEquals(stats.kv.peakBytes, cache.nHeadsPerSlot * page);
    session.close();
    await assertSameInCompany(model, "the sea", { options, made });
  });
  await withModel(shape, { prune: "streaming:budget=40,every=16" }, async (model) => {
    const error = await assertRejects(() => model.generate("the sea", options).result, KerfError);
    assert(error.message.includes("in the context: it holds 128"), error.message);
    assertEquals(
      error.hints.at(-1),
      "or outgrow it: --prune streaming:budget=40,in_cache=1,every=16",
    );
  });
});

Deno.test("heavy rows and positions in the cache: thousands of tokens at constant bytes", async () => {
  const shape = { nHeads: 6, nKvHeads: 2, nCtx: 128 };
  const options = { raw: true, maxTokens: 3000, ignoreStop: true, temperature: 0 } as const;
  const prune = "h2o:budget=40,in_cache=1,every=8";
  await withModel(shape, { prune, parallel: 2 }, async (model) => {
    const { cache } = model.loaded.engine;
    using session = model.session();
    const bytes = new Set<number>();
    const run = model.generate("the sea", { ...options, session });
    for await (const _ of run) {
      if (cache.tokensOf(session.slot) > 100) bytes.add(cache.table.allocatedBytes);
    }
    const { stats, tokens: made } = await run.result;
    assertEquals([made.length, stats.decodeTokens], [3000, 2999]);
    // A page of 64 rows of keys and one of values a head: positions before its rows, sums behind them.
    const page = 2 * 64 * 32 * 2 + 2 * 512;
    assertEquals([...bytes], [cache.nHeadsPerSlot * page]);
    assertEquals(stats.kv.peakBytes, cache.nHeadsPerSlot * page);
    for (const kept of (await keptTokens(model, session.slot)).flat()) {
      assertEquals(
        kept!.slice(-20),
        Array.from({ length: 20 }, (_, i) => stats.kv.tokens - 20 + i),
      );
      assert(kept![0]! < stats.kv.tokens - 200, "no row is heavy");
    }
    session.close();
    const fewer = { ...options, maxTokens: 500 };
    await assertSameInCompany(model, "the sea", { options: fewer, made: made.slice(0, 500) });
  });
  await withModel(shape, { prune: "h2o:budget=40" }, async (model) => {
    const error = await assertRejects(() => model.generate("the sea", options).result, KerfError);
    assertEquals(error.hints.at(-1), "or outgrow it: --prune h2o:budget=40,in_cache=1");
  });
});
