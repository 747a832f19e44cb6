/**
 * How many rows an eviction keeps where a budget is more than a number: heads share it, blocks stay or leave
 * together, layers have budgets of their own.
 */

import { assert, assertEquals } from "@std/assert";
import {
  blockScoresReference,
  blockStartsReference,
  ownRowsReference,
  selectRowsReference,
  shareRowsReference,
  trimBlocksReference,
} from "../src/reference/mod.ts";
import { bitsOf, F32, keptTokens, tokens, withModel } from "./_eviction.ts";
import { forward } from "./_forward.ts";
import { snapkv } from "./_published_scores.ts";

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
