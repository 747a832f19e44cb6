/**
 * What must hold of evicted caches, whatever the kernels do: nothing evicted is dense, kept sets are the
 * published definitions' over an independent forward pass, budgets are met exactly, bytes are really
 * freed, and neither chunks, company nor turns change what is kept.
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { load } from "kerf";
import type { LoadOptions, Model } from "kerf";
import { KerfError } from "../src/core/error.ts";
import { slotStoredBytes } from "../src/engine/cache_bytes.ts";
import { maskOf } from "../src/engine/mask.ts";
import { testFolder } from "../src/model/testing_files.ts";
import { tinyModel } from "../src/model/testing.ts";
import type { TinyModelOptions } from "../src/model/testing.ts";
import { selectRowsReference, shareRowsReference } from "../src/reference/mod.ts";
import { assertClose } from "./_close.ts";
import { forward } from "./_forward.ts";
import type { LayerTrace } from "./_forward.ts";

/** Query heads and KV heads: 1, 3, 4 and 8 query heads share a KV head. */
const GQA = [[3, 3], [6, 2], [4, 1], [8, 1]] as const;
const F32 = { cacheTypes: { key: "f32", value: "f32" } } as const;

const tokens = (n: number, seed: number) =>
  Array.from({ length: n }, (_, i) => 3 + (Math.imul(i + 1, 7919 + seed * 104729) >>> 7) % 290);

async function withModel(
  shape: TinyModelOptions,
  options: LoadOptions,
  run: (model: Model) => Promise<void>,
): Promise<void> {
  await using folder = await testFolder();
  const path = await folder.write("tiny.gguf", tinyModel({ nCtx: 1024, headDim: 32, ...shape }));
  using model = await load({ model: path, parallel: 1, ...options });
  await run(model);
}

/** Feeds tokens in chunks, compresses, decodes: the logits of every step, as bits. */
async function bitsOf(
  { loaded: { engine } }: Model,
  slot: number,
  { ids, chunk, nDecode = 3 }: { ids: readonly number[]; chunk: number; nDecode?: number },
): Promise<Uint32Array[]> {
  const seen: Float32Array[] = [];
  let position = engine.cache.tokensOf(slot);
  for (let at = 0; at < ids.length; at += chunk) {
    const rows = ids.slice(at, at + chunk);
    const isLast = at + chunk >= ids.length;
    seen.push(
      ...await engine.step([{ slot, position, tokens: rows, logits: isLast ? "last" : "none" }]),
    );
    position += rows.length;
  }
  await engine.compress(slot);
  for (let i = 0; i < nDecode; i++) {
    seen.push(...await engine.step([{ slot, position, tokens: [5 + i], logits: "last" }]));
    position++;
  }
  return seen.map((logits) => Uint32Array.from(new Uint32Array(Float32Array.from(logits).buffer)));
}

const keptTokens = async ({ loaded: { engine } }: Model, slot: number) =>
  (await maskOf(engine, slot)).map(({ heads }) => heads.map((head) => head.keptTokens));

Deno.test("evicting nothing is dense bit for bit", async () => {
  for (const [seed, [nHeads, nKvHeads]] of GQA.entries()) {
    const shape = { nHeads, nKvHeads, seed };
    const bits = async (prune: string) => {
      const all: Uint32Array[][] = [];
      await withModel(shape, { prune }, async (model) => {
        const { cache } = model.loaded.engine;
        for (const n of [1, 31, 33, 127, 300]) {
          const slot = cache.openSlot();
          all.push(await bitsOf(model, slot, { ids: tokens(n, seed), chunk: 100 }));
          assertEquals((await keptTokens(model, slot)).flat(), Array(2 * nKvHeads).fill(null));
          cache.closeSlot(slot);
        }
      });
      return all;
    };
    const dense = await bits("none");
    assert(dense[0]![0]!.some((word) => word !== dense[0]![0]![0]), "logits are all alike");
    for (const prune of ["snapkv:budget=300", "streaming:budget=300", "tova:budget=300"]) {
      assertEquals(await bits(prune), dense, `${prune}, seed ${seed}`);
    }
  }
});

