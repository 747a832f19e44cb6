/**
 * What must hold where rows are evicted and values lose channels, keys' channels pruned and rows coded beside
 * or not: against a twin that only evicts, of the same rows with zeros for what was dropped. Which rows stay,
 * what is stored of them turn by turn and while decoding, what is decoded over them, bytes and their forecast.
 */

import { assert, assertEquals } from "@std/assert";
import { slotStoredBytes } from "../src/engine/cache_bytes.ts";
import type { Engine } from "../src/engine/engine.ts";
import { keptChannelsOf } from "../src/engine/mask.ts";
import { segmentRows, segmentsOfStream, writeSegmentRows } from "./_cached_rows.ts";
import { bitsOf, keptTokens, tokens, withModel } from "./_eviction.ts";
import { openTwins } from "./_twins.ts";

const STREAMS = ["key", "value"] as const;

/** The channels that each head keeps of a stream; null: all. */
const listsOf = async (engine: Engine, stream: "key" | "value") =>
  (await keptChannelsOf(engine, 0)).flatMap(({ heads }) =>
    heads.map((mask) => stream === "key" ? mask.keptChannels : mask.keptValueChannels)
  );

/** Gives a twin that only evicts the composed engine's rows, zeros for what they lack. */
async function copyRows(composed: Engine, twin: Engine) {
  const { headDim } = twin.cache.shape;
  for (const stream of STREAMS) {
    const [own] = segmentsOfStream(twin, stream);
    const lists = await listsOf(composed, stream);
    for (let head = 0; head < twin.cache.nHeadsPerSlot; head++) {
      const kept = lists[head]!;
      const rows: number[][] = [];
      for (const segment of segmentsOfStream(composed, stream)) {
        const list = segment.segment.channels === "list" ? kept : null;
        for (const row of await segmentRows(composed, { slot: 0, head }, segment)) {
          const whole = new Array<number>(headDim).fill(0);
          row.forEach((x, c) => whole[list ? list[c]! : c] = Math.fround(x));
          rows.push(whole);
        }
      }
      await writeSegmentRows(twin, { slot: 0, head }, own!, rows);
    }
  }
}

/** Rows of each head in the list of values. */
const listedRows = (engine: Engine) =>
  Array.from({ length: engine.cache.nHeadsPerSlot }, (_, head) => {
    const [listed] = segmentsOfStream(engine, "value");
    return engine.cache.sizeOf({ slot: 0, head }, listed!.index).rows;
  });

/** What is stored of values, uncoded, is the kept channels of the twin's survivors. */
async function checkValues(composed: Engine, twin: Engine, what: string) {
  const [segment, full] = segmentsOfStream(composed, "value");
  for (const [head, list] of (await listsOf(composed, "value")).entries()) {
    const survivors = await segmentRows(
      twin,
      { slot: 0, head },
      segmentsOfStream(twin, "value")[0]!,
    );
    const rows = await segmentRows(composed, { slot: 0, head }, segment!);
    const rest = await segmentRows(composed, { slot: 0, head }, full!);
    if (segment!.segment.code.kind !== "affine") {
      const want = survivors.slice(0, rows.length).map((row) => list!.map((c) => row[c]!));
      assertEquals(rows, want, `${what}, head ${head}: listed values`);
    }
    assertEquals(rest, survivors.slice(rows.length), `${what}, head ${head}: whole values`);
  }
}

