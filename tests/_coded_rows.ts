/** What tests of caches with coded rows share: tiny models of two slots, and feeding them by hand. */

import type { LoadOptions, Model } from "kerf";
import type { Engine } from "../src/engine/engine.ts";
import type { TinyModelOptions } from "../src/model/testing.ts";
import { withModel } from "./_eviction.ts";

/** Loads a tiny model of two slots, runs, and closes it. */
export const withSlots = (
  shape: TinyModelOptions,
  options: LoadOptions,
  run: (model: Model) => Promise<void>,
): Promise<void> => withModel(shape, { parallel: 2, ...options }, run);

const bits = (logits: Float32Array) =>
  Uint32Array.from(new Uint32Array(Float32Array.from(logits).buffer));

/** Feeds a prompt in chunks and compresses, then decodes: the logits of the last and every new row, as bits. */
export async function answer(
  engine: Engine,
  slot: number,
  { ids, chunk = 512, nDecode }: {
    readonly ids: readonly number[];
    readonly chunk?: number;
    readonly nDecode: number;
  },
): Promise<Uint32Array[]> {
  const seen: Float32Array[] = [];
  const step = async (tokens: readonly number[], logits: "last" | "none") => {
    const position = engine.cache.tokensOf(slot);
    seen.push(...await engine.step([{ slot, position, tokens, logits }]));
  };
  for (let at = 0; at < ids.length; at += chunk) {
    await step(ids.slice(at, at + chunk), at + chunk >= ids.length ? "last" : "none");
  }
  await engine.compress(slot);
  for (let i = 0; i < nDecode; i++) {
    await engine.flush(slot);
    await step([5 + i], "last");
  }
  return seen.map(bits);
}
