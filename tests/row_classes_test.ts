/**
 * What must hold of rows that are coded in two classes: how many and which rows get more bits, that both
 * streams hold them in one order, what decoding reads, bytes, and that neither chunks, company nor turns
 * change a bit (THINK.md, section 6).
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { KerfError } from "kerf";
import { slotStoredBytes } from "../src/engine/cache_bytes.ts";
import type { Engine } from "../src/engine/engine.ts";
import { rowSplit } from "../src/engine/row_classes_plan.ts";
import { classRows, PAGE_ROWS } from "../src/layout/mod.ts";
import {
  codeRowsReference,
  decoded,
  orderRowsReference,
  selectRowsReference,
} from "../src/reference/mod.ts";
import type { AffineCode } from "../src/reference/mod.ts";
import { segmentsOfStream, writeSegmentRows } from "./_cached_rows.ts";
import { answer } from "./_coded_rows.ts";
import { F32, tokens, withModel } from "./_eviction.ts";
import { farthest } from "./_twins.ts";
import { everyHead, headRows, readValues, scoresOf, STREAMS } from "./_row_classes.ts";
import type { Rows } from "./_row_classes.ts";

const codedRows = (rows: Rows, code: AffineCode) =>
  codeRowsReference(rows, code).map((row) => row.map(decoded));

/** Compresses or flushes, and holds what moved to the definition. @returns whether anything did */
async function checkMove(
  engine: Engine,
  slot: number,
  how: "compress" | "flush",
): Promise<boolean> {
  const { classes, cache } = engine.plan.inputs;
  const split = rowSplit(classes, cache.shape.layout);
  const heads = everyHead(engine, slot);
  const before = await Promise.all(heads.map((at) => headRows(engine, at)));
  const scores = await Promise.all(heads.map((at, i) => scoresOf(engine, at, before[i]!)));
  await engine[how](slot);
  const flush = segmentsOfStream(engine, "value").at(-1)!.segment.flush!;
  const unit = how === "flush" ? flush.rows : flush.unit!;
  const stay = flush.atRows - flush.rows;
  let moved = 0;
  for (const [i, at] of heads.entries()) {
    const after = await headRows(engine, at);
    const had = before[i]!;
    const [own, full] = [had[1]!.slice(0, 2).flat().length, had[1]![2]!.length];
    const { first } = classes!;
    moved = Math.max(0, Math.floor((full - first - stay) / unit)) * unit;
    const [high, low] = classRows(split, own + moved);
    const nChosen = high! - had[1]![0]!.length;
    const chosen = selectRowsReference(scores[i]!.slice(first, first + moved), {
      ...{ keep: nChosen, first: 0, last: 0 },
    });
    const order = orderRowsReference(chosen, moved).map((row) => first + row);
    STREAMS.forEach((stream, s) => {
      const parts = [order.slice(0, nChosen), order.slice(nChosen)];
      parts.forEach((part, c) => {
        // Keys have 4 bits each: what channels of fewer are is another test's.
        const { low: _, ...code } = segmentsOfStream(engine, stream)[c]!.segment.code as AffineCode;
        const rows = part.map((row) => had[s]![2]![row]!);
        const want = [...had[s]![c]!, ...codedRows(rows, code)];
        assertEquals(after[s]![c], want, `${stream}s of class ${c}, head ${at.head}`);
      });
      const whole = had[s]![2]!.filter((_, row) => row < first || row >= first + moved);
      assertEquals(after[s]![2], whole, "the first and the newest rows stay as they are");
      assertEquals(after[s]!.map((rows) => rows.length).slice(0, 2), [high, low]);
    });
  }
  return moved > 0;
}

Deno.test("each class has the rows that the window chose, in one order, at prefills and flushes", async () => {
  for (
    const [nHeads, nKvHeads, headDim, prune, prompt] of [
      [3, 3, 32, "think_bits:keys=8,high=0.25", 500],
      [6, 2, 48, "think_bits:keys=8,high=0.5,group=32,residual=32,window=9", 300],
      [4, 1, 64, "think_bits:keys=8,high=0.4,group=16,residual=50,every=48,first=0", 127],
      [8, 1, 32, "think_bits:keys=8,high=0.25,group=64,residual=64,first=20", 33],
    ] as const
  ) {
    await withModel({ nHeads, nKvHeads, headDim, seed: nHeads }, { prune }, async (model) => {
      const { engine } = model.loaded;
      const slot = engine.cache.openSlot();
      const feed = (ids: readonly number[]) => {
        const position = engine.cache.tokensOf(slot);
        return engine.step([{ slot, position, tokens: ids, logits: "none" }]);
      };
      let flushes = 0;
      for (const [turn, n] of [prompt, 1, 31].entries()) {
        await feed(tokens(n, turn));
        await checkMove(engine, slot, "compress");
        for (let step = 0; step < 70; step++) {
          const { index, segment } = segmentsOfStream(engine, "value").at(-1)!;
          const { rows } = engine.cache.sizeOf({ slot, head: 0 }, index);
          if (rows === segment.flush!.atRows + engine.plan.inputs.classes!.first) {
            assert(await checkMove(engine, slot, "flush"), prune);
            flushes++;
          }
          await feed([5 + step]);
        }
      }
      assert(flushes >= 2, `${flushes} flushes of ${prune}`);
    });
  }
});

