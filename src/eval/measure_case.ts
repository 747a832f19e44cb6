/** One case on one spec: prefill with the full cache, compress once, measure, and what each took. */

import type { EvalCase, Measured } from "./case.ts";
import type { Prefiller, Prefills } from "./prefills.ts";
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

/**
 * Measures a case.
 *
 * @param prefills of the case's prompt
 * @param full the full cache's trace, where the case is compared with it
 */
export async function measureCase(
  loaded: Prefiller,
  item: EvalCase,
  { prefills, full }: { readonly prefills: Prefills; readonly full: unknown },
): Promise<CaseOutcome> {
  const { engine } = loaded;
  const start = performance.now();
  const { slot, logits } = await prefills.open(loaded);
  try {
    const prefilled = performance.now();
    await engine.compress(slot);
    const compressed = performance.now();
    const run = new CompressedRun(engine, slot, logits);
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
