/**
 * What must hold where rows are evicted and the survivors coded by class, keys' channels in as many bits as
 * they are worth: against a twin that only evicts, of what the codes stand for, in the order of their tokens.
 * Which rows stay, what they are coded as turn by turn, what is decoded over them; bytes, chunks and company.
 */

import { assert, assertEquals } from "@std/assert";
import { slotStoredBytes } from "../src/engine/cache_bytes.ts";
import type { CacheSegment, HeadAt } from "../src/engine/cache_shape.ts";
import type { Engine } from "../src/engine/engine.ts";
import { PAGE_ROWS, pageCount } from "../src/layout/mod.ts";
import { codeRowsReference, decoded } from "../src/reference/mod.ts";
import type { AffineCode } from "../src/reference/mod.ts";
import { meanOf } from "../src/verify/coding_losses_stage.ts";
import { segmentRows, segmentsOfStream, valueMean, writeSegmentRows } from "./_cached_rows.ts";
import { keyListOf, keyListsOf } from "./_key_list.ts";
import { bitsOf, keptTokens, tokens, withModel } from "./_eviction.ts";
import { openTwins } from "./_twins.ts";

/** The true positions of a segment of values, row by row. */
async function positionsOf({ cache, device }: Engine, at: HeadAt, { page, index }: CacheSegment) {
  const { rows } = cache.sizeOf(at, index);
  const positions: number[] = [];
  for (let p = 0; p < pageCount(rows); p++) {
    const entry = cache.table.entryIndex({ ...at, entry: page + p });
    const { buffer, offset } = cache.table.pageAt(entry);
    const bytes = await device.read(buffer, offset, 4 * Math.min(PAGE_ROWS, rows - p * PAGE_ROWS));
    positions.push(...new Uint32Array(bytes.slice().buffer));
  }
  return positions;
}

/** A head's rows as they read, by true position: [position, key, value], ascending. */
async function rowsOf(engine: Engine, at: HeadAt) {
  const lists = await keyListsOf(engine, at);
  const keys = segmentsOfStream(engine, "key"), values = segmentsOfStream(engine, "value");
  const rows: [number, number[], number[]][] = [];
  for (const [s, segment] of values.entries()) {
    const positions = await positionsOf(engine, at, segment);
    const ownKeys = await segmentRows(engine, at, keys[s]!);
    const isEmpty = segment.segment.channels === "none";
    const mean = isEmpty ? await valueMean(engine, at) : [];
    const ownValues = await segmentRows(engine, at, segment);
    positions.forEach((position, i) => {
      const { width, channels, fills } = lists[segment.isLast ? 0 : s]!;
      const whole = new Array<number>(channels.length);
      channels.forEach((c, p) => whole[c] = p < width ? ownKeys[i]![p]! : fills[p]!);
      const key = segment.isLast ? ownKeys[i]! : whole.map(Math.fround);
      rows.push([position, key, isEmpty ? mean : ownValues[i]!.map(Math.fround)]);
    });
  }
  return rows.sort(([a], [b]) => a - b);
}

/** Gives a twin that only evicts what the composed engine's rows read as. */
async function copyRows(composed: Engine, twin: Engine) {
  for (let head = 0; head < twin.cache.nHeadsPerSlot; head++) {
    const at = { slot: 0, head };
    const rows = await rowsOf(composed, at);
    const [key, value] = [segmentsOfStream(twin, "key")[0]!, segmentsOfStream(twin, "value")[0]!];
    assertEquals(await positionsOf(twin, at, value), rows.map(([position]) => position));
    await writeSegmentRows(twin, at, key, rows.map(([, row]) => row));
    await writeSegmentRows(twin, at, value, rows.map(([, , row]) => row));
  }
}

const codes = (rows: readonly number[][], code: AffineCode) =>
  codeRowsReference(rows, code).map((row) => row.map(decoded));

/** Every coded row is the code of the twin's survivor at its position. @returns how many there are */
async function checkCodes(composed: Engine, twin: Engine, what: string): Promise<number> {
  let nCoded = 0;
  for (let head = 0; head < composed.cache.nHeadsPerSlot; head++) {
    const at = { slot: 0, head };
    const [ofKeys, ofValues] = [
      segmentsOfStream(twin, "key")[0]!,
      segmentsOfStream(twin, "value")[0]!,
    ];
    const [keys, values] = [
      await segmentRows(twin, at, ofKeys),
      await segmentRows(twin, at, ofValues),
    ];
    const places = new Map((await positionsOf(twin, at, ofValues)).map((p, i) => [p, i]));
    for (const [s, segment] of segmentsOfStream(composed, "value").slice(0, -1).entries()) {
      const rows = (await positionsOf(composed, at, segment)).map((p) => places.get(p)!);
      nCoded += rows.length;
      if (rows.length === 0) continue;
      const label = `${what}, head ${head}, class ${s}`;
      const own = rows.map((i) => values[i]!);
      if (segment.segment.channels === "none") {
        (await valueMean(composed, at)).forEach((got, c) => {
          const { value, error } = meanOf(own.map((row) => row[c]!));
          assert(Math.abs(got - value) <= error, `${label}, channel ${c}: ${got} for ${value}`);
        });
      } else {
        const want = codes(own, segment.segment.code as AffineCode);
        assertEquals(await segmentRows(composed, at, segment), want, label);
      }
      const { width, high, channels } = await keyListOf(composed, at, s);
      const stored = channels.slice(0, width);
      const ofClass = segmentsOfStream(composed, "key")[s]!;
      const { low, ...code } = ofClass.segment.code as AffineCode & { readonly low: 2 | 4 };
      const of = (list: readonly number[]) => rows.map((i) => list.map((c) => keys[i]![c]!));
      const [first, second] = [stored.slice(0, high), stored.slice(high)];
      const firsts = codes(of(first), code), seconds = codes(of(second), { ...code, bits: low });
      const wantKeys = rows.map((_, i) => [...firsts[i]!, ...seconds[i]!]);
      assertEquals(await segmentRows(composed, at, ofClass), wantKeys, `${label}, keys`);
    }
  }
  return nCoded;
}