Deno.test("a share of 1 is one code for all, bit for bit", async () => {
  // More bits for keys than there are: every channel has four.
  const own = "think_bits:high=1,keys=8,first=0";
  const uniform = "kivi:bits=4,group=64,residual=64";
  const runs: Uint32Array[][] = [];
  for (const prune of [own, uniform]) {
    await withModel({ nHeads: 6, nKvHeads: 2 }, { prune }, async ({ loaded: { engine } }) => {
      for (const n of [1, 127, 300]) {
        const slot = engine.cache.openSlot();
        runs.push(await answer(engine, slot, { ids: tokens(n, n), nDecode: 66 }));
        engine.cache.closeSlot(slot);
      }
    });
  }
  assertEquals(runs.slice(0, 3), runs.slice(3), own);
});

Deno.test("decoding over classes equals dense decoding over what they stand for, in any order", async () => {
  const bits = "think_bits:keys=8,high=0.3,group=32,residual=32";
  const cases = [
    [3, 3, 32, bits],
    [8, 1, 64, bits],
    [6, 2, 64, `think_values:ratio=0.6,recent=20+${bits}`],
    [4, 1, 48, `think_values:ratio=0.6,recent=50+${bits},low=0`],
  ] as const;
  for (const [i, [nHeads, nKvHeads, headDim, prune]] of cases.entries()) {
    const shape = { nHeads, nKvHeads, headDim, seed: i };
    await withModel(shape, { prune, ...F32 }, async ({ loaded: { engine: a } }) => {
      await withModel(shape, F32, async ({ loaded: { engine: b } }) => {
        const slot = a.cache.openSlot();
        assertEquals(b.cache.openSlot(), slot);
        const both = async (ids: readonly number[], what: string) => {
          const rows = {
            slot,
            logits: "last",
            position: a.cache.tokensOf(slot),
            tokens: ids,
          } as const;
          const [[x], [y]] = [await a.step([rows]), await b.step([rows])];
          // Scales folded into queries round otherwise: logits of size 4 and sums of up to 400 terms.
          assert(farthest(x!, y!) < 2e-4, `${what}: ${farthest(x!, y!)}`);
        };
        for (const [turn, n] of [300, 40].entries()) {
          await both(tokens(n, turn), `prefill of turn ${turn}`);
          await a.compress(slot);
          for (let step = 0; step < 40; step++) {
            const { index } = segmentsOfStream(a, "key").at(-1)!;
            const had = a.cache.sizeOf({ slot, head: 0 }, index).rows;
            await a.flush(slot);
            const flushed = a.cache.sizeOf({ slot, head: 0 }, index).rows < had;
            for (const at of step === 0 || flushed ? everyHead(a, slot) : []) {
              const rows = [(await headRows(a, at))[0]!, await readValues(a, at)];
              for (const [s, stream] of STREAMS.entries()) {
                const [own] = segmentsOfStream(b, stream);
                const [high, low, whole] = rows[s]!;
                const first = whole!.slice(0, a.plan.inputs.classes!.first);
                await writeSegmentRows(b, at, own!, [...first, ...high!, ...low!]);
              }
            }
            await both([5 + step], `step ${step} of turn ${turn}`);
          }
        }
      });
    });
  }
});

