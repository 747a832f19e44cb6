/**
 * What must hold of coded caches, whatever the kernels do: which rows are coded and when, what their codes
 * are, that decoding reads what they stand for, bytes, and that neither chunks, company nor turns change a
 * bit (THINK.md, sections 3 and 4).
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { KerfError, load } from "kerf";
import { slotStoredBytes } from "../src/engine/cache_bytes.ts";
import type { Engine } from "../src/engine/engine.ts";
import { keptChannelsOf } from "../src/engine/mask.ts";
import { PAGE_ROWS } from "../src/layout/mod.ts";
import { testFolder } from "../src/model/testing_files.ts";
import { tinyModel } from "../src/model/testing.ts";
import { codeRowsReference, decoded } from "../src/reference/mod.ts";
import type { AffineCode } from "../src/reference/mod.ts";
import { codedRows, segmentRows, segmentsOfStream, writeSegmentRows } from "./_cached_rows.ts";
import { answer, withSlots } from "./_coded_rows.ts";
import { tokens } from "./_eviction.ts";
import { openTwins } from "./_twins.ts";

const STREAMS = ["key", "value"] as const;

/** Rows in the compressed and the full segment of every stream of head 0. */
const sizes = (engine: Engine, slot: number) =>
  STREAMS.map((stream) =>
    segmentsOfStream(engine, stream)
      .map(({ index }) => engine.cache.sizeOf({ slot, head: 0 }, index).rows)
  );

Deno.test("as many rows are coded as KIVI says, at the end of a prompt and while decoding", async () => {
  const shape = { nHeads: 6, nKvHeads: 2 };
  for (
    const [prune, R, keep, every] of [
      ["kivi:residual=32", 32, 1, 32],
      ["kivi:residual=64,bits=2", 64, 1, 64],
      ["kivi:residual=32,keep=0", 32, 0, 32],
      ["kivi:residual=64,every=32", 64, 1, 32],
      ["kivi:residual=32,every=96", 32, 1, 96],
      ["kivi:residual=32,every=0", 32, 1, 1e9],
    ] as const
  ) {
    await withSlots(shape, { prune }, async ({ loaded: { engine } }) => {
      for (const n of [1, R - 1, 2 * R - 1, 2 * R, 3 * R + 5]) {
        const slot = engine.cache.openSlot();
        let coded = 0;
        const due = (rows: number, unit: number) =>
          Math.floor(Math.max(0, rows - coded - keep * R) / unit) * unit;
        for (let nDecode = 0, at = n; nDecode <= 2 * R; nDecode += R / 2 + 1) {
          await answer(engine, slot, { ids: nDecode === 0 ? tokens(n, 1) : [], nDecode });
          // As at the end of a prefill; then what a step appended is coded before the next one.
          coded += due(at, R);
          for (const end = at + nDecode; at < end; at++) coded += due(at, every);
          assertEquals(sizes(engine, slot), [[coded, at - coded], [coded, at - coded]], prune);
        }
        engine.cache.closeSlot(slot);
      }
    });
  }
});

Deno.test("rows that are not yet coded are dense, bit for bit (oracle 3)", async () => {
  const shape = { nHeads: 4, nKvHeads: 1, seed: 2 };
  const runs: Uint32Array[][] = [];
  for (const prune of ["none", "kivi", "think:ratio=0.5,recent=128+kivi"]) {
    await withSlots(shape, { prune }, async ({ loaded: { engine } }) => {
      const slot = engine.cache.openSlot();
      runs.push(await answer(engine, slot, { ids: tokens(200, 3), chunk: 64, nDecode: 56 }));
    });
  }
  const [dense, ...others] = runs;
  for (const run of others) assertEquals(run, dense);
});

/** What the rows of a head's compressed segments must read as, from the full rows that were coded. */
const coded = (rows: readonly number[][], code: AffineCode) =>
  codeRowsReference(rows, code).map((row) => row.map(decoded));

