import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { KerfError } from "../core/error.ts";
import { layoutSteps } from "../dsl/layout_steps.ts";
import { pruning } from "../dsl/pruning.ts";
import { stepOf } from "../dsl/steps.ts";
import { tokens } from "../dsl/tokens.ts";
import { layoutOf } from "../layout/make.ts";
import type { CodesRule } from "../layout/make.ts";
import { KvCache } from "./cache.ts";
import { slotDenseBytes, slotStoredBytes } from "./cache_bytes.ts";
import { compressLayer, flushLayer } from "./compress.ts";
import { moveTargets, streamSegments } from "./compress_drafts.ts";
import type { StreamName } from "./compress_drafts.ts";
import { forecastPeak, noRows } from "./kv_forecast.ts";
import type { Plan } from "./plan.ts";
import { fakeDevice } from "./testing.ts";
import type { TokensPlan } from "./tokens_plan.ts";

const think = { name: "test", steps: [{ kind: "channels", of: "key" }] } as const;

interface Setup {
  readonly nLayers: number;
  readonly nKvHeads: number;
  readonly headDim: number;
  readonly recent: number;
  readonly widths: Uint32Array<ArrayBuffer>;
  readonly types?: { key: "f16" | "f32"; value: "f16" | "f32" };
  readonly codes?: readonly CodesRule[];
  /** Of coded rows those of the first class, where there are classes. */
  readonly share?: number;
  /** … and first rows that are never coded. */
  readonly first?: number;
  /** Of each head's width what scores say is enough. */
  readonly counts?: readonly number[] | null;
}

/** A cache on a fake device, with as much of a plan as compression reads: it runs no kernels. */
function setup(given: Setup) {
  const { nLayers, nKvHeads, headDim, recent, widths, types, codes = [], share, first = 0 } = given;
  const { counts = null } = given;
  const device = fakeDevice();
  const steps = { name: "test", steps: [...think.steps, ...codes] };
  const layout = layoutOf(steps, types ?? { key: "f16", value: "f16" });
  const cache = new KvCache(device, { layout, nSlots: 2, nLayers, nKvHeads, headDim, nCtx: 2048 });
  const buffer = (n: number) => device.allocate(4 * n, "test");
  const moves = (stream: StreamName) => {
    const segments = streamSegments(cache, stream);
    return segments && moveTargets(segments, classes).map(() => buffer(nLayers * nKvHeads * 4));
  };
  const classes = share === undefined
    ? null
    : { definition: think, params: {}, window: 32, share, first, group: "mean" };
  const ran: string[] = [];
  const channels = {
    of: "key" as const,
    definition: think,
    params: {},
    window: 32,
    recent,
    widths,
    ...{ perRow: false, multiple: 1 },
    enough: counts && { kind: "mass" as const, amount: 0.5, least: 1 },
    refreshes: false,
  };
  const cuts = buffer(nLayers * nKvHeads * 4);
  const plan = {
    inputs: {
      cache,
      channels,
      valueChannels: null,
      tokens: null,
      bits: null,
      classes,
      config: { nHeads: 4, nKvHeads },
    },
    buffers: {
      rings: new Map([[32, { buffer: buffer(1) }]]),
      compress: {
        src_pages: buffer(nKvHeads * cache.pageEntries),
        moves: { key: moves("key"), value: moves("value") },
      },
      evict: { cuts: buffer(nLayers * nKvHeads * 4) },
      classTables: {},
      prune: {
        key: {
          ...{ scores: buffer(1), widths: buffer(nLayers * nKvHeads), cuts },
          ...{ outputs: null, tables: {} },
        },
      },
    },
    run: (drafts: { kernel: string; constants: { layer: number } }[]) => {
      ran.push(...drafts.map(({ kernel }) => kernel));
      const counting = drafts.find(({ kernel }) => kernel === "count_mass");
      for (let i = 0; counting && i < nKvHeads; i++) {
        const head = counting.constants.layer * nKvHeads + i;
        const width = Math.min(widths[head]!, counts![head]!);
        device.write(cuts, Uint32Array.of(width), 16 * head + 8);
      }
      return Promise.resolve();
    },
  } as unknown as Plan;
  const compressOne = (slot: number, layer: number) =>
    compressLayer(device, plan, { slot, layer, nTokens: cache.tokensOf(slot) });
  const compress = async (slot: number) => {
    for (let layer = 0; layer < nLayers; layer++) await compressOne(slot, layer);
  };
  const flush = async (slot: number) => {
    const nTokens = cache.tokensOf(slot);
    for (let layer = 0; layer < nLayers; layer++) {
      await flushLayer(device, plan, { slot, layer, nTokens });
    }
  };
  return { device, cache, channels, classes, layout, ran, compress, compressOne, flush };
}

