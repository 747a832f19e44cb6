/**
 * Keys that keep channels of their own, through the whole engine: which, by the definition over the window and
 * the means; decoding over them is dense decoding with the missing ones filled; nothing removed is dense; bytes
 * are the formula's; rows that an eviction makes whole keep their channels.
 */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { slotStoredBytes } from "../src/engine/cache_bytes.ts";
import type { CacheSegment, HeadAt } from "../src/engine/cache_shape.ts";
import type { Engine } from "../src/engine/engine.ts";
import { maskOf } from "../src/engine/mask.ts";
import type { MaskLayer } from "../src/engine/mask.ts";
import { PAGE_ROWS, pageCount } from "../src/layout/mod.ts";
import { keyMeansReference, thinRowReference } from "../src/reference/mod.ts";
import { readSetRow } from "../src/verify/written_sets.ts";
import { segmentRows, segmentsOfStream, writeSegmentRows } from "./_cached_rows.ts";
import { bitsOf, F32, keptTokens, tokens, withModel } from "./_eviction.ts";
import { openTwins } from "./_twins.ts";

const STREAMS = ["key", "value"] as const;

/** A row of keys as it reads, and the channels that it has of its own. */
interface ThinRow {
  readonly key: number[];
  readonly channels: number[];
}

/** A head's numbers of a buffer f32 [nSlots, nLayers, nKvHeads, headDim]. */
async function headFloats(
  { cache, device }: Engine,
  buffer: NonNullable<Engine["cache"]["fills"]>,
  { slot, head }: HeadAt,
): Promise<number[]> {
  const { headDim } = cache.shape;
  const at = 4 * headDim * (slot * cache.nHeadsPerSlot + head);
  return [...new Float32Array((await device.read(buffer, at, 4 * headDim)).slice().buffer)];
}

const fillsOf = (engine: Engine, at: HeadAt) => headFloats(engine, engine.cache.fills!, at);
const scoresOf = (engine: Engine, at: HeadAt) =>
  headFloats(engine, engine.plan.buffers.prune.key!.scores, at);

/** The rows of a head's segment of keys that have channels of their own. */
async function thinRows(
  engine: Engine,
  at: HeadAt,
  { segment, index, page }: CacheSegment,
): Promise<ThinRow[]> {
  const { cache, device } = engine;
  const { headDim } = cache.shape;
  const { rows, width } = cache.sizeOf(at, index);
  const fills = await fillsOf(engine, at);
  const out: ThinRow[] = [];
  for (let p = 0; p < pageCount(rows); p++) {
    const { buffer, offset, bytes } = cache.table.pageAt(
      cache.table.entryIndex({ ...at, entry: page + p }),
    );
    const view = new DataView((await device.read(buffer, offset, bytes)).slice().buffer);
    for (let row = p * PAGE_ROWS; row < Math.min(rows, (p + 1) * PAGE_ROWS); row++) {
      const { channels, elements } = readSetRow({ view, page: 0, segment, row, headDim }, width);
      const key = [...fills];
      channels.forEach((c, i) => key[c] = elements[i]!);
      out.push({ key, channels });
    }
  }
  return out;
}

/** A head's keys as they read, those with channels of their own first. */
async function keysOf(engine: Engine, at: HeadAt): Promise<number[][]> {
  const [thin, full] = segmentsOfStream(engine, "key");
  const rows = await thinRows(engine, at, thin!);
  return [...rows.map(({ key }) => key), ...await segmentRows(engine, at, full!)];
}

/** Writes an engine's rows, as they read, over those of a twin of whole rows. */
async function copyRows(from: Engine, to: Engine) {
  for (let head = 0; head < to.cache.nHeadsPerSlot; head++) {
    const at = { slot: 0, head };
    for (const stream of STREAMS) {
      const [own] = segmentsOfStream(to, stream);
      const rows = stream === "key"
        ? await keysOf(from, at)
        : await segmentRows(from, at, segmentsOfStream(from, stream)[0]!);
      await writeSegmentRows(to, at, own!, rows);
    }
  }
}