Deno.test("codes are those of the full rows, and a flush drops the prefill mask's channels (oracle 8)", async () => {
  for (
    const [prune, nHeads, nKvHeads] of [
      ["kivi:residual=32,bits=2", 3, 3],
      ["think:ratio=0.4,recent=32+kivi:residual=32,bits=4", 6, 2],
      ["think:ratio=0+kivi:residual=64,bits=8,group=64", 8, 1],
      ["think:ratio=0.4,recent=32+kivi:residual=48,rowScales=1", 6, 2],
    ] as const
  ) {
    await withSlots(
      { nHeads, nKvHeads, headDim: 48 },
      { prune },
      async ({ loaded: { engine } }) => {
        const { cache } = engine;
        const slot = cache.openSlot();
        const ids = tokens(150, 4);
        await engine.step([{ slot, position: 0, tokens: ids, logits: "none" }]);
        const everything = async () =>
          await Promise.all(
            Array.from({ length: cache.nHeadsPerSlot }, (_, head) =>
              Promise.all(STREAMS.map((stream) =>
                Promise.all(
                  segmentsOfStream(engine, stream)
                    .map((segment) =>
                      segmentRows(engine, { slot, head }, segment)
                    ),
                )
              ))),
          );
        let mask: string | undefined;
        const check = async (change: () => Promise<void>) => {
          const before = await everything();
          await change();
          const after = await everything();
          const layers = await keptChannelsOf(engine, slot);
          mask ??= JSON.stringify(layers);
          assertEquals(JSON.stringify(layers), mask, "the mask stays");
          before.forEach((streams, head) =>
            streams.forEach(([compressed, full], s) => {
              const [own, rest] = after[head]![s]!;
              const moved = full!.length - rest!.length;
              assert(moved > 0, `${prune}: nothing moved`);
              assertEquals(rest, full!.slice(moved), "the newest rows stay as they are");
              assertEquals(own!.slice(0, compressed!.length), compressed, "codes stay");
              const { keptChannels } = layers[Math.floor(head / nKvHeads)]!.heads[head % nKvHeads]!;
              const kept = s === 0 ? keptChannels : null;
              const rows = full!.slice(0, moved).map((row) =>
                kept ? kept.map((c) => row[c]!) : row
              );
              const code = segmentsOfStream(engine, STREAMS[s]!)[0]!.segment.code as AffineCode;
              assertEquals(own!.slice(compressed!.length), coded(rows, code), `${prune}, ${s}`);
            })
          );
        };
        await check(() => engine.compress(slot));
        const { flush } = segmentsOfStream(engine, "key").at(-1)!.segment;
        for (let flushes = 0; flushes < 2;) {
          if (sizes(engine, slot)[0]!.at(-1) === flush!.atRows) {
            await check(() => engine.flush(slot));
            flushes++;
          }
          const position = cache.tokensOf(slot);
          await engine.step([{ slot, position, tokens: [5], logits: "none" }]);
        }
        cache.closeSlot(slot);
      },
    );
  }
});

/** Writes what a coded engine's compressed rows read as over a dense twin's rows of slot 0. */
async function copyCompressed(from: Engine, to: Engine) {
  const { headDim, nKvHeads } = to.cache.shape;
  const layers = await keptChannelsOf(from, 0);
  for (const stream of STREAMS) {
    const [compressed] = segmentsOfStream(from, stream);
    const [own] = segmentsOfStream(to, stream);
    for (let head = 0; head < to.cache.nHeadsPerSlot; head++) {
      const at = { slot: 0, head };
      const { keptChannels } = layers[Math.floor(head / nKvHeads)]!.heads[head % nKvHeads]!;
      const rows = (await segmentRows(from, at, compressed!)).map((row) => {
        const whole = new Array<number>(headDim).fill(0);
        row.forEach((x, c) => whole[stream === "key" ? keptChannels?.[c] ?? c : c] = x);
        return whole;
      });
      await writeSegmentRows(to, at, own!, rows);
    }
  }
}

Deno.test("decoding over codes equals dense decoding over what they stand for (oracle 1)", async () => {
  for (
    const [i, [nHeads, nKvHeads, headDim, prune]] of ([
      [3, 3, 32, "kivi:residual=32,bits=2"],
      [6, 2, 48, "kivi:residual=64,bits=4,group=64"],
      [8, 1, 64, "think:ratio=0.4,recent=32+kivi:residual=32,bits=4"],
      [4, 1, 32, "think:ratio=0.7,recent=100+kivi:residual=32,bits=8"],
      [4, 2, 48, "think:ratio=0.4,recent=20+kivi:residual=16,group=16,rowScales=1"],
    ] as const).entries()
  ) {
    await using twins = await openTwins({ nHeads, nKvHeads, headDim, seed: i }, { prune });
    const [a, b] = [twins.model.loaded.engine, twins.twin.loaded.engine];
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
    }
  }
});

