/**
 * What a basis must mean: as long as no row is coded, a turned cache answers as the model's own channels do but
 * for rounding; codes are those of the turned rows and take kivi's bytes; chunks, company and turns change
 * no bit.
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { load } from "kerf";
import { KerfError } from "../src/core/error.ts";
import { slotStoredBytes } from "../src/engine/cache_bytes.ts";
import type { Engine } from "../src/engine/engine.ts";
import { testFolder } from "../src/model/testing_files.ts";
import { tinyModel } from "../src/model/testing.ts";
import { turnReference } from "../src/reference/mod.ts";
import { segmentRows, segmentsOfStream } from "./_cached_rows.ts";
import { F32, tokens, withModel } from "./_eviction.ts";
import { farthest } from "./_twins.ts";

const STREAMS = ["key", "value"] as const;

/** Three turns, each compressed, and some decoded rows: the logits of every step. */
async function answer(engine: Engine, { n, chunk = 512 }: { n: number; chunk?: number }) {
  const slot = engine.cache.openSlot();
  const seen: Float32Array[] = [];
  const step = async (ids: number[]) => {
    const position = engine.cache.tokensOf(slot);
    const logits = await engine.step([{ slot, position, tokens: ids, logits: "last" }]);
    seen.push(...logits.map((row) => Float32Array.from(row)));
  };
  for (const [turn, length] of [n, 1, 40].entries()) {
    const ids = tokens(length, turn);
    for (let at = 0; at < ids.length; at += chunk) await step(ids.slice(at, at + chunk));
    await engine.compress(slot);
    for (let i = 0; i < 3; i++) {
      await engine.flush(slot);
      await step([5 + i]);
    }
  }
  const stored = slotStoredBytes(engine.cache, slot);
  const rows = await Promise.all(STREAMS.map((stream) => {
    const last = segmentsOfStream(engine, stream).at(-1)!;
    return segmentRows(engine, { slot, head: 0 }, last);
  }));
  engine.cache.closeSlot(slot);
  return { seen, stored, rows };
}

Deno.test("a turned cache answers as the model's own channels do, which it stores turned", async () => {
  for (
    const [nHeads, nKvHeads, headDim, n, prune] of [
      [3, 3, 32, 1, "rotated:residual=1024"],
      [6, 2, 32, 31, "rotated:residual=1024,keys=0"],
      [4, 1, 32, 127, "rotated:residual=1024,values=0"],
      [8, 1, 32, 33, "rotated:residual=1024"],
    ] as const
  ) {
    const shape = { nHeads, nKvHeads, headDim };
    const runs: Awaited<ReturnType<typeof answer>>[] = [];
    for (const spec of ["none", prune]) {
      await withModel(shape, { prune: spec, ...F32 }, async ({ loaded: { engine } }) => {
        runs.push(await answer(engine, { n }));
      });
    }
    const [own, turned] = runs as [typeof runs[0], typeof runs[0]];
    // Logits of size 4; every key and value is a sum of headDim roundings more.
    turned!.seen.forEach((logits, i) => {
      const off = farthest(logits, own!.seen[i]!);
      assert(off < 2e-4, `${prune}, step ${i}: ${off}`);
    });
    assertEquals(turned!.stored, own!.stored);
    STREAMS.forEach((stream, s) => {
      const isTurned = !prune.includes(`${stream}s=0`);
      own!.rows[s]!.forEach((row, i) => {
        const want = isTurned ? turnReference(row) : row;
        // Layers below turned theirs: their rounding comes along.
        const off = farthest(turned!.rows[s]![i]!, want);
        assert(off < 1e-4, `${prune}: ${stream} ${i}: ${off}`);
      });
    });
  }
});

Deno.test("codes of turned rows take the bytes of plain ones, beside pruned channels and evicted rows too", async () => {
  const shape = { nHeads: 6, nKvHeads: 2, headDim: 32 };
  const pairs = [
    ["rotated:residual=32,group=32", "kivi:residual=32"],
    ["think:ratio=0.5+rotated:keys=0,residual=32,group=32", "think:ratio=0.5+kivi:residual=32"],
    ["snapkv:budget=120+rotated:residual=32,group=32", "snapkv:budget=120+kivi:residual=32"],
  ];
  for (const specs of pairs) {
    const stored: number[] = [];
    for (const prune of specs) {
      await withModel(shape, { prune }, async ({ loaded: { engine } }) => {
        stored.push((await answer(engine, { n: 200 })).stored);
      });
    }
    assertEquals(stored[0], stored[1], specs[0]);
  }
});

Deno.test("chunks and company change no bit of a turned answer", async () => {
  const shape = { nHeads: 6, nKvHeads: 2, headDim: 32, seed: 5 };
  const prune = "rotated:residual=32,group=32,keyBits=2";
  await withModel(shape, { prune }, async (model) => {
    const { engine } = model.loaded;
    const last = async (chunk: number) =>
      new Uint32Array((await answer(engine, { n: 150, chunk })).seen.at(-1)!.slice().buffer);
    const whole = await last(512);
    for (const chunk of [100, 33]) assertEquals(await last(chunk), whole);
    const prompts = [1, 2].map((seed) => ({ tokens: tokens(60 + 40 * seed, seed) }));
    const options = { maxTokens: 40, temperature: 0, ignoreStop: true } as const;
    const alone: (readonly number[])[] = [];
    for (const prompt of prompts) alone.push((await model.generate(prompt, options).result).tokens);
    for await (const { index, result } of model.batch(prompts, options)) {
      assertEquals(result.tokens, alone[index]);
    }
  });
});

Deno.test("heads that no Hadamard matrix fits are refused, with the spec that turns nothing", async () => {
  await using folder = await testFolder();
  const model = await folder.write("tiny.gguf", tinyModel({ nHeads: 2, nKvHeads: 1, headDim: 48 }));
  const error = await assertRejects(
    () => load({ model, prune: "rotated:keyBits=2" }),
    KerfError,
    'Cannot turn keys with "rotated": a Hadamard basis has a power of two of channels, and the ' +
      "model's heads have 48",
  );
  assertEquals(error.hints, ["--prune rotated:keyBits=2,keys=0,values=0"]);
  using plain = await load({ model, prune: "rotated:keys=0,values=0" });
  assertEquals(plain.loaded.engine.cache.shape.layout.key.segments.at(-1)!.basis, "identity");
});
