/** What tests of evicted caches share: tiny models, and feeding them by hand. */

import { load } from "kerf";
import type { LoadOptions, Model } from "kerf";
import { maskOf } from "../src/engine/mask.ts";
import { testFolder } from "../src/model/testing_files.ts";
import { tinyModel } from "../src/model/testing.ts";
import type { TinyModelOptions } from "../src/model/testing.ts";

/** Query heads and KV heads: 1, 3, 4 and 8 query heads share a KV head. */
export const GQA = [[3, 3], [6, 2], [4, 1], [8, 1]] as const;
/** Caches in which only the order of sums differs from a reference. */
export const F32 = { activations: "f32", cacheTypes: { key: "f32", value: "f32" } } as const;

/** Token ids of the tiny model, another list for every seed. */
export const tokens = (n: number, seed: number) =>
  Array.from({ length: n }, (_, i) => 3 + (Math.imul(i + 1, 7919 + seed * 104729) >>> 7) % 290);

/** Loads a tiny model, runs, and closes it. */
export async function withModel(
  shape: TinyModelOptions,
  options: LoadOptions,
  run: (model: Model) => Promise<void>,
): Promise<void> {
  await using folder = await testFolder();
  const path = await folder.write("tiny.gguf", tinyModel({ nCtx: 1024, headDim: 32, ...shape }));
  using model = await load({ model: path, parallel: 1, ...options });
  await run(model);
}

/** Feeds tokens in chunks, compresses, decodes: the logits of every step, as bits. */
export async function bitsOf(
  { loaded: { engine } }: Model,
  slot: number,
  { ids, chunk, nDecode = 3 }: { ids: readonly number[]; chunk: number; nDecode?: number },
): Promise<Uint32Array[]> {
  const seen: Float32Array[] = [];
  let position = engine.cache.tokensOf(slot);
  for (let at = 0; at < ids.length; at += chunk) {
    const rows = ids.slice(at, at + chunk);
    const isLast = at + chunk >= ids.length;
    seen.push(
      ...await engine.step([{ slot, position, tokens: rows, logits: isLast ? "last" : "none" }]),
    );
    position += rows.length;
  }
  await engine.compress(slot);
  for (let i = 0; i < nDecode; i++) {
    seen.push(...await engine.step([{ slot, position, tokens: [5 + i], logits: "last" }]));
    position++;
  }
  return seen.map((logits) => Uint32Array.from(new Uint32Array(Float32Array.from(logits).buffer)));
}

/** Per layer and KV head, the true positions of the rows that a slot holds; null: all. */
export const keptTokens = async ({ loaded: { engine } }: Model, slot: number) =>
  (await maskOf(engine, slot)).map(({ heads }) => heads.map((head) => head.keptTokens));
