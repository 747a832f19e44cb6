/**
 * What must hold where rows are evicted and coded, with channels pruned between or not: against a twin that
 * only evicts, of the values that the codes stand for. Which rows stay, their codes turn by turn, what is
 * decoded over them; bytes and their forecast; chunks, company and layers change no bit.
 */

import { assert, assertEquals } from "@std/assert";
import { load } from "kerf";
import type { Model } from "kerf";
import { slotStoredBytes } from "../src/engine/cache_bytes.ts";
import type { Engine } from "../src/engine/engine.ts";
import { keptChannelsOf, maskOf } from "../src/engine/mask.ts";
import { PAGE_ROWS } from "../src/layout/mod.ts";
import { testFolder } from "../src/model/testing_files.ts";
import { tinyModel } from "../src/model/testing.ts";
import { codeRowsReference, decoded } from "../src/reference/mod.ts";
import type { AffineCode } from "../src/reference/mod.ts";
import { codedRows, segmentRows, segmentsOfStream, writeSegmentRows } from "./_cached_rows.ts";
import { bitsOf, keptTokens, tokens, withModel } from "./_eviction.ts";
import { openTwins } from "./_twins.ts";

const STREAMS = ["key", "value"] as const;

/** A head's rows of a stream as whole ones, f64 [rows][headDim]: channels that are not stored are 0. */
async function wholeRowsOf(engine: Engine, head: number, stream: "key" | "value") {
  const { nKvHeads, headDim } = engine.cache.shape;
  const at = { slot: 0, head };
  const layers = await keptChannelsOf(engine, 0);
  const { keptChannels } = layers[Math.floor(head / nKvHeads)]!.heads[head % nKvHeads]!;
  const rows: number[][] = [];
  for (const segment of segmentsOfStream(engine, stream)) {
    const list = segment.segment.channels === "list" ? keptChannels! : null;
    for (const row of await segmentRows(engine, at, segment)) {
      const whole = new Array<number>(headDim).fill(0);
      row.forEach((x, c) => whole[list ? list[c]! : c] = Math.fround(x));
      rows.push(whole);
    }
  }
  return rows;
}

/** Gives a twin that only evicts the values of the coded engine's rows. */
async function copyRows(coded: Engine, twin: Engine) {
  for (const stream of STREAMS) {
    const [own] = segmentsOfStream(twin, stream);
    for (let head = 0; head < twin.cache.nHeadsPerSlot; head++) {
      const rows = await wholeRowsOf(coded, head, stream);
      await writeSegmentRows(twin, { slot: 0, head }, own!, rows);
    }
  }
}

/** The coded engine's rows are the twin's survivors: the oldest ones as codes of their kept channels. */
async function checkCodes(coded: Engine, twin: Engine, what: string): Promise<number> {
  const { nKvHeads } = coded.cache.shape;
  const layers = await keptChannelsOf(coded, 0);
  let nCoded = 0;
  for (let head = 0; head < coded.cache.nHeadsPerSlot; head++) {
    const { keptChannels } = layers[Math.floor(head / nKvHeads)]!.heads[head % nKvHeads]!;
    for (const stream of STREAMS) {
      const [segment, full] = segmentsOfStream(coded, stream);
      const [own] = segmentsOfStream(twin, stream);
      const survivors = await segmentRows(twin, { slot: 0, head }, own!);
      const rows = await segmentRows(coded, { slot: 0, head }, segment!);
      if (full === undefined) {
        assertEquals(rows, survivors, `${what}: rows that nothing codes stay as they are`);
        continue;
      }
      const kept = stream === "key" ? keptChannels : null;
      const of = (row: readonly number[]) => kept ? kept.map((c) => row[c]!) : row;
      const want = codeRowsReference(
        survivors.slice(0, rows.length).map(of),
        segment!.segment.code as AffineCode,
      );
      assertEquals(rows, want.map((row) => row.map(decoded)), `${what}, head ${head}, ${stream}s`);
      const rest = await segmentRows(coded, { slot: 0, head }, full);
      assertEquals(rest, survivors.slice(rows.length), `${what}: whole rows stay as they are`);
      nCoded += rows.length;
    }
  }
  return nCoded;
}