/** Softmax of the last `window` queries of a head over all keys, causal: [query][key]. */
function windowSoftmax({ queries, keys }: LayerTrace, head: number, window: number): number[][] {
  const own = keys[Math.floor(head / (queries.length / keys.length))]!;
  const n = own.length;
  return queries[head]!.slice(n - window).map((q, i) => {
    const logits = own.map((k, row) =>
      row > n - window + i
        ? -Infinity
        : k.reduce((s, x, c) => s + x * q[c]!, 0) / Math.sqrt(q.length)
    );
    const largest = Math.max(...logits);
    const weights = logits.map((logit) => Math.exp(logit - largest));
    const sum = weights.reduce((a, b) => a + b);
    return weights.map((weight) => weight / sum);
  });
}

const mean = (lists: readonly (readonly number[])[]) =>
  lists[0]!.map((_, i) => lists.reduce((sum, list) => sum + list[i]!, 0) / lists.length);
const total = (lists: readonly (readonly number[])[]) =>
  lists[0]!.map((_, i) => lists.reduce((sum, list) => sum + list[i]!, 0));

/** The scores of one KV head as papers define them; `last` rows at the end are no candidates. */
type Published = (layer: LayerTrace, kvHead: number) => number[];

const snapkv = (window: number, pool: number): Published => (layer, kvHead) => {
  const group = layer.queries.length / layer.keys.length;
  const n = layer.keys[0]!.length;
  return mean(Array.from({ length: group }, (_, g) => {
    const sums = total(windowSoftmax(layer, kvHead * group + g, window)).slice(0, n - window);
    const reach = (pool - 1) / 2;
    return Array.from(
      { length: n },
      (_, row) =>
        row >= n - window ? 0 : Math.max(...sums.slice(Math.max(0, row - reach), row + reach + 1)),
    );
  }));
};
const tova: Published = (layer) =>
  mean(layer.queries.map((_, head) => windowSoftmax(layer, head, 1)[0]!));
const keyNorm: Published = ({ keys }, kvHead) =>
  keys[kvHead]!.map((k) => -Math.sqrt(k.reduce((s, x) => s + x * x, 0)));
const keyDiff: Published = ({ keys }, kvHead) => {
  const norm = (v: Float64Array) => Math.sqrt(v.reduce((s, x) => s + x * x, 0));
  const dot = (a: Float64Array, b: Float64Array) => a.reduce((s, x, c) => s + x * b[c]!, 0);
  const units = keys[kvHead]!.map((k) => k.map((x) => x / norm(k)));
  const anchor = units[0]!.map((_, c) => units.reduce((s, u) => s + u[c]!, 0) / units.length);
  return units.map((unit) => -dot(unit, anchor) / norm(anchor));
};
const position: Published = ({ keys }) => keys[0]!.map((_, row) => row);

