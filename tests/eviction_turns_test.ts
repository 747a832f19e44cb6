/**
 * What evicted caches hold: bytes are really freed, and neither chunks, company, turns, compositions nor
 * the order of layers change what is kept beyond what they should.
 */

import { assertEquals } from "@std/assert";
import { slotStoredBytes } from "../src/engine/cache_bytes.ts";
import { maskOf } from "../src/engine/mask.ts";
import { bitsOf, keptTokens, tokens, withModel } from "./_eviction.ts";

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
      // A page of 128 rows and one of 32 of each stream per head; those of values begin with 128 positions.
      const pages = cache.nHeadsPerSlot * 2 * ((128 + 32) * headDim * 2 + 512);
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
    // One row more than the budget is one too many.
    for (const seed of [3, 4]) {
      await bitsOf(model, slot, { ids: tokens(1, seed), chunk: 1, nDecode: 0 });
      assertEquals(cache.rowsOf({ slot, head: 0 }), 130);
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
