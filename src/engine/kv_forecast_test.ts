import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { classesOf, codesOf, compressing, uniform } from "./_compressing.ts";
import type { Setup } from "./_compressing.ts";
import { evicting } from "./_evicting.ts";
import { streamSegments } from "./compress_drafts.ts";
import type { StreamName } from "./compress_drafts.ts";
import { forecastPeak, noRows } from "./kv_forecast.ts";

Deno.test("the forecast is the peak that work then has, over turns, with widths per head", async () => {
  const turn = fc.record({ prefill: fc.integer({ min: 1, max: 400 }), decode: fc.nat(150) });
  const random = fc.record({
    turns: fc.array(turn, { minLength: 1, maxLength: 3 }),
    widths: fc.array(fc.integer({ min: 1, max: 32 }), { minLength: 6, maxLength: 6 }),
    recent: fc.constantFrom(0, 20, 32, 130),
    wholeLayer: fc.boolean(),
    counts: fc.oneof(
      fc.constant(null),
      fc.array(fc.constantFrom(1, 7, 32), { minLength: 6, maxLength: 6 }),
      fc.constant(Array<number>(6).fill(32)),
    ),
    rules: fc.constantFrom<Pick<Setup, "codes" | "share" | "first">>(
      {},
      { codes: [codesOf("key", 32, 1), codesOf("value", 32, 1)] },
      { codes: [codesOf("key", 96, 1), codesOf("value", 48, 0)] },
      { codes: [codesOf("value", 128, 1)] },
      { codes: [codesOf("key", 96, 0.5, 16), codesOf("value", 4096, 0, 5)] },
      { codes: classesOf(32, 1), share: 0.3, first: 4 },
      { codes: classesOf(96, 0), share: 0.5 },
      { codes: classesOf(64, 0.5, 16), share: 0.3, first: 4 },
      { codes: classesOf(64, 1), share: 1 },
    ),
  });
  // Nothing leaves, so rows that a forecast puts into a cut page begin one of their own.
  const all = Array<number>(6).fill(32);
  const turns = [{ prefill: 129, decode: 128 }];
  const keepsAll = {
    turns,
    widths: all,
    recent: 32 as const,
    wholeLayer: true,
    counts: all,
    rules: {},
  };
  await fc.assert(
    fc.asyncProperty(random, async ({ turns, widths: list, recent, wholeLayer, counts, rules }) => {
      const [nLayers, nKvHeads, headDim] = [3, 2, 32];
      const widths = Uint32Array.from(list);
      if (wholeLayer) widths.fill(headDim, counts ? 0 : 2, counts ? 6 : 4);
      const made = compressing({ nLayers, nKvHeads, headDim, recent, widths, counts, ...rules });
      const { cache, layout, channels, classes, compress, flush } = made;
      const slot = cache.openSlot();
      const shape = {
        layout,
        nLayers,
        nKvHeads,
        headDim,
        channels,
        bits: null,
        classes,
        valueChannels: null,
        tokens: null,
      };
      let start = noRows(shape);
      for (const { prefill, decode } of turns) {
        const work = { start, nPrefill: prefill, nDecode: decode, order: "chunked" } as const;
        const forecast = forecastPeak(shape, work);
        cache.table.resetPeak(slot);
        cache.reserveRows(slot, prefill);
        cache.advance(slot, prefill);
        await compress(slot);
        for (let n = 0; n < decode; n++) {
          await flush(slot);
          cache.reserveRows(slot, 1);
          cache.advance(slot, 1);
        }
        const { peak } = cache.table.bytesOf(slot);
        // What is enough of a width is known only once the rows are there.
        assert(peak <= forecast, `${peak} of ${forecast}`);
        if (counts === null) assertEquals(peak, forecast);
        start = start.map((_, head) => {
          const compressed = (stream: StreamName) => {
            const segments = streamSegments(cache, stream);
            return (segments?.compressed ?? [])
              .reduce((sum, { index }) => sum + cache.sizeOf({ slot, head }, index).rows, 0);
          };
          const [key, value] = [compressed("key"), compressed("value")];
          return { rows: cache.tokensOf(slot), key, value };
        });
      }
    }),
    { seed: 3, numRuns: 100, examples: [[keepsAll]] },
  );
});

Deno.test("the forecast bounds the peak of evictions, at a prefill's end and while decoding", async () => {
  const random = fc.record({
    budget: fc.integer({ min: 5, max: 500 }),
    remove: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
    prefill: fc.integer({ min: 1, max: 700 }),
    decode: fc.nat(400),
    every: fc.constantFrom(0, 1, 16, 130),
    least: fc.option(fc.integer({ min: 1, max: 300 }), { nil: null, freq: 2 }),
  });
  await fc.assert(
    fc.asyncProperty(random, async ({ prefill, decode, budget, every, remove, least }) => {
      const made = evicting({ budget, every, least, ...(remove === undefined ? {} : { remove }) });
      const { cache, plan, evictAll } = made;
      const shape = {
        ...made.shape,
        tokens: plan,
        channels: null,
        valueChannels: null,
        bits: null,
        classes: null,
      };
      const work = {
        start: noRows(shape),
        nPrefill: prefill,
        nDecode: decode,
        order: "chunked",
      } as const;
      const forecast = forecastPeak(shape, work);
      const slot = cache.openSlot();
      cache.reserveRows(slot, prefill);
      cache.advance(slot, prefill);
      await evictAll(slot);
      let most = 0;
      for (let i = 1; i <= decode; i++) {
        cache.reserveRows(slot, 1);
        cache.advance(slot, 1);
        if (every > 0 && i % every === 0) await evictAll(slot);
        most = Math.max(most, cache.rowsOf({ slot, head: 0 }));
      }
      const { peak } = cache.table.bytesOf(slot);
      assert(peak <= forecast, `${peak} of ${forecast}`);
      if (least === null && (every === 0 || decode < every)) assertEquals(peak, forecast);
      if (every > 0 && remove === undefined) assert(most <= budget + every, `${most} rows`);
      assertEquals(cache.tokensOf(slot), prefill + decode);
    }),
    { seed: 7, numRuns: 60 },
  );
});

Deno.test("layer by layer holds one dense layer at a time, as forecast", async () => {
  const [nLayers, nKvHeads, headDim, recent] = [4, 2, 64, 32];
  const widths = uniform(nLayers * nKvHeads, 16);
  const made = compressing({ nLayers, nKvHeads, headDim, recent, widths });
  const { cache, layout, channels } = made;
  const slot = cache.openSlot();
  for (let layer = 0; layer < nLayers; layer++) {
    const layers = { first: layer, end: layer + 1 };
    cache.reserveRows(slot, 1000, layers);
    cache.advance(slot, 1000, layers);
    await made.compressOne(slot, layer);
  }
  const shape = {
    layout,
    nLayers,
    nKvHeads,
    headDim,
    channels,
    tokens: null,
    valueChannels: null,
    bits: null,
    classes: null,
  };
  const work = { start: noRows(shape), nPrefill: 1000, nDecode: 20 };
  const layered = forecastPeak(shape, { ...work, order: "layered" });
  assertEquals(cache.table.bytesOf(slot).peak, layered);
  const chunked = forecastPeak(shape, { ...work, order: "chunked" });
  assert(layered < 0.8 * chunked, `${layered} of ${chunked}`);
});