Deno.test("kept rows are the published definitions' over an independent forward pass", async () => {
  const cases: readonly (readonly [string, Published, { first?: number; last?: number }])[] = [
    ["snapkv:budget=40,window=16,pool=5", snapkv(16, 5), { last: 16 }],
    ["snapkv:budget=33,window=32,pool=1", snapkv(32, 1), { last: 32 }],
    ["tova:budget=40", tova, { last: 1 }],
    ["key_norm:budget=40", keyNorm, {}],
    ["key_norm:budget=1", keyNorm, {}],
    ["key_diff:budget=40", keyDiff, {}],
    ["streaming:budget=40,sinks=4", position, { first: 4 }],
  ];
  const nPrompt = 90;
  for (const [seed, [nHeads, nKvHeads]] of GQA.entries()) {
    for (const [prune, published, { first = 0, last = 0 }] of cases) {
      await withModel({ nHeads, nKvHeads, seed }, { prune, ...F32 }, async (model) => {
        const { engine, gguf, config } = model.loaded;
        const ids = tokens(nPrompt, seed);
        const { layers } = forward(gguf, config, ids);
        const slot = engine.cache.openSlot();
        await engine.step([{ slot, position: 0, tokens: ids, logits: "none" }]);
        await engine.compress(slot);
        let compared = 0;
        const keep = Number(/budget=(\d+)/.exec(prune)![1]);
        (await keptTokens(model, slot)).forEach((heads, layer) =>
          heads.forEach((kept, kvHead) => {
            assertEquals(kept!.length, keep, prune);
            assertEquals(kept!.slice(0, first), ids.slice(0, first).map((_, i) => i), prune);
            const recent = ids.map((_, i) => i).slice(nPrompt - last);
            assertEquals(kept!.slice(keep - last), recent, prune);
            const scores = published(layers[layer]!, kvHead);
            const sorted = scores.slice(first, nPrompt - last).sort((a, b) => b - a);
            const [low, next] = [sorted[keep - first - last - 1]!, sorted[keep - first - last]!];
            // Where the cut falls between nearly equal scores, f32 may choose either.
            if (low !== next && Math.abs(low - next) < 1e-5 * Math.abs(low)) return;
            compared++;
            const want = selectRowsReference(scores, { keep, first, last });
            assertEquals(kept, want, `${prune}, layer ${layer}, head ${kvHead}, seed ${seed}`);
          })
        );
        assert(compared > 0, `${prune}: no cut was clear enough to compare`);
      });
    }
  }
});

Deno.test("adakv gives rows to the heads whose scores are highest, each its floor at least", async () => {
  const [nPrompt, budget, window, floor] = [120, 50, 16, 0.25];
  for (const [seed, [nHeads, nKvHeads]] of [[6, 2], [3, 3]].entries()) {
    const prune = `adakv:of=snapkv,budget=${budget},window=${window},pool=5,floor=${floor}`;
    const shape = { nHeads: nHeads!, nKvHeads: nKvHeads!, seed };
    await withModel(shape, { prune, ...F32 }, async (model) => {
      const { engine, gguf, config } = model.loaded;
      const ids = tokens(nPrompt, seed);
      const { layers } = forward(gguf, config, ids);
      const slot = engine.cache.openSlot();
      await engine.step([{ slot, position: 0, tokens: ids, logits: "none" }]);
      await engine.compress(slot);
      let lengths = 0;
      (await keptTokens(model, slot)).forEach((heads, layer) => {
        const scored = heads.map((_, kvHead) => ({
          scores: snapkv(window, 5)(layers[layer]!, kvHead),
          keep: budget,
        }));
        const want = shareRowsReference(scored, { floor, first: 0, last: window });
        assertEquals(heads, want, `layer ${layer}, seed ${seed}`);
        assertEquals(heads.reduce((sum, kept) => sum + kept!.length, 0), budget * heads.length);
        heads.forEach((kept) => assert(kept!.length >= window + floor * (budget - window) - 1));
        lengths += new Set(heads.map((kept) => kept!.length)).size;
      });
      assert(lengths > layers.length, "heads of a layer never differ in length");
      // Ragged heads decode, and a later turn shares the same budget again.
      await bitsOf(model, slot, { ids: tokens(30, 9), chunk: 30, nDecode: 2 });
      for (const heads of await keptTokens(model, slot)) {
        const rows = heads.reduce((sum, kept) => sum + kept!.length, 0);
        assertEquals(rows, (budget + 2) * heads.length);
      }
    });
  }
});