/** Codes of 4 bits in groups of 16, `rows` at once, of a prompt `unit`; `keep` times `rows` stay whole. */
const codesOf = (of: StreamName, rows: number, keep: number, unit = rows): CodesRule => ({
  ...{ kind: "codes", of, flush: { rows, atRows: (keep + 1) * rows, unit } },
  code: { kind: "affine", bits: 4, along: of === "key" ? "rows" : "channels", group: 16 },
});

/** The same where the rows of low scores have 2 bits. */
const classesOf = (rows: number, keep: number, unit = rows): CodesRule[] => {
  const value = codesOf("value", rows, keep, unit);
  return [codesOf("key", rows, keep, unit), { ...value, low: { ...value.code, bits: 2 } }];
};

const uniform = (n: number, width: number) => new Uint32Array(n).fill(width);

Deno.test("stored bytes are THINK.md's formula, allocated ones at most a tile and a page above", async () => {
  const random = fc.record({
    rows: fc.integer({ min: 1, max: 700 }),
    decoded: fc.nat(200),
    width: fc.integer({ min: 1, max: 63 }),
    recent: fc.constantFrom(0, 1, 32, 33),
    keys: fc.constantFrom("f16" as const, "f32" as const),
  });
  await fc.assert(
    fc.asyncProperty(random, async ({ rows, decoded, width, recent, keys }) => {
      const [nLayers, nKvHeads, headDim] = [3, 2, 64];
      const widths = uniform(nLayers * nKvHeads, width);
      const types = { key: keys, value: "f16" } as const;
      const { cache, compress } = setup({ nLayers, nKvHeads, headDim, recent, widths, types });
      const slot = cache.openSlot();
      cache.reserveRows(slot, rows);
      cache.advance(slot, rows);
      await compress(slot);
      cache.reserveRows(slot, decoded);
      cache.advance(slot, decoded);

      const pruned = Math.max(0, rows - recent);
      const keyBytes = keys === "f16" ? 2 : 4;
      const perHead = keyBytes * (pruned * width + (rows - pruned + decoded) * headDim) +
        2 * (rows + decoded) * headDim + (pruned > 0 ? headDim / 8 : 0);
      assertEquals(slotStoredBytes(cache, slot), nLayers * nKvHeads * perHead);
      assertEquals(cache.tokensOf(slot), rows + decoded);
      assertEquals(
        slotDenseBytes(cache, slot),
        nLayers * nKvHeads * (rows + decoded) * headDim * (keyBytes + 2),
      );
      const slack = 16 * width * keyBytes + 64 + 128 * headDim * (keyBytes + 2);
      const { allocated, peak } = cache.table.bytesOf(slot);
      assert(allocated >= slotStoredBytes(cache, slot) - nLayers * nKvHeads * headDim / 8);
      assert(allocated <= slotStoredBytes(cache, slot) + nLayers * nKvHeads * slack);
      assert(peak >= allocated);
      cache.closeSlot(slot);
      assertEquals(cache.table.allocatedBytes, 0);
    }),
    { seed: 3, numRuns: 40 },
  );
});

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
      const made = setup({ nLayers, nKvHeads, headDim, recent, widths, counts, ...rules });
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

/** An evicting cache on a fake device: rows are counted as if they had been chosen. */
function evicting({ budget, every, remove, least }: {
  readonly budget: number;
  readonly every: number;
  readonly remove?: number;
  /** Of a budget that scores lower; null: they do not. */
  readonly least: number | null;
}) {
  const [nLayers, nKvHeads, headDim] = [3, 2, 32];
  const device = fakeDevice();
  const definition = pruning({
    name: "test",
    steps: [tokens({
      score: (_row, { position }) => position,
      group: "mean",
      protect: { last: 5 },
      every,
      ...(remove === undefined ? { keep: budget } : { remove }),
    })],
  });
  const layout = layoutOf(layoutSteps(definition), { key: "f16", value: "f16" });
  const cache = new KvCache(device, { layout, nSlots: 1, nLayers, nKvHeads, headDim, nCtx: 4096 });
  const words = (n: number) => device.allocate(4 * n, "test");
  const perHead = (n: number) => words(nLayers * nKvHeads * n);
  const evict = { cuts: perHead(4), floor_cuts: perHead(4), kept_counts: perHead(2) };
  const plan: TokensPlan = {
    ...{ definition, step: stepOf(definition, "tokens")!.step, params: {}, tables: {} },
    dims: { nLayers, nHeads: 4, nKvHeads, headDim, nCtx: 4096 },
    ...{ window: 0, moments: null, first: 0, last: 5 },
    ...{ poolWidth: 1, poolsMax: true, every, floor: null },
    ...{ multiple: 1, blockRows: 1 },
    enough: least === null ? null : { kind: "mass", amount: 0.5, least },
    positions: "true",
  };
  const run = (drafts: { kernel: string; constants: { layer: number } }[]) => {
    const chosen = drafts.find(({ kernel }) => kernel === "select_rows");
    if (chosen) {
      const first = chosen.constants.layer * nKvHeads;
      const cuts = new Uint32Array(device.bytesOf(evict.cuts).buffer);
      const counts = Array.from({ length: nKvHeads }, (_, i) => {
        const [, rows, keep] = cuts.subarray(4 * (first + i));
        // Any count that scores may lower the budget to.
        const counted = least === null ? Infinity : Math.max(5, least, 31 * rows! % keep!);
        return [0, Math.min(rows!, keep!, counted)];
      });
      device.write(evict.kept_counts, Uint32Array.from(counts.flat()), 8 * first);
    }
    return Promise.resolve();
  };
  const compress = { src_pages: words(nKvHeads * cache.pageEntries) };
  const config = { nHeads: 4 };
  const engine = {
    inputs: {
      cache,
      config,
      tokens: plan,
      channels: null,
      valueChannels: null,
      bits: null,
      classes: null,
    },
    buffers: { rings: new Map(), evict, compress, evictTables: {} },
    run,
  } as unknown as Plan;
  const evictAll = async (slot: number) => {
    for (let layer = 0; layer < nLayers; layer++) {
      await compressLayer(device, engine, { slot, layer, nTokens: cache.tokensOf(slot) });
    }
  };
  return { cache, plan, evictAll, shape: { layout, nLayers, nKvHeads, headDim } };
}

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
  const made = setup({ nLayers, nKvHeads, headDim, recent, widths });
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

