/**
 * Channels of rows that are decoded: they are pruned at intervals that a sequence's own rows decide, as the end
 * of a turn would prune them, and the bytes that takes are foretold. Masks may be chosen anew then.
 */

import { assert, assertEquals } from "@std/assert";
import type { Model } from "kerf";
import { maskOf } from "../src/engine/mask.ts";
import { segmentRows, segmentsOfStream } from "./_cached_rows.ts";
import { bitsOf, tokens, withModel } from "./_eviction.ts";

const [RECENT, EVERY, PROMPT] = [8, 16, 8 + 32];
const SHAPE = { nHeads: 6, nKvHeads: 2, nLayers: 2 } as const;

/** Decodes tokens one by one, as the scheduler does: the logits' bits of each. */
async function decode({ loaded: { engine } }: Model, slot: number, ids: readonly number[]) {
  const seen: Uint32Array[] = [];
  for (const id of ids) {
    await engine.flush(slot);
    const position = engine.cache.tokensOf(slot);
    const [logits] = await engine.step([{ slot, position, tokens: [id], logits: "last" }]);
    seen.push(new Uint32Array(Float32Array.from(logits!).buffer));
  }
  return seen;
}

/** Rows of head 0 that have lost channels, by stream. */
function prunedRows({ loaded: { engine: { cache } } }: Model, slot: number) {
  const of = (stream: "key" | "value") =>
    cache.segments.filter((s) => s.stream === stream && s.segment.channels === "list")
      .reduce((sum, { index }) => sum + cache.sizeOf({ slot, head: 0 }, index).rows, 0);
  return { key: of("key"), value: of("value") };
}

Deno.test("decoded rows lose what the end of a turn would take from them, bit for bit", async () => {
  for (const name of ["think", "think_values"]) {
    const spec = `${name}:recent=${RECENT},window=4`;
    const ids = { prompt: tokens(PROMPT, 1), decoded: tokens(3 * EVERY + 1, 2) };
    const want: Uint32Array[] = [];
    await withModel(SHAPE, { prune: spec }, async (model) => {
      const { engine } = model.loaded;
      const slot = engine.cache.openSlot();
      await bitsOf(model, slot, { ids: ids.prompt, chunk: PROMPT, nDecode: 0 });
      for (let at = 0; at < ids.decoded.length; at += EVERY) {
        want.push(...await decode(model, slot, ids.decoded.slice(at, at + EVERY)));
        await engine.compress(slot);
      }
    });
    await withModel(SHAPE, { prune: `${spec},every=${EVERY}` }, async (model) => {
      const slot = model.loaded.engine.cache.openSlot();
      await bitsOf(model, slot, { ids: ids.prompt, chunk: 7, nDecode: 0 });
      const stream = name === "think" ? "key" : "value";
      assertEquals(prunedRows(model, slot)[stream], PROMPT - RECENT);
      assertEquals(await decode(model, slot, ids.decoded), want, name);
      assertEquals(prunedRows(model, slot)[stream], PROMPT - RECENT + 3 * EVERY);
    });
  }
});

/** Per head its mask, and its rows as they are stored: those that lack channels, then whole ones. */
async function stateOf({ loaded: { engine } }: Model, slot: number, stream: "key" | "value") {
  const masks = (await maskOf(engine, slot)).flatMap(({ heads }) =>
    heads.map((head) => stream === "key" ? head.keptChannels! : head.keptValueChannels!)
  );
  const segments = segmentsOfStream(engine, stream);
  return await Promise.all(masks.map(async (mask, head) => {
    const [listed, whole] = await Promise.all(
      segments.map((segment) => segmentRows(engine, { slot, head }, segment)),
    );
    return { mask, listed: listed!, whole: whole! };
  }));
}

