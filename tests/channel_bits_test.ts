/**
 * What must hold where key channels are coded in the bits that they are worth, whatever the kernels do: the
 * choice is the cheapest at the budget and stays, decoding reads what codes and means stand for, bytes are
 * what is stored and within the budget, and neither chunks nor company change a bit.
 */

import { assert, assertEquals } from "@std/assert";
import { slotStoredBytes } from "../src/engine/cache_bytes.ts";
import type { HeadAt } from "../src/engine/cache_shape.ts";
import type { Engine } from "../src/engine/engine.ts";
import { keptChannelsOf } from "../src/engine/mask.ts";
import { firstParts, PAGE_ROWS } from "../src/layout/mod.ts";
import { selectHeadBitsReference } from "../src/reference/mod.ts";
import { codedRows, segmentRows, segmentsOfStream, writeSegmentRows } from "./_cached_rows.ts";
import { answer, withSlots } from "./_coded_rows.ts";
import { tokens } from "./_eviction.ts";
import { keyListsOf } from "./_key_list.ts";
import { openTwins } from "./_twins.ts";

/** Compressed rows of a stream as a reader sees them: f64 [rows][headDim], in their order. */
async function readRows(engine: Engine, at: HeadAt, stream: "key" | "value") {
  const segments = segmentsOfStream(engine, stream).slice(0, -1);
  const rows = await Promise.all(segments.map((s) => segmentRows(engine, at, s)));
  if (stream === "value") return rows.flat();
  const lists = await keyListsOf(engine, at);
  return rows.flatMap((own, list) =>
    own.map((row) => {
      const { width, channels, fills } = lists[list]!;
      const whole = new Array<number>(channels.length);
      channels.forEach((c, place) => whole[c] = place < width ? row[place]! : fills[place]!);
      return whole;
    })
  );
}

/** Writes what an engine's compressed rows read as over the first rows of a dense twin. */
async function copyCompressed(from: Engine, to: Engine) {
  for (const stream of ["key", "value"] as const) {
    const [own] = segmentsOfStream(to, stream);
    for (let head = 0; head < to.cache.nHeadsPerSlot; head++) {
      const at = { slot: 0, head };
      await writeSegmentRows(to, at, own!, await readRows(from, at, stream));
    }
  }
}

Deno.test("decoding equals dense decoding over what codes and means stand for (oracle 1)", async () => {
  for (
    const [i, [nHeads, nKvHeads, headDim, prune]] of ([
      [3, 3, 32, "think_bits:keys=1.3,high=0.5,first=0"],
      [6, 2, 48, "think_bits:keys=2.5,high=0.3,group=32,first=0"],
      [8, 1, 64, "think_bits:keys=0,first=0"],
      [4, 1, 32, "think_bits:keys=8,high=0,first=0"],
    ] as const).entries()
  ) {
    await using twins = await openTwins({ nHeads, nKvHeads, headDim, seed: i }, { prune });
    const [a, b] = [twins.model.loaded.engine, twins.twin.loaded.engine];
    let choice: string | undefined;
    let nCopied = 0;
    for (const [turn, n] of [300, 1, 70].entries()) {
      await twins.step(tokens(n, turn), `prefill of turn ${turn}`);
      await a.compress(0);
      for (let step = 0; step < 40; step++) {
        await a.flush(0);
        if (codedRows(a) !== nCopied) await copyCompressed(a, b);
        nCopied = codedRows(a);
        await twins.step([5 + step], `step ${step} of turn ${turn}`);
      }
      const now = JSON.stringify(await keyListsOf(a, { slot: 0, head: nKvHeads - 1 }));
      choice ??= now;
      assertEquals(now, choice, "classes and means stay as they were chosen first");
    }
  }
});