Deno.test("stored bytes are the formula's, lie in live pages, and are freed (oracle 5)", async () => {
  const [headDim, nKvHeads] = [32, 2];
  for (
    const [prune, R, b, width] of [
      ["kivi:residual=32,bits=2", 32, 2, 32],
      ["kivi:residual=128,bits=4", 128, 4, 32],
      ["kivi:residual=48,bits=4,rowScales=1", 48, 4, 32],
      ["think:ratio=0.4,recent=32+kivi:residual=32,bits=2", 32, 2, 20],
    ] as const
  ) {
    await withSlots({ nHeads: 6, nKvHeads }, { prune }, async ({ loaded: { engine } }) => {
      const { cache } = engine;
      const slot = cache.openSlot();
      await answer(engine, slot, { ids: tokens(500, 1), nDecode: 70 });
      const coded = Math.floor((569 - R) / R) * R;
      const full = 2 * 2 * headDim * (570 - coded);
      const keys = coded * width * b / 8 + coded / 32 * width * 4 +
        (width < headDim ? headDim / 8 : 0);
      const values = coded * (headDim * b / 8 + 4);
      const stored = cache.nHeadsPerSlot * (full + keys + values);
      assertEquals(slotStoredBytes(cache, slot), stored, prune);
      const { allocated } = cache.table.bytesOf(slot);
      const slack = cache.nHeadsPerSlot * 2 * 2 * PAGE_ROWS * 2 * headDim;
      assert(allocated >= stored && allocated <= stored + slack, `${allocated} for ${stored}`);
      cache.closeSlot(slot);
      assertEquals(cache.table.allocatedBytes, 0);
    });
  }
});

Deno.test("chunks and company change no bit of a coded answer", async () => {
  const row = "think:ratio=0.5,recent=32+kivi:residual=32,rowScales=1";
  for (const prune of ["kivi:residual=32,bits=2", row]) {
    await withSlots({ nHeads: 6, nKvHeads: 2, seed: 5 }, { prune }, async (model) => {
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
      const options = { maxTokens: 80, temperature: 0, ignoreStop: true } as const;
      const alone: (readonly number[])[] = [];
      for (const prompt of prompts) {
        alone.push((await model.generate(prompt, options).result).tokens);
      }
      for await (const { index, result } of model.batch(prompts, options)) {
        assertEquals(result.tokens, alone[index]);
      }
    });
  }
});

Deno.test("the budget holds a coded cache where no dense one fits", async () => {
  const shape = { nHeads: 3, nKvHeads: 3, headDim: 64 };
  const prompt = { tokens: tokens(600, 7) };
  const options = { maxTokens: 200, temperature: 0, ignoreStop: true } as const;
  const kvMax = 900 * 1024;
  await withSlots(shape, { prune: "kivi:bits=2,residual=32", kvMax }, async (model) => {
    const { stats, tokens } = await model.generate(prompt, options).result;
    assertEquals(tokens.length, 200);
    assert(stats.kv.peakBytes <= kvMax, `${stats.kv.peakBytes}`);
    assert(stats.kv.storedBytes < stats.kv.denseBytes / 3);
  });
  await withSlots(shape, { prune: "none", kvMax }, async (model) => {
    await assertRejects(() => model.generate(prompt, options).result, KerfError, "Cannot run");
  });
});

Deno.test("specs whose rows cannot be coded are refused", async () => {
  await using folder = await testFolder();
  const model = await folder.write("tiny.gguf", tinyModel({ nHeads: 2, nKvHeads: 1, headDim: 32 }));
  for (
    const [prune, message] of [
      ["kivi:bits=3", "a code has no 3 bits"],
      ["kivi:group=48", "48 values share no scale"],
      ["kivi:residual=48", "48 rows are no whole groups of 32"],
      ["kivi+kivi", "how rows are coded"],
      ["snapkv:every=64+kivi:bits=2", "rows that share scales cannot leave one by one"],
      ["kivi+think", 'Cannot run "think" after "kivi"'],
    ] as const
  ) {
    const error = await assertRejects(() => load({ model, prune }), KerfError, message);
    assertEquals([error.exitCode, error.hints.length], [2, 1], prune);
  }
});
