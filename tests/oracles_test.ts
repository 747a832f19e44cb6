/**
 * What must hold of pruning whatever the kernels do (THINK.md, section 4): 2 and 4 of the score, 3 and 5
 * of the engine, over sizes, GQA ratios and seeds. Oracle 1 is oracle_test.ts; 7, and all of these on bare
 * kernels, tests/parity/.
 */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { load } from "kerf";
import type { LoadOptions, Model } from "kerf";
import think from "../kernels/prune/think.ts";
import { slotStoredBytes } from "../src/engine/cache_bytes.ts";
import { testFolder } from "../src/model/testing_files.ts";
import { tinyModel } from "../src/model/testing.ts";
import type { TinyModelOptions } from "../src/model/testing.ts";
import { authorRunner, channelScoresReference } from "../src/reference/mod.ts";
import { randomFrom } from "./_kernel.ts";

/** Query heads and KV heads: 1, 3, 4 and 8 query heads share a KV head. */
const GQA = [[3, 3], [6, 2], [4, 1], [8, 1]] as const;

const tokens = (n: number, seed: number) =>
  Array.from({ length: n }, (_, i) => 3 + (Math.imul(i + 1, 7919 + seed * 104729) >>> 7) % 290);

Deno.test("the score ranks channels as the norm of what they add to the logits (oracles 2 and 4)", () => {
  const score = authorRunner(think, "steps[0].score");
  for (const [i, [nHeads, nKvHeads]] of GQA.entries()) {
    const group = nHeads / nKvHeads;
    for (const [window, nKeys] of [[1, 1], [7, 31], [32, 33], [32, 127]] as const) {
      const random = randomFrom(100 * i + nKeys);
      const headDim = 16;
      const rows = (n: number) =>
        Array.from(
          { length: n },
          () => Float64Array.from({ length: headDim }, (_, c) => random() * (c === 3 ? 40 : 1)),
        );
      const queries = Array.from({ length: group }, () => rows(window));
      const keys = rows(nKeys);
      const input = { queries, keys, headDim, group: "mean", score, context: {} } as const;
      channelScoresReference(input).forEach((got, c) => {
        // The stacked queries of the group, multiplied out: a (group·window) × nKeys matrix.
        let squares = 0;
        for (const q of queries.flat()) for (const k of keys) squares += (q[c]! * k[c]!) ** 2;
        const want = squares / (group * window * nKeys);
        // Sums in another order, in f64.
        assertAlmostEquals(got, want, 1e-12 * want, `group ${group}, ${window} × ${nKeys}`);
      });
    }
  }
});

async function withModel(
  shape: TinyModelOptions,
  options: LoadOptions,
  run: (model: Model) => Promise<void>,
): Promise<void> {
  await using folder = await testFolder();
  const path = await folder.write("tiny.gguf", tinyModel({ nCtx: 1024, ...shape }));
  using model = await load({ model: path, parallel: 1, ...options });
  await run(model);
}

/** Logits after a prompt and after every decoded token, with a compression between, as bits. */
async function bitsOf(
  { loaded: { engine, chunkSize } }: Model,
  { nPrompt, nDecode, seed }: { nPrompt: number; nDecode: number; seed: number },
): Promise<Uint32Array[]> {
  const slot = engine.cache.openSlot();
  const seen: Float32Array[] = [];
  const ids = tokens(nPrompt, seed);
  for (let at = 0; at < nPrompt; at += chunkSize) {
    const chunk = ids.slice(at, at + chunkSize);
    seen.push(...await engine.step([{ slot, position: at, tokens: chunk, logits: "last" }]));
  }
  await engine.compress(slot);
  for (let i = 0; i < nDecode; i++) {
    const row = { slot, position: nPrompt + i, tokens: [5 + i], logits: "last" } as const;
    seen.push(...await engine.step([row]));
  }
  engine.cache.closeSlot(slot);
  return seen.map((logits) => Uint32Array.from(new Uint32Array(Float32Array.from(logits).buffer)));
}

