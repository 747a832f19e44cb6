/**
 * A pruned model and a twin with the same weights that prunes less, fed alike: once the twin's rows hold what the other's
 * read as, both must answer alike.
 */

import { assert, assertEquals } from "@std/assert";
import { load } from "kerf";
import type { Model } from "kerf";
import { testFolder } from "../src/model/testing_files.ts";
import { tinyModel } from "../src/model/testing.ts";
import type { TinyModelOptions } from "../src/model/testing.ts";
import { F32 } from "./_eviction.ts";

/** The largest difference; NaN when there is one. */
export const farthest = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((most, value, i) => {
    const off = Math.abs(value - b[i]!);
    return off > most || Number.isNaN(off) ? off : most;
  }, 0);

/** Both models, slot 0 open in each. */
export interface Twins extends AsyncDisposable {
  readonly model: Model;
  readonly twin: Model;
  /** Feeds both the next tokens of slot 0; the logits of the last must agree. */
  step(ids: readonly number[], what: string): Promise<void>;
}

/** Loads a tiny model twice, with f32 caches: with `prune`, and with `less` of it, by default nothing. */
export async function openTwins(
  shape: TinyModelOptions,
  { prune, less = "none" }: { readonly prune: string; readonly less?: string },
): Promise<Twins> {
  const folder = await testFolder();
  const path = await folder.write("tiny.gguf", tinyModel({ nCtx: 1024, headDim: 32, ...shape }));
  const model = await load({ model: path, prune, ...F32, parallel: 1 });
  const twin = await load({ model: path, prune: less, ...F32, parallel: 1 });
  const [a, b] = [model.loaded.engine, twin.loaded.engine];
  assertEquals([a.cache.openSlot(), b.cache.openSlot()], [0, 0]);
  let position = 0;
  return {
    ...{ model, twin },
    async step(tokens, what) {
      const rows = { slot: 0, position, tokens, logits: "last" } as const;
      const [[x], [y]] = [await a.step([rows]), await b.step([rows])];
      position += tokens.length;
      // Sums in another order, and scales folded into queries: logits of size 4 and sums of up to 1000 terms.
      assert(farthest(x!, y!) < 2e-4, `${prune}: ${what}: ${farthest(x!, y!)}`);
    },
    async [Symbol.asyncDispose]() {
      model.close();
      twin.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}