Deno.test("pyramidkv's budgets fall from layer to layer, and a short prompt is split anew", async () => {
  const nLayers = 5;
  const prune = "pyramidkv:budget=60,window=20,beta=10";
  await withModel({ nHeads: 6, nKvHeads: 2, nLayers }, { prune }, async (model) => {
    const { engine } = model.loaded;
    // THINK.md, section 3: B = 40, min = B / β, max = 2B − min; of 90 rows at most 70 are no window.
    for (const [n, max, min] of [[300, 76, 4], [90, 70, 10]] as const) {
      const slot = engine.cache.openSlot();
      await bitsOf(model, slot, { ids: tokens(n, 1), chunk: 128, nDecode: 0 });
      (await keptTokens(model, slot)).forEach((heads, layer) => {
        const share = Math.round(max - layer * (max - min) / (nLayers - 1));
        const kept = share + 20 === n ? null : share + 20;
        assertEquals(heads.map((head) => head?.length ?? null), [kept, kept], `layer ${layer}`);
      });
      engine.cache.closeSlot(slot);
    }
  });
});

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

Deno.test("stored bytes are the rows' and their positions'; pages are freed; turns keep the budget", async () => {
  const [nHeads, nKvHeads, headDim] = [6, 2, 32];
  const prune = "snapkv:budget=130,window=16";
  await withModel({ nHeads, nKvHeads, headDim }, { prune }, async (model) => {
    const { cache } = model.loaded.engine;
    const slot = cache.openSlot();
    let seen = 0;
    for (const [turn, n] of [400, 3, 200].entries()) {
      await bitsOf(model, slot, { ids: tokens(n, turn), chunk: 128, nDecode: 2 });
      seen += n + 2;
      const rows = 130 + 2;
      // f16 keys and values, an i32 position.
      const stored = cache.nHeadsPerSlot * rows * (4 * headDim + 4);
      assertEquals([slotStoredBytes(cache, slot), cache.tokensOf(slot)], [stored, seen]);
      // Two pages of each stream per head; those of values begin with 128 positions.
      const pages = cache.nHeadsPerSlot * 2 * (2 * 128 * headDim * 2 + 512);
      assertEquals(cache.table.bytesOf(slot).allocated, pages);
      const kept = (await keptTokens(model, slot)).flat();
      for (const positions of kept) {
        assertEquals(positions!.length, rows);
        assertEquals(positions!.toSorted((a, b) => a - b), positions, "ascending");
        // The window of this turn's prompt, then what was decoded.
        const recent = Array.from({ length: 18 }, (_, i) => seen - 18 + i);
        assertEquals(positions!.slice(-18), recent);
      }
    }
    cache.closeSlot(slot);
    assertEquals([cache.table.allocatedBytes, cache.tokensOf(slot)], [0, 0]);
  });
});

Deno.test("chunks and company change no bit of an evicted cache", async () => {
  const shape = { nHeads: 6, nKvHeads: 2, seed: 4 };
  for (const prune of ["snapkv:budget=60,window=20", "snapkv:budget=60+think:ratio=0.5,recent=8"]) {
    await withModel(shape, { prune, parallel: 2 }, async (model) => {
      const { engine } = model.loaded;
      const ids = tokens(300, 1);
      const run = async (chunk: number) => {
        const slot = engine.cache.openSlot();
        const bits = await bitsOf(model, slot, { ids, chunk });
        const mask = await maskOf(engine, slot);
        engine.cache.closeSlot(slot);
        return { bits, mask };
      };
      const whole = await run(300);
      for (const chunk of [7, 128]) {
        const { bits, mask } = await run(chunk);
        assertEquals(mask, whole.mask, `${prune}, chunks of ${chunk}`);
        assertEquals(bits, whole.bits, `${prune}, chunks of ${chunk}`);
      }
      // Beside another sequence, both evicted.
      const other = engine.cache.openSlot();
      await bitsOf(model, other, { ids: tokens(150, 2), chunk: 64 });
      assertEquals(await run(100), whole, `${prune}, beside another sequence`);
    });
  }
});