Deno.test("evicted rows whose values lose channels are a twin's that only evicts, over turns", async () => {
  for (
    const [i, [nHeads, nKvHeads, evicts, compresses]] of ([
      [6, 2, "snapkv:budget=110,window=16", "think_values:ratio=0.4,recent=20"],
      [3, 3, "adakv:of=snapkv,budget=90,window=8", "think+think_values:ratio=0.5,recent=0"],
      [8, 1, "expected_attention:budget=90", "think_values:ratio=0.3"],
      [6, 2, "tova:budget=100", "think_values:multiple=16+kivi:residual=32,bits=8"],
      [4, 1, "snapkv:budget=90,window=8", "think+think_values:multiple=16+kivi:residual=32"],
      [8, 1, "snapkv:budget=90,window=8,every=3", "think:ratio=0.4+think_values:recent=10"],
      [6, 2, "h2o:budget=90,every=3", "think_values:ratio=0.4,recent=20"],
    ] as const).entries()
  ) {
    const prune = `${evicts}+${compresses}`;
    await using twins = await openTwins({ nHeads, nKvHeads, seed: i }, { prune, less: evicts });
    const { model: a, twin: b, step } = twins;
    const [composed, twin] = [a.loaded.engine, b.loaded.engine];
    let mask: string | undefined;
    for (const [turn, n] of [160, 1, 50].entries()) {
      const what = `${prune}, turn ${turn}`;
      await step(tokens(n, turn), `prefill of turn ${turn}`);
      await copyRows(composed, twin);
      await composed.compress(0);
      await twin.compress(0);
      assertEquals(await keptTokens(a, 0), await keptTokens(b, 0), `${what}: the same rows stay`);
      await checkValues(composed, twin, what);
      assert(listedRows(composed).every((rows) => rows > 0), `${what}: no values lack channels`);
      const layers = JSON.stringify(await keptChannelsOf(composed, 0));
      mask ??= layers;
      assertEquals(layers, mask, `${what}: the first masks stay`);
      await copyRows(composed, twin);
      for (let i = 1; i <= 6; i++) {
        await composed.flush(0);
        await copyRows(composed, twin);
        await step([5 + i], `step ${i} of turn ${turn}`);
        await copyRows(composed, twin);
        const listed = listedRows(composed);
        await composed.evictDecoded(0, i);
        await twin.evictDecoded(0, i);
        assertEquals(await keptTokens(a, 0), await keptTokens(b, 0), `${what}, step ${i}`);
        await checkValues(composed, twin, `${what}, step ${i}`);
        const left = listedRows(composed);
        const isFewer = left.some((rows, head) => rows < listed[head]!);
        assertEquals(isFewer, evicts.includes("every") && i % 3 === 0, `${what}, step ${i}`);
      }
    }
  }
});

Deno.test("stored bytes are what both steps leave, and their most is foretold", async () => {
  const [nHeads, nKvHeads, headDim] = [6, 2, 64];
  for (
    const [evicts, exact] of [["snapkv:budget=200,window=16", true], [
      "snapkv:budget=200,window=16,every=7",
      false,
    ]] as const
  ) {
    const prune = `${evicts}+think_values:ratio=0.4,recent=32`;
    await withModel({ nHeads, nKvHeads, headDim }, { prune }, async (model) => {
      const { engine, admission } = model.loaded;
      const { cache } = engine;
      const slot = cache.openSlot();
      for (const [turn, n] of [600, 40, 300].entries()) {
        const nCached = cache.tokensOf(slot);
        const work = { nCached, nPrompt: nCached + n, boundaries: [nCached + n], maxTokens: 21 };
        const { peakBytes } = admission.admit(work, slot, Infinity)!;
        cache.table.resetPeak(slot);
        await bitsOf(model, slot, { ids: tokens(n, turn), chunk: 128, nDecode: 0 });
        // 39 of 64 channels stay of 168 rows, whose keys are whole.
        const perHead = 200 * headDim * 2 + 168 * 39 * 2 + 32 * headDim * 2 + headDim / 8 + 4 * 200;
        assertEquals(slotStoredBytes(cache, slot), cache.nHeadsPerSlot * perHead, `turn ${turn}`);
        for (let i = 1; i <= 20; i++) {
          const position = cache.tokensOf(slot);
          await engine.step([{ slot, position, tokens: [5 + i], logits: "none" }]);
          await engine.evictDecoded(slot, i);
        }
        const { peak } = cache.table.bytesOf(slot);
        const what = `${prune}, turn ${turn}: ${peak} of ${peakBytes}`;
        assert(peak <= peakBytes && peakBytes <= 2 * peak, what);
        if (exact) assertEquals(peak, peakBytes, what);
      }
      cache.closeSlot(slot);
      assertEquals(cache.table.allocatedBytes, 0);
    });
  }
});
