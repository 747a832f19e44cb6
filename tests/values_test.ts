/**
 * What pruned value channels must mean: decoding over them is dense decoding with the dropped ones zero; the kept ones
 * are the definition's; nothing removed is dense; bytes are the formula's; chunks, company and turns change no bit.
 */

import { assertEquals } from "@std/assert";
import { slotStoredBytes } from "../src/engine/cache_bytes.ts";
import type { Engine } from "../src/engine/engine.ts";
import { keptChannelsOf } from "../src/engine/mask.ts";
import { outputScoresReference, windowOutputsReference } from "../src/reference/mod.ts";
import { segmentRows, segmentsOfStream, writeSegmentRows } from "./_cached_rows.ts";
import { bitsOf, F32, tokens, withModel } from "./_eviction.ts";
import { openTwins } from "./_twins.ts";

const STREAMS = ["key", "value"] as const;

/** Writes an engine's rows over a dense twin's, zeros for the channels that were dropped. */
async function copyRows(from: Engine, to: Engine) {
  const { headDim, nKvHeads } = to.cache.shape;
  const layers = await keptChannelsOf(from, 0);
  for (const stream of STREAMS) {
    const [own] = segmentsOfStream(to, stream);
    for (let head = 0; head < to.cache.nHeadsPerSlot; head++) {
      const mask = layers[Math.floor(head / nKvHeads)]!.heads[head % nKvHeads]!;
      const list = stream === "key" ? mask.keptChannels : mask.keptValueChannels;
      const rows: number[][] = [];
      for (const segment of segmentsOfStream(from, stream)) {
        const kept = segment.segment.channels === "list" ? list : null;
        for (const row of await segmentRows(from, { slot: 0, head }, segment)) {
          const whole = new Array<number>(headDim).fill(0);
          row.forEach((x, c) => whole[kept ? kept[c]! : c] = x);
          rows.push(whole);
        }
      }
      await writeSegmentRows(to, { slot: 0, head }, own!, rows);
    }
  }
}

Deno.test("decoding over pruned values is dense decoding with the dropped channels zero (oracle 1)", async () => {
  for (
    const [nHeads, nKvHeads, prune, n] of [
      [3, 3, "think_values:ratio=0.5", 127],
      [6, 2, "think+think_values:ratio=0.3,recent=60", 130],
      [4, 1, "think_values:ratio=0.9,recent=0", 33],
      [8, 1, "think_values:ratio=0.6+kivi:bits=4,residual=32", 150],
      [8, 1, "think:ratio=0.4+think_values:ratio=0.9+kivi:bits=2,residual=32", 150],
    ] as const
  ) {
    await using twins = await openTwins({ nHeads, nKvHeads }, { prune });
    const [a, b] = [twins.model.loaded.engine, twins.twin.loaded.engine];
    let mask = "";
    for (const [turn, length] of [n, 1, 70].entries()) {
      await twins.step(tokens(length, turn), `prefill of turn ${turn}`);
      await a.compress(0);
      for (let step = 0; step < 4; step++) {
        await a.flush(0);
        await copyRows(a, b);
        await twins.step([5 + step], `step ${step} of turn ${turn}`);
      }
      const kept = JSON.stringify(await keptChannelsOf(a, 0));
      if (turn > 0) assertEquals(kept, mask, "a later turn keeps the masks");
      mask = kept;
    }
  }
});

Deno.test("the kept value channels are those of the definition, over group and window", async () => {
  for (
    const [nHeads, nKvHeads, n, window] of [[3, 3, 40, 8], [6, 2, 90, 32], [8, 1, 33, 40]] as const
  ) {
    const prune = `think_values:ratio=0.5,window=${window},recent=0`;
    const shape = { nHeads, nKvHeads };
    await withModel(shape, { prune, ...F32 }, async ({ loaded: { engine } }) => {
      const { cache, device, plan } = engine;
      const { headDim, nLayers } = cache.shape;
      const slot = cache.openSlot();
      await engine.step([{ slot, position: 0, tokens: tokens(n, 1), logits: "none" }]);
      const { buffer, offset = 0 } = plan.buffers.rings.get(window)!;
      const floats = nLayers * nHeads * window * headDim;
      const bytes = await device.read(buffer, offset + 4 * slot * floats, 4 * floats);
      const ring = new Float32Array(bytes.slice().buffer);
      const rows = await Promise.all(
        Array.from(
          { length: cache.nHeadsPerSlot },
          (_, head) =>
            Promise.all(
              STREAMS.map((stream) =>
                segmentRows(engine, { slot, head }, segmentsOfStream(engine, stream).at(-1)!)
              ),
            ),
        ),
      );
      await engine.compress(slot);
      const layers = await keptChannelsOf(engine, slot);
      const nWindow = Math.min(n, window);
      layers.forEach(({ heads }, layer) =>
        heads.forEach(({ keptChannels, keptValueChannels }, kvHead) => {
          const [keys, values] = rows[layer * nKvHeads + kvHead]!;
          const group = nHeads / nKvHeads;
          const outputs = Array.from({ length: group }, (_, g) => {
            const head = layer * nHeads + kvHead * group + g;
            const queries = Array.from({ length: nWindow }, (_, i) => {
              const place = (n - nWindow + i) % window;
              return ring.subarray((head * window + place) * headDim).subarray(0, headDim);
            });
            const scale = 1 / Math.sqrt(headDim);
            return windowOutputsReference({
              ...{ queries, nTokens: n, scale },
              ...{ keys: keys!, values: values! },
            });
          });
          const norms = outputScoresReference(outputs, {
            score: (column) => [(column as number[]).reduce((a, x) => a + x * x, 0)],
            ...{ group: "mean", context: {} },
          });
          const best = [...norms.keys()].sort((a, b) => norms[b]! - norms[a]! || a - b)
            .slice(0, headDim / 2).sort((a, b) => a - b);
          assertEquals(keptChannels, null);
          assertEquals(keptValueChannels, best, `layer ${layer}, head ${kvHead}`);
        })
      );
    });
  }
});