/** Every thin row has the channels of the definition, of the rows that it was made from; the others follow whole. */
async function checkSets(engine: Engine, source: Engine, what: string): Promise<number> {
  let nThin = 0;
  for (let head = 0; head < engine.cache.nHeadsPerSlot; head++) {
    const at = { slot: 0, head };
    const [thin, full] = segmentsOfStream(engine, "key");
    const rows = await thinRows(engine, at, thin!);
    const whole = await segmentRows(source, at, segmentsOfStream(source, "key")[0]!);
    const [scores, fills] = [await scoresOf(engine, at), await fillsOf(engine, at)];
    const { width } = engine.cache.sizeOf(at, thin!.index);
    rows.forEach(({ channels, key }, i) => {
      const want = thinRowReference(whole[i]!, { scores, fills, width });
      assertEquals(channels, want, `${what}, head ${head}, row ${i}`);
      for (const c of channels) assertEquals(key[c], Math.f16round(whole[i]![c]!));
    });
    assertEquals(await segmentRows(engine, at, full!), whole.slice(rows.length), what);
    nThin += rows.length;
  }
  return nThin;
}

Deno.test("which channels a key keeps, and what it reads as over turns (oracle 1)", async () => {
  for (
    const [i, [nHeads, nKvHeads, headDim, prune, evicts]] of ([
      [3, 3, 32, "spark:ratio=0.5", "none"],
      [6, 2, 48, "spark:ratio=0.8,recent=7,window=5", "none"],
      [8, 1, 32, "snapkv:budget=120,window=16+spark:ratio=0.6", "snapkv:budget=120,window=16"],
      [8, 1, 32, "h2o:budget=130,every=0+spark:ratio=0.3,recent=0", "h2o:budget=130,every=0"],
      [6, 3, 32, "h2o:budget=130,every=2+spark:ratio=0.6", "h2o:budget=130,every=2"],
    ] as const).entries()
  ) {
    await using twins = await openTwins({ nHeads, nKvHeads, headDim, seed: i }, {
      prune,
      less: evicts,
    });
    const { model: thinned, twin } = twins;
    const [a, b] = [thinned.loaded.engine, twin.loaded.engine];
    let fills = "";
    const heads = Array.from({ length: a.cache.nHeadsPerSlot }, (_, head) => ({ slot: 0, head }));
    for (const [turn, length] of [170, 1, 70].entries()) {
      await twins.step(tokens(length, turn), `prefill of turn ${turn}`);
      // Rows that came since the last copy differ in their last bits.
      await copyRows(a, b);
      await b.compress(0);
      await a.compress(0);
      const nThin = await checkSets(a, b, `${prune}, turn ${turn}`);
      assert(nThin > 0, "no row lost channels");
      const now = JSON.stringify(await Promise.all(heads.map((at) => fillsOf(a, at))));
      if (turn === 0) {
        const keys = await Promise.all(
          heads.map((at) => segmentRows(b, at, segmentsOfStream(b, "key")[0]!)),
        );
        const want = keys.map(keyMeansReference);
        // The next f16, where the sum's rounding takes it over the middle between two.
        const got = JSON.parse(now) as number[][];
        got.flat().forEach((x, i) => {
          const mean = want.flat()[i]!;
          assert(Math.abs(x - mean) <= 2 ** -10 * Math.abs(mean) + 2 ** -24, `${x} for ${mean}`);
        });
      } else assertEquals(now, fills, "a later turn keeps what missing channels read as");
      fills = now;
      await copyRows(a, b);
      for (let step = 1; step <= 3; step++) {
        const what = `${prune}, step ${step} of turn ${turn}`;
        await twins.step([5 + step], what);
        await copyRows(a, b);
        const before = await keptTokens(thinned, 0);
        await a.evictDecoded(0, step);
        await b.evictDecoded(0, step);
        const kept = await keptTokens(thinned, 0);
        assertEquals(kept, await keptTokens(twin, 0), what);
        const evicts = prune.includes("every=2") && step === 2;
        assertEquals(JSON.stringify(kept) !== JSON.stringify(before), evicts, what);
        await checkSets(a, b, what);
        await copyRows(a, b);
      }
    }
  }
});