Deno.test("survivors are coded anew after every turn, and decoding reads what they stand for", async () => {
  let [nFlushes, nEvicted] = [0, 0];
  for (
    const [i, [nHeads, nKvHeads, headDim, evicts, compresses]] of ([
      [
        6,
        2,
        48,
        "snapkv:budget=150,window=16",
        "think:ratio=0.4,recent=20+kivi:residual=32,bits=4",
      ],
      [3, 3, 32, "adakv:of=snapkv,budget=130,window=8", "kivi:residual=32,bits=2"],
      [8, 1, 64, "tova:budget=140", "think:ratio=0.7,recent=40+kivi:residual=64,bits=8,group=64"],
      [4, 1, 32, "streaming:budget=100", "kivi:residual=32,bits=2,keep=0,group=16,rowScales=1"],
      [6, 2, 32, "h2o:budget=140,every=0", "think:ratio=0.4,recent=20+kivi:residual=32"],
      [6, 3, 32, "h2o:budget=140,every=0,in_cache=1", "kivi:residual=32"],
      [6, 2, 32, "snapkv:budget=140,window=8,every=5", "kivi:keys=0,residual=32,bits=2"],
      [3, 3, 32, "streaming:budget=140,every=3,in_cache=1", "kivi:keys=0,residual=32"],
      [4, 2, 32, "snapkv:budget=140,window=8,every=5", "kivi:rowScales=1,residual=16"],
    ] as const).entries()
  ) {
    const prune = `${evicts}+${compresses}`;
    await using twins = await openTwins({ nHeads, nKvHeads, headDim, seed: i }, {
      prune,
      less: evicts,
    });
    const { model: a, twin: b, step } = twins;
    const [coded, twin] = [a.loaded.engine, b.loaded.engine];
    const nCoded = () => codedRows(coded);
    let mask: string | undefined;
    const evictsDecoded = /every=[1-9]/.test(evicts);
    for (const [turn, n] of [300, 1, 90].entries()) {
      const what = `${prune}, turn ${turn}`;
      await step(tokens(n, turn), `prefill of turn ${turn}`);
      await copyRows(coded, twin);
      await coded.compress(0);
      await twin.compress(0);
      assertEquals(await keptTokens(a, 0), await keptTokens(b, 0), `${what}: the same rows stay`);
      assert(await checkCodes(coded, twin, what) > 0, `${what}: none is coded`);
      const layers = JSON.stringify(await keptChannelsOf(coded, 0));
      mask ??= layers;
      assertEquals(layers, mask, `${what}: the first mask stays`);
      await copyRows(coded, twin);
      // Enough for a flush, or for two evictions.
      for (let i = 0; i < (evictsDecoded ? 10 : 36); i++) {
        const before = nCoded();
        await coded.flush(0);
        if (nCoded() > before) {
          await copyRows(coded, twin);
          nFlushes++;
        }
        await step([5 + i], `step ${i} of turn ${turn}`);
        if (!evictsDecoded) continue;
        const left = nCoded();
        await copyRows(coded, twin);
        await coded.evictDecoded(0, i + 1);
        await twin.evictDecoded(0, i + 1);
        assertEquals(await keptTokens(a, 0), await keptTokens(b, 0), `${what}: step ${i}`);
        await checkCodes(coded, twin, `${what}, step ${i}`);
        nEvicted += left - nCoded();
        await copyRows(coded, twin);
      }
    }
  }
  assert(nEvicted > 0, "no coded row left while decoding");
  assert(nFlushes >= 6, `rows were coded while decoding ${nFlushes} times`);
});

