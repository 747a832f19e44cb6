/**
 * Which rows an eviction keeps: nothing evicted is dense bit for bit, kept sets are the published
 * definitions' over an independent forward pass, budgets are met exactly.
 */

import { assert, assertEquals } from "@std/assert";
import {
  blockScoresReference,
  blockStartsReference,
  countEnoughReference,
  ownRowsReference,
  selectRowsReference,
  shareRowsReference,
  trimBlocksReference,
} from "../src/reference/mod.ts";
import { bitsOf, F32, GQA, keptTokens, tokens, withModel } from "./_eviction.ts";
import { forward } from "./_forward.ts";
import type { LayerTrace } from "./_forward.ts";

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
const h2o: Published = (layer, kvHead) => {
  const group = layer.queries.length / layer.keys.length;
  const n = layer.keys[0]!.length;
  return mean(Array.from(
    { length: group },
    (_, g) => total(windowSoftmax(layer, kvHead * group + g, n)),
  ));
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
          own: ownRowsReference(budget, { floor, first: 0, last: window }),
        }));
        const want = shareRowsReference(scored, { first: 0, last: window });
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

Deno.test("massed keeps what holds the mass, no more than the budget, no less than it must", async () => {
  const [n, window, mass] = [120, 16, 0.6];
  const inner = `of=snapkv,window=${window},pool=1,mass=${mass}`;
  const lengths: number[] = [];
  const limits = [[1000, 20, 1], [60, 50, 3], [33, 1, 8]] as const;
  for (const [budget, least, multiple] of limits) {
    const prune = `massed:${inner},budget=${budget},least=${least},multiple=${multiple}`;
    await withModel({ nHeads: 6, nKvHeads: 2, seed: 1 }, { prune, ...F32 }, async (model) => {
      const { engine, gguf, config } = model.loaded;
      const ids = tokens(n, 1);
      const { layers } = forward(gguf, config, ids);
      const slot = engine.cache.openSlot();
      await engine.step([{ slot, position: 0, tokens: ids, logits: "none" }]);
      await engine.compress(slot);
      const most = Math.min(n, Math.ceil(budget / multiple) * multiple);
      (await keptTokens(model, slot)).forEach((heads, layer) =>
        heads.forEach((kept, kvHead) => {
          const scores = snapkv(window, 1)(layers[layer]!, kvHead);
          // Where the mass is reached between nearly equal sums, f32 may count either.
          const [fewer, keep, more] = [1 - 1e-5, 1, 1 + 1e-5].map((factor) =>
            countEnoughReference(scores, {
              rule: { kind: "mass", amount: mass * factor, least },
              ...{ most, multiple, first: 0, last: window },
            })
          );
          if (fewer !== more) return;
          const want = selectRowsReference(scores, { keep: keep!, first: 0, last: window });
          assertEquals(kept ?? ids.map((_, i) => i), want, `${prune}, layer ${layer}`);
          lengths.push(want.length);
        })
      );
      // Ragged heads decode, and a later turn counts again.
      await bitsOf(model, slot, { ids: tokens(30, 9), chunk: 30, nDecode: 2 });
      for (const kept of (await keptTokens(model, slot)).flat()) {
        if (kept) assert(kept.length <= most + 2, `${prune}: ${kept.length}`);
      }
    });
  }
  assert(new Set(lengths).size > 3, `counts do not differ: ${lengths}`);
});

Deno.test("heads that share count what is enough first: each of its own, then of all", async () => {
  const [n, window, floor, budget] = [120, 16, 0.25, 70];
  const inner = `of=snapkv,window=${window},pool=1,budget=${budget},least=20,floor=${floor}`;
  const counts: number[] = [];
  for (
    const [outer, rule] of [
      ["adakv:of=massed:", { kind: "mass", amount: 0.6, least: 20 }],
      ["thresholded:of=adakv:", { kind: "ofLargest", amount: 0.8, least: 20 }],
    ] as const
  ) {
    const prune = `${outer}${inner},${rule.kind === "mass" ? "mass" : "share"}=${rule.amount}`;
    await withModel({ nHeads: 6, nKvHeads: 3, seed: 5 }, { prune, ...F32 }, async (model) => {
      const { engine, gguf, config } = model.loaded;
      const ids = tokens(n, 5);
      const { layers } = forward(gguf, config, ids);
      const slot = engine.cache.openSlot();
      await engine.step([{ slot, position: 0, tokens: ids, logits: "none" }]);
      await engine.compress(slot);
      (await keptTokens(model, slot)).forEach((heads, layer) => {
        const spans = { first: 0, last: window };
        const scored = (factor: number) =>
          heads.map((_, kvHead) => {
            const scores = snapkv(window, 1)(layers[layer]!, kvHead);
            const enough = (most: number) =>
              countEnoughReference(scores, {
                ...{ rule: { ...rule, amount: rule.amount * factor }, most, multiple: 1, ...spans },
              });
            const own = enough(ownRowsReference(budget, { floor, ...spans }));
            return { scores, keep: enough(budget), own };
          });
        const of = (factor: number) => scored(factor).map(({ keep, own }) => [keep, own]);
        // Where the edge lies between nearly equal scores, f32 may count either.
        if (JSON.stringify(of(1 - 1e-5)) !== JSON.stringify(of(1 + 1e-5))) return;
        const want = shareRowsReference(scored(1), spans);
        assertEquals(heads, want, `${prune}, layer ${layer}`);
        counts.push(...want.map((rows) => rows.length));
      });
      // Ragged heads decode, and a later turn counts and shares again.
      await bitsOf(model, slot, { ids: tokens(30, 9), chunk: 30, nDecode: 2 });
      for (const heads of await keptTokens(model, slot)) {
        const rows = heads.reduce((sum, kept) => sum + (kept?.length ?? n + 32), 0);
        assert(rows <= (budget + 2) * heads.length, `${prune}: ${rows}`);
      }
    });
  }
  assert(new Set(counts).size > 3, `counts do not differ: ${counts}`);
});