Deno.test("the scores are the window's mean squares, of every query head of a group", async () => {
  for (const [nHeads, nKvHeads] of [[3, 3], [8, 1]] as const) {
    const window = 9;
    const prune = `spark:window=${window}`;
    await withModel({ nHeads, nKvHeads }, { prune, ...F32 }, async ({ loaded: { engine } }) => {
      const { nLayers, headDim } = engine.cache.shape;
      const slot = engine.cache.openSlot();
      await engine.step([{ slot, position: 0, tokens: tokens(90, 1), logits: "none" }]);
      await engine.compress(slot);
      const { buffer, offset = 0 } = engine.plan.buffers.rings.get(window)!;
      const bytes = 4 * nLayers * nHeads * window * headDim;
      const read = await engine.device.read(buffer, offset + slot * bytes, bytes);
      const ring = new Float32Array(read.slice().buffer);
      for (let head = 0; head < engine.cache.nHeadsPerSlot; head++) {
        const scores = await scoresOf(engine, { slot, head });
        const group = nHeads / nKvHeads;
        scores.forEach((score, c) => {
          let sum = 0;
          for (let q = head * group * window; q < (head + 1) * group * window; q++) {
            sum += ring[q * headDim + c]! ** 2;
          }
          const want = sum / (group * window);
          assert(Math.abs(score - want) <= 1e-5 * want, `${score} for ${want}`);
        });
      }
    });
  }
});

Deno.test("removing no channel, or of no row, is dense bit for bit (oracle 3)", async () => {
  const shape = { nHeads: 8, nKvHeads: 1 };
  const bits = async (prune: string, lengths: readonly number[]) => {
    const all: Uint32Array[][] = [];
    await withModel(shape, { prune }, async (model) => {
      const { cache } = model.loaded.engine;
      for (const [i, length] of lengths.entries()) {
        const slot = cache.openSlot();
        all.push(await bitsOf(model, slot, { ids: tokens(length, i), chunk: 512 }));
        cache.closeSlot(slot);
      }
    });
    return all;
  };
  const lengths = [1, 31, 127];
  const dense = await bits("none", lengths);
  assertEquals(await bits("spark:ratio=0", lengths), dense);
  assertEquals(await bits("spark:ratio=0.03", lengths), dense, "32 channels lose 0");
  // Every row of these is recent.
  assertEquals(await bits("spark:ratio=0.9", [1, 31]), dense.slice(0, 2));
});

Deno.test("stored bytes are the formula's and lie in allocated pages (oracle 5)", async () => {
  const headDim = 48;
  for (
    const [ratio, recent, type] of [[0.3, 0, "f32"], [0.5, 32, "f16"], [0.95, 128, "f16"]] as const
  ) {
    const prune = `spark:ratio=${ratio},recent=${recent}`;
    const options = { prune, cacheTypes: { key: type, value: type } };
    await withModel({ headDim }, options, async ({ loaded: { engine } }) => {
      const { cache } = engine;
      const bytes = type === "f16" ? 2 : 4;
      const kept = headDim - Math.floor(ratio * headDim);
      for (const nPrompt of [1, 33, 290]) {
        const slot = cache.openSlot();
        await engine.step([{ slot, position: 0, tokens: tokens(nPrompt, 1), logits: "none" }]);
        await engine.compress(slot);
        const thin = Math.max(0, nPrompt - recent);
        // A bit for each channel and an f16 for each kept one a row, an f16 for each mean a head.
        const perHead = thin * (headDim / 8 + 2 * kept) + (thin > 0 ? 2 * headDim : 0) +
          bytes * headDim * (nPrompt - thin + nPrompt);
        const what = `${prune}, ${nPrompt} rows`;
        const [{ heads: [mask] }] = await maskOf(engine, slot) as [MaskLayer];
        assertEquals(mask!.keptChannelsPerRow, thin > 0 ? kept : undefined, what);
        const shares = mask!.keptChannelShares;
        assertEquals(shares?.length, thin > 0 ? headDim : undefined, what);
        // Every thin row keeps as many, so their shares add up to it: but for the rounding of 48 quotients.
        if (shares) assertAlmostEquals(shares.reduce((a, b) => a + b), kept, 1e-9, what);
        assertEquals(slotStoredBytes(cache, slot), cache.nHeadsPerSlot * perHead, what);
        const { allocated } = cache.table.bytesOf(slot);
        const slack = cache.nHeadsPerSlot * (2 * 128 * headDim * bytes + 64);
        const rows = cache.nHeadsPerSlot * (perHead - (thin > 0 ? 2 * headDim : 0));
        assert(allocated >= rows && allocated <= rows + slack, `${what}: ${allocated} for ${rows}`);
        cache.closeSlot(slot);
        assertEquals(cache.table.allocatedBytes, 0);
      }
    });
  }
});