Deno.test("stored bytes are the formula's with a mask, and nothing removed is dense (oracles 3 and 5)", async () => {
  const shape = { nHeads: 6, nKvHeads: 2 };
  const ids = tokens(200, 3);
  const answer = async (engine: Engine) => {
    const slot = engine.cache.openSlot();
    await engine.step([{ slot, position: 0, tokens: ids, logits: "none" }]);
    await engine.compress(slot);
    const [row] = await engine.step([{ slot, position: 200, tokens: [5], logits: "last" }]);
    const stored = slotStoredBytes(engine.cache, slot);
    engine.cache.closeSlot(slot);
    assertEquals(engine.cache.table.allocatedBytes, 0);
    return { row: Uint32Array.from(new Uint32Array(Float32Array.from(row!).buffer)), stored };
  };
  const runs: Awaited<ReturnType<typeof answer>>[] = [];
  for (const prune of ["none", "think_values:ratio=0", "think_values:ratio=0.4,recent=20"]) {
    await withModel(shape, { prune }, async ({ loaded: { engine } }) => {
      runs.push(await answer(engine));
      const { headDim, nLayers, nKvHeads } = engine.cache.shape;
      const perHead = 2 * 201 * headDim + 2 * (180 * 20 + 21 * headDim) + headDim / 8;
      if (prune.includes("0.4")) assertEquals(runs.at(-1)!.stored, nLayers * nKvHeads * perHead);
    });
  }
  assertEquals(runs[1], runs[0]);
});

Deno.test("chunks and company change no bit of an answer over pruned values", async () => {
  const prune = "think:ratio=0.3+think_values:ratio=0.5";
  await withModel({ nHeads: 6, nKvHeads: 2, seed: 5 }, { prune, parallel: 2 }, async (model) => {
    const { engine } = model.loaded;
    const masks: string[] = [];
    for (const chunk of [512, 50, 33]) {
      const slot = engine.cache.openSlot();
      const ids = tokens(150, 6);
      for (let at = 0; at < ids.length; at += chunk) {
        const rows = ids.slice(at, at + chunk);
        await engine.step([{ slot, position: at, tokens: rows, logits: "none" }]);
      }
      await engine.compress(slot);
      const [row] = await engine.step([{ slot, position: 150, tokens: [7], logits: "last" }]);
      masks.push(JSON.stringify([await keptChannelsOf(engine, slot), [...row!]]));
      engine.cache.closeSlot(slot);
    }
    assertEquals(masks[1], masks[0]);
    assertEquals(masks[2], masks[0]);
    const prompts = [1, 2].map((seed) => ({ tokens: tokens(60 + 40 * seed, seed) }));
    const options = { maxTokens: 20, temperature: 0, ignoreStop: true } as const;
    const alone: (readonly number[])[] = [];
    for (const prompt of prompts) alone.push((await model.generate(prompt, options).result).tokens);
    for await (const { index, result } of model.batch(prompts, options)) {
      assertEquals(result.tokens, alone[index]);
    }
  });
});

Deno.test("coded values keep whole cells of channels: what a cell has room for is free", async () => {
  const shape = { nHeads: 2, nKvHeads: 1, headDim: 64 };
  for (
    const [prune, width] of [
      ["think_values:ratio=0.5,multiple=3", 33],
      ["think_values:ratio=0.5,multiple=3+kivi:residual=32", 48],
      ["think_values:ratio=0.8+kivi:residual=32", 16],
      ["think_values:ratio=0.8,recent=0+kivi:residual=32,values=0", 13],
    ] as const
  ) {
    await withModel(shape, { prune }, async (model) => {
      const { engine } = model.loaded;
      const slot = engine.cache.openSlot();
      await bitsOf(model, slot, { ids: tokens(100, 1), chunk: 100, nDecode: 0 });
      const layers = await keptChannelsOf(engine, slot);
      const widths = layers.flatMap(({ heads }) =>
        heads.map((own) => own.keptValueChannels!.length)
      );
      assertEquals(new Set(widths), new Set([width]), prune);
      engine.cache.closeSlot(slot);
    });
  }
});