Deno.test("a turn that evicts nothing leaves coded rows alone", async () => {
  const prune = "snapkv:budget=400,window=16+kivi:residual=32,bits=2";
  await withModel({ nHeads: 6, nKvHeads: 2 }, { prune }, async (model) => {
    const { engine } = model.loaded;
    const slot = engine.cache.openSlot();
    const read = () =>
      Promise.all(
        STREAMS.map((stream) =>
          segmentRows(engine, { slot, head: 1 }, segmentsOfStream(engine, stream)[0]!)
        ),
      );
    await bitsOf(model, slot, { ids: tokens(200, 1), chunk: 512 });
    const before = await read();
    await bitsOf(model, slot, { ids: tokens(100, 2), chunk: 512 });
    const after = await read();
    assert(after[0]!.length > before[0]!.length);
    assertEquals(after.map((rows, i) => rows.slice(0, before[i]!.length)), before);
  });
});

Deno.test("stored bytes are codes, whole rows and positions; pages are freed", async () => {
  const [nHeads, nKvHeads, headDim] = [6, 2, 64];
  const prune = "snapkv:budget=256,window=16+think:ratio=0.4,recent=32+kivi:residual=32,bits=2";
  await withModel({ nHeads, nKvHeads, headDim }, { prune }, async (model) => {
    const { cache } = model.loaded.engine;
    const slot = cache.openSlot();
    for (const [turn, n] of [600, 40].entries()) {
      await bitsOf(model, slot, { ids: tokens(n, turn), chunk: 512, nDecode: 3 });
      // 39 of 64 channels stay; 224 rows are coded, 32 and the 3 decoded ones are whole.
      const keys = 224 * 39 * 2 / 8 + 224 / 32 * 39 * 4 + headDim / 8;
      const values = 224 * (headDim * 2 / 8 + 2 * 4);
      const whole = 35 * headDim * 2 * 2;
      const stored = cache.nHeadsPerSlot * (keys + values + whole + 4 * 259);
      assertEquals(slotStoredBytes(cache, slot), stored, `turn ${turn}`);
      const { allocated } = cache.table.bytesOf(slot);
      const slack = cache.nHeadsPerSlot * 2 * (PAGE_ROWS * (2 * headDim + 4) + 64);
      assert(allocated >= stored && allocated <= stored + slack, `${allocated} for ${stored}`);
    }
    cache.closeSlot(slot);
    assertEquals(cache.table.allocatedBytes, 0);
  });
});

Deno.test("the most bytes of a turn are foretold", async () => {
  for (
    const [prune, exact] of [
      ["snapkv:budget=200,window=16+kivi:residual=32,bits=2", true],
      ["snapkv:budget=300,window=16+think:ratio=0.5,recent=16+kivi:residual=64", true],
      ["adakv:of=snapkv,budget=200,window=16+kivi:residual=32", false],
      ["snapkv:budget=200,window=16,every=7+kivi:rowScales=1,residual=32", false],
      ["adakv:of=massed,budget=200,window=16+spark+kivi:keys=0,residual=32", false],
    ] as const
  ) {
    await withModel({ nHeads: 6, nKvHeads: 2, nLayers: 3 }, { prune }, async (model) => {
      const { engine, admission } = model.loaded;
      const { table } = engine.cache;
      const slot = engine.cache.openSlot();
      for (const [turn, [n, nDecode]] of ([[600, 70], [50, 3], [260, 40]] as const).entries()) {
        const nCached = engine.cache.tokensOf(slot);
        const nPrompt = nCached + n;
        const work = { nCached, nPrompt, boundaries: [nPrompt], maxTokens: nDecode + 1 };
        const { peakBytes } = admission.admit(work, slot, Infinity)!;
        table.resetPeak(slot);
        await bitsOf(model, slot, { ids: tokens(n, turn), chunk: 128, nDecode: 0 });
        for (let i = 0; i < nDecode; i++) {
          await engine.flush(slot);
          const position = engine.cache.tokensOf(slot);
          await engine.step([{ slot, position, tokens: [5 + i], logits: "none" }]);
          await engine.evictDecoded(slot, i + 1);
        }
        const { peak } = table.bytesOf(slot);
        const what = `${prune}, turn ${turn}: ${peak} of ${peakBytes}`;
        assert(peak <= peakBytes && peakBytes <= 1.5 * peak, what);
        if (exact) assertEquals(peak, peakBytes, what);
      }
    });
  }
});

