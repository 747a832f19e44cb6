/** How a sequence ended: its tokens, and what it took in time and bytes. */

import { slotDenseBytes, slotStoredBytes } from "./cache_bytes.ts";
import type { Engine } from "./engine.ts";
import type { FinishReason, Sequence, SequenceStats } from "./sequence.ts";

/** How a request ended. */
export interface Outcome {
  readonly index: number;
  readonly tokens: readonly number[];
  /** Every token whose row is cached. */
  readonly cachedTokens: readonly number[];
  readonly finishReason: FinishReason;
  readonly stats: SequenceStats;
}

/** The outcome of a sequence that has ended, while its slot is still open. */
export function outcomeOf({ cache }: Engine, s: Sequence): Outcome {
  const now = performance.now();
  const first = s.firstTokenMs ?? now;
  const { allocated, peak } = cache.table.bytesOf(s.slot);
  return {
    index: s.index,
    tokens: s.generated,
    cachedTokens: s.tokens.slice(0, s.nCached),
    finishReason: s.finish!,
    stats: {
      ttftMs: first - s.startMs,
      prefillTokens: s.nPrefilled,
      prefillMs: first - s.openMs,
      decodeTokens: s.nDecoded,
      decodeMs: now - first,
      kv: {
        denseBytes: slotDenseBytes(cache, s.slot),
        storedBytes: slotStoredBytes(cache, s.slot),
        allocatedBytes: allocated,
        peakBytes: peak,
        tokens: cache.tokensOf(s.slot),
      },
    },
  };
}
