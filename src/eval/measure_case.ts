/** One case on one spec: prefill with the full cache, compress once, measure, and what each took. */

import type { Engine } from "../engine/engine.ts";
import type { Loaded } from "../engine/load.ts";
import type { EvalCase, Measured } from "./case.ts";
import type { EvalResult } from "./results.ts";
import { CompressedRun } from "./run.ts";

/** What one case gave on one spec. */
export interface CaseOutcome extends
  Pick<
    EvalResult,
    | ("storedBytes" | "denseBytes" | "decodeTokensPerSecond")
    | ("prefillMs" | "compressMs" | "measureMs")
  > {
  readonly measured: Measured<unknown>;
}

/** Prefills an empty slot in chunks. @returns f32 [nVocab] of the last row */
async function prefill(
  { engine, chunkSize }: { readonly engine: Engine; readonly chunkSize: number },
  slot: number,
  prompt: readonly number[],
): Promise<Float32Array> {
  let last: Float32Array[] = [];
  for (let at = 0; at < prompt.length; at += chunkSize) {
    const tokens = prompt.slice(at, at + chunkSize);
    const logits = at + chunkSize >= prompt.length ? "last" : "none";
    last = await engine.step([{ slot, position: at, tokens, logits }]);
  }
  return last[0]!;
}

/**
 * Measures a case.
 *
 * @param full the full cache's trace, where the case is compared with it
 */
export async function measureCase(
  loaded: Pick<Loaded, "engine" | "chunkSize">,
  item: EvalCase,
  full: unknown,
): Promise<CaseOutcome> {
  const { engine } = loaded;
  const slot = engine.cache.openSlot();
  try {
    const start = performance.now();
    const promptLogits = await prefill(loaded, slot, item.prompt);
    const prefilled = performance.now();
    await engine.compress(slot);
    const compressed = performance.now();
    const run = new CompressedRun(engine, slot, promptLogits);
    const measured = await item.measure(run, full);
    return {
      measured,
      ...run.bytes,
      decodeTokensPerSecond: run.decodeTokensPerSecond,
      prefillMs: prefilled - start,
      compressMs: compressed - prefilled,
      measureMs: performance.now() - compressed,
    };
  } finally {
    engine.cache.closeSlot(slot);
  }
}
