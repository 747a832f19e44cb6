/** How many rows an eviction keeps where scores say what is enough of a budget, of one head or of heads that share. */

import { assert, assertEquals } from "@std/assert";
import {
  countEnoughReference,
  ownRowsReference,
  selectRowsReference,
  shareRowsReference,
} from "../src/reference/mod.ts";
import { bitsOf, F32, keptTokens, tokens, withModel } from "./_eviction.ts";
import { forward } from "./_forward.ts";
import { snapkv } from "./_published_scores.ts";

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