Deno.test("the bits of a layer's channels are those that cost least at the budget, or at each head's", async () => {
  const [nKvHeads, headDim, group] = [2, 48, 64];
  for (
    const [average, n, evicts, high] of [
      [0.8, 200, "", ",high=0.5"],
      [2.6, 300, "", ",high=0.3"],
      // Of two units of rows none is of the high class, whose list is the other's.
      [2.6, 200, "", ""],
      [2.6, 300, "", ",high=0.3,scored=0"],
      [4.4, 140, "", ""],
      [2.1, 300, "adakv:budget=196,floor=0,window=16+", ",high=0.4"],
    ] as const
  ) {
    const prune = `${evicts}think_bits:keys=${average}${high}`;
    await withSlots({ nHeads: 6, nKvHeads, headDim }, { prune }, async ({ loaded }) => {
      const { engine, plan } = loaded;
      const slot = engine.cache.openSlot();
      await engine.step([{ slot, position: 0, tokens: tokens(n, 4), logits: "none" }]);
      await engine.compress(slot);
      const floats = async (
        buffer: Parameters<typeof engine.device.read>[0],
        at: number,
        n: number,
      ) => new Float32Array((await engine.device.read(buffer, 4 * at, 4 * n)).slice().buffer);
      const { nLayers } = engine.cache.shape;
      // The last layer's measurements are still there.
      const layer = nLayers - 1;
      const size = nKvHeads * headDim;
      const first = (slot * nLayers + layer) * size;
      const weights = await floats(plan.buffers.bits!.scores, first, size);
      const { nKeyLists } = engine.cache;
      const losses = await floats(plan.buffers.bits!.losses, 0, 3 * size * nKeyLists);
      const costs = Array.from(
        { length: nKvHeads },
        (_, head) =>
          Array.from({ length: nKeyLists }, (_, list) =>
            Array.from({ length: headDim }, (_, c) => {
              const at = (head * nKeyLists + list) * headDim + c;
              const cost = (i: number) =>
                Math.fround(weights[head * headDim + c]! * losses[3 * at + i]!);
              return [cost(0), cost(1), cost(2)] as const;
            })),
      );
      const prices = [2 * group + 32, 4 * group + 32] as const;
      const coded = segmentsOfStream(engine, "key").slice(0, -1);
      const due = Array.from({ length: nKvHeads }, (_, i) => {
        const at = { slot, head: layer * nKvHeads + i };
        const rows = coded.map(({ index }) => engine.cache.sizeOf(at, index).rows);
        return high.includes("scored=0") ? [rows[0]! + rows[1]!, 0] : rows;
      });
      const rowsOf = (lists: readonly number[]) => lists.reduce((a, b) => a + b, 0);
      // Heads that keep other numbers of rows choose each for itself.
      const shares = evicts === "";
      assertEquals(new Set(due.map(rowsOf)).size === 1, shares, `${prune}: ${due}`);
      const budget = Math.floor(average * group * (shares ? size : headDim) + 1e-6);
      const { share } = plan.inputs.classes!;
      const options = { due, shares, firstParts: firstParts(share), prices, budget };
      const want = selectHeadBitsReference(costs, options);
      assert(new Set(want.flat(2)).size > 1, "some channels have more bits than others");
      for (let kvHead = 0; kvHead < nKvHeads; kvHead++) {
        const at = { slot, head: layer * nKvHeads + kvHead };
        const got = (await keyListsOf(engine, at)).map(({ width, high, channels }) => {
          const classes = new Array<number>(headDim).fill(0);
          channels.slice(0, width).forEach((c, place) => classes[c] = place < high ? 2 : 1);
          return classes;
        });
        assertEquals(got, want[kvHead], prune);
        const mask = (await keptChannelsOf(engine, slot))[layer]!.heads[kvHead]!;
        const [ofHigh, ofLow] = got as [number[], number[]];
        const kept = ofLow.flatMap((c, i) => c > 0 || ofHigh[i]! > 0 ? [i] : []);
        assertEquals(mask.keptChannels, kept);
        assertEquals(mask.keptChannelBits, kept.map((c) => 2 * ofLow[c]!));
        assertEquals(mask.keptHighChannelBits, kept.map((c) => 2 * ofHigh[c]!));
      }
    });
  }
});

