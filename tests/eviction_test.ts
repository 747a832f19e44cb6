/**
 * Which rows an eviction keeps: nothing evicted is dense bit for bit, kept sets are the published
 * definitions' over an independent forward pass, statistics do not depend on how rows came.
 */

import { assert, assertEquals } from "@std/assert";
import { selectRowsReference } from "../src/reference/mod.ts";
import { bitsOf, F32, GQA, keptTokens, tokens, withModel } from "./_eviction.ts";
import { h2o, keyDiff, keyNorm, position, snapkv, tova } from "./_published_scores.ts";
import type { Published } from "./_published_scores.ts";
import { forward } from "./_forward.ts";

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

Deno.test("kept rows are the published definitions' over an independent forward pass", async () => {
  const cases: readonly (readonly [string, Published, { first?: number; last?: number }])[] = [
    ["snapkv:budget=40,window=16,pool=5", snapkv(16, 5), { last: 16 }],
    ["snapkv:budget=33,window=32,pool=1", snapkv(32, 1), { last: 32 }],
    ["tova:budget=40", tova, { last: 1 }],
    ["key_norm:budget=40", keyNorm, {}],
    ["key_norm:budget=1", keyNorm, {}],
    ["key_diff:budget=40", keyDiff, {}],
    ["streaming:budget=40,sinks=4", position, { first: 4 }],
    ["h2o:budget=41", h2o, { last: 21 }],
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

Deno.test("column sums: every query counts once, whatever chunks, turns and decoded rows it came in", async () => {
  const [n, budget] = [90, 60];
  for (const [seed, [nHeads, nKvHeads]] of GQA.entries()) {
    const prune = `h2o:budget=${budget},every=0`;
    await withModel({ nHeads, nKvHeads, seed }, { prune, ...F32 }, async (model) => {
      const { engine, gguf, config } = model.loaded;
      const ids = tokens(n, seed);
      const { layers } = forward(gguf, config, ids);
      // The first turn fits the budget; rows of one come as decoded ones.
      for (const cuts of [[[90]], [[7, 30, 1, 12], [1, 1, 38]], [[1, 1], [1, 57], [30]]]) {
        const slot = engine.cache.openSlot();
        let position = 0;
        for (const turn of cuts) {
          for (const length of turn) {
            const rows = ids.slice(position, position + length);
            await engine.step([{ slot, position, tokens: rows, logits: "none" }]);
            position += length;
          }
          await engine.compress(slot);
        }
        (await keptTokens(model, slot)).forEach((heads, layer) =>
          heads.forEach((kept, kvHead) => {
            const scores = h2o(layers[layer]!, kvHead);
            const want = selectRowsReference(scores, { keep: budget, first: 0, last: budget / 2 });
            const sorted = scores.slice(0, n - budget / 2).sort((a, b) => b - a);
            const [low, next] = [sorted[budget / 2 - 1]!, sorted[budget / 2]!];
            if (low - next < 1e-5 * low) return;
            assertEquals(kept, want, `${JSON.stringify(cuts)}, layer ${layer}, head ${kvHead}`);
          })
        );
        engine.cache.closeSlot(slot);
      }
    });
  }
});

Deno.test("moments of queries do not depend on how their rows came", async () => {
  const ids = tokens(90, 3);
  await withModel({ nHeads: 6, nKvHeads: 2, seed: 3 }, {
    prune: "expected_attention:budget=40,ahead=50",
  }, async (model) => {
    const { engine } = model.loaded;
    const kept = [];
    for (const chunks of [[90], [1, 2, 30, 1, 56], [4, 86]]) {
      const slot = engine.cache.openSlot();
      let position = 0;
      for (const n of chunks) {
        const rows = ids.slice(position, position + n);
        await engine.step([{ slot, position, tokens: rows, logits: "none" }]);
        position += n;
      }
      await engine.compress(slot);
      kept.push(await keptTokens(model, slot));
      engine.cache.closeSlot(slot);
    }
    for (const heads of kept[0]!.flat()) assertEquals(heads!.slice(0, 4), [0, 1, 2, 3]);
    assertEquals([kept[1], kept[2]], [kept[0], kept[0]]);
  });
});