Deno.test("a composition stores survivors' channels, and a later turn evicts pruned rows too", async () => {
  const [nHeads, nKvHeads, headDim] = [6, 2, 32];
  const prune = "snapkv:budget=150,window=16+think:ratio=0.5,recent=20,window=8";
  await withModel({ nHeads, nKvHeads, headDim }, { prune }, async (model) => {
    const { engine } = model.loaded;
    const { cache } = engine;
    const slot = cache.openSlot();
    for (const [turn, n] of [400, 90, 20].entries()) {
      const before = turn === 0 ? null : await maskOf(engine, slot);
      await bitsOf(model, slot, { ids: tokens(n, turn), chunk: 128, nDecode: 2 });
      const [kept, full] = [16, 20 + 2];
      const perHead = 2 * ((150 - 20) * kept + full * headDim) + headDim / 8 +
        (150 + 2) * (2 * headDim + 4);
      assertEquals(slotStoredBytes(cache, slot), cache.nHeadsPerSlot * perHead, `turn ${turn}`);
      const mask = await maskOf(engine, slot);
      mask.forEach(({ heads }, layer) =>
        heads.forEach((head, i) => {
          assertEquals([head.keptChannels!.length, head.keptTokens!.length], [16, 152]);
          // The mask of the first prefill stays.
          if (before) assertEquals(head.keptChannels, before[layer]!.heads[i]!.keptChannels);
        })
      );
    }
  });
});

Deno.test("a prompt that fits only evicted runs layer by layer to the same answer", async () => {
  const prune = "snapkv:budget=64,window=16";
  await withModel({ nHeads: 6, nKvHeads: 2, nLayers: 6, seed: 9 }, { prune }, async (model) => {
    const { engine } = model.loaded;
    const ids = tokens(400, 3);
    const slot = engine.cache.openSlot();
    const chunked = await bitsOf(model, slot, { ids, chunk: 100, nDecode: 2 });
    const mask = await maskOf(engine, slot);
    engine.cache.closeSlot(slot);
    const other = engine.cache.openSlot();
    const run = engine.prefillLayered(other, ids);
    let next = await run.next();
    while (!next.done) next = await run.next();
    const seen = [next.value as Float32Array];
    for (let i = 0; i < 2; i++) {
      const row = { slot: other, position: 400 + i, tokens: [5 + i], logits: "last" } as const;
      seen.push(...await engine.step([row]));
    }
    const bits = seen.map((l) => Uint32Array.from(new Uint32Array(Float32Array.from(l).buffer)));
    assertEquals(bits, chunked);
    assertEquals(await maskOf(engine, other), mask);
  });
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

Deno.test("a sequence outgrows the context at constant bytes where positions are the cache's", async () => {
  const shape = { nHeads: 6, nKvHeads: 2, nCtx: 128 };
  const options = { raw: true, maxTokens: 700, ignoreStop: true, temperature: 0 } as const;
  await withModel(shape, { prune: "streaming:budget=40,every=16,in_cache=1" }, async (model) => {
    const { cache } = model.loaded.engine;
    using session = model.session();
    const { tokens: made, stats } = await model.generate("the sea", { ...options, session }).result;
    assertEquals(made.length, 700);
    assert(cache.rowsOf({ slot: session.slot, head: 0 }) <= 56);
    assertEquals(stats.kv.tokens, stats.prefillTokens + stats.decodeTokens);
    // One page of keys and one of values a head, and beside them a layer's while rows are copied.
    const page = 2 * 128 * 32 * 2 + 512;
    assertEquals(stats.kv.peakBytes, (cache.nHeadsPerSlot + 2) * page);
    session.close();
    const again = await model.generate("the sea", options).result;
    assertEquals(again.tokens, made, "places, not positions, decide");
  });
  await withModel(shape, { prune: "streaming:budget=40,every=16" }, async (model) => {
    const error = await assertRejects(() => model.generate("the sea", options).result, KerfError);
    assert(error.message.includes("in the context: it holds 128"), error.message);
  });
});