Deno.test("removing no channel, or of no row, is dense bit for bit (oracle 3)", async () => {
  for (const [seed, [nHeads, nKvHeads]] of GQA.entries()) {
    const shape = { nHeads, nKvHeads, headDim: 32, seed };
    const bits = async (prune: string, lengths: readonly number[]) => {
      const all: Uint32Array[][] = [];
      await withModel(shape, { prune }, async (model) => {
        for (const nPrompt of lengths) all.push(await bitsOf(model, { nPrompt, nDecode: 3, seed }));
      });
      return all;
    };
    const lengths = [1, 31, 33, 127, 300];
    const dense = await bits("none", lengths);
    assert(dense[0]![0]!.some((word) => word !== dense[0]![0]![0]), "logits are all alike");
    assertEquals(await bits("think:ratio=0", lengths), dense, `ratio 0, seed ${seed}`);
    // A head of 32 channels loses floor(0.03 · 32) = 0 of them.
    assertEquals(await bits("think:ratio=0.03", lengths), dense, `ratio 0.03, seed ${seed}`);
    // Every row of these is recent.
    const [one, some] = dense;
    assertEquals(await bits("think:ratio=0.9", [1, 31]), [one, some], `short, seed ${seed}`);
  }
});

Deno.test("stored bytes are the formula's and lie in allocated pages (oracle 5)", async () => {
  const headDim = 32;
  const cases = [
    { ratio: 0.3, recent: 0, type: "f32" },
    { ratio: 0.4, recent: 1, type: "f16" },
    { ratio: 0.5, recent: 32, type: "f32" },
    { ratio: 0.8, recent: 33, type: "f16" },
    { ratio: 0.95, recent: 128, type: "f16" },
  ] as const;
  for (const [i, { ratio, recent, type }] of cases.entries()) {
    const [nHeads, nKvHeads] = GQA[i % GQA.length]!;
    const prune = `think:ratio=${ratio},recent=${recent}`;
    const options = { prune, cacheTypes: { key: type, value: type } };
    await withModel({ nHeads, nKvHeads, headDim, seed: i }, options, async (model) => {
      const { engine } = model.loaded;
      const { cache } = engine;
      const bytes = type === "f16" ? 2 : 4;
      const kept = headDim - Math.floor(ratio * headDim);
      for (const nPrompt of [1, 32, 33, 127, 290]) {
        const slot = cache.openSlot();
        await engine.step([{ slot, position: 0, tokens: tokens(nPrompt, i), logits: "none" }]);
        await engine.compress(slot);
        for (let t = 0; t <= 3; t++) {
          const pruned = Math.max(0, nPrompt - recent);
          const perHead = bytes * (pruned * kept + (nPrompt - pruned + t) * headDim) +
            bytes * (nPrompt + t) * headDim + (pruned > 0 ? headDim / 8 : 0);
          const nHeadsOfAll = cache.nHeadsPerSlot;
          const what = `${prune}, ${nPrompt} + ${t} rows`;
          assertEquals(slotStoredBytes(cache, slot), nHeadsOfAll * perHead, what);
          // Masks lie beside the pages; above the rows there are a tile of the list and two pages at most.
          const rows = nHeadsOfAll * (perHead - (pruned > 0 ? headDim / 8 : 0));
          const slack = nHeadsOfAll *
            (16 * kept * bytes + 64 + 2 * 128 * headDim * bytes);
          const { allocated } = cache.table.bytesOf(slot);
          assert(
            allocated >= rows && allocated <= rows + slack,
            `${what}: ${allocated} for ${rows}`,
          );
          const position = nPrompt + t;
          await engine.step([{ slot, position, tokens: [9], logits: "none" }]);
        }
        cache.closeSlot(slot);
        assertEquals(cache.table.allocatedBytes, 0);
      }
    });
  }
});