Deno.test("a layer that keeps every channel and a short slot are left alone", async () => {
  const shape = { nLayers: 2, nKvHeads: 2, headDim: 32, recent: 32 };
  const whole = setup({ ...shape, widths: Uint32Array.of(32, 32, 8, 32) });
  const slot = whole.cache.openSlot();
  whole.cache.reserveRows(slot, 100);
  whole.cache.advance(slot, 100);
  await whole.compress(slot);
  const { compressed, full } = streamSegments(whole.cache, "key")!;
  const list = compressed[0]!;
  const rows = (head: number) =>
    [list, full].map(({ index }) => whole.cache.sizeOf({ slot, head }, index).rows);
  assertEquals([0, 1, 2, 3].map(rows), [[0, 100], [0, 100], [68, 32], [68, 32]]);
  assertEquals(whole.cache.sizeOf({ slot, head: 2 }, list.index).width, 8);
  assertEquals(whole.ran.filter((kernel) => kernel === "select_channels").length, 1);

  const short = setup({ ...shape, widths: uniform(4, 8) });
  short.cache.openSlot();
  short.cache.reserveRows(0, 32);
  short.cache.advance(0, 32);
  await short.compress(0);
  assertEquals(short.ran, []);
});

Deno.test("a later turn keeps the first mask and the bytes of a page that was cut", async () => {
  const shape = { nLayers: 1, nKvHeads: 1, headDim: 32, recent: 8, widths: uniform(1, 8) };
  const { device, cache, compress, ran } = setup(shape);
  const slot = cache.openSlot();
  const grow = async (n: number) => {
    cache.reserveRows(slot, n);
    cache.advance(slot, n);
    await compress(slot);
  };
  await grow(48);
  const list = streamSegments(cache, "key")!.compressed[0]!;
  const index = cache.table.entryIndex({ slot, head: 0, entry: list.page });
  const marks = Uint8Array.from({ length: 48 * 8 * 2 }, (_, i) => i % 251);
  assertEquals(cache.table.bytesAt(index), marks.length);
  const page = () => cache.table.pageAt(index);
  device.write(page().buffer, marks.subarray(0, 640), page().offset);
  await grow(100);
  assertEquals(cache.sizeOf({ slot, head: 0 }, list.index), { rows: 140, width: 8 });
  assertEquals(
    (await device.read(page().buffer, page().offset, 640)).join(),
    marks.subarray(0, 640).join(),
  );
  assertEquals(ran.filter((kernel) => kernel === "select_channels").length, 1);
  assertEquals(ran.filter((kernel) => kernel.startsWith("move_rows")).length, 4);
});

Deno.test("slots run out with a hint, and freed pages are discarded", () => {
  const shape = { nLayers: 1, nKvHeads: 1, headDim: 64, recent: 0, widths: uniform(1, 8) };
  const { device, cache } = setup(shape);
  const slots = [cache.openSlot(), cache.openSlot()];
  assertEquals(slots, [0, 1]);
  assertThrows(() => cache.openSlot(), KerfError, "all 2 are in use");
  cache.reserveRows(0, 300);
  cache.advance(0, 300);
  assertEquals(cache.chunksOf(0, 1), 2);
  cache.clearSlot(0);
  const discarded = device.discarded.reduce((sum, { bytes }) => sum + bytes, 0);
  assertEquals(discarded, 6 * 128 * 64 * 2);
});