Deno.test("stored bytes are the formula's, within the budget, in live pages, and freed (oracle 5)", async () => {
  const [headDim, nKvHeads, group] = [32, 2, 32];
  for (const average of [0, 1.7, 3.1]) {
    const prune = `think_bits:keys=${average},group=${group},high=0.25`;
    await withSlots({ nHeads: 6, nKvHeads }, { prune }, async ({ loaded: { engine } }) => {
      const { cache } = engine;
      const slot = cache.openSlot();
      await answer(engine, slot, { ids: tokens(500, 1), nDecode: 70 });
      // Of 500 rows the first 4 and the last 64 stay, units of 32 are coded; then 64 once: 569 rows were there.
      const coded = Math.floor((500 - 68) / 32) * 32 + 64;
      const values = segmentsOfStream(engine, "value");
      let want = 0;
      let layerBits = 0;
      for (let head = 0; head < cache.nHeadsPerSlot; head++) {
        const at = { slot, head };
        const first = cache.sizeOf(at, values[0]!.index).rows;
        const lists = await keyListsOf(engine, at);
        const perRow = lists.map(({ width, high }) =>
          4 * high + 2 * (width - high) + 32 / group * width
        );
        // A quarter of the rows are to be of the first class.
        const bits = perRow[0]! / 4 + perRow[1]! * 3 / 4;
        layerBits = head % nKvHeads === 0 ? bits : layerBits + bits;
        assert(layerBits <= average * headDim * nKvHeads, `${prune}: ${layerBits} bits a row`);
        [first, coded - first].forEach((rows, list) => {
          want += rows * perRow[list]! / 8 + 2 * headDim / 8 + 2 * (headDim - lists[list]!.width);
        });
        want += first * (headDim / 2 + 4) + (coded - first) * (headDim / 4 + 4);
        want += 2 * 2 * headDim * (570 - coded);
      }
      assertEquals(slotStoredBytes(cache, slot), want, prune);
      const { allocated } = cache.table.bytesOf(slot);
      const slack = cache.nHeadsPerSlot * 6 * PAGE_ROWS * 2 * headDim;
      assert(allocated >= want - cache.nHeadsPerSlot * 200 && allocated <= want + slack);
      cache.closeSlot(slot);
      assertEquals(cache.table.allocatedBytes, 0);
    });
  }
});

Deno.test("short prompts are dense, and chunks and company change no bit", async () => {
  const shape = { nHeads: 6, nKvHeads: 2, seed: 5 };
  const dense: Uint32Array[][] = [];
  const short = [1, 31, 33, 127];
  await withSlots(shape, { prune: "none" }, async ({ loaded: { engine } }) => {
    for (const n of short) {
      const slot = engine.cache.openSlot();
      dense.push(await answer(engine, slot, { ids: tokens(n, n), nDecode: 1 }));
      engine.cache.closeSlot(slot);
    }
  });
  await withSlots(shape, { prune: "think_bits:keys=2" }, async (model) => {
    const { engine } = model.loaded;
    const run = async (ids: readonly number[], chunk: number, nDecode: number) => {
      const slot = engine.cache.openSlot();
      const seen = await answer(engine, slot, { ids, chunk, nDecode });
      engine.cache.closeSlot(slot);
      return seen;
    };
    for (const [i, n] of short.entries()) assertEquals(await run(tokens(n, n), 512, 1), dense[i]);
    const whole = await run(tokens(240, 6), 512, 70);
    for (const chunk of [100, 33]) assertEquals(await run(tokens(240, 6), chunk, 70), whole);
    const prompts = [1, 2, 3].map((seed) => ({ tokens: tokens(90 + 40 * seed, seed) }));
    const options = { maxTokens: 80, temperature: 0, ignoreStop: true } as const;
    const alone: (readonly number[])[] = [];
    for (const prompt of prompts) {
      alone.push((await model.generate(prompt, options).result).tokens);
    }
    for await (const { index, result } of model.batch(prompts, options)) {
      assertEquals(result.tokens, alone[index]);
    }
  });
});

Deno.test("a budget of memory is held, known before the bits are chosen", async () => {
  const shape = { nHeads: 3, nKvHeads: 3, headDim: 64 };
  const prompt = { tokens: tokens(600, 7) };
  const options = { maxTokens: 200, temperature: 0, ignoreStop: true } as const;
  const kvMax = 900 * 1024;
  await withSlots(shape, { prune: "think_bits:keys=1.5,high=0.1", kvMax }, async (model) => {
    const { stats, tokens } = await model.generate(prompt, options).result;
    assertEquals(tokens.length, 200);
    assert(stats.kv.peakBytes <= kvMax, `${stats.kv.peakBytes}`);
    assert(stats.kv.storedBytes < stats.kv.denseBytes / 3);
  });
});