Deno.test("a mask that is chosen anew leaves older rows what both masks have, and zeros", async () => {
  for (const [name, stream] of [["think", "key"], ["think_values", "value"]] as const) {
    // The other stream's rows become whole for the choice, and lose their own channels again.
    const other = name === "think" ? "think_values" : "think";
    const parts = [
      `${name}:recent=${RECENT},window=4,every=${EVERY},refresh=1`,
      `${other}:recent=3`,
    ];
    const prune = (name === "think" ? parts : parts.toReversed()).join("+");
    await withModel(SHAPE, { prune }, async (model) => {
      const { engine } = model.loaded;
      const slot = engine.cache.openSlot();
      await bitsOf(model, slot, { ids: tokens(PROMPT, 1), chunk: PROMPT, nDecode: 0 });
      await decode(model, slot, tokens(EVERY, 2));
      const rows = prunedRows(model, slot);
      const before = await stateOf(model, slot, stream);
      await engine.flush(slot);
      const after = await stateOf(model, slot, stream);
      const { key, value } = prunedRows(model, slot);
      assertEquals(
        stream === "key" ? [key, value] : [value, key],
        stream === "key" ? [rows.key + EVERY, rows.value] : [rows.value + EVERY, rows.key],
      );
      after.forEach(({ mask, listed, whole }, head) => {
        const old = before[head]!;
        assertEquals(mask.length, old.mask.length);
        const want = [
          ...old.listed.map((row) => mask.map((c) => row[old.mask.indexOf(c)] ?? 0)),
          ...old.whole.slice(0, EVERY).map((row) => mask.map((c) => row[c]!)),
        ];
        assertEquals(listed, want, `${name}, head ${head}`);
        assertEquals(whole, old.whole.slice(EVERY));
      });
      assert(
        after.some(({ mask }, i) => mask.join() !== before[i]!.mask.join()),
        "nothing changed",
      );
    });
  }
});

Deno.test("rows older than a multiple of the interval wait, and company changes no token", async () => {
  const prune = `think:recent=${RECENT},every=${EVERY},refresh=1+think_values:recent=5,every=24`;
  await withModel(SHAPE, { prune, parallel: 2 }, async (model) => {
    const prompt = "the sea was calm";
    const options = { raw: true, maxTokens: 90, ignoreStop: true, temperature: 0 } as const;
    using session = model.session();
    const { tokens: alone, stats } = await model.generate(prompt, { ...options, session }).result;
    const rows = stats.kv.tokens;
    // The last row came after the last look at what is due.
    const due = (recent: number, every: number) => Math.floor((rows - 1 - recent) / every) * every;
    assertEquals(prunedRows(model, session.slot), { key: due(RECENT, EVERY), value: due(5, 24) });
    session.close();
    for await (const { index, result } of model.batch(["another, longer one", prompt], options)) {
      if (index === 1) assertEquals(result.tokens, alone);
    }
  });
});

Deno.test("the most bytes of pruning while decoding are foretold, beside evictions too", async () => {
  for (
    const [prune, exact] of [
      [`think:ratio=0.75,recent=${RECENT},every=${EVERY}`, true],
      ["think_values:ratio=0.5,recent=20,every=48", true],
      ["think:ratio=0.5,recent=20,every=48,refresh=1", true],
      [`streaming:budget=200,every=64+think:ratio=0.75,recent=${RECENT},every=${EVERY}`, false],
      ["streaming:budget=200,every=64+think:ratio=0.75,recent=8,every=16,refresh=1", false],
    ] as const
  ) {
    await withModel({ ...SHAPE, nCtx: 1024 }, { prune }, async (model) => {
      const { engine, admission } = model.loaded;
      const { table } = engine.cache;
      const slot = engine.cache.openSlot();
      const [nPrompt, nDecode] = [300, 400];
      const work = { nCached: 0, nPrompt, boundaries: [nPrompt], maxTokens: nDecode + 1 };
      const { peakBytes } = admission.admit(work, slot, Infinity)!;
      table.resetPeak(slot);
      await bitsOf(model, slot, { ids: tokens(nPrompt, 3), chunk: 128, nDecode: 0 });
      const afterPrompt = table.bytesOf(slot).peak;
      table.resetPeak(slot);
      for (let n = 1; n <= nDecode; n++) {
        await decode(model, slot, [5 + n % 50]);
        await engine.evictDecoded(slot, n);
      }
      const peak = Math.max(afterPrompt, table.bytesOf(slot).peak);
      const what = `${prune}: ${peak} of ${peakBytes}`;
      assert(peak <= peakBytes && peakBytes <= 2 * peak, what);
      if (exact) assertEquals(peak, peakBytes, what);
      if (!exact) assert(engine.cache.rowsOf({ slot, head: 0 }) <= 264, "rows leave");
    });
  }
});