Deno.test("thresholded keeps the rows near the largest score, and as many as it must", async () => {
  const [n, window] = [120, 16];
  const lengths: number[] = [];
  for (const [share, least] of [[0.7, 1], [0.9, 40]] as const) {
    const inner = `of=snapkv,window=${window},pool=1,budget=100`;
    const prune = `thresholded:${inner},share=${share},least=${least}`;
    await withModel({ nHeads: 6, nKvHeads: 2, seed: 4 }, { prune, ...F32 }, async (model) => {
      const { engine, gguf, config } = model.loaded;
      const ids = tokens(n, 4);
      const { layers } = forward(gguf, config, ids);
      const slot = engine.cache.openSlot();
      await engine.step([{ slot, position: 0, tokens: ids, logits: "none" }]);
      await engine.compress(slot);
      (await keptTokens(model, slot)).forEach((heads, layer) =>
        heads.forEach((kept, kvHead) => {
          const scores = snapkv(window, 1)(layers[layer]!, kvHead);
          const own = scores.slice(0, n - window);
          const bound = share * Math.max(...own);
          // Scores at the bound may fall on either side of it in f32.
          if (own.some((score) => Math.abs(score - bound) < 1e-5 * bound)) return;
          const near = own.filter((score) => score >= bound).length + window;
          const keep = Math.min(100, Math.max(least, near));
          const want = selectRowsReference(scores, { keep, first: 0, last: window });
          assertEquals(kept, want, `${prune}, layer ${layer}, head ${kvHead}`);
          lengths.push(keep);
        })
      );
    });
  }
  assert(new Set(lengths).size > 3, `counts do not differ: ${lengths}`);
});

Deno.test("chunkkv keeps whole blocks of true positions, turn after turn", async () => {
  const [n, window] = [150, 16];
  const cases = [["chunkkv:of=snapkv", 12, 60], ["chunkkv:of=snapkv", 8, 33]] as const;
  for (const [spec, block, budget] of cases) {
    const prune = `${spec},window=${window},block=${block},budget=${budget}`;
    await withModel({ nHeads: 6, nKvHeads: 2, seed: 2 }, { prune, ...F32 }, async (model) => {
      const { engine, gguf, config } = model.loaded;
      const ids = tokens(n, 2);
      const { layers } = forward(gguf, config, ids);
      const slot = engine.cache.openSlot();
      await engine.step([{ slot, position: 0, tokens: ids, logits: "none" }]);
      await engine.compress(slot);
      const spans = { first: 0, last: window };
      const starts = blockStartsReference(ids.map((_, i) => i), { rows: block, ...spans });
      const before = await keptTokens(model, slot);
      before.forEach((heads, layer) =>
        heads.forEach((kept, kvHead) => {
          const own = snapkv(window, 1)(layers[layer]!, kvHead);
          const scores = blockScoresReference(own, starts, "mean");
          const chosen = selectRowsReference(scores, { keep: budget, ...spans });
          assertEquals(kept, trimBlocksReference(chosen, starts), `${prune}, layer ${layer}`);
        })
      );
      // What is left has gaps: a later turn's blocks are those of true positions.
      await bitsOf(model, slot, { ids: tokens(30, 9), chunk: 30, nDecode: 0 });
      (await keptTokens(model, slot)).flat().forEach((kept, head) => {
        const had = new Set([
          ...before.flat()[head]!,
          ...Array.from({ length: 30 }, (_, i) => n + i),
        ]);
        const now = new Set(kept!);
        assert(now.size <= budget && now.size > budget - block, `${prune}: ${now.size} rows`);
        for (const row of [...had].filter((row) => row < n + 30 - window)) {
          const mates = [...had].filter((other) =>
            other < n + 30 - window && Math.floor(other / block) === Math.floor(row / block)
          );
          assert(
            mates.every((other) => now.has(other) === now.has(row)),
            `${prune} cuts at ${row}`,
          );
        }
      });
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