/** What a prompt leaves behind: logits' bits, what is kept. */
async function outcome(model: Model, ids: readonly number[], chunk: number) {
  const { engine } = model.loaded;
  const slot = engine.cache.openSlot();
  const bits: Uint32Array[] = [];
  for (const [from, to] of [[0, 300], [300, ids.length]]) {
    bits.push(...await bitsOf(model, slot, { ids: ids.slice(from, to), chunk, nDecode: 2 }));
  }
  const mask = await maskOf(engine, slot);
  engine.cache.closeSlot(slot);
  return { bits, mask };
}

Deno.test("chunks, company and layers change no bit, over two turns", async () => {
  const shape = { nHeads: 6, nKvHeads: 2, seed: 4 };
  const prune = "snapkv:budget=160,window=20+think:ratio=0.5,recent=8+kivi:residual=32,bits=2";
  await withModel(shape, { prune, parallel: 2 }, async (model) => {
    const { engine } = model.loaded;
    const ids = tokens(380, 1);
    const whole = await outcome(model, ids, 512);
    for (const chunk of [37, 128]) assertEquals(await outcome(model, ids, chunk), whole);
    const prompts = [1, 2, 3].map((seed) => ({ tokens: tokens(150 + 60 * seed, seed) }));
    const options = { maxTokens: 60, temperature: 0, ignoreStop: true } as const;
    const alone: (readonly number[])[] = [];
    for (const prompt of prompts) {
      alone.push((await model.generate(prompt, options).result).tokens);
    }
    for await (const { index, result } of model.batch(prompts, options)) {
      assertEquals(result.tokens, alone[index]);
    }
    const slot = engine.cache.openSlot();
    const run = engine.prefillLayered(slot, ids.slice(0, 300));
    let next = await run.next();
    while (!next.done) next = await run.next();
    const last = new Uint32Array(Float32Array.from(next.value as Float32Array).buffer);
    assertEquals(last, whole.bits[0]);
  });
});

Deno.test("4,096 tokens take a twelfth evicted, pruned and coded, a fifth pruned and coded", async () => {
  const codes = "think:ratio=0.4+kivi:bits=2";
  await using folder = await testFolder();
  const shape = { nHeads: 1, nKvHeads: 1, headDim: 64, nLayers: 6, nCtx: 4352 };
  const model = await folder.write("tiny.gguf", tinyModel(shape));
  const denseBytes = 6 * 4096 * 2 * 64 * 2;
  for (const [prune, share] of [[`snapkv:budget=1024+${codes}`, 12], [codes, 5]] as const) {
    using loaded = await load({ model, prune, kvMax: Math.floor(denseBytes / 2) });
    const prompt = { tokens: tokens(4096, 1) };
    const { stats: { kv } } = await loaded.generate(prompt, { maxTokens: 1 }).result;
    assertEquals([kv.tokens, kv.denseBytes], [4096, denseBytes]);
    assert(kv.storedBytes <= denseBytes / share, `${prune} stores ${kv.storedBytes}`);
    assert(kv.allocatedBytes <= denseBytes / share, `${prune} holds ${kv.allocatedBytes}`);
    // A layer's prompt, what stays of it beside it, and the layers before.
    assert(kv.peakBytes <= denseBytes * (1 / 6 + 1 / 12 + 1 / share), `${prune}: ${kv.peakBytes}`);
  }
});
