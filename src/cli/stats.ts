/** Statistics of an answer as people read them. */

import { formatBytes } from "../core/bytes.ts";
import type { GenerateResult, Model } from "../mod.ts";
import { dim } from "./terminal.ts";

const rate = (n: number, ms: number) => ms > 0 ? `${(1000 * n / ms).toFixed(1)} tok/s` : "–";

/** Two lines: time, then bytes. */
export function statsText(model: Model, { finishReason, stats }: GenerateResult): string {
  const { ttftMs, prefillTokens, prefillMs, decodeTokens, decodeMs, kv, peakRssBytes } = stats;
  const share = kv.denseBytes === 0 ? 100 : 100 * kv.storedBytes / kv.denseBytes;
  return dim([
    `${model.device}: ${prefillTokens} prompt tokens at ${rate(prefillTokens, prefillMs)}, ` +
    `first token after ${ttftMs.toFixed(0)} ms, ` +
    `${decodeTokens} more at ${rate(decodeTokens, decodeMs)}, ${finishReason}`,
    `cache (${model.loaded.prune.spec}): ${kv.tokens} tokens in ${formatBytes(kv.storedBytes)}, ` +
    `${share.toFixed(1)} % of dense, allocated ${formatBytes(kv.allocatedBytes)}, ` +
    `peak ${formatBytes(kv.peakBytes)}; process peak ${formatBytes(peakRssBytes)}`,
  ].join("\n"));
}