Deno.test("survivors are coded by class anew after every turn, and decoding reads what they stand for", async () => {
  for (
    const [i, [nHeads, nKvHeads, headDim, evicts, compresses]] of ([
      [6, 2, 48, "snapkv:budget=110,window=16", "think_bits:keys=2,high=0.4,group=16,residual=32"],
      [4, 1, 32, "tova:budget=100", "think_bits:group=32,residual=32,first=0"],
      [6, 2, 32, "h2o:budget=110,every=0", "think_bits:group=16,residual=32"],
      [
        3,
        3,
        32,
        "pyramidkv:budget=100,window=8",
        "think_bits:keys=1.5,high=0.5,group=32,residual=32",
      ],
      [6, 2, 32, "h2o:budget=110,every=0", "think_bits:bits=2,low=0,high=0.5,group=16,residual=32"],
      // Heads of lengths of their own, some of which have no row that is due, at first or in a later turn.
      [6, 3, 32, "adakv:budget=70,window=16,floor=0", "think_bits:group=16,residual=32,window=16"],
    ] as const).entries()
  ) {
    const prune = `${evicts}+${compresses}`;
    await using twins = await openTwins({ nHeads, nKvHeads, headDim, seed: i }, {
      prune,
      less: evicts,
    });
    const { model: a, twin: b, step } = twins;
    const [composed, twin] = [a.loaded.engine, b.loaded.engine];
    const lists = new Map<number, string>();
    for (const [turn, n] of [160, 1, 50].entries()) {
      const what = `${prune}, turn ${turn}`;
      await step(tokens(n, turn), `prefill of turn ${turn}`);
      await copyRows(composed, twin);
      await composed.compress(0);
      await twin.compress(0);
      assertEquals(await keptTokens(a, 0), await keptTokens(b, 0), `${what}: the same rows stay`);
      assert(await checkCodes(composed, twin, what) > 0, `${what}: none is coded`);
      for (let head = 0; head < composed.cache.nHeadsPerSlot; head++) {
        const at = { slot: 0, head };
        const coded = segmentsOfStream(composed, "key").slice(0, -1);
        const nCoded = coded.map(({ index }) => composed.cache.sizeOf(at, index).rows);
        if (nCoded.every((rows) => rows === 0)) {
          lists.delete(head);
          continue;
        }
        const own = JSON.stringify(await keyListsOf(composed, at));
        lists.set(head, lists.get(head) ?? own);
        assertEquals(own, lists.get(head), `${what}: classes and means stay as first chosen`);
      }
      await copyRows(composed, twin);
      for (let i = 0; i < 2; i++) {
        await composed.flush(0);
        await copyRows(composed, twin);
        await step([5 + i], `step ${i} of turn ${turn}`);
      }
    }
  }
});

Deno.test("chunks and company change no bit over turns, and the most bytes are foretold", async () => {
  const prune = "snapkv:budget=200,window=16+think_bits:group=32,residual=32";
  await withModel({ nHeads: 6, nKvHeads: 2 }, { prune, parallel: 2 }, async (model) => {
    const { engine, admission } = model.loaded;
    const { cache } = engine;
    const outcome = async (chunk: number) => {
      const slot = cache.openSlot();
      const bits: Uint32Array[] = [];
      for (const [turn, n] of [300, 40].entries()) {
        const nCached = cache.tokensOf(slot);
        const work = { nCached, nPrompt: nCached + n, boundaries: [nCached + n], maxTokens: 4 };
        const { peakBytes } = admission.admit(work, slot, Infinity)!;
        cache.table.resetPeak(slot);
        bits.push(...await bitsOf(model, slot, { ids: tokens(n, turn), chunk, nDecode: 3 }));
        const { peak, allocated } = cache.table.bytesOf(slot);
        assert(peak <= peakBytes && peakBytes <= 2 * peak, `turn ${turn}: ${peak} of ${peakBytes}`);
        assert(allocated <= slotStoredBytes(cache, slot) + cache.nHeadsPerSlot * 6 * 8192);
      }
      const state = {
        bits,
        kept: await keptTokens(model, slot),
        stored: slotStoredBytes(cache, slot),
      };
      cache.closeSlot(slot);
      return state;
    };
    const whole = await outcome(512);
    const company = cache.openSlot();
    await bitsOf(model, company, { ids: tokens(150, 7), chunk: 512, nDecode: 1 });
    assertEquals(await outcome(37), whole);
    cache.closeSlot(company);
    assertEquals(cache.table.allocatedBytes, 0);
  });
});