Deno.test("stored bytes are the formula's, lie in live pages, and are freed", async () => {
  const headDim = 64;
  for (
    const [share, R, first, every] of [
      [0.25, 64, 4, 64],
      [0.1, 128, 0, 128],
      [0, 40, 1, 64],
      [1, 64, 4, 0],
    ] as const
  ) {
    const prune = `think_bits:keys=8,high=${share},residual=${R},first=${first},every=${every}`;
    await withModel({ nHeads: 6, nKvHeads: 2, headDim }, { prune }, async ({ loaded }) => {
      const { cache } = loaded.engine;
      const slot = cache.openSlot();
      await answer(loaded.engine, slot, { ids: tokens(500, 1), nDecode: 70 });
      const units = (rows: number, unit: number) => Math.floor((rows - first - R) / unit) * unit;
      const prompt = units(500, 64);
      const coded = every === 0 ? prompt : prompt + units(569 - prompt, every);
      const high = Math.floor(share * coded / 64 + 0.5) * 64;
      // Of channels that are all in one class two masks remain for each class of rows.
      const masks = [high, coded - high].filter((rows) => rows > 0).length * 2 * headDim / 8;
      const keys = coded * headDim * 4 / 8 + coded / 64 * headDim * 4 + masks;
      const values = high * headDim * 4 / 8 + (coded - high) * headDim * 2 / 8 + 4 * coded;
      const full = 2 * 2 * headDim * (570 - coded);
      const stored = cache.nHeadsPerSlot * (keys + values + full);
      assertEquals(slotStoredBytes(cache, slot), stored, prune);
      const { allocated } = cache.table.bytesOf(slot);
      const slack = cache.nHeadsPerSlot * 2 * 2 * PAGE_ROWS * 2 * headDim;
      assert(allocated >= stored && allocated <= stored + slack, `${allocated} for ${stored}`);
      cache.closeSlot(slot);
      assertEquals(cache.table.allocatedBytes, 0);
    });
  }
});

Deno.test("chunks and company change no bit of an answer over classes", async () => {
  const prune = "think_bits:high=0.5,group=32,residual=32";
  await withModel({ nHeads: 6, nKvHeads: 2, seed: 5 }, { prune, parallel: 2 }, async (model) => {
    const { engine } = model.loaded;
    const runs: Uint32Array[][] = [];
    for (const chunk of [512, 100, 33]) {
      const slot = engine.cache.openSlot();
      runs.push(await answer(engine, slot, { ids: tokens(240, 6), chunk, nDecode: 70 }));
      engine.cache.closeSlot(slot);
    }
    assertEquals(runs[1], runs[0]);
    assertEquals(runs[2], runs[0]);
    const prompts = [1, 2, 3].map((seed) => ({ tokens: tokens(90 + 40 * seed, seed) }));
    const options = { maxTokens: 60, temperature: 0, ignoreStop: true } as const;
    const alone: (readonly number[])[] = [];
    for (const prompt of prompts) alone.push((await model.generate(prompt, options).result).tokens);
    for await (const { index, result } of model.batch(prompts, options)) {
      assertEquals(result.tokens, alone[index]);
    }
  });
});

Deno.test("the budget holds classes where no dense cache fits, layer by layer", async () => {
  const shape = { nHeads: 3, nKvHeads: 3, headDim: 64 };
  const kvMax = 900 * 1024;
  await withModel(shape, { prune: "think_bits:keys=2,high=0.25", kvMax }, async (model) => {
    const options = { maxTokens: 200, temperature: 0, ignoreStop: true } as const;
    const { stats, tokens: out } = await model.generate({ tokens: tokens(600, 7) }, options).result;
    assertEquals(out.length, 200);
    assert(stats.kv.peakBytes <= kvMax, `${stats.kv.peakBytes}`);
    assert(stats.kv.storedBytes < stats.kv.denseBytes / 3);
  });
});

Deno.test("what cannot follow rows that lie by class is refused", async () => {
  const shape = { nHeads: 2, nKvHeads: 1 };
  const refused = async (options: { prune: string; attention?: string }, message: string) => {
    const error = await assertRejects(
      () => withModel(shape, options, () => Promise.resolve()),
      KerfError,
      message,
    );
    assertEquals([error.exitCode, error.hints.length], [2, 1], message);
  };
  await refused({ prune: "snapkv:every=8+think_bits" }, "cannot leave one by one");
  await refused({ prune: "think_bits:window=65" }, "a window of 65 queries needs as many rows");
  await refused({ prune: "think_bits:high=1.5" }, "high");
  await refused({ prune: "think_bits+kivi" }, "how rows are coded");
  for (const attention of ["alibi", "sliding_window"]) {
    await refused({ prune: "think_bits", attention }, `Cannot attend with "${attention}"`);
  }
  await withModel(shape, { prune: "think_bits", attention: "softcap" }, async (model) => {
    assertEquals(
      (await model.generate({ tokens: tokens(200, 1) }, { maxTokens: 2 }).result).tokens.length > 0,
      true,
    );
  });
});
